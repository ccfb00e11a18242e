//! What `crate::fuzzing` calls of this layer: the parsers of requests, with the checks of their results.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use ipnet::IpNet;
use rocket::{
    figment::Figment,
    http::{Header, Method, Status, uri::Origin},
    local::asynchronous::{Client, LocalResponse},
    tokio::runtime::{Builder, Runtime},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json};

use super::{
    admin::cursor,
    browser::cookie_header,
    caching::matches_etag,
    request::{
        body::{form_fields, json_object},
        caller::{forwarded_address, is_trusted, sanitized_user_agent},
        field::Kind,
    },
};
use crate::{
    clock::Clock,
    config::{Profile, Sources, load},
    domain::{Permission, RoleName, UnixTime, Username, password::Password},
    flows::{
        open::{Role, open},
        steps::acting::Acting,
        users::add_user::{NewAccount, add_user},
    },
};

/// Reads a JSON body. It is refused exactly if it is no JSON object or has a name twice. Otherwise it is read as `serde_json`
/// reads it.
pub fn json(body: &[u8]) {
    let plain = serde_json::from_slice::<Value>(body);
    let is_unique = || serde_json::from_slice::<Repeated>(body).is_ok_and(|repeated| !repeated.0);
    match json_object(body) {
        Ok(object) => {
            assert!(is_unique(), "a name is given twice");
            assert_eq!(plain.expect("it is JSON"), Value::Object(object.clone()));
            let text = serde_json::to_vec(&object).expect("it is written");
            assert_eq!(json_object(&text).expect("it is read again"), object);
        }
        Err(error) => {
            assert!(!matches!(plain, Ok(Value::Object(_))) || !is_unique(), "{}", error.detail());
            assert!(error.detail().is_ascii() && error.detail().len() < 120, "the message quotes nothing");
        }
    }
}

/// Whether an object of a JSON text has a name twice. It compares the names of each object as a list.
struct Repeated(bool);

impl<'de> Deserialize<'de> for Repeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = bool;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_str<E>(self, _: &str) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
                let mut found = false;
                while let Some(Repeated(repeated)) = items.next_element()? {
                    found |= repeated;
                }
                Ok(found)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
                let (mut names, mut found) = (Vec::new(), false);
                while let Some((name, Repeated(repeated))) = entries.next_entry::<String, Repeated>()? {
                    found |= repeated;
                    names.push(name);
                }
                names.sort();
                Ok(found || names.windows(2).any(|pair| pair[0] == pair[1]))
            }
        }

        deserializer.deserialize_any(Names).map(Self)
    }
}

/// Reads a form. Each name of an accepted form is given once, except that of a list, and the form is read again as itself.
pub fn form(body: &[u8]) {
    let kind_of = |name: &str| match name {
        "list" => Some(Kind::Texts),
        "object" => Some(Kind::Object),
        _ => None,
    };
    let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let is_text = |text: &str| !text.contains(char::REPLACEMENT_CHARACTER);
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "list").collect();
    names.sort_unstable();
    let is_good = pairs.iter().all(|(name, value)| is_text(name) && is_text(value))
        && names.windows(2).all(|pair| pair[0] != pair[1]);
    let fields = match form_fields(body, kind_of) {
        Ok(fields) => fields,
        Err(error) => {
            assert!(!is_good, "{}", error.detail());
            assert!(
                error.bad_fields().iter().all(|field| (1..=64).contains(&field.field.len()) && field.field.is_ascii())
            );
            return;
        }
    };
    assert!(is_good, "a name is given twice, or is not UTF-8");
    for (name, value) in &fields {
        match name.as_str() {
            "list" => assert!(value.as_array().is_some_and(|words| words.iter().all(is_word)), "{value}"),
            "object" => assert!(value.is_object() || value.is_string(), "{value}"),
            _ => assert!(value.is_null() || value.as_str().is_some_and(|text| !text.is_empty()), "{value}"),
        }
    }
    let mut again = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        match value {
            Value::Array(words) => {
                again.append_pair(name, &words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
            }
            Value::Null => drop(again.append_pair(name, "")),
            Value::String(text) => drop(again.append_pair(name, text)),
            value => drop(again.append_pair(name, &value.to_string())),
        }
    }
    let again = form_fields(again.finish().as_bytes(), kind_of).expect("it is read again");
    assert_eq!(again, fields);
}

/// Returns whether a value is a text without white space, and without a comma at its end.
fn is_word(value: &Value) -> bool {
    value.as_str().is_some_and(|word| !word.is_empty() && !word.contains(char::is_whitespace) && !word.ends_with(','))
}

