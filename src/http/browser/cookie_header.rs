//! The only parser of the header `Cookie` (RFC 6265bis §5.6). It compares names byte by byte, decodes nothing, and trims only
//! spaces and tabs.
//!
//! Rocket's own parser is not used, because it decodes `%5f%5fHost-token` to `__Host-token` and trims Unicode white space. A
//! browser does not recognise the prefix in such a name, so any host of the domain can set the cookie. With Rocket's parser,
//! the guarantee of the prefix `__Host-` would be lost.

/// The maximum number of values that are returned if a name occurs several times. The caller verifies each of them, and this
/// bounds the work.
const MOST_VALUES: usize = 4;

/// Returns the values of the cookie `name` in the order of the header, at most [`MOST_VALUES`]. Empty, repeated and non-UTF-8
/// values are left out.
///
/// If the name begins with `__Host-` and occurs more than once, no value is returned. A browser keeps only one cookie of such a
/// name, so another program has added the second one.
pub fn values<'h>(lines: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Vec<&'h str> {
    let pairs = lines.into_iter().flat_map(|line| line.split(|byte| *byte == b';')).filter_map(pair);
    let matching: Vec<&[u8]> = pairs.filter(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value).collect();
    if is_of_host(name) && matching.len() > 1 {
        return Vec::new();
    }
    let mut values = Vec::new();
    for value in matching.into_iter().filter_map(|value| std::str::from_utf8(value).ok()) {
        if !value.is_empty() && !values.contains(&value) && values.len() < MOST_VALUES {
            values.push(value);
        }
    }
    values
}

/// Returns whether a name begins with `__Host-`. A browser accepts a cookie with this prefix only from the host itself, over
/// https and for all paths (RFC 6265bis §4.1.3.2). Browsers compare the prefix without regard to case, so this function does
/// too.
pub fn is_of_host(name: &str) -> bool {
    name.get(..7).is_some_and(|prefix| prefix.eq_ignore_ascii_case("__Host-"))
}

/// Returns name and value of one pair, both trimmed. `None` for a pair without `=`, which has no name.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    Some((trimmed(&text[..equals]), trimmed(&text[equals + 1..])))
}

/// Removes spaces and tabs at both ends.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::values;

    #[track_caller]
    fn expect(lines: &[&[u8]], name: &str, expected: &[&str]) {
        assert_eq!(values(lines.iter().copied(), name), expected, "{name} in {lines:?}");
    }

    #[test]
    fn names_are_compared_byte_by_byte() {
        expect(&[b"a=1; __Host-t=2;b=3"], "__Host-t", &["2"]);
        expect(&[b" \t__Host-t\t =\t 2 \t"], "__Host-t", &["2"]);
        for other in [
            "%5f%5fHost-t=2", "__Host%2Dt=2", "__Host-%74=2", "__host-t=2", "__Host-T=2", "\u{2000}__Host-t=2",
            "__Host-t\u{a0}=2", "\u{85}__Host-t=2", "__Host-t\u{3000}=2", "\u{b}__Host-t=2", "__Host-t\u{c}=2",
            "__Host-t", "=__Host-t=2", "x__Host-t=2", "__Host-t2=2", "\"__Host-t\"=2",
        ] {
            expect(&[other.as_bytes()], "__Host-t", &[]);
        }
    }

    #[test]
    fn values_are_not_decoded_and_empty_values_are_left_out() {
        expect(&[b"t=a%20b"], "t", &["a%20b"]);
        expect(&[b"t=\"quoted\""], "t", &["\"quoted\""]);
        expect(&[b"t=a=b=="], "t", &["a=b=="]);
        expect(&["t=\u{2003}a\u{2003}".as_bytes()], "t", &["\u{2003}a\u{2003}"]);
        expect(&[b"t=; t = "], "t", &[]);
    }

    #[test]
    fn unreadable_cookies_do_not_hide_other_cookies() {
        expect(&[b"place=caf\xe9; t=1"], "t", &["1"]);
        expect(&[b"t=1; place=caf\xe9", b"\xff"], "t", &["1"]);
        expect(&[b"t=caf\xe9; t=1"], "t", &["1"]);
        expect(&[b"", b";;; ;=", b"t=1"], "t", &["1"]);
    }

    #[test]
    fn at_most_four_values_are_returned_and_none_for_a_repeated_host_name() {
        expect(&[b"t=1; t=2", b"t=3"], "t", &["1", "2", "3"]);
        expect(&[b"t=1; t=1; t=2; t=; t=3; t=4; t=5"], "t", &["1", "2", "3", "4"]);
        expect(&[b"__Secure-t=1; __Secure-t=2"], "__Secure-t", &["1", "2"]);
        expect(&[b"__Host-t=1; __Host-t=2"], "__Host-t", &[]);
        expect(&[b"__Host-t=1", b"__Host-t=1"], "__Host-t", &[]);
        expect(&[b"__Host-t=1; __Host-t="], "__Host-t", &[]);
        expect(&[b"__HOST-t=1; __HOST-t=\xff"], "__HOST-t", &[]);
    }
}
