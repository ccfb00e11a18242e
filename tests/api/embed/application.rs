//! Vestibule embedded in another application: the endpoints that Vestibule mounts, the application's routes that Vestibule does
//! not change, protected routes, and the functions that the application calls.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rocket::{
    Build, Request, Rocket, catch, catchers, delete, fairing::AdHoc, figment::Figment, get, http::Status, post, routes,
};
use serde_json::json;
use vestibule::{
    AccessTokenOptions, CurrentUser, Embed, FreshToken, Group, Vestibule,
    domain::{UserId, device::DeviceName},
    flows::sessions::create_access_token::CreateAccessTokenError,
    protected,
};

use super::LAUNCHER;
use crate::support::{Actor, Server, claims, wait_for};

#[get("/greeting")]
fn greeting(user: CurrentUser) -> String {
    format!("Hello {}", user.username().unwrap_or("you"))
}

/// Responds to everybody: the handler has no guard.
#[get("/careless")]
fn careless() -> &'static str {
    "secret"
}

#[post("/careless")]
fn careless_post() -> &'static str {
    "done"
}

#[get("/<name>")]
fn any_name(name: &str) -> String {
    name.to_owned()
}

#[get("/below/<name>/<_two>/<_three>")]
fn any_name_below(name: &str, _two: &str, _three: &str) -> String {
    name.to_owned()
}

#[get("/<_path..>", rank = 20)]
fn any_path(_path: std::path::PathBuf) -> &'static str {
    "any path"
}

#[delete("/everything")]
fn everything(_fresh: FreshToken) -> &'static str {
    "gone"
}

/// Starts the application that `application` builds from the fairing and an empty Rocket.
fn embedded(application: impl Fn(Embed, Rocket<Build>) -> Rocket<Build> + Send + Sync + 'static) -> Server {
    Server::with_application(LAUNCHER, vec![], move |vestibule: &Arc<Vestibule>, figment: Figment| {
        let settings = Figment::from(rocket::Config::release_default()).merge(figment).merge(("log_level", "off"));
        application(Embed::new(vestibule), rocket::custom(settings))
    })
}

/// Returns the id of a user, as the functions of the library take it.
fn id(actor: &Actor<'_>) -> UserId {
    UserId::parse(&actor.id).expect("an id")
}

#[test]
fn one_fairing_signs_people_in_and_guards_the_applications_routes() {
    let server = embedded(|embed, rocket| rocket.attach(embed).mount("/", routes![greeting, everything]));
    let ada = server.user("ada").login();
    assert_eq!(ada.get("/greeting").expect(200).text, "Hello ada");
    let refused = server.call("GET", "/greeting").send().expect_error(401, "missing_token");
    assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer realm="vestibule""#));
    let stale = ada.refreshed();
    stale.call("DELETE", "/everything").send().expect_error(401, "fresh_token_required");
    assert_eq!(ada.call("DELETE", "/everything").send().expect(200).text, "gone");
    stale.post("/auth/logout", json!({"refresh_token": stale.refresh})).expect(200);
    ada.get("/greeting").expect_error(401, "token_revoked");
}

#[test]
fn only_the_chosen_groups_are_mounted() {
    let server = embedded(|embed, rocket| rocket.attach(embed));
    server.call("GET", "/.well-known/jwks.json").send().expect(200);
    server.call("GET", "/users/me").send().expect_error(401, "missing_token");
    server.call("GET", "/health").send().expect_error(404, "not_found");
    let server = embedded(|embed, rocket| rocket.attach(embed.groups([Group::Sessions, Group::Operation])));
    server.call("GET", "/health").send().expect(200);
    server.call("GET", "/users/me").send().expect_error(404, "not_found");
    server.user("ada").login();
}

#[test]
fn a_prefix_moves_the_endpoints_that_could_collide() {
    let server = embedded(|embed, rocket| rocket.attach(embed.prefix("/accounts/").groups(Group::ALL)));
    let ada = server.user("ada").login();
    assert_eq!(ada.get("/accounts/users/me").expect(200).body["username"], "ada");
    server.call("GET", "/accounts/health").send().expect(200);
    server.call("PUT", "/accounts/health").send().expect_error(405, "method_not_allowed");
    for path in ["/users/me", "/health"] {
        ada.get(path).expect_error(404, "not_found");
    }
}

