//! Where the server listens, how clients reach it, and which proxies and origins it trusts.

use std::net::IpAddr;

use figment::value::Value;
use ipnet::IpNet;
use serde_json::Value as Json;

use super::{
    declare::settings,
    profile::Profile,
    reader::{Reader, share},
    setting::{Setting, list, show_list, text_if, vocabulary},
};
use crate::domain::{
    address::{PublicUrl, plain_path},
    exclusions::Exclusions,
    redirect::AllowedHost,
};

vocabulary! {
    /// How the log is written.
    pub LogFormat {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

settings! {
    /// The addresses of the server, and the proxies and origins that it trusts.
    pub struct Web, WebKeys in "web", |reader| {
        /// The port to listen on; 0 picks a free one. Rocket's own setting works too.
        #[key("port", default = 8000, main = true)]
        port: u16,
        /// The URL under which clients reach this server. Unset: `http://localhost:<port>`. It must be set if `address` isn't
        /// loopback.
        #[key("public_url", example = "https://auth.example.com", main = true)]
        #[read(otherwise = share(&port).map(|port| local_url(*port)))]
        public_url: PublicUrl,
        /// The path below which the session endpoints are; `/` for none.
        #[key("base_path", default = "/auth")]
        #[read(parse = base_path, show = |path: &String| Json::from(if path.is_empty() { "/" } else { path }))]
        base_path: String,
        /// The address to listen on. Rocket's own setting works too.
        #[key("address", default = "127.0.0.1", main = true)]
        address: IpAddr,
        /// Addresses and networks of proxies whose headers `X-Forwarded-…` are believed.
        #[key("trusted_proxies", default = vec!["127.0.0.1", "::1"], main = true)]
        trusted_proxies: Vec<IpNet>,
        /// Hosts beside this server to which a browser may be sent after signing in, such as `app.example.com`,
        /// `app.example.com:8443`, `*.example.com`.
        #[key("allowed_redirect_hosts", default = Vec::<&str>::new(), main = true)]
        redirect_hosts: Vec<AllowedHost>,
        /// Paths that forward authentication passes without a sign-in, such as `/public/**`, `app.example.com/*.css`. `*`
        /// matches any text within a segment, `**` any number of segments.
        #[key("exclude_urls", default = Vec::<&str>::new(), main = true)]
        exclude_urls: Exclusions,
        /// Origins whose pages may call this server, such as `https://app.example.com`. Unset in the profile `dev`: any origin
        /// on localhost.
        #[key("cors_allowed_origins", example = "https://app.example.com", main = true)]
        #[read(otherwise = Ok(match reader.profile {
            Profile::Dev => CorsOrigins::AnyLocalhost,
            Profile::Serve => CorsOrigins::None,
        }))]
        cors: CorsOrigins,
        /// Whether the paths of the systems that this server succeeds are served too, such as `/login`, `/auth/jwt/login`,
        /// `/api/token/`.
        #[key("compat_routes", default = false, main = true)]
        compat_routes: bool,
        /// How the log is written: `text` or `json`.
        #[key("log_format", default = "text")]
        log_format: LogFormat,
        /// The contact for questions about privacy, which `/privacy` shows: an address, a URL, or one line of text.
        #[key("privacy_contact", example = "privacy@example.com", main = true)]
        #[read(parse = contact)]
        privacy_contact: Option<String>,
    }
}

impl WebKeys {
    /// Refuses settings that can't be used together.
    pub(super) fn check(&self, reader: &mut Reader) {
        if let Ok(address) = self.address {
            check_reach(reader, address);
        }
        if let (Ok(true), Ok("")) = (self.compat_routes, share(&self.base_path).map(String::as_str)) {
            let base = reader.describe("base_path");
            reader.refuse("compat_routes", format!("can't be used with {base}, where those paths are taken"));
        }
        if let Ok(networks) = &self.trusted_proxies
            && networks.iter().any(|network| network.prefix_len() == 0)
        {
            let setting = reader.describe("trusted_proxies");
            reader.note(format!("{setting}: any client can claim any address; limits per address bind nobody"));
        }
    }
}

/// Checks that the server may listen on `address`, given the clients that would reach it there.
fn check_reach(reader: &mut Reader, address: IpAddr) {
    if address.to_canonical().is_loopback() {
        return;
    }
    match reader.profile {
        Profile::Dev if !reader.flags.allow_remote => {
            reader.refuse("address", "the profile dev listens on loopback only, unless told --allow-remote");
        }
        // The issuer and links would contain localhost, which is another host for each client.
        Profile::Serve if !reader.is_given("public_url") => {
            let reached = reader.describe("address");
            reader.refuse("public_url", format!("must be set, since {reached} isn't loopback"));
        }
        Profile::Dev | Profile::Serve => {}
    }
}

/// Returns the URL of a server on this machine.
pub(super) fn local_url(port: u16) -> PublicUrl {
    // A port of 0 is replaced by the port that was picked before anybody is told the URL.
    let authority = if port == 0 { "localhost".to_owned() } else { format!("localhost:{port}") };
    format!("http://{authority}").parse().expect("a URL of plain parts")
}

/// Reads a path. Returns an empty text for `/`, and no slash at the end.
fn base_path(value: &Value) -> Result<String, String> {
    let allowed = "/ or a path such as /auth, of plain segments and without a slash at its end";
    let path = value.as_str().map(str::trim).ok_or(allowed)?;
    match plain_path(path) {
        Ok(plain) if path == "/" || plain == path => Ok(plain.to_owned()),
        _ => Err(allowed.to_owned()),
    }
}

fn contact(value: &Value) -> Result<Option<String>, String> {
    let allowed = "an address such as privacy@example.com, a URL, or one line of at most 200 characters";
    text_if(value, allowed, |text| text.chars().count() <= 200 && !text.contains(char::is_control)).map(Some)
}

/// Origins whose pages may read our responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Only our own.
    None,
    /// Any on `localhost` or a loopback address: what `dev` starts with.
    AnyLocalhost,
    /// These, each as a browser's `Origin` header has it.
    List(Vec<String>),
}

impl Setting for CorsOrigins {
    fn parse(value: &Value) -> Result<Self, String> {
        let origins = list(value, "a list of origins such as https://app.example.com", origin)?;
        Ok(if origins.is_empty() { Self::None } else { Self::List(origins) })
    }

    fn show(&self) -> Json {
        match self {
            Self::None => show_list::<String>(&[]),
            Self::AnyLocalhost => Json::from("any origin on localhost"),
            Self::List(origins) => show_list(origins),
        }
    }
}

fn origin(item: &str) -> Result<String, String> {
    match item {
        "*" => Err("* would let any page on the web act with the cookies of its visitors".to_owned()),
        "null" => Err("null is the origin of sandboxed frames and local files, which anybody can make".to_owned()),
        _ => match item.parse::<PublicUrl>() {
            Ok(url) if url.path().is_empty() && !item.ends_with('/') => Ok(url.origin().to_owned()),
            Ok(_) => Err("each must have no path and no slash at its end".to_owned()),
            Err(wrong) => Err(format!("each {wrong}")),
        },
    }
}
