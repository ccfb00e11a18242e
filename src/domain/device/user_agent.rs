//! Browser and system named from a `User-Agent`, for display only: nothing is decided by it.
//!
//! Invariant: whatever the header holds, the answer is `None` or a short text of our words, digits and, for a client
//! that isn't a browser, its own product name in ASCII.

const MAX_PRODUCT_CHARS: usize = 40;
const MAX_MAJOR_DIGITS: usize = 5;

/// Product token → browser. The more special one first: nearly everything also says Chrome and Safari.
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

/// Part of the header → system. Windows before Android and Android before Linux, since they name each other in this
/// direction; an iPad that asks for desktop pages says Macintosh and can't be told apart.
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

/// "Firefox 153 on Windows", "curl 8", or `None`.
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

fn browser(user_agent: &str) -> Option<(&'static str, &str)> {
    let (token, name) = BROWSERS.iter().find(|(token, _)| version(user_agent, token).is_some())?;
    // These two froze the number beside their name and give the real one here. "Safari" without it is an app's web view,
    // with it on Android the system's browser of 2013.
    let full = match *token {
        "Safari" if user_agent.contains("Android") => None,
        "Safari" => version(user_agent, "Version"),
        "Opera" => version(user_agent, "Version").or_else(|| version(user_agent, token)),
        token => version(user_agent, token),
    };
    Some((name, major(full?)?))
}

/// A program that isn't a browser starts with its product token: `curl/8.5.0`.
fn tool(user_agent: &str) -> Option<String> {
    let (name, version) = tokens(user_agent.trim_start()).next()?.split_once('/')?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= MAX_PRODUCT_CHARS;
    if !plain || !named || name == "Mozilla" {
        return None;
    }
    Some(format!("{name} {}", major(version)?))
}

fn version<'a>(user_agent: &'a str, product: &str) -> Option<&'a str> {
    tokens(user_agent).find_map(|token| token.strip_prefix(product)?.strip_prefix('/'))
}

fn tokens(user_agent: &str) -> impl Iterator<Item = &str> {
    user_agent.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | ','))
}

/// The digits at the start.
fn major(version: &str) -> Option<&str> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    (1..=MAX_MAJOR_DIGITS).contains(&digits.len()).then_some(digits)
}
