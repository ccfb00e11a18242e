//! A reader of Rust source for the rules. It finds the tokens, the code that only tests compile, and the paths that a file
//! names.

use std::collections::{BTreeMap, BTreeSet};

/// A token: an identifier or number, `::`, or one other character. Each string or character literal is one token.
pub struct Token {
    /// The number of the line, from 1.
    pub line: usize,
    /// The text in the source; `"` for a string or character literal.
    pub text: String,
}

/// Returns the tokens of a source text. Comments and whitespace are left out.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::new());
    while at < chars.len() {
        let start = at;
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let text = match chars[at] {
            '/' if next == '/' => skip(&mut at, |at| chars.get(at).is_none_or(|c| *c == '\n')),
            '/' if next == '*' => {
                let mut depth = 0;
                loop {
                    match (chars.get(at), chars.get(at + 1)) {
                        (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
                        (Some('*'), Some('/')) => (depth, at) = (depth - 1, at + 2),
                        (Some(_), _) => at += 1,
                        (None, _) => break,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                None
            }
            'r' | 'b' | 'c' if raw_string_end(&chars, at).is_some() => {
                at = raw_string_end(&chars, at).expect("it was just found");
                Some("\"".to_owned())
            }
            '"' => {
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
                Some("\"".to_owned())
            }
            '\'' if next == '\\' || chars.get(at + 2) == Some(&'\'') => {
                at += if next == '\\' { 3 } else { 2 };
                skip(&mut at, |at| chars.get(at).is_none_or(|c| *c == '\''));
                at += 1;
                Some("\"".to_owned())
            }
            ':' if next == ':' => {
                at += 2;
                Some("::".to_owned())
            }
            first if first.is_alphanumeric() || first == '_' => {
                skip(&mut at, |at| chars.get(at).is_none_or(|c| !c.is_alphanumeric() && *c != '_'));
                Some(chars[start..at].iter().collect())
            }
            other => {
                at += 1;
                (!other.is_whitespace()).then(|| other.to_string())
            }
        };
        tokens.extend(text.map(|text| Token { line, text }));
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Increases `at` until `end` returns true. Returns `None`, because the skipped characters are no token.
fn skip(at: &mut usize, end: impl Fn(usize) -> bool) -> Option<String> {
    while !end(*at) {
        *at += 1;
    }
    None
}

/// Returns the index after a raw string that begins at `at`, or `None` if there is no raw string.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let prefix = chars[at..].iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let hashes = chars[at + prefix..].iter().take_while(|c| **c == '#').count();
    let is_raw = prefix <= 2 && chars[at..at + prefix].ends_with(&['r']);
    if !is_raw || chars.get(at + prefix + hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = at + prefix + hashes + 1;
    let end = chars[body..].windows(closing.len()).position(|window| window == closing)?;
    Some(body + end + closing.len())
}

/// Returns for each token whether it is in code that only tests compile.
pub fn test_regions(file: &str, tokens: &[Token]) -> Vec<bool> {
    let whole = file.ends_with("/tests.rs") || file.contains("/tests/");
    let mut marks = vec![whole; tokens.len()];
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    for start in 0..tokens.len() {
        if tokens[start..].iter().map(|token| token.text.as_str()).take(attribute.len()).eq(attribute) {
            let mut depth = 0;
            for (at, token) in tokens.iter().enumerate().skip(start + attribute.len()) {
                marks[at] = true;
                depth += i32::from(token.text == "{") - i32::from(token.text == "}");
                if depth == 0 && matches!(token.text.as_str(), "}" | ";") {
                    break;
                }
            }
        }
    }
    marks
}

/// A path as the code names it, with `self` and `super` resolved to `crate::…`.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The number of the line, from 1.
    pub line: usize,
    /// The path from `crate`, or from the name of another crate.
    pub path: String,
    /// Whether the path is in a `pub use` or `pub(…) use`.
    pub exported: bool,
    /// The last segment of a path in a `use`; `None` for a path outside of a `use`. A name after `as` is ignored.
    pub name: Option<String>,
}

/// Returns the paths that a file names, in their order. `file` is relative to `src/`.
pub fn paths(file: &str, tokens: &[Token]) -> Vec<Named> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let is_name = |at: usize| text(at).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let children: BTreeSet<&str> =
        (0..tokens.len()).filter(|at| text(*at) == "mod" && text(at + 2) == ";").map(|at| text(at + 1)).collect();
    // `cli/mod.rs` and `cli.rs` are both the module `cli`.
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    if matches!(file, "lib.rs" | "main.rs") {
        module.clear();
    }
    let (mut depth, mut inline) = (0_usize, Vec::new());
    let (mut at, mut found): (usize, Vec<Named>) = (0, Vec::new());
    let mut imported = BTreeMap::new();
    while at < tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    module.pop();
                }
            }
            "mod" if text(at + 2) == "{" => {
                inline.push(depth);
                module.push(text(at + 1));
            }
            "use" if text(at + 1) != "<" => {
                let before_use = if at == 0 { "" } else { text(at - 1) };
                let mut spread = Vec::new();
                at = use_tree(tokens, at + 1, "", &mut spread);
                for named in spread {
                    let mut named = resolve(named, &module);
                    let name = named.path.rsplit("::").next().unwrap_or_default().to_owned();
                    imported.insert(name.clone(), named.path.clone());
                    // The token before `use` is `pub`, or the `)` of `pub(crate)`.
                    (named.exported, named.name) = (before_use == "pub" || before_use == ")", Some(name));
                    found.push(named);
                }
                continue;
            }
            _ => {}
        }
        let begins = is_name(at) && text(at + 1) == "::" && (at == 0 || !matches!(text(at - 1), "." | "::" | "fn"));
        let begins_global = is_name(at) && at > 1 && text(at - 1) == "::" && !is_name(at - 2) && text(at - 2) != ">";
        if begins || begins_global {
            let (line, mut path) = (tokens[at].line, text(at).to_owned());
            while text(at + 1) == "::" && is_name(at + 2) {
                path = format!("{path}::{}", text(at + 2));
                at += 2;
            }
            let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
            if children.contains(first) && inline.is_empty() {
                path = format!("self::{path}");
            } else if let Some(full) = imported.get(first) {
                path = format!("{full}::{rest}");
            }
            found.push(resolve(Named { line, path, exported: false, name: None }, &module));
        }
        at += 1;
    }
    found
}

