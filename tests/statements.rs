//! Every SQL statement of the store, prepared on SQLite and on PostgreSQL; and a comparison of the two schemas.
//!
//! PostgreSQL is used only if `VESTIBULE_TEST_POSTGRES` names the directory of its socket; `tests/run` sets the variable. The
//! tests reach PostgreSQL with `psql`, so they need no driver for it.
//!
//! A statement is the argument of `sql("…")` in a file of `src/store/`. An argument that is neither a literal nor a macro that
//! joins literals fails the test, so that no statement is left out.

#[path = "common/runtime.rs"]
mod runtime;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _, SqliteConnection};

use runtime::wait_for;

/// The files of `src/store/` whose SQL is for SQLite only, or that contain no statements: transactions, pragmas, files,
/// migrations, and the module `sql` itself.
const OF_ONE_ENGINE: [&str; 6] = ["writer.rs", "file.rs", "restored.rs", "sql.rs", "mod.rs", "migrations.rs"];

/// The variable with the directory of PostgreSQL's socket.
const SOCKET: &str = "VESTIBULE_TEST_POSTGRES";

/// The minimum number of statements that must be found. Without it, the tests would pass even if no statement was found.
const AT_LEAST: usize = 70;

/// A statement, and the file and line where it is.
struct Statement {
    place: String,
    text: String,
}

/// Returns the path of a folder of the repository.
fn below(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Returns the files of a folder with an ending, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == ending)).collect();
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it can be read")
}

/// Returns the statements of all files in `src/store/`, except [`OF_ONE_ENGINE`].
fn statements() -> Vec<Statement> {
    let mut found = Vec::new();
    for path in files(&below("src/store"), "rs") {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        if !OF_ONE_ENGINE.contains(&&*name) {
            collect(&name, &read(&path), &mut found);
        }
    }
    assert!(found.len() >= AT_LEAST, "only {} statements were found", found.len());
    found
}

/// Adds the statements of one source file to `found`. Panics if the argument of a call of `sql` is neither a literal nor a
/// macro that joins literals.
fn collect(file: &str, source: &str, found: &mut Vec<Statement>) {
    let macros = macros(source);
    for (at, _) in source.match_indices("sql(") {
        let before = source[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let line = source[..at].lines().count();
        let rest = source[at + "sql(".len()..].trim_start();
        let text = match rest.split_once("!(") {
            _ if rest.starts_with('"') => literal(rest).0,
            Some((name, argument)) if macros.contains_key(name) => {
                let (own, _) = literal(argument.trim_start());
                macros[name].iter().map(|part| part.as_ref().unwrap_or(&own).as_str()).collect()
            }
            _ => panic!("src/store/{file}:{line}: a statement is a literal, or a macro over one"),
        };
        found.push(Statement { place: format!("src/store/{file}:{line}"), text });
    }
}

/// Returns the macros of a file that join literals, each with its parts. A part is `None` if it is the argument of the macro.
fn macros(source: &str) -> BTreeMap<&str, Vec<Option<String>>> {
    let definitions = source.split("macro_rules! ").skip(1);
    let read = definitions.filter_map(|definition| {
        let name = definition.split([' ', '{']).next()?;
        let body = definition.split_once("concat!(")?.1;
        let (mut parts, mut rest) = (Vec::new(), body.trim_start());
        while !rest.starts_with(')') {
            if rest.starts_with('"') {
                let (text, after) = literal(rest);
                parts.push(Some(text));
                rest = after;
            } else {
                parts.push(None);
                rest = rest.trim_start_matches(|character: char| character != ',' && character != ')');
            }
            rest = rest.trim_start().trim_start_matches(',').trim_start();
        }
        Some((name, parts))
    });
    read.collect()
}

/// Returns the text of the literal at the beginning of `source`, and the source after the literal. Panics if there is no
/// literal.
fn literal(source: &str) -> (String, &str) {
    let inside = source.strip_prefix('"').unwrap_or_else(|| panic!("no literal: {source:.40}"));
    let mut text = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &inside[at + 1..]),
            '\\' => match characters.next() {
                Some((_, '"')) => text.push('"'),
                other => panic!("an escape that this test does not know: {other:?}"),
            },
            other => text.push(other),
        }
    }
    panic!("a literal without an end: {source:.40}")
}

