//! The addresses of the server, the proxies and origins that it trusts, and its log.

use std::path::PathBuf;

use ipnet::IpNet;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
};
use crate::{
    config::{
        AllowedHost, BasePath, CorsOrigins, Exclusions, ListenAddress, LogFormat, LogLevel, Logo, PrivacyContact,
        Profile, PublicUrl, SiteName, SitesDefault,
    },
    files::read_first,
};

settings! {
    /// The addresses of the server, the proxies and origins that it trusts, and its log.
    pub struct Web, WebKeys in "web", |reader| check {
        /// The port on which the server listens. `0` chooses a free port. Rocket's own setting `port` is used if this is unset.
        #[key("port", default = 8000, main = true)]
        port: u16,
        /// The URL under which clients reach this server. It must be set if `address` is not a loopback address, except in the
        /// profile `dev`. Unset: `http://localhost:<port>`.
        #[key("public_url", example = "https://auth.example.com", main = true)]
        #[otherwise(share(&port).map(|port| local_url(*port)))]
        public_url: PublicUrl,
        /// The path before the session endpoints, as in `/auth/login`. With `/`, the endpoints have no such prefix.
        #[key("base_path", default = "/auth")]
        base_path: BasePath,
        /// The IP address on which the server listens, or `unix:` and the path of a unix socket. Rocket's own setting
        /// `address` is used if this is unset.
        #[key("address", default = "127.0.0.1", main = true)]
        address: ListenAddress,
        /// The addresses and networks of the proxies in front of this server. Only their headers `X-Forwarded-…` are used.
        #[key("trusted_proxies", default = vec!["127.0.0.1", "::1"], main = true)]
        trusted_proxies: Vec<IpNet>,
        /// The networks from which `/admin` answers. From elsewhere it is 404. Unset: from everywhere.
        #[key("admin_networks", default = Vec::<&str>::new(), main = true)]
        admin_networks: Vec<IpNet>,
        /// The hosts to which a browser may be redirected after the login, in addition to this server. Examples:
        /// `app.example.com`, `app.example.com:8443`, `*.example.com`.
        #[key("allowed_redirect_hosts", default = Vec::<&str>::new(), main = true)]
        redirect_hosts: Vec<AllowedHost>,
        /// The paths that forward authentication permits without a login, such as `/public/**` or `app.example.com/*.css`. `*`
        /// matches any text within a segment, `**` any number of segments. In an application that embeds the server, entries
        /// without a host are also open in its protected routes.
        #[key("exclude_urls", default = Vec::<&str>::new(), main = true)]
        exclude_urls: Exclusions,
        /// The users who may use a host behind forward authentication that has no table in `sites`: `signed_in` (everybody who
        /// is signed in) or `deny` (nobody).
        #[key("sites_default", default = "signed_in", main = true)]
        sites_default: SitesDefault,
        /// The origins of other sites whose pages may call this server (CORS): scheme, host and port, such as
        /// `https://app.example.com` or `capacitor://localhost`. Unset: no other origin; in the profile `dev`, any origin on
        /// localhost.
        #[key("cors_allowed_origins", example = "https://app.example.com", main = true)]
        #[otherwise(Ok(match reader.profile {
            Profile::Dev => CorsOrigins::AnyLocalhost,
            Profile::Serve => CorsOrigins::None,
        }))]
        cors: CorsOrigins,
        /// Whether the server also has the paths of other login systems, for clients that were written for them: `/login`,
        /// `/auth/jwt/login`, `/api/token/` and others.
        #[key("compat_routes", default = false, main = true)]
        compat_routes: bool,
        /// Whether `/docs` has a viewer of the API description, if the program was built with it. With the profile `dev` it can
        /// also send requests.
        #[key("docs", default = false, dev = true, main = true)]
        docs: bool,
        /// The format of the log on stderr: `text`, or `json` with one object in each line.
        #[key("log_format", default = "text")]
        log_format: LogFormat,
        /// The least severe events in the log: `error`, `warn`, `info`, `debug` or `trace`. Requests that forward
        /// authentication permits are in the log from `debug` on.
        #[key("log_level", default = "info")]
        log_level: LogLevel,
        /// The contact for questions about privacy, which the page `/privacy` displays: an email address, a URL, or one line
        /// of text.
        #[key("privacy_contact", example = "privacy@example.com", main = true)]
        privacy_contact: Option<PrivacyContact>,
        /// The name of the site, which the pages and their titles display: at most 60 characters. Unset: the host of
        /// `public_url`.
        #[key("site_name", example = "Example Notes", main = true)]
        #[otherwise(share(&public_url).map(|url| SiteName::of_host(url.authority())))]
        site_name: SiteName,
        /// The path of an image that the pages display beside the name of the site: SVG, PNG, WebP or JPEG, at most 128 KiB.
        /// It is read at the start.
        #[key("site_logo", example = "/etc/vestibule/logo.svg", main = true)]
        site_logo: Option<PathBuf>,
        then {
            /// The image of `site_logo`.
            logo: Option<Logo> = read_logo(reader, share(&site_logo)),
        }
    }
}

