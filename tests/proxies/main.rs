//! Tests of nginx and Caddy, as Debian packages them, and of Traefik, with the configurations of `docs/deploy`. Each proxy
//! serves two applications on two hosts, with one sign-in. The configurations differ from the files only in addresses and
//! ports, and in that they use no TLS. `alone.rs` tests the configurations of `docs/install.md`, with TLS.

mod alone;
mod plain;
#[path = "../common/sockets.rs"]
mod sockets;
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
#[path = "../cli/support.rs"]
mod support;
mod world;

use crate::world::{ALL, APP, AUTH, Kind, WIKI, World, deployed};

/// The headers in which Vestibule names the user to an application.
const IDENTITY: [&str; 5] = ["remote-user", "remote-email", "remote-groups", "x-auth-sub", "x-auth-permissions"];

/// Headers with which a client could claim an identity.
const MADE_UP: [(&str, &str); 9] = [
    ("Remote-User", "root"),
    ("remote-user", "admin"),
    ("Remote-Email", "root@example.com"),
    ("Remote-Groups", "admin"),
    ("X-Auth-Sub", "1"),
    ("X-Auth-Permissions", "wiki:admin"),
    ("Remote_User", "root"),
    ("Remote_Groups", "admin"),
    ("X_Auth_Sub", "1"),
];

#[test]
fn a_page_is_redirected_to_the_sign_in_and_a_program_gets_401() {
    for kind in ALL {
        let world = World::start(kind);
        for (host, name) in [(APP, "app"), (WIKI, "wiki")] {
            let answer = world.open(host, "/a%20b?c=d&e=/f");
            let next = format!("http%3A%2F%2F{name}.example.com%3A{}%2Fa%2520b%3Fc%3Dd%26e%3D%2Ff", world.port);
            let expected = format!("https://auth.example.com/auth/continue?next={next}");
            assert_eq!((answer.status, answer.header("location")), (302, Some(expected.as_str())), "{kind:?}");
            let told = world.get(host, "/", &[("Accept", "application/json")]);
            assert_eq!((told.status, told.header("location")), (401, None), "{kind:?}");
            assert!(told.body.contains(r#""error":"missing_token""#), "{kind:?}: {}", told.body);
            let form = [("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded")];
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                assert_eq!(world.send(method, host, "/", &form, "a=b").status, 401, "{kind:?} {method}");
            }
        }
        // An invalid access cookie is treated like a missing cookie.
        let over = [("Accept", "text/html"), ("Cookie", "__Secure-access_token=a.b.c")];
        assert_eq!(world.get(APP, "/", &over).status, 302, "{kind:?}");
        assert!(world.app.take().is_empty() && world.wiki.take().is_empty(), "{kind:?}");
    }
}

#[test]
fn one_sign_in_serves_both_applications_and_neither_sees_a_token() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        let cookies = format!("theme=dark; {cookies}; lang=en");
        for (host, application) in [(APP, &world.app), (WIKI, &world.wiki)] {
            let answer = world.get(host, "/x/../y%2fz?q=1", &[("Cookie", &cookies), ("Accept", "text/html")]);
            assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{kind:?}");
            let got = application.take_one();
            // Traefik asks about the path, and passes it on, without dot segments.
            let line = if kind == Kind::Traefik { "GET /y%2Fz?q=1 HTTP/1.1" } else { "GET /x/../y%2fz?q=1 HTTP/1.1" };
            assert_eq!(got.line, line, "{kind:?}: it gets what Vestibule saw");
            assert_eq!(got.says("remote-user"), ["ada"], "{kind:?}");
            assert_eq!(got.says("remote-email"), ["ada@example.com"], "{kind:?}");
            assert_eq!(got.says("x-auth-permissions"), ["wiki:read"], "{kind:?}");
            assert_eq!((got.says("remote-groups").len(), got.says("x-auth-sub").len()), (0, 1), "{kind:?}");
            let cookie = got.says("cookie").join("; ");
            assert!(cookie.contains("theme=dark") && cookie.contains("lang=en"), "{kind:?}: {cookie}");
            if kind == Kind::Traefik {
                // Traefik can't remove a single cookie. The application can do nothing at Vestibule with the token.
                let token = cookie.split("__Secure-access_token=").nth(1).and_then(|rest| rest.split(';').next());
                let bearer = format!("Bearer {}", token.expect("the access cookie"));
                for path in ["/users/me", "/auth/verify", "/auth/active_sessions"] {
                    assert_eq!(world.get(AUTH, path, &[("Authorization", &bearer)]).status, 401, "{path}");
                    let is_of_a_user = path != "/auth/verify";
                    assert_eq!(world.get(AUTH, path, &[("Cookie", &cookies)]).status == 401, is_of_a_user, "{path}");
                }
            } else {
                assert!(!got.head.contains("eyJ"), "{kind:?}: a token in {}", got.head);
            }
        }
        // A bearer token is accepted too, and is not passed on to the application either.
        let token = world.server.as_ref().expect("a server").token("ada", support::PASSWORD);
        let bearer = format!("Bearer {token}");
        assert_eq!(world.get(APP, "/", &[("Authorization", &bearer)]).status, 200, "{kind:?}");
        let got = world.app.take_one();
        assert_eq!((got.says("remote-user"), got.says("authorization").len()), (vec!["ada"], 0), "{kind:?}");
    }
}

