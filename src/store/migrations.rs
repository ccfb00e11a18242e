//! The embedded migrations of the tables. A migration can't be undone, and a database of a newer version is refused.

use sqlx::{
    SqlSafeStr, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// The version, the name and the SQL of each migration.
const MIGRATIONS: [(i64, &str, &str); 12] = [
    (1, "users", include_str!("../../migrations/0001_users.sql")),
    (2, "sessions", include_str!("../../migrations/0002_sessions.sql")),
    (3, "operation", include_str!("../../migrations/0003_operation.sql")),
    (4, "keys", include_str!("../../migrations/0004_keys.sql")),
    (5, "oauth", include_str!("../../migrations/0005_oauth.sql")),
    (6, "password_generation", include_str!("../../migrations/0006_password_generation.sql")),
    (7, "order_of_use", include_str!("../../migrations/0007_order_of_use.sql")),
    (8, "unused", include_str!("../../migrations/0008_unused.sql")),
    (9, "seen_repeats", include_str!("../../migrations/0009_seen_repeats.sql")),
    (10, "device_seen", include_str!("../../migrations/0010_device_seen.sql")),
    (11, "administration", include_str!("../../migrations/0011_administration.sql")),
    (12, "audit_guard", include_str!("../../migrations/0012_audit_guard.sql")),
];

/// The migrations that make a table anew. Before one of them, the database is copied.
const REWRITING: [i64; 2] = [9, 11];

/// Returns whether a migration after `version` makes a table anew.
pub(super) fn rewrite_after(version: i64) -> bool {
    REWRITING.iter().any(|rewriting| *rewriting > version)
}

/// The version of the tables of this program.
pub(super) const LATEST: i64 = MIGRATIONS.len() as i64;

/// Applies the migrations that were not applied yet, each in its own transaction.
///
/// # Errors
/// A sentence for the operator if the database is of a newer version, if a migration was altered after it was applied, or if a
/// migration fails.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), String> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.to_vec());
    migrator.run_direct(None, connection, false).await.map_err(|error| explain(&error))
}

/// Returns the text of an error, as the rest of a sentence for the operator.
fn explain(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "it was created by a newer version of Vestibule (its tables are at version {version}, this program knows {}); \
             start that version, or restore a backup of this one",
            MIGRATIONS.len()
        ),
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was altered after it was applied; this program can't use the file")
        }
        other => format!("its tables can't be brought up to date: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, SqliteConnection};

    #[test]
    fn migration_4_lets_an_existing_key_sign_from_its_creation() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = at(3).await;
            let key = "insert into signing_keys (kid, algorithm, sealed, status, created_at)
                values ('a', 'ES256', x'00', 'current', 7)";
            sqlx::query(key).execute(&mut connection).await.expect("a key");
            sqlx::raw_sql(super::MIGRATIONS[3].2).execute(&mut connection).await.expect("the migration succeeds");
            let from: i64 = sqlx::query_scalar("select signs_from from signing_keys")
                .fetch_one(&mut connection)
                .await
                .expect("the key");
            assert_eq!(from, 7);
        });
    }

    /// Creates a database in memory with the first `version` migrations.
    async fn at(version: usize) -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("the database opens");
        for (_, _, sql) in &super::MIGRATIONS[..version] {
            sqlx::raw_sql(*sql).execute(&mut connection).await.expect("the migration succeeds");
        }
        connection
    }

    #[test]
    fn migration_7_sets_the_day_of_the_end_and_leaves_no_index_that_each_refresh_changes() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = at(6).await;
            let (user, session) = ("u".repeat(36), "s".repeat(36));
            sqlx::query("insert into users (id, username, username_key, created_at) values ($1, 'a', 'a', 0)")
                .bind(&user)
                .execute(&mut connection)
                .await
                .expect("a user");
            let columns =
                "id, user_id, client_id, created_at, last_used_at, used_order, expires_at, refresh_expires_at,
                generation, generations_made_at, access_expires_at, auth_time";
            let insert = format!(
                "insert into sessions ({columns}) values ($1, $2, 'web', 0, 0, 1, 864000, 259199, 1, '[0]', 900, 0)"
            );
            let insert = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(&session).bind(&user);
            insert.execute(&mut connection).await.expect("a session");
            sqlx::raw_sql(super::MIGRATIONS[6].2).execute(&mut connection).await.expect("the migration succeeds");
            let day: i64 = sqlx::query_scalar("select end_day from sessions")
                .fetch_one(&mut connection)
                .await
                .expect("the session");
            assert_eq!(day, 2, "the last second of its third day");
            let indexed: Vec<String> = sqlx::query_scalar(
                "select distinct columns.name from pragma_index_list('sessions') as indexes
                 join pragma_index_info(indexes.name) as columns order by 1",
            )
            .fetch_all(&mut connection)
            .await
            .expect("the catalogue");
            assert_eq!(indexed, ["device_id", "end_day", "id", "revoked_at", "user_id"]);
        });
    }

    #[test]
    fn every_migration_file_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let entries =
            std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
        // The migrations for PostgreSQL are in a subdirectory.
        assert_eq!(entries.filter(|path| path.is_file()).count(), super::MIGRATIONS.len());
    }
}