impl WebKeys {
    /// Refuses settings that can't be used together.
    fn check(&self, reader: &mut Reader) {
        // The default `public_url` contains localhost, which is a different host for each client. The issuer and links would be
        // wrong.
        if let Ok(address) = &self.address
            && let Ok(true) = check_reach(reader, "address", address)
            && reader.profile == Profile::Serve
            && !reader.is_given("public_url")
        {
            reader.conflict("public_url", "must be set, since {address} isn't loopback");
        }
        reader.check("compat_routes", "can't be used with {base_path}, where those paths are taken", || {
            Ok(self.compat_routes? && share(&self.base_path)?.is_empty())
        });
        // A client would join the two, and the issuer of the metadata would have the path twice.
        reader.check("public_url", "must not end with {base_path}, which is appended to it", || {
            let (url, base) = (share(&self.public_url)?, share(&self.base_path)?);
            Ok(!base.is_empty() && url.path().ends_with(base.as_str()))
        });
        if let Ok(networks) = &self.trusted_proxies
            && networks.iter().any(|network| network.prefix_len() == 0)
        {
            let setting = reader.describe("trusted_proxies");
            reader.note(format!("{setting}: any client can claim any address; limits per address bind nobody"));
        }
    }
}

/// Returns whether other machines can reach an address. Refuses such an address in the profile `dev`, unless the command line
/// has `--allow-remote`.
pub(super) fn check_reach(reader: &mut Reader, key: &str, address: &ListenAddress) -> Read<bool> {
    match reader.profile {
        _ if address.is_local() => Ok(false),
        Profile::Dev if !reader.may_be_remote => {
            Err(reader.refuse(key, "the profile dev listens on loopback only, unless told --allow-remote"))
        }
        Profile::Dev | Profile::Serve => Ok(true),
    }
}

/// Returns the URL of a server on this machine: `http://localhost:<port>`, without a port if `port` is 0.
pub(super) fn local_url(port: u16) -> PublicUrl {
    // With port 0, the configuration is read again after a free port was chosen. So no client sees a URL without a port.
    let authority = if port == 0 { "localhost".to_owned() } else { format!("localhost:{port}") };
    format!("http://{authority}").parse().expect("a URL of plain parts")
}

/// Reads the file of the logo. Refuses a file that can't be read, or that is not an image for a page.
fn read_logo(reader: &mut Reader, path: Read<&Option<PathBuf>>) -> Read<Option<Logo>> {
    let Some(path) = path? else { return Ok(None) };
    let logo = read_first(path, Logo::MAX_BYTES + 1).and_then(|bytes| Logo::parse(bytes.to_vec()));
    logo.map(Some).map_err(|wrong| reader.refuse("site_logo", wrong))
}