/// Opens an SQLite database in memory with the tables of this version.
async fn sqlite() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("it opens");
    for path in files(&below("migrations"), "sql") {
        sqlx::raw_sql(AssertSqlSafe(read(&path))).execute(&mut connection).await.expect("it migrates");
    }
    connection
}

/// Runs a script with `psql` in an empty schema with the tables of the store, and rolls everything back. Returns the output of
/// `psql`, or `None` if [`SOCKET`] is not set. If `stops_at_errors` is true, `psql` stops at the first error in the script.
fn postgres(script: &str, stops_at_errors: bool) -> Option<Output> {
    let socket = env::var_os(SOCKET)?;
    let schema: String = files(&below("migrations/postgres"), "sql").iter().map(|path| read(path)).collect();
    let script = format!(
        "begin;\ncreate schema store;\nset local search_path to store;\n{schema}\n\\set ON_ERROR_STOP {}\n{script}\nrollback;\n",
        u8::from(stops_at_errors)
    );
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "vestibule", "-d", "postgres", "-h"])
        .arg(socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql is installed");
    let mut input = psql.stdin.take().expect("it is piped");
    let writes = std::thread::spawn(move || input.write_all(script.as_bytes()));
    let output = psql.wait_with_output().expect("psql ends");
    // If `psql` has stopped at an error, it does not read the rest of the script, and the write fails.
    writes.join().expect("no panic").ok();
    Some(output)
}

/// Returns the lines of a script's output. The script must succeed.
fn lines(output: Output) -> Vec<String> {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "after {:?}:\n{errors}", text.lines().next_back());
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_statement_prepares_on_both_engines() {
    let statements = statements();
    wait_for(async {
        let mut connection = sqlite().await;
        for Statement { place, text } in &statements {
            let prepared = connection.prepare(AssertSqlSafe(text.clone()).into_sql_str()).await;
            assert!(prepared.is_ok(), "{place}: {:?}\n{text}", prepared.err());
        }
    });
    println!("{} statements prepare on SQLite", statements.len());
    let mut script = String::new();
    for (number, Statement { place, text }) in statements.iter().enumerate() {
        script.push_str(&format!("\\echo {place}\nprepare s{number} as {text};\n"));
    }
    // The types that PostgreSQL infers for the placeholders. Each must be a type that the store can bind (`store::Value`).
    script.push_str(
        "\\echo types\nselect distinct unnest(parameter_types)::text from pg_prepared_statements order by 1;\n",
    );
    script.push_str("select count(*) from pg_prepared_statements;\n");
    let Some(output) = postgres(&script, true) else { return };
    let (lines, number) = (lines(output), statements.len().to_string());
    assert!(lines.ends_with(&["types", "bigint", "boolean", "bytea", "text", &number].map(str::to_owned)), "{lines:?}");
    println!("{} statements prepare on PostgreSQL", statements.len());
}

/// The statements whose cost must not depend on the length of what they page through: the file and a part of the text.
const PAGES: [(&str, &str); 11] = [
    ("audit.rs", "where  (at, id)"),
    ("audit.rs", "where user_id = $5 and"),
    ("audit.rs", "where event = $5 and"),
    ("user_search.rs", "where role = $3 and user_id > $1"),
    ("user_search.rs", "disabled_at is not null and id > $1"),
    ("user_search.rs", "from users where id > $1"),
    ("user_search.rs", "order by username_key"),
    ("user_search.rs", "order by email_key"),
    ("sessions.rs", "revoked_at is null and id < $2"),
    ("sessions.rs", "order by revoked_at desc, id desc"),
    ("devices.rs", "order by id limit $3"),
];

