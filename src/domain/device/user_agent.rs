//! A description of the browser and the operating system that a `User-Agent` names. It is only displayed; no decision
//! depends on it.
//!
//! Invariant: for every header the result is `None` or a short ASCII text. The text contains words of this module,
//! digits and, for a client that is not a browser, the product name that the client sent.

/// The length of the longest product name of a client that is not a browser, in characters.
const MAX_PRODUCT_CHARS: usize = 40;
/// The greatest number of digits of a major version. A longer number is not a version.
const MAX_MAJOR_DIGITS: usize = 5;

/// Pairs of a product token and the browser that it names. The first token that the header contains decides. More
/// specific tokens come first, because nearly every browser also sends `Chrome` and `Safari`.
const BROWSERS: [(&str, &str); 16] = [
    ("Edg", "Edge"),
    ("EdgA", "Edge"),
    ("EdgiOS", "Edge"),
    ("Edge", "Edge"),
    ("OPR", "Opera"),
    ("OPT", "Opera"),
    ("OPiOS", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chromium", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
];

/// Pairs of a substring of the header and the operating system that it names. The first substring that the header
/// contains decides. Windows precedes Android, because a header from Windows can contain `Android`. Android precedes
/// Linux for the same reason. An iPad that requests desktop pages sends `Macintosh` and cannot be distinguished.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPod", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Returns a description such as "Firefox 153 on Windows" or "curl 8", or `None` if the client is unknown.
pub(super) fn describe(user_agent: &str) -> Option<String> {
    let Some((browser, major)) = browser(user_agent) else {
        return tool(user_agent);
    };
    let system = SYSTEMS.iter().find(|(part, _)| user_agent.contains(part));
    Some(match system {
        Some((_, system)) => format!("{browser} {major} on {system}"),
        None => format!("{browser} {major}"),
    })
}

/// Returns the browser and its major version, or `None` if the header names no known browser or no version.
fn browser(user_agent: &str) -> Option<(&'static str, &str)> {
    let (token, name) = BROWSERS.iter().find(|(token, _)| version(user_agent, token).is_some())?;
    // Safari and Opera froze the number after their own name and send the real version as `Version/`. A header with
    // `Safari/` but without `Version/` comes from a web view in an app. On Android, `Version/` and `Safari/` identify
    // the system browser of 2013. These two clients get no name.
    let full = match *token {
        "Safari" if user_agent.contains("Android") => None,
        "Safari" => version(user_agent, "Version"),
        "Opera" => version(user_agent, "Version").or_else(|| version(user_agent, token)),
        token => version(user_agent, token),
    };
    Some((name, major(full?)?))
}

/// Returns the name and version of a client that is not a browser. Its header starts with a product token, such as
/// `curl/8.5.0`. Returns `None` if the header does not start with a product token and a version.
fn tool(user_agent: &str) -> Option<String> {
    let (name, version) = tokens(user_agent.trim_start()).next()?.split_once('/')?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= MAX_PRODUCT_CHARS;
    // Browsers and many bots send `Mozilla/5.0` first, so this token names no client.
    if !plain || !named || name == "Mozilla" {
        return None;
    }
    Some(format!("{name} {}", major(version)?))
}

/// Returns the version after `product/`, or `None` if the header has no such token.
fn version<'a>(user_agent: &'a str, product: &str) -> Option<&'a str> {
    tokens(user_agent).find_map(|token| token.strip_prefix(product)?.strip_prefix('/'))
}

/// Splits a header at white space, parentheses, semicolons and commas.
fn tokens(user_agent: &str) -> impl Iterator<Item = &str> {
    user_agent.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | ','))
}

/// Returns the digits at the start of a version, or `None` if there are no digits or more than 5.
fn major(version: &str) -> Option<&str> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    (1..=MAX_MAJOR_DIGITS).contains(&digits.len()).then_some(digits)
}
