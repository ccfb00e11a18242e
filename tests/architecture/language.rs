//! The part of the language rule of `CONTRIBUTING.md` that a program can check, over every comment below `src/` and `tests/`.

use super::files_below;

/// The maximum width of a comment, in columns.
const MAX_WIDTH: usize = 128;

/// Phrases that leave out a noun, or for which there is a standard term. Each has the advice that the test prints.
const PHRASES: &[(&str, &str)] = &[
    ("whoever", "name the person or the program"),
    ("whom ", "name the person or the program"),
    ("it were", "write \"Returns the number of …\""),
    ("is none", "write that it is absent, or `None`"),
    ("are none", "write that they are absent, or `None`"),
    ("is over.", "write that it has ended or expired"),
    ("is over,", "write that it has ended or expired"),
    ("are over.", "write that they have ended or expired"),
    ("goes on", "write that it continues"),
    ("at the most", "write \"at most\""),
    ("sees to it", "write that it ensures"),
    ("in the place of", "write that it replaces"),
    ("but for ", "write \"except\""),
];

/// Capitalised words in `s` that are not verbs, but that could begin the documentation of a function.
const NO_VERBS: &[&str] =
    &["This", "Its", "As", "Is", "Was", "Has", "Whose", "Seconds", "Names", "Bytes", "Always", "Does"];

#[test]
fn comments_keep_the_language_rule() {
    let of = |folder: &str| -> Vec<String> {
        let files = files_below(folder);
        files.iter().flat_map(|(name, source)| violations(&format!("{folder}/{name}"), source)).collect()
    };
    let broken = [of("src"), of("tests")].concat();
    assert!(broken.is_empty(), "{} violations:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn violations_of_the_rule_are_caught() {
    for (source, wrong) in [
        ("/// The user's name.\nfn name() {}", "begins with a verb"),
        ("/// Whether it is live.\n#[must_use]\npub(crate) const fn is_live() {}", "begins with a verb"),
        ("/// Seconds to wait.\npub async fn wait() {}", "begins with a verb"),
        ("// For whoever reads it.", "whoever"),
        ("//! The session is over.", "has ended"),
        ("/// Returns it.\n///\n/// # Errors\n/// [`Error`].\nfn f() {}", "says when"),
        (&format!("// {}", "a".repeat(126)), "129 columns"),
    ] {
        let found = violations("src/domain/user.rs", source);
        assert!(found.len() == 1 && found[0].contains(wrong), "{source:?}: {found:?}");
    }
}

#[test]
fn comments_that_keep_the_rule_pass() {
    for source in [
        "/// Returns the user's name.\nfn name() {}",
        "/// The user.\npub struct User;",
        "/// Returns it.\n///\n/// # Errors\n/// [`Error`] if the user does not exist.\nfn f() {}",
        "let text = \"whoever\";",
        "/// Whether it is live.\nis_live: bool,",
    ] {
        assert_eq!(violations("src/domain/user.rs", source), Vec::<String>::new(), "{source:?}");
    }
}

/// Returns the violations of the rule in the comments of a file, each as `name:line: …`.
fn violations(name: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut documentation: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let text = line.trim_start();
        let mut report = |wrong: String| found.push(format!("{name}:{number}: {wrong}"));
        if let Some(comment) = comment(text) {
            if line.chars().count() > MAX_WIDTH {
                report(format!("the comment has {} columns", line.chars().count()));
            }
            let lower = format!("{} ", comment.to_lowercase());
            PHRASES
                .iter()
                .filter(|(phrase, _)| lower.contains(phrase))
                .for_each(|(phrase, better)| report(format!("\"{}\": {better}", phrase.trim())));
        }
        if let Some(line) = text.strip_prefix("///") {
            documentation.push(line.trim());
        } else if !text.starts_with("#[") {
            if is_function(text) && !documentation.is_empty() {
                if !begins_with_a_verb(documentation[0]) {
                    report("the documentation of a function begins with a verb in the third person".to_owned());
                }
                if repeats_the_error_type(&documentation) {
                    report("the section about errors says when they occur, or goes".to_owned());
                }
            }
            documentation.clear();
        }
    }
    found
}

/// Returns the text of a comment, or `None` if the line is not a comment.
fn comment(line: &str) -> Option<&str> {
    line.strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']))
}

/// Returns whether a line begins the declaration of a function.
fn is_function(line: &str) -> bool {
    let line = line.strip_prefix("pub").unwrap_or(line).trim_start();
    let line = match line.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest.trim_start(),
        None => line,
    };
    line.trim_start_matches("const ").trim_start_matches("async ").starts_with("fn ")
}

/// Returns whether a text begins with a capitalised word that ends in `s` and can be a verb.
fn begins_with_a_verb(text: &str) -> bool {
    let word = text.split([' ', '.', ',', ':', ';']).next().unwrap_or_default();
    word.len() > 1
        && word.ends_with('s')
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && !NO_VERBS.contains(&word)
}

/// Returns whether a section about errors consists of nothing but the name of a type.
fn repeats_the_error_type(documentation: &[&str]) -> bool {
    let section: Vec<&str> = documentation.iter().copied().skip_while(|line| *line != "# Errors").skip(1).collect();
    let text = section.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    text.starts_with("[`") && (text.ends_with("`]") || text.ends_with("`].")) && !text.contains(' ')
}