#[test]
fn a_page_is_read_from_an_index_in_its_order() {
    let statements = statements();
    wait_for(async {
        let mut connection = sqlite().await;
        for (file, part) in PAGES {
            let is_page = |statement: &&Statement| {
                statement.place.contains(&format!("/{file}:")) && statement.text.contains(part)
            };
            let Statement { place, text } =
                statements.iter().find(is_page).unwrap_or_else(|| panic!("no statement of {file} has {part:?}"));
            let plan = sqlx::raw_sql(AssertSqlSafe(format!("explain query plan {text}")))
                .fetch_all(&mut connection)
                .await
                .expect("it has a plan");
            let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            let all = steps.join("\n");
            assert!(!all.contains("SCAN"), "{place}\n{all}\n{text}");
            // The rows of one page may be sorted, and no more.
            let sorts = steps.iter().filter(|step| step.contains("TEMP B-TREE")).count();
            assert!(sorts <= usize::from(text.contains("where id in (select id")), "{place}\n{all}\n{text}");
        }
    });
}

#[test]
fn placeholders_are_numbered_from_one_without_a_gap() {
    for Statement { place, text } in statements() {
        let numbers: BTreeSet<usize> = text
            .split('$')
            .skip(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
            .map(|digits| digits.parse().unwrap_or_else(|_| panic!("{place}: a placeholder without a number\n{text}")))
            .collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len()), "{place}: {numbers:?}\n{text}");
        assert!(!text.contains('?'), "{place}: PostgreSQL has no ?\n{text}");
    }
}