#[test]
fn an_application_that_sets_a_second_token_cookie_sees_no_token() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        for set in ["__Secure-access_token", "__Secure-refresh_token"] {
            for cookies in
                [format!("{set}=x; {cookies}"), format!("{cookies}; {set}=x"), format!("{set}=x; {set}=y; {cookies}")]
            {
                if world.get(APP, "/grab", &[("Cookie", &cookies)]).status == 200 {
                    let got = world.app.take_one();
                    assert!(!got.head.contains("eyJ"), "{kind:?}: a token in {}", got.head);
                }
            }
        }
    }
}

#[test]
fn identity_headers_of_a_client_never_reach_an_application() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
            MADE_UP.iter().chain(more).copied().collect()
        };
        assert_eq!(world.get(APP, "/", &with(&[])).status, 401, "{kind:?}");
        assert!(world.app.take().is_empty(), "{kind:?}");
        let mut headers = with(&[]);
        headers.push(("Cookie", &cookies));
        assert_eq!(world.get(APP, "/", &headers).status, 200, "{kind:?}");
        let got = world.app.take_one();
        assert_eq!((got.says("remote-user"), got.says("remote-groups").len()), (vec!["ada"], 0), "{kind:?}");
        assert_eq!(got.says("x-auth-permissions"), ["wiki:read"], "{kind:?}");
        for underscored in ["remote_user", "remote_groups", "x_auth_sub"] {
            assert!(got.says(underscored).is_empty(), "{kind:?} {underscored}");
        }
        // The headers of the client change neither the host nor the path that Vestibule checks.
        let elsewhere = [
            ("X-Forwarded-Uri", "/public/a"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Original-Uri", "/public/a"),
        ];
        for host in [APP, WIKI] {
            assert_eq!(world.get(host, "/", &elsewhere).status, 401, "{kind:?}");
        }
        assert_eq!(world.get(WIKI, "/public/a", &elsewhere).status, 401, "{kind:?}: it is excluded on the other host");
        let port = world.port;
        for text in [
            format!("GET http://{WIKI}:{port}/public/a HTTP/1.1\r\nHost: {APP}:{port}\r\nConnection: close\r\n\r\n"),
            format!("GET /public/a HTTP/1.1\r\nHost: {WIKI}\r\nHost: {APP}\r\nConnection: close\r\n\r\n"),
            format!("GET /public/a HTTP/1.1\r\nHost: {APP}.evil.example\r\nConnection: close\r\n\r\n"),
        ] {
            world.send_bytes(text.as_bytes());
        }
        assert!(world.wiki.take().is_empty() && world.app.take().is_empty(), "{kind:?}");
    }
}