#[test]
fn the_applications_own_routes_are_not_changed() {
    #[catch(default)]
    fn own(status: Status, _: &Request<'_>) -> String {
        format!("own page for {}", status.code)
    }
    let server = embedded(|embed, rocket| {
        rocket.attach(embed).mount("/own", routes![careless, greeting]).register("/", catchers![own])
    });
    let answer = server.call("GET", "/own/careless").header("Origin", "http://localhost:1").send().expect(200);
    for header in ["content-security-policy", "cache-control", "x-request-id", "access-control-allow-origin"] {
        assert_eq!(answer.header(header), None, "{header}");
    }
    // Rocket refuses another method with 404. This server sends its 405 only for its own routes.
    assert_eq!(server.call("POST", "/own/careless").send().expect(404).text, "own page for 404");
    // If a guard refuses the request, the body is the application's error page. The challenge of this server is in the header.
    let refused = server.call("GET", "/own/greeting").bearer("x.y.z").send().expect(401);
    assert_eq!(refused.text, "own page for 401");
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
    // The routes of this server are the same as without an application.
    let ours = server.call("PUT", "/auth/login").send().expect(405);
    assert_eq!(ours.header("allow"), Some("OPTIONS, POST"));
    assert!(ours.header("content-security-policy").is_some());
}

#[test]
fn a_protected_route_needs_a_token_even_if_its_handler_has_no_guard() {
    let server = embedded(|embed, rocket| {
        rocket
            .attach(embed.only_protected_routes())
            .mount("/app", protected(routes![careless, careless_post, any_name]))
    });
    let ada = server.user("ada").login();
    for path in [
        "/app/careless",
        "/app//careless",
        "//app/careless",
        "/app/careless/",
        "/app/%63areless",
        "/app/./careless",
        "/app/x/../careless",
        "/app/x;y",
        "/app/careless?x=/auth/login",
        "/app/careless%2f",
        "/app/%2e%2e",
    ] {
        let answer = server.call("GET", path).send();
        assert!(matches!(answer.status, 401 | 404), "{path}: {} {}", answer.status, answer.text);
    }
    assert_eq!(ada.get("/app/careless").expect(200).text, "secret");
    server.call("POST", "/app/careless").send().expect_error(401, "missing_token");
    server.call("GET", "/app/careless").bearer("x.y.z").send().expect_error(401, "invalid_token");
    server.call("GET", "/app/careless").bearer(&ada.refresh).send().expect_error(401, "wrong_token_type");
}

#[test]
#[expect(deprecated, reason = "applications written for 0.1.0 use the former names")]
fn the_former_names_protect_as_well() {
    let server = embedded(|embed, rocket| {
        rocket.attach(embed.only_closed_routes()).mount("/app", vestibule::closed(routes![careless]))
    });
    server.call("GET", "/app/careless").send().expect_error(401, "missing_token");
    assert_eq!(server.user("ada").login().get("/app/careless").expect(200).text, "secret");
}

#[test]
fn only_what_exclude_urls_names_is_left_open() {
    let settings = vec![("exclude_urls", json!(["/app/open/**", "/health", "other.test/**"]))];
    let server = Server::with_application(LAUNCHER, settings, |vestibule, figment| {
        let settings = Figment::from(rocket::Config::release_default()).merge(figment).merge(("log_level", "off"));
        let routes = protected(routes![careless, any_name_below, any_path]);
        rocket::custom(settings).attach(Embed::new(vestibule)).mount("/app", routes)
    });
    assert_eq!(server.call("GET", "/app/open/door").send().expect(200).text, "any path");
    for path in [
        "/app/careless",
        "/app/opened",
        "/app/OPEN/door",
        "/app/open/../careless",
        "/app/open%2f..%2fcareless",
        "/app/open//../careless",
        "/app/open;x/../careless",
        "/app/careless?x=/app/open/door",
        "//app/open/door",
        // Rocket reads `..` as an ordinary segment, so each of these paths belongs to a protected route and must be refused.
        "/app/below/../../health",
        "/app/below/..%2f..%2fhealth",
        "/app/below/%2e%2e/%2e%2e/health",
        "/app/x/../open/door",
        "/app/x/../../health",
    ] {
        for host in ["localhost", "other.test"] {
            let answer = server.call("GET", path).header("Host", host).send();
            assert!(matches!(answer.status, 401 | 404 | 422), "{path}: {} {}", answer.status, answer.text);
        }
    }
}

