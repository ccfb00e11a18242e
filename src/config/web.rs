//! Where the server listens, how it is reached, and whom it believes.

use std::net::IpAddr;

use figment::value::Value;
use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::{
    Profile,
    excluded::Globs,
    reader::{Read, Reader},
    setting::{Setting, items, text, vocabulary},
    url::{Address, is_domain, is_host, plain_path, split_port},
};

vocabulary! {
    /// How the log is written.
    pub LogFormat {
        /// For people.
        Text = "text",
        /// For machines: one object a line.
        Json = "json",
    }
}

/// Where the server listens, how it is reached, and whom it believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// How clients reach this server: `http(s)://host[:port][/path]`, no slash at its end.
    pub public_url: String,
    /// Where the endpoints are mounted: empty, or from `/` to a last character that isn't `/`.
    pub base_path: String,
    /// To listen on; loopback in the profile `dev` unless that was told otherwise.
    pub address: IpAddr,
    /// To listen on; 0 picks one.
    pub port: u16,
    /// Networks whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Hosts in lower case that a browser may be sent to, each perhaps with `*.` before it and a port behind it.
    pub redirect_hosts: Vec<String>,
    /// Globs of paths that forward authentication lets through, each perhaps with a host in lower case before it.
    pub exclude_urls: Vec<String>,
    /// Origins whose pages may read our answers.
    pub cors: CorsOrigins,
    /// Whether the paths of the predecessors answer.
    pub compat_routes: bool,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Whom to ask about privacy: an address to write to, a page, or words.
    pub privacy_contact: Option<String>,
}

/// Origins whose pages may read our answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Only our own.
    None,
    /// Any on `localhost` or a loopback address: what `dev` starts with.
    AnyLocalhost,
    /// These, each as a browser's `Origin` header has it.
    List(Vec<String>),
}

impl Web {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let address = reader.read::<IpAddr>("address");
        let port = reader.read::<u16>("port");
        let public_url = public_url(reader, port);
        let address = address.and_then(|address| check_reach(reader, address));
        let base_path = reader.read::<BasePath>("base_path");
        let trusted_proxies = reader.read::<Networks>("trusted_proxies");
        let redirect_hosts = reader.read::<Hosts>("allowed_redirect_hosts");
        let exclude_urls = reader.read::<Globs>("exclude_urls");
        let usual = if reader.profile == Profile::Dev { CorsOrigins::AnyLocalhost } else { CorsOrigins::None };
        let cors = reader.or("cors_allowed_origins", Ok(usual));
        let compat_routes = reader.read("compat_routes");
        let compat_routes = compat_routes.and_then(|on| check_room(reader, on, &base_path));
        let log_format = reader.read("log_format");
        let privacy_contact = reader.optional::<Contact>("privacy_contact");
        if let Ok(Networks(networks)) = &trusted_proxies
            && networks.iter().any(|network| network.prefix_len() == 0)
        {
            let setting = reader.describe("trusted_proxies");
            reader.note(format!("{setting}: any client can claim any address; limits per address bind nobody"));
        }
        Ok(Self {
            public_url: public_url?.0,
            base_path: base_path?.0,
            address: address?,
            port: port?,
            trusted_proxies: trusted_proxies?.0,
            redirect_hosts: redirect_hosts?.0,
            exclude_urls: exclude_urls?.0,
            cors: cors?,
            compat_routes: compat_routes?,
            log_format: log_format?,
            privacy_contact: privacy_contact?.map(|contact| contact.0),
        })
    }
}

fn public_url(reader: &mut Reader, port: Read<u16>) -> Read<PublicUrl> {
    let usual = port.map(|port| PublicUrl(format!("http://localhost:{port}")));
    reader.or("public_url", usual)
}

/// Whether the server may listen on `address`, given who would reach it there.
fn check_reach(reader: &mut Reader, address: IpAddr) -> Read<IpAddr> {
    if address.to_canonical().is_loopback() {
        return Ok(address);
    }
    match reader.profile {
        Profile::Dev if !reader.allow_remote => {
            Err(reader.refuse("address", "the profile dev listens on loopback only, unless told --allow-remote"))
        }
        // The issuer and links would name a host that is another one for every client.
        Profile::Serve if !reader.is_given("public_url") => {
            let reached = reader.describe("address");
            Err(reader.refuse("public_url", format!("must be set, since {reached} isn't loopback")))
        }
        _ => Ok(address),
    }
}

