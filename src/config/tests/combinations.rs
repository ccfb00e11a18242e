//! Tests of values that are allowed separately but not together.

use figment::value::Value;

use super::{SourceDirectory, config, dev, loaded, problem, problems, serve};
use crate::config::{Blacklist, Profile, Sources};

#[test]
fn all_problems_are_reported_together() {
    let sources = serve()
        .set("isuer", "x")
        .set("leeway", "soon")
        .set("port", 70_000)
        .set("session_lifetime", "1d")
        .set("cookie_samesite", "none")
        .set("cookie_secure", false)
        .set("clients.web.audience", "a b")
        .set("clients.web.colour", "red");
    assert_eq!(problems(&sources).len(), 7, "{:#?}", problems(&sources));
}

#[test]
fn a_lifetime_is_at_most_the_lifetime_that_limits_it() {
    assert_eq!(
        problem(&serve().set("refresh_token_lifetime", "91d")),
        r#"refresh_token_lifetime = "91d" (set by the program): must not be longer than session_lifetime = "90d" (default)"#
    );
    assert!(problem(&serve().set("access_token_lifetime", "8d")).contains(r#"than refresh_token_lifetime = "7d""#));
    config(&serve().set("access_token_lifetime", "7d").set("refresh_token_lifetime", "90d"));
}

#[test]
fn a_client_uses_the_global_settings_unless_it_sets_its_own() {
    let sources = serve()
        .set("audience", "api")
        .set("clients.web.access_token_lifetime", "1h")
        .set("clients.my.app.audience", "app");
    let config = config(&sources);
    assert_eq!(config.longest_access_token_lifetime().seconds(), 3600);
    let clients = config.clients;
    let ids: Vec<&str> = clients.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["default", "my.app", "web"]);
    assert_eq!(clients.get("web").map(|client| client.audience.default_audience()), Some("api"));
    assert_eq!(clients.get("my.app").map(|client| client.audience.default_audience()), Some("app"));
    assert!(clients.get("other").is_none());
}

#[test]
fn the_lifetimes_of_a_client_are_limited_too() {
    let long = serve().set("clients.web.refresh_token_lifetime", "91d");
    assert!(problem(&long).starts_with(r#"clients.web.refresh_token_lifetime = "91d""#));
    let short = serve().set("clients.web.refresh_token_lifetime", "5m");
    assert!(problem(&short).starts_with(r#"clients.web.access_token_lifetime = "15m" (default)"#));
}

#[test]
fn the_id_of_a_client_with_a_space_is_refused() {
    assert!(problem(&serve().set("clients.a b.audience", "x")).contains("a client's id is"));
}

#[test]
fn fingerprint_drift_is_at_most_fingerprint_match() {
    assert!(problem(&serve().set("fingerprint_drift", 0.8)).contains("must not be above fingerprint_match = 0.75"));
    config(&serve().set("fingerprint_drift", 1).set("fingerprint_match", 1));
}

#[test]
fn a_disabled_blacklist_revokes_only_refresh_tokens() {
    assert_eq!(config(&serve().set("blacklist_enabled", false)).sessions.blacklist, Blacklist::Refresh);
}

/// Returns sources with the flags `--address` and `--allow-remote`.
fn listening_on(profile: Profile, address: &str, allow_remote: bool) -> Sources {
    let mut sources = Sources::isolated(profile).set_from("--address", "address", Some(address));
    sources.may_be_remote = allow_remote;
    sources
}

#[test]
fn serve_on_an_address_that_is_not_loopback_requires_public_url() {
    let sources = listening_on(Profile::Serve, "0.0.0.0", false);
    assert_eq!(
        problem(&sources),
        r#"public_url = "http://localhost:8000" (default): must be set, since address = "0.0.0.0" (--address) isn't loopback"#
    );
    config(&sources.set("public_url", "https://auth.example.com"));
    for loopback in ["127.0.0.2", "::1", "::ffff:127.0.0.1"] {
        config(&listening_on(Profile::Serve, loopback, false));
    }
}

#[test]
fn dev_listens_only_on_loopback_without_allow_remote() {
    assert!(problem(&listening_on(Profile::Dev, "0.0.0.0", false)).contains("unless told --allow-remote"));
    config(&listening_on(Profile::Dev, "0.0.0.0", true));
    config(&listening_on(Profile::Dev, "::1", false));
}

#[test]
fn a_cookie_name_whose_prefix_does_not_fit_the_attributes_is_refused() {
    let refused = |sources: Sources, why: &str| {
        let problem = problem(&sources);
        assert!(problem.contains(why), "{problem}");
    };
    refused(dev().set("access_cookie_name", "__host-a"), "can't be used with cookie_secure = false");
    refused(dev().set("csrf_cookie_name", "__Secure-a"), "can't be used with cookie_secure = false");
    refused(serve().set("refresh_cookie_name", "__Host-a"), "the path of this cookie isn't /");
    let domain = serve().set("cookie_domain", "example.com");
    refused(domain.set("access_cookie_name", "__Host-a"), r#"can't be used with cookie_domain = "example.com""#);
    refused(serve().set("csrf_cookie_name", "a").set("access_cookie_name", "a"), "must differ from access_cookie_name");
    refused(dev().set("cookie_samesite", "none"), "none can't be used with cookie_secure = false");
}

#[test]
fn with_a_domain_no_other_host_may_be_able_to_set_the_csrf_cookie() {
    let domain = serve().set("cookie_domain", "example.com");
    for name in ["csrf", "__Secure-csrf"] {
        let problem = problem(&domain.clone().set("csrf_cookie_name", name));
        assert!(problem.contains("must begin with __Host-, with cookie_domain"), "{problem}");
        config(&serve().set("csrf_cookie_name", name));
    }
    config(&domain.set("csrf_cookie_name", "__Host-csrf"));
}

#[test]
fn default_cookie_names_follow_the_attributes() {
    let cookies = config(&serve().set("cookie_domain", "example.com")).cookies;
    assert_eq!(&*cookies.access_name, "__Secure-access_token");
    assert_eq!(&*cookies.csrf_name, "__Host-csrf_token", "only the access cookie has the domain");
    assert_eq!(&*config(&serve().set("cookie_secure", false)).cookies.access_name, "access_token");
    assert_eq!(&*config(&dev().set("cookie_secure", true)).cookies.access_name, "__Host-access_token");
}

#[test]
fn the_cookie_domain_is_the_host_of_public_url_or_a_parent_domain() {
    let domain = |url: &str| serve().set("cookie_domain", "example.com").set("public_url", url);
    config(&domain("https://example.com"));
    config(&domain("https://auth.example.com"));
    assert!(problem(&domain("https://badexample.com")).contains("must be the host of public_url"));
}

#[test]
fn a_note_warns_if_every_proxy_is_trusted() {
    let notes = loaded(&serve().set("trusted_proxies", "0.0.0.0/0")).config.notes;
    assert!(notes.concat().contains("any client can claim any address"), "{notes:?}");
    assert!(SourceDirectory::new(Profile::Serve).loaded().config.notes.is_empty());
}

#[test]
fn renew_within_is_shorter_than_every_access_token_lifetime() {
    assert_eq!(config(&serve()).tokens.renew_within.seconds(), 0);
    assert_eq!(config(&serve().set("renew_within", "14m")).tokens.renew_within.seconds(), 840);
    assert_eq!(
        problem(&serve().set("renew_within", "15m")),
        r#"renew_within = "15m" (set by the program): must be shorter than access_token_lifetime = "15m" (default)"#
    );
    let short = serve().set("renew_within", "5m").set("clients.web.access_token_lifetime", "5m");
    assert!(problem(&short).starts_with(r#"clients.web.access_token_lifetime = "5m""#));
}

#[test]
fn compat_routes_require_tokens_in_headers_and_a_base_path() {
    let compat = || serve().set("compat_routes", true);
    config(&compat());
    assert!(
        problem(&compat().set("token_location", "cookies")).contains("must have headers, with compat_routes = true")
    );
    assert!(problem(&compat().set("base_path", "/")).contains(r#"can't be used with base_path = "/""#));
}

#[test]
fn a_public_suffix_is_refused_as_the_domain_of_cookies() {
    for suffix in ["co.uk", "duckdns.org", "github.io", "com.au", "CO.UK", "s3.amazonaws.com"] {
        let problem = problem(&serve().set("cookie_domain", suffix));
        assert!(problem.contains("below this public suffix"), "{suffix}: {problem}");
    }
    for domain in ["example.co.uk", "me.duckdns.org", "home.arpa.example", "auth.lan.example"] {
        config(&serve().set("cookie_domain", domain));
    }
}

#[test]
fn a_public_url_with_which_nobody_could_sign_in_is_refused() {
    for url in ["https://a.example.com/auth", "https://a.example.com/auth/", "https://a.example.com/x/auth"] {
        let problem = problem(&serve().set("public_url", url));
        assert!(problem.contains("must not end with base_path = \"/auth\""), "{problem}");
    }
    config(&serve().set("public_url", "https://a.example.com/auth").set("base_path", "/"));
    config(&serve().set("public_url", "https://a.example.com/oauth"));
    for url in ["http://auth.example.com", "http://10.0.0.1:8000", "http://localhost.example.com", "http://[fd00::1]"] {
        let problem = problem(&serve().set("public_url", url));
        assert!(problem.contains("must be https") && problem.contains("cookie_secure = true"), "{problem}");
        config(&serve().set("public_url", url).set("cookie_secure", false));
        config(&serve().set("public_url", url).set("token_location", "headers"));
    }
    for url in ["http://localhost:9", "http://auth.localhost", "http://127.0.0.1:8000", "http://[::1]:8000"] {
        config(&serve().set("public_url", url));
    }
}

#[test]
fn the_narrowest_table_of_a_host_counts() {
    let sources = ["*.example.com", "app.example.com", "*.b.example.com"]
        .iter()
        .fold(serve(), |sources, host| sources.set(&format!("sites.{host}.roles"), *host));
    let sites = config(&sources).sites;
    let roles = |host: &str| sites.find(&host.parse().expect("a host")).and_then(|site| site.roles.clone());
    for (host, table) in [
        ("app.example.com", "app.example.com"),
        ("app.example.com:443", "app.example.com"),
        ("app.example.com:8443", "app.example.com"),
        ("x.example.com", "*.example.com"),
        ("x.b.example.com", "*.b.example.com"),
    ] {
        assert_eq!(roles(host), Some(vec![table.to_owned()]), "{host}");
    }
    assert_eq!(roles("example.com"), None);
    for (id, why) in [
        ("App.example.com", "in lower case"),
        ("app.example.com:8443", "without a port"),
        ("https://a.example", "a site's id is a host"),
    ] {
        assert!(problem(&serve().set(&format!("sites.{id}.roles"), "a")).contains(why), "{id}");
    }
    let other = problem(&serve().set("sites.a.example.exclude_urls", vec!["b.example/x"]));
    assert!(other.contains("must be paths without a host"), "{other}");
    assert!(problem(&serve().set("sites.a.example.rolls", "x")).contains("did you mean sites.a.example.roles?"));
}

#[test]
fn open_registration_beside_hosts_for_everybody_is_told() {
    let notes = |sources: Sources| loaded(&sources.set("registration", "open")).config.notes;
    assert!(notes(serve())[0].contains("everybody who registers"));
    assert!(notes(serve().set("sites_default", "deny")).is_empty());
    let denied = serve().set("sites_default", "deny");
    assert!(notes(denied.clone().set("sites.a.example.roles", "friends")).is_empty());
    assert!(!notes(denied.set("sites.a.example.exclude_urls", vec!["/x"])).is_empty());
    assert!(notes(dev()).is_empty());
}

#[test]
fn a_client_may_have_several_audiences_and_one_that_cannot_use_the_account_is_named() {
    let own = "https://auth.example.com";
    let sources = |audience: Value| serve().set("audience", own).set("clients.web.audience", audience);
    let list = |items: &[&str]| Value::from(items.to_vec());
    let both = sources(list(&["api", own, "api"]));
    let config = config(&both);
    let audience = &config.clients.get("web").expect("it is configured").audience;
    assert_eq!(audience.iter().collect::<Vec<_>>(), ["api", own]);
    assert!(loaded(&both).config.notes.is_empty());

    let notes = loaded(&sources("api".into())).config.notes;
    assert!(notes[0].contains("clients.web.audience = \"api\"") && notes[0].contains(own), "{notes:?}");
    assert!(!notes[0].contains("pages"));
    let notes = loaded(&serve().set("audience", own).set("clients.default.audience", "api")).config.notes;
    assert!(notes[0].contains("nobody can sign in on the pages"), "{notes:?}");
    for wrong in [list(&[]), list(&["api", "two words"]), list(&[""]), 7.into()] {
        assert!(problem(&sources(wrong)).contains("clients.web.audience"));
    }
}

#[test]
fn consent_cannot_be_asked_for_what_is_required() {
    let ask = serve().set("fingerprint_consent", "ask");
    assert!(problem(&ask.clone().set("fingerprint_policy", "require")).contains("nobody could decline"));
    for policy in ["off", "log", "enforce"] {
        config(&ask.clone().set("fingerprint_policy", policy));
    }
}

#[test]
fn metrics_beyond_this_machine_need_a_token() {
    for local in ["127.0.0.1:9464", "[::1]:0", "127.9.9.9:1", "unix:metrics.sock", "unix:/run/vestibule/metrics.sock"] {
        let metrics = config(&serve().set("metrics_address", local)).metrics;
        assert_eq!(metrics.address.map(|address| address.to_string()).as_deref(), Some(local));
    }
    for remote in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "[::ffff:192.0.2.1]:9464"] {
        let sources = serve().set("metrics_address", remote);
        assert_eq!(
            problem(&sources),
            format!(
                r#"metrics_token (default): must be set, since metrics_address = "{remote}" (set by the program) isn't loopback"#
            )
        );
        assert!(config(&sources.set("metrics_token", "Wq3zT8uY5rE1oP6i")).metrics.token.is_some());
        let of_dev = dev().set("metrics_address", remote).set("metrics_token", "Wq3zT8uY5rE1oP6i");
        assert!(problem(&of_dev).contains("loopback only, unless told --allow-remote"));
    }
}

#[test]
fn a_token_for_metrics_that_is_weak_or_can_not_be_sent_is_refused_and_not_printed() {
    for bad in
        ["short", "aaaaaaaaaaaaaaaaaaaaaa", "Wq3zT8uY5rE1 P6iK9jH", "Wq3zT8uY5rE1oP6iK9j\u{e9}", "Wq3zT8uY5rE1oP6i\n"]
    {
        let problem = problem(&serve().set("metrics_address", "127.0.0.1:9464").set("metrics_token", bad));
        assert!(problem.starts_with("metrics_token = [redacted]") && !problem.contains(bad), "{problem}");
    }
    let loaded = loaded(&serve().set("metrics_token", "Wq3zT8uY5rE1oP6i"));
    assert!(
        loaded.config.notes.iter().any(|note| note.contains("has no effect without metrics_address")),
        "{:?}",
        loaded.config.notes
    );
}