#[test]
fn a_protected_route_accepts_a_cookie_but_not_from_a_foreign_page() {
    let server =
        embedded(|embed, rocket| rocket.attach(embed).mount("/app", protected(routes![careless, careless_post])));
    let answer = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = format!("access_token={}", answer.cookie("access_token").expect("a cookie"));
    let call = |method| server.call(method, "/app/careless").header("Cookie", &cookie);
    call("GET").send().expect(200);
    call("POST").send().expect_error(403, "csrf_failed");
    let csrf = answer.text_at("csrf_token");
    call("POST")
        .header("X-CSRF-Token", csrf)
        .header("Origin", "https://evil.test")
        .send()
        .expect_error(403, "csrf_failed");
    assert_eq!(call("POST").header("X-CSRF-Token", csrf).send().expect(200).text, "done");
}

#[test]
fn a_launch_with_an_unprotected_route_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    rocket::execute(async {
        let sources = vestibule::config::Sources::isolated(vestibule::config::Profile::Dev)
            .set("data_dir", directory.path().display().to_string());
        let config = vestibule::config::load(&sources).expect("it is valid").config;
        let vestibule = Vestibule::open(config).await.expect("it opens");
        let embed = || Embed::new(&vestibule).only_protected_routes();
        let quiet = || rocket::custom(Figment::from(rocket::Config::release_default()).merge(("log_level", "off")));
        let left_open = quiet().attach(embed()).mount("/", routes![careless]).ignite().await;
        let kind = left_open.expect_err("it is refused");
        assert!(format!("{:?}", kind.kind()).contains("FailedFairings"), "{:?}", kind.kind());
        quiet().attach(embed()).mount("/", protected(routes![careless])).ignite().await.expect("it is protected");
        vestibule.close().await;
    });
}

#[test]
fn a_route_that_a_later_fairing_leaves_open_stops_the_server() {
    let directory = tempfile::tempdir().expect("a directory");
    rocket::execute(async {
        let sources = vestibule::config::Sources::isolated(vestibule::config::Profile::Dev)
            .set("data_dir", directory.path().display().to_string());
        let vestibule = Vestibule::open(vestibule::config::load(&sources).expect("it is valid").config).await;
        let vestibule = vestibule.expect("it opens");
        let settings = Figment::from(rocket::Config::release_default()).merge(("log_level", "off")).merge(("port", 0));
        let late = AdHoc::on_ignite("late", |rocket| async { rocket.mount("/", routes![careless]) });
        let rocket = rocket::custom(settings).attach(Embed::new(&vestibule).only_protected_routes()).attach(late);
        // The launch returns only because the server stops: otherwise it would run for ever.
        rocket.launch().await.expect("it stops in order");
        vestibule.close().await;
    });
}

#[test]
fn a_token_made_in_code_is_an_ordinary_access_token() {
    let server = embedded(|embed, rocket| rocket.attach(embed).mount("/", routes![greeting, everything]));
    let ada = server.user("ada");
    let name = DeviceName::parse("nightly report").expect("a name");
    let options = AccessTokenOptions::default().claim("report", 7).lifetime(300).called(name);
    let issued = wait_for(server.vestibule.create_access_token(id(&ada), options)).expect("it is made");
    let said = claims(&issued.access_token);
    assert_eq!((said["report"].as_i64(), said["fresh"].as_bool(), issued.expires_in), (Some(7), Some(false), 300));
    assert_eq!(server.vestibule.authenticate(&issued.access_token).expect("it holds").sub, id(&ada));

    let call = |method, path| server.call(method, path).bearer(&issued.access_token);
    assert_eq!(call("GET", "/greeting").send().expect(200).text, "Hello ada");
    call("DELETE", "/everything").send().expect_error(401, "fresh_token_required");
    let listed = call("GET", "/auth/active_sessions").send().expect(200);
    assert_eq!((&listed.body[0]["device_name"], &listed.body[0]["id"]), (&json!("nightly report"), &said["sid"]));

    server.advance(299);
    call("GET", "/greeting").send().expect(200);
    server.advance(1);
    call("GET", "/greeting").send().expect_error(401, "token_expired");

    let fresh = AccessTokenOptions::default().fresh();
    let fresh = wait_for(server.vestibule.create_access_token(id(&ada), fresh)).expect("it is made");
    server.call("DELETE", "/everything").bearer(&fresh.access_token).send().expect(200);
    assert_eq!(server.count_events("access_token_created"), 2);
}