/// Reads the cookie `name` in the lines of the header. The values stand in the header as they are, other cookies do not hide
/// them, and lines that are joined mean the same (RFC 9113 §8.2.3).
pub fn cookies(name: &str, lines: &[&[u8]]) {
    let values = cookie_header::values(lines.iter().copied(), name);
    assert!(values.len() <= 4);
    let mut pairs = 0;
    for part in lines.iter().flat_map(|line| line.split(|byte| *byte == b';')) {
        let mut halves = part.splitn(2, |byte| *byte == b'=');
        let (found, value) = (halves.next().map(octets).unwrap_or_default(), halves.next());
        pairs += usize::from(found == name.as_bytes() && value.is_some());
    }
    let is_of_host = cookie_header::is_of_host(name);
    assert!(values.len() <= pairs && (!is_of_host || pairs <= 1 || values.is_empty()), "{values:?} of {pairs}");
    for (at, value) in values.iter().enumerate() {
        assert!(!value.is_empty() && !value.contains(';') && !values[..at].contains(value), "{values:?}");
        assert_eq!(octets(value.as_bytes()), value.as_bytes(), "it is trimmed");
        let is_there = |line: &&[u8]| line.windows(value.len()).any(|part| part == value.as_bytes());
        assert!(lines.iter().any(is_there), "{value:?} is in the header");
    }
    assert_eq!(cookie_header::values([lines.join(&b"; "[..]).as_slice()], name), values, "joined lines mean the same");
    if name.is_empty() || name.contains([';', '=']) {
        return;
    }
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let others =
        [format!("{encoded}=1"), format!("x{name}=1; {name}x=1"), format!("\u{a0}{name}=1"), format!("{name}; =1")];
    for other in &others {
        let more = [other.as_bytes()].into_iter().chain(lines.iter().copied());
        assert_eq!(cookie_header::values(more, name), values, "{other:?} is another cookie");
    }
}

/// Removes spaces and tabs at both ends.
fn octets(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Determines the address of a client. It is the peer, or an address of the header after which only trusted proxies follow.
pub fn forwarded(peer: Option<IpAddr>, trusted: &[IpNet], lines: &[&str]) {
    let client = forwarded_address(peer, trusted, lines.iter().copied());
    if let Some(peer) = peer.filter(|peer| !is_trusted(trusted, *peer)) {
        assert_eq!(client, Some(peer), "an untrusted peer is the client");
        return;
    }
    let hops: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
    let address = |hop: &str| {
        let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
        let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
        bare.parse().or_else(|_| with_port()).map(|address: IpAddr| address.to_canonical()).ok()
    };
    let trusted_at_end = hops.iter().rev().take_while(|hop| address(hop).is_some_and(|hop| is_trusted(trusted, hop)));
    let trusted_at_end = trusted_at_end.count();
    let before = hops.iter().rev().nth(trusted_at_end).and_then(|hop| address(hop));
    let last = hops[hops.len() - trusted_at_end..].first().and_then(|hop| address(hop));
    assert_eq!(client, before.or(last).or(peer), "{hops:?}");
    // What a client sends itself changes nothing.
    if client.is_some_and(|client| !is_trusted(trusted, client)) {
        let forged = ["203.0.113.9, 10.0.0.1", "[::1]:80"].into_iter().chain(lines.iter().copied());
        assert_eq!(forwarded_address(peer, trusted, forged), client);
    }
}

/// Reads the short texts of headers and of queries: a cursor, an entity tag, a user agent.
pub fn headers(text: &str) {
    if let Some((kind, place)) = cursor::decode(text) {
        assert_eq!(cursor::encode(kind, &place), text, "a cursor is written as it was read");
    }
    let tag = "\"abc\"";
    if matches_etag(tag)(text) {
        assert!(text.trim() == "*" || text.trim().ends_with(tag), "{text:?} is the tag");
    }
    let agent = sanitized_user_agent(text);
    assert!(agent.len() <= 512 && !agent.contains(char::is_control));
    assert_eq!(sanitized_user_agent(&agent), agent);
}

/// A server whose requests do not pass a network, with a user who is signed in.
pub struct Server {
    runtime: Runtime,
    client: Client,
    /// The texts that stand for tokens in a request, and the tokens.
    tokens: Vec<(&'static str, String)>,
}

/// The host that a redirect may name, besides the server.
const ALLOWED: &str = "app.example.com";

impl Server {
    /// Starts a server with its files in `directory`. It has the administrator `ada`.
    pub fn start(directory: &Path) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (client, tokens) = runtime.block_on(start(directory));
        Self { runtime, client, tokens }
    }

    /// Sends a request: a line with method and target, a line for each header, an empty line, and the body. Tokens are sent
    /// only with `GET`, so that no request changes what a later one finds. The server answers without a failure, and its
    /// answer is whole: a problem is JSON, a redirect stays on an allowed host.
    pub fn request(&self, head: &str, body: &[u8]) {
        let mut lines = head.lines();
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("GET", head));
        let (Ok(method), Ok(_)) = (method.parse::<Method>(), Origin::parse(target)) else { return };
        if method == Method::Connect {
            return;
        }
        let target = target.to_owned();
        let mut request = self.client.req(method, &target).remote(SocketAddr::from(([127, 0, 0, 1], 4711))).body(body);
        let mut is_signed_in = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let mut value = value.trim().to_owned();
            for (word, token) in self.tokens.iter().filter(|_| method == Method::Get) {
                is_signed_in |= value.contains(word);
                value = value.replace(word, token);
            }
            let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            // Hyper refuses other names and values before they reach this server.
            if is_token && !value.contains(char::is_control) {
                request.add_header(Header::new(name.to_owned(), value));
            }
        }
        self.runtime.block_on(async { check(request.dispatch().await, &target, is_signed_in).await });
    }
}

