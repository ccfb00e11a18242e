//! The sentences of the pages: no sentence of `templates/texts.json` is left over.

use std::fs;

use serde_json::Value;

use super::{documents::root, files_below};

#[test]
fn every_text_is_used() {
    let text = fs::read_to_string(root().join("templates/texts.json")).expect("the texts");
    let texts: Value = serde_json::from_str(&text).expect("it is JSON");
    let users = users();
    let left_over: Vec<&str> = keys(&texts).into_iter().filter(|key| !is_used(key, &users)).collect();
    assert!(left_over.is_empty(), "no page uses {}", left_over.join(", "));
}

#[test]
fn a_text_that_is_left_over_is_caught() {
    assert!(is_used("title", "{{ text.login.title }}"));
    assert!(is_used("insecure_operator", r#"Trouble::Insecure => "insecure""#));
    assert!(!is_used("title", "{{ text.login.subtitle }} {{ text.login.title_of_form }}"));
}

/// Returns the text of everything that may use a sentence: the templates, the scripts, the code of `http`, and the names of the
/// events, each of which has a sentence.
fn users() -> String {
    let of_folder = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension != "json"));
        texts.map(|path| fs::read_to_string(path).expect("a text")).collect::<String>()
    };
    let code: String = files_below("src/http").into_iter().map(|(_, source)| source).collect();
    let events = fs::read_to_string(root().join("src/domain/audit_event.rs")).expect("a source file");
    [of_folder("templates"), of_folder("static"), code, events].concat()
}

/// Returns the keys of all sentences, without the keys of the sections.
fn keys(texts: &Value) -> Vec<&str> {
    let entries = texts.as_object().expect("a section").iter();
    entries.flat_map(|(key, text)| if text.is_object() { keys(text) } else { vec![key.as_str()] }).collect()
}

/// Returns whether `users` contains the key as a whole word. The sentence of a trouble has a second sentence for the operator,
/// whose key the template makes by adding `_operator` to the first key.
fn is_used(key: &str, users: &str) -> bool {
    let key = key.strip_suffix("_operator").unwrap_or(key);
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    users
        .match_indices(key)
        .any(|(at, _)| !users[..at].ends_with(is_word) && !users[at + key.len()..].starts_with(is_word))
}