#[test]
fn logout_all_revokes_a_long_lived_token_made_in_code_for_its_whole_lifetime() {
    let server = embedded(|embed, rocket| rocket.attach(embed).mount("/", routes![greeting]));
    let ada = server.user("ada");
    let make = |lifetime| {
        let options = AccessTokenOptions::default().lifetime(lifetime);
        wait_for(server.vestibule.create_access_token(id(&ada), options))
    };
    let is_accepted = |token: &str| server.call("GET", "/greeting").bearer(token).send().status == 200;
    // The token is valid for 60 days, longer than any lifetime that the settings contain. Its revocation must be remembered
    // for 60 days.
    let issued = make(60 * 24 * 60 * 60).expect("it is made");
    let session = ada.login();
    session.post("/auth/logout_all", json!({})).expect(200);
    server.advance(30 * 24 * 60 * 60);
    assert!(!is_accepted(&issued.access_token));
    let server = server.restart();
    assert_eq!(server.call("GET", "/greeting").bearer(&issued.access_token).send().status, 401);
}

#[test]
fn tokens_made_in_code_do_not_count_as_devices() {
    let server = Server::with(vec![("max_devices_per_user", json!(1)), ("device_limit_policy", json!("reject"))]);
    let ada = server.user("ada");
    for _ in 0..3 {
        wait_for(server.vestibule.create_access_token(id(&ada), AccessTokenOptions::default())).expect("it is made");
    }
    ada.login();
    ada.try_login(json!({})).expect_error(403, "device_limit_reached");
}

#[test]
fn no_token_is_made_with_invalid_options_or_for_a_disabled_or_unknown_user() {
    let server = Server::start();
    let ada = server.user("ada");
    let make = |options| wait_for(server.vestibule.create_access_token(id(&ada), options));
    let base = AccessTokenOptions::default;
    assert!(matches!(make(base().client("nobody")), Err(CreateAccessTokenError::UnknownClient(_))));
    for name in ["sub", "exp", "av", "roles", "cnf", "fresh", ""] {
        assert!(matches!(make(base().claim(name, "x")), Err(CreateAccessTokenError::Claims(_))), "{name}");
    }
    assert!(matches!(make(base().claim("long", "x".repeat(4_000))), Err(CreateAccessTokenError::Claims(_))));
    for lifetime in [0, -1, i64::MAX, 91 * 24 * 60 * 60] {
        assert!(matches!(make(base().lifetime(lifetime)), Err(CreateAccessTokenError::Lifetime(_))), "{lifetime}");
    }
    ada.disable();
    assert!(matches!(make(base()), Err(CreateAccessTokenError::Disabled(_))));
    let nobody = UserId::parse("01890a5d-ac96-774b-bcce-b302099a8057").expect("an id");
    let made = wait_for(server.vestibule.create_access_token(nobody, base()));
    assert!(matches!(made, Err(CreateAccessTokenError::UnknownUser(_))));
}

#[test]
fn the_applications_own_rule_refuses_tokens_while_it_applies() {
    let is_night = Arc::new(AtomicBool::new(false));
    let is_night_now = Arc::clone(&is_night);
    let server = embedded(move |embed, rocket| rocket.attach(embed).mount("/", routes![greeting]));
    server
        .vestibule
        .revoke_when(move |claims| claims.username.as_deref() == Some("ada") && is_night_now.load(Ordering::Relaxed));
    let (ada, bob) = (server.user("ada").login(), server.user("bob").login());
    ada.get("/greeting").expect(200);
    is_night.store(true, Ordering::Relaxed);
    ada.get("/greeting").expect_error(401, "token_revoked");
    bob.get("/greeting").expect(200);
    is_night.store(false, Ordering::Relaxed);
    ada.get("/greeting").expect(200);
}