/// Opens a database in memory, adds the user, and signs in.
async fn start(directory: &Path) -> (Client, Vec<(&'static str, String)>) {
    let sources = Sources::isolated(Profile::Dev)
        .set("data_dir", directory.display().to_string())
        .set("database_url", "sqlite::memory:")
        .set("public_url", "http://auth.example.com")
        .set("allowed_redirect_hosts", ALLOWED)
        .set("exclude_urls", "/public/**")
        .set("trusted_proxies", "127.0.0.1")
        .set("registration", "closed")
        .set("login_rate_per_ip", "0")
        .set("login_failures_per_account", "0")
        .set("argon2_memory_kib", 8)
        .set("argon2_iterations", 1);
    let config = load(&sources).expect("a configuration").config;
    let clock = Clock::manual(UnixTime::from_seconds(1_800_000_000));
    let vestibule = std::sync::Arc::new(open(config, clock.clone(), Role::Server).await.expect("it opens"));
    let password = "a long walk to the sea";
    let account = NewAccount {
        username: Some(Username::parse("ada").expect("a name")),
        email: None,
        email_verified: false,
        roles: vec![RoleName::admin()],
        permissions: vec![Permission::parse("a:b").expect("a permission")],
        claims: Map::new(),
        password: Some(Password::parse(password).expect("a password")),
        disabled: false,
    };
    add_user(&vestibule, account, &Acting::operator(clock.now())).await.expect("a user");
    let client = Client::untracked(super::rocket(&vestibule, Figment::new())).await.expect("it ignites");
    let body = json!({"username": "ada", "password": password}).to_string();
    let request = client.post("/auth/login").header(Header::new("Content-Type", "application/json")).body(body);
    let answer = request.dispatch().await.into_string().await.expect("a body");
    let answer: BTreeMap<String, Value> = serde_json::from_str(&answer).expect("JSON");
    let token = |name: &str| answer[name].as_str().expect("a token").to_owned();
    let tokens = vec![("ACCESS", token("access_token")), ("REFRESH", token("refresh_token"))];
    (client, tokens)
}

/// Checks a response.
async fn check(response: LocalResponse<'_>, target: &str, is_signed_in: bool) {
    let status = response.status();
    assert!(status.code < 500, "{status}");
    let header = |name: &str| response.headers().get_one(name).unwrap_or_default().to_owned();
    for sent in response.headers().iter() {
        assert!(!sent.value().contains(char::is_control), "{sent:?} is one line");
    }
    assert!(status != Status::Unauthorized || !header("WWW-Authenticate").is_empty(), "a 401 has a challenge");
    let location = header("Location");
    if !location.is_empty() {
        let rest = ["http://", "https://"].iter().find_map(|scheme| location.strip_prefix(scheme));
        let host = rest.map(|rest| rest.split(['/', '?', '#', ':']).next().unwrap_or_default());
        let is_here = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
        assert!(is_here || host.is_some_and(|host| host == ALLOWED || host == "auth.example.com"), "{location}");
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let names = ["Remote-User", "Remote-Email", "Remote-Groups", "X-Auth-Sub", "X-Auth-Permissions"];
    let identity = names.map(|name| response.headers().get_one(name).map(str::to_owned));
    if path.trim_end_matches('/') == "/auth/verify" && status == Status::Ok {
        assert!(identity.iter().all(Option::is_some), "no header of the client remains");
        assert!(is_signed_in || identity.iter().flatten().all(String::is_empty), "{identity:?} of nobody");
    } else {
        assert!(identity.iter().all(Option::is_none), "{identity:?} for a request that may not pass");
    }
    let is_problem = header("Content-Type").starts_with("application/problem+json");
    let is_json = is_problem || header("Content-Type").starts_with("application/json");
    let body = response.into_bytes().await.unwrap_or_default();
    if is_json && !body.is_empty() {
        let body: Value = serde_json::from_slice(&body).expect("the body is JSON");
        assert!(!is_problem || body["status"] == status.code, "{body}");
        assert!(status.code < 400 || body["error"].is_string(), "{body}");
    }
}
