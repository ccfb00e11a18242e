//! Files such as `.env`, with a line `NAME=value` for each variable.

/// A variable: its name, and its value.
pub type Variable = (String, String);

/// Returns the variables of the lines that `is_wanted` selects by their beginning, each with the number of its line, from 1.
/// The error is the end of a sentence about the line. It does not contain the line, which may have a secret.
pub fn variables(
    bytes: &[u8],
    is_wanted: impl Fn(&str) -> bool,
) -> impl Iterator<Item = (usize, Result<Variable, &'static str>)> {
    bytes.split(|byte| *byte == b'\n').enumerate().filter_map(move |(index, line)| {
        // A wanted line that is not UTF-8 is refused below.
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        is_wanted(line).then(|| (index + 1, variable(line)))
    })
}

/// Returns the name and the value of the variable in a line.
fn variable(line: &str) -> Result<Variable, &'static str> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    let (name, value) = line.split_once('=').ok_or("is not NAME=value")?;
    let name = Some(name.trim_end()).filter(|name| is_name(name)).ok_or("is not NAME=value")?;
    if value.contains('\u{fffd}') {
        return Err("is not UTF-8");
    }
    Ok((name.to_owned(), unquoted(value)?.to_owned()))
}

/// Returns a value as it stands in the file, without surrounding white space and without the quotes around it. Nothing in it is
/// replaced: a `$` is a dollar sign. Fails if the programs that read such files would disagree about the value.
fn unquoted(value: &str) -> Result<&str, &'static str> {
    let value = value.trim();
    let Some(quote) = value.chars().next().filter(|char| matches!(char, '"' | '\'')) else { return Ok(value) };
    let (inner, rest) = value[1..].split_once(quote).ok_or("has a quote that is not closed")?;
    if inner.ends_with('\\') || (quote == '"' && inner.contains('\\')) {
        return Err(
            "has a backslash that programs read differently; use single quotes, without a backslash before the \
                    closing quote",
        );
    }
    if rest.is_empty() { Ok(inner) } else { Err("has text after the closing quote") }
}