#[test]
fn a_client_that_names_identity_headers_in_connection_takes_nothing_away() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        for names in ["Remote-User", "close, Remote-User, X-Auth-Sub", "keep-alive, remote-user, x-auth-sub, Cookie"] {
            let port = world.port;
            let text =
                format!("GET / HTTP/1.1\r\nHost: {APP}:{port}\r\nCookie: {cookies}\r\nConnection: {names}\r\n\r\n");
            let answer = world.send_bytes(text.as_bytes());
            for got in world.app.take() {
                assert_eq!(got.says("remote-user"), ["ada"], "{kind:?} {names}: {}", got.head);
                assert_eq!(got.says("x-auth-sub").len(), 1, "{kind:?} {names}");
            }
            assert!(matches!(answer.status, 200 | 401), "{kind:?} {names}: {}", answer.status);
        }
    }
}

#[test]
fn an_excluded_path_passes_without_an_identity_and_similar_paths_do_not_pass() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        for target in ["/public/a", "/public/a/b?c", "/%70ublic/a"] {
            let mut headers = MADE_UP.to_vec();
            assert_eq!(world.get(APP, target, &headers).status, 200, "{kind:?} {target}");
            headers.push(("Cookie", &cookies));
            assert_eq!(world.get(APP, target, &headers).status, 200, "{kind:?} {target}");
            let got = world.app.take();
            assert_eq!(got.len(), 2);
            for got in got {
                assert!(IDENTITY.iter().all(|name| got.says(name).is_empty()), "{kind:?}: {}", got.head);
                assert!(["remote_user", "x_auth_sub"].iter().all(|name| got.says(name).is_empty()), "{kind:?}");
                let is_rewritten = kind == Kind::Traefik && target.contains('%');
                assert_eq!(got.line == format!("GET {target} HTTP/1.1"), !is_rewritten, "{kind:?}: {}", got.line);
            }
        }
        for target in [
            "/public",
            "/publicx",
            "/PUBLIC/a",
            "/public/../admin",
            "/public%2f..%2fadmin",
            "/public/%2e%2e/admin",
            "/public/%252e%252e/admin",
            "//admin",
            "//public/a",
            "/public//a",
            "/public;x/../admin",
            "/public/a;b",
            "/public/..\\admin",
            "/public%5c..%5cadmin",
            "/public/%00",
            "/public/a#/../../admin",
            "/admin#/public/a",
            "/admin?/public/a",
            "/admin%3f/public/a",
        ] {
            let status = world.get(APP, target, &[]).status;
            let got = world.app.take();
            // Traefik asks about the path without empty and dot segments, and passes this path on.
            let is_cleaned = kind == Kind::Traefik && got.iter().all(|got| got.line.starts_with("GET /public/a"));
            assert!((400..500).contains(&status) || is_cleaned, "{kind:?} {target}: {status}");
            assert!(got.is_empty() || is_cleaned, "{kind:?} {target}: {got:?}");
        }
    }
}

#[test]
fn an_area_that_requires_a_permission_is_refused_to_other_users() {
    for kind in ALL {
        let world = World::start(kind);
        let (ada, _) = world.sign_in("ada");
        let (root, _) = world.sign_in("root");
        let get =
            |cookies: &str, target: &str| world.get(WIKI, target, &[("Cookie", cookies), ("Accept", "text/html")]);
        assert_eq!(get(&ada, "/page").status, 200, "{kind:?}");
        for target in [
            "/admin", "/admin?x", "/admin/", "/admin/x?y", "/x/../admin/y", "/%61dmin/y", "//admin/y",
            "/x/%2e%2e/admin/y",
        ] {
            world.wiki.take();
            assert_eq!(get(&ada, target).status, 403, "{kind:?} {target}");
            assert!(world.wiki.take().is_empty(), "{kind:?} {target}");
            assert_eq!(get(&root, target).status, 200, "{kind:?} {target}");
            assert_eq!(world.wiki.take_one().says("remote-user"), ["root"], "{kind:?}");
        }
        assert_eq!(world.open(WIKI, "/admin/").status, 302, "{kind:?}");
        // After the permission is removed, the area is refused within a second.
        world.place.succeed(&["user", "set", "root", "--no-permission", "wiki:admin"]);
        support::within_a_second("the area is still open", || get(&root, "/admin/").status != 200);
    }
}