/// With the session endpoints at the root, the paths of the predecessors are theirs already.
fn check_room(reader: &mut Reader, compat_routes: bool, base_path: &Read<BasePath>) -> Read<bool> {
    match base_path {
        Ok(base) if compat_routes && base.0.is_empty() => {
            let base = reader.describe("base_path");
            Err(reader.refuse("compat_routes", format!("can't be used with {base}, where those paths stand already")))
        }
        _ => Ok(compat_routes),
    }
}

struct PublicUrl(String);

impl Setting for PublicUrl {
    fn parse(value: &Value) -> Result<Self, String> {
        let address = Address::parse(text(value, "a URL such as https://auth.example.com")?)
            .map_err(|wrong| format!("a URL such as https://auth.example.com: it {wrong}"))?;
        Ok(Self(address.origin + &address.path))
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

struct BasePath(String);

impl Setting for BasePath {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "/ or a path such as /auth, of plain segments and without a slash at its end";
        let path = value.as_str().map(str::trim).ok_or(allowed)?;
        match plain_path(path) {
            Ok(plain) if path == "/" || plain == path => Ok(Self(plain)),
            _ => Err(allowed.to_owned()),
        }
    }

    fn show(&self) -> Json {
        json!(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

struct Networks(Vec<IpNet>);

impl Setting for Networks {
    fn parse(value: &Value) -> Result<Self, String> {
        let network = |item: &str| {
            let single = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>().or_else(|_| single()).map(|network| network.trunc()).ok()
        };
        items(value)
            .and_then(|items| items.into_iter().map(network).collect::<Option<Vec<_>>>())
            .map(Self)
            .ok_or_else(|| "a list of addresses and networks such as 127.0.0.1, 10.0.0.0/8, fd00::/8".to_owned())
    }

    fn show(&self) -> Json {
        let single = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        let shown = |network: &IpNet| if single(network) { network.addr().to_string() } else { network.to_string() };
        self.0.iter().map(shown).collect()
    }
}

struct Contact(String);

impl Setting for Contact {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "an address such as privacy@example.com, a URL, or one line of at most 200 characters";
        let contact = text(value, allowed)?;
        let fits = contact.chars().count() <= 200 && !contact.contains(char::is_control);
        fits.then(|| Self(contact.to_owned())).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

struct Hosts(Vec<String>);

impl Setting for Hosts {
    fn parse(value: &Value) -> Result<Self, String> {
        let host = |item: &str| {
            let below = item.strip_prefix("*.");
            let (host, port) = split_port(below.unwrap_or(item)).ok()?;
            let host = host.to_ascii_lowercase();
            let fits = if below.is_some() { is_domain(&host) } else { is_host(&host) };
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            fits.then(|| format!("{}{host}{port}", if below.is_some() { "*." } else { "" }))
        };
        items(value)
            .and_then(|items| items.into_iter().map(host).collect::<Option<Vec<_>>>())
            .map(Self)
            .ok_or_else(|| "a list of hosts such as app.example.com, app.example.com:8443, *.example.com".to_owned())
    }

    fn show(&self) -> Json {
        json!(self.0)
    }
}

impl Setting for CorsOrigins {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a list of origins such as https://app.example.com";
        let origins: Result<Vec<String>, String> = items(value)
            .ok_or(allowed)?
            .into_iter()
            .map(|item| origin(item).map_err(|wrong| format!("{allowed}: {wrong}")))
            .collect();
        origins.map(|origins| if origins.is_empty() { Self::None } else { Self::List(origins) })
    }

    fn show(&self) -> Json {
        match self {
            Self::None => json!([]),
            Self::AnyLocalhost => json!("any origin on localhost"),
            Self::List(origins) => json!(origins),
        }
    }
}

fn origin(item: &str) -> Result<String, String> {
    match item {
        "*" => Err("* would let any page on the web act with the cookies of whoever visits it".to_owned()),
        "null" => Err("null is the origin of sandboxed frames and local files, which anybody can make".to_owned()),
        _ => match Address::parse(item) {
            Ok(address) if address.path.is_empty() && !item.ends_with('/') => Ok(address.origin),
            Ok(_) => Err("each must have no path and no slash at its end".to_owned()),
            Err(wrong) => Err(format!("each {wrong}")),
        },
    }
}