/// A query of SQLite's catalogue. It returns a line for each column, unique constraint, index, foreign key and trigger. The
/// types have their PostgreSQL names.
const OF_SQLITE: &str = "
    with tables as (select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'),
    indexes as (select tables.name as of, i.name, i.\"unique\" as is_unique, i.partial, i.origin,
            (select group_concat(name, ',') from (select name from pragma_index_info(i.name) order by seqno)) as columns
        from tables, pragma_index_list(tables.name) as i)
    select 'column ' || tables.name || '.' || c.name || ' '
            || case c.type when 'INTEGER' then 'bigint' when 'BLOB' then 'bytea' else 'text' end
            || case when c.\"notnull\" or c.pk then ' not null' else '' end || coalesce(' default ' || c.dflt_value, '')
        from tables, pragma_table_info(tables.name) as c
    union all select 'unique ' || of || '(' || columns || ')' || case when partial then ' partly' else '' end
        from indexes where is_unique
    union all select 'unique ' || tables.name || '(' || c.name || ')'
        from tables, pragma_table_info(tables.name) as c
        where c.pk and not exists (select 1 from indexes where of = tables.name and origin = 'pk')
    union all select 'index ' || name || ' ' || of || '(' || columns || ')' || case when partial then ' partly' else '' end
        from indexes where not is_unique
    union all select 'reference ' || tables.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\" || ' '
            || lower(f.on_delete) from tables, pragma_foreign_key_list(tables.name) as f
    union all select 'trigger ' || name || ' ' || tbl_name from sqlite_schema where type = 'trigger'";

/// The same query for PostgreSQL's catalogue.
const OF_POSTGRES: &str = "
    select 'column ' || table_name || '.' || column_name || ' ' || data_type
            || case is_nullable when 'NO' then ' not null' else '' end
            || coalesce(' default ' || replace(column_default, '::text', ''), '')
        from information_schema.columns where table_schema = 'store'
    union all select case when indisunique then 'unique ' || t.relname else 'index ' || i.relname || ' ' || t.relname end
            || '(' || (select string_agg(attname, ',' order by n) from unnest(indkey) with ordinality as k (attribute, n)
                join pg_attribute on attrelid = t.oid and attnum = k.attribute) || ')'
            || case when indpred is null then '' else ' partly' end
        from pg_index join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
        where t.relnamespace = 'store'::regnamespace
    union all select 'reference ' || c.relname || '.' || a.attname || ' ' || r.relname || '.' || b.attname || ' '
            || case confdeltype when 'c' then 'cascade' when 'n' then 'set null' else 'no action' end
        from pg_constraint join pg_class c on c.oid = conrelid join pg_class r on r.oid = confrelid
        join pg_attribute a on a.attrelid = conrelid and a.attnum = conkey[1]
        join pg_attribute b on b.attrelid = confrelid and b.attnum = confkey[1]
        where contype = 'f' and connamespace = 'store'::regnamespace
    union all select 'trigger ' || tgname || ' ' || relname from pg_trigger join pg_class on pg_class.oid = tgrelid
        where not tgisinternal and relnamespace = 'store'::regnamespace;";

#[test]
fn the_schemas_of_sqlite_and_postgresql_are_equal() {
    let Some(output) = postgres(OF_POSTGRES, true) else { return };
    let of_postgres: BTreeSet<String> = lines(output).into_iter().collect();
    let of_sqlite: BTreeSet<String> = wait_for(async {
        let rows = sqlx::query(OF_SQLITE).fetch_all(&mut sqlite().await).await.expect("the catalogue");
        rows.iter().map(|row| row.get(0)).collect()
    });
    assert!(of_sqlite.len() > 100, "{of_sqlite:#?}");
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    let (here, there) = (only(&of_sqlite, &of_postgres), only(&of_postgres, &of_sqlite));
    assert!(here.is_empty() && there.is_empty(), "only on SQLite: {here:#?}\nonly on PostgreSQL: {there:#?}");
}

/// Statements that the triggers must refuse, each followed by a rollback to the savepoint, and statements that they must
/// permit.
const TRIGGERS: &str = "
    insert into users (id, username, username_key, created_at) values (repeat('u', 36), 'a', 'a', 0);
    insert into devices values (repeat('d', 36), repeat('u', 36), 'web', decode(repeat('00', 32), 'hex'), 0, 10);
    insert into sessions (id, user_id, device_id, client_id, created_at, last_used_at, used_order, expires_at,
        refresh_expires_at, generation, generations_made_at, access_expires_at, auth_time)
        values (repeat('s', 36), repeat('u', 36), repeat('d', 36), 'web', 0, 0, 1, 900, 800, 1, '[0]', 900, 0);
    insert into audit_events (at, event, user_id) values (5, 'login_succeeded', repeat('u', 36));
    savepoint here;
    delete from roles;
    rollback to here;
    update audit_events set event = 'other', user_id = null;
    rollback to here;
    delete from audit_events;
    rollback to here;
    update audit_events set user_id = null;
    rollback to here;
    delete from sessions;
    select 'left at ' || last_used_at from devices;
    insert into meta values ('audit_swept_before', '6');
    delete from audit_events;
    select 'events ' || count(*) from audit_events;";

#[test]
fn the_triggers_refuse_the_same_statements_on_postgresql() {
    let Some(output) = postgres(TRIGGERS, false) else { return };
    let errors = String::from_utf8_lossy(&output.stderr);
    let refused: Vec<&str> =
        errors.lines().filter_map(|line| line.split_once("ERROR:  ")).map(|(_, text)| text).collect();
    assert_eq!(
        refused,
        [
            "the role admin can't be removed",
            "audit events can only be made to forget a person",
            "audit events are removed by age only",
            "audit events can only be made to forget a person"
        ]
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "left at 800\nevents 0\n");
}

#[test]
fn a_statement_is_read_from_literals_and_macros() {
    let mut found = Vec::new();
    let source = "macro_rules! all { ($tail:literal) => { concat!(\"select \", $tail, \" limit 1\") } }\n\
        fn f() { sql(all!(\"1\")); mysql(x); sql(\n  \"select \\\"2\\\"\"); }";
    collect("a.rs", source, &mut found);
    assert_eq!(found.iter().map(|found| found.text.as_str()).collect::<Vec<_>>(), ["select 1 limit 1", "select \"2\""]);
}

#[test]
#[should_panic(expected = "src/store/a.rs:2: a statement is a literal")]
fn a_statement_that_is_no_literal_is_refused() {
    collect("a.rs", "fn f() {\n    sql(text) }", &mut Vec::new());
}