#[test]
fn a_logout_is_effective_on_every_host_at_once() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, own) = world.sign_in("ada");
        let status = |host: &str| world.get(host, "/", &[("Cookie", &cookies)]).status;
        assert_eq!((status(APP), status(WIKI)), (200, 200), "{kind:?}");
        // Neither an application nor another host of the domain can sign the user out with the cookie that it receives.
        let refused = world.send("POST", AUTH, "/auth/logout", &[("Cookie", &cookies)], "");
        assert_eq!((refused.status, status(APP)), (401, 200), "{kind:?}");
        let logout = [("Cookie", own.cookies.as_str()), ("X-CSRF-Token", own.csrf.as_str())];
        assert_eq!(world.send("POST", AUTH, "/auth/logout", &logout, "").status, 200, "{kind:?}");
        assert_eq!((status(APP), status(WIKI)), (401, 401), "{kind:?}");
    }
}

#[test]
fn bodies_and_upgrades_pass_through() {
    for kind in ALL {
        let world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        let body = "x".repeat(300_000);
        for method in ["POST", "PUT"] {
            assert_eq!(world.send(method, APP, "/upload", &[("Cookie", &cookies)], &body).status, 200, "{kind:?}");
            let got = world.app.take_one();
            assert!(got.line.starts_with(method) && got.body == body, "{kind:?}");
        }
        let port = world.port;
        let handshake = format!(
            "GET /socket HTTP/1.1\r\nHost: {APP}:{port}\r\nCookie: {cookies}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        assert_eq!(world.send_bytes(handshake.as_bytes()).status, 200);
        let got = world.app.take_one();
        assert_eq!((got.says("upgrade"), got.says("remote-user")), (vec!["websocket"], vec!["ada"]), "{kind:?}");
    }
}

#[test]
fn no_request_passes_while_vestibule_is_stopped() {
    for kind in ALL {
        let mut world = World::start(kind);
        let (cookies, _) = world.sign_in("ada");
        drop(world.server.take());
        for target in ["/", "/public/a"] {
            let status = world.get(APP, target, &[("Cookie", &cookies)]).status;
            assert!((500..600).contains(&status), "{kind:?} {target}: {status}");
        }
        assert!(world.app.take().is_empty(), "{kind:?}");
    }
}

#[test]
fn the_traefik_configuration_copies_the_same_headers() {
    let text = deployed("traefik.yml");
    let copied: Vec<&str> = text.lines().filter(|line| line.contains("authResponseHeaders:")).collect();
    assert_eq!(copied.len(), text.matches("forwardAuth:\n").count());
    for name in ["Remote-User", "Remote-Email", "Remote-Groups", "X-Auth-Sub", "X-Auth-Permissions"] {
        assert!(copied.iter().all(|line| line.contains(name)), "{name}");
    }
    assert!(!text.contains("trustForwardHeader: true"));
}

#[test]
fn through_a_proxy_on_the_same_machine_nothing_is_at_the_workbench() {
    let server = support::dev_place().start(&["dev"]);
    let address = server.base.trim_start_matches("http://");
    for kind in [Kind::Nginx, Kind::Caddy] {
        assert_eq!(plain::statuses_through(kind, address, "/health"), [200, 200], "{kind:?} reaches the server");
        for path in ["/dev", "/demo", "/dev/next", "/dev/requests", "/dev/sessions"] {
            assert_eq!(server.get(path, "").0, 200, "{path}");
            assert_eq!(plain::statuses_through(kind, address, path), [404, 404], "{kind:?} {path}");
        }
    }
}