/// Replaces `self` and `super` at the beginning of a path by the path from `crate`. `module` is the module of the file.
fn resolve(named: Named, module: &[&str]) -> Named {
    let mut segments = named.path.trim_end_matches("::self").split("::").peekable();
    let mut from = module.to_vec();
    let path: Vec<&str> = match segments.peek() {
        Some(&("self" | "super")) => {
            while let Some(step) = segments.next_if(|segment| matches!(*segment, "self" | "super")) {
                if step == "super" {
                    from.pop();
                }
            }
            std::iter::once("crate").chain(from).chain(segments).collect()
        }
        // The binary names the library `vestibule`.
        Some(&"vestibule") => std::iter::once("crate").chain(segments.skip(1)).collect(),
        _ => segments.collect(),
    };
    Named { path: path.join("::"), ..named }
}

/// Expands the `use` tree that begins at `at` into paths. Returns the index after the tree.
fn use_tree(tokens: &[Token], mut at: usize, before: &str, found: &mut Vec<Named>) -> usize {
    let text = |at: usize| tokens.get(at).map_or(";", |token| token.text.as_str());
    let mut path = before.to_owned();
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while text(at) != "}" && text(at) != ";" {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => {
                found.push(Named { line: tokens[at - 1].line, path, exported: false, name: None });
                return at + usize::from(text(at) == ";");
            }
            segment => {
                path = if path.is_empty() { segment.to_owned() } else { format!("{path}::{segment}") };
                at += 1;
            }
        }
    }
}
