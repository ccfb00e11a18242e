//! The table of the pages: each page and each form of the administration by nobody, a user, the holder of each single
//! permission and an admin, with a sign-in that is not fresh, from a foreign page, and from outside of `admin_networks`.

use serde_json::json;
use vestibule::{AccessTokenOptions, UserId};

use super::{
    pages_table::{FORMS, PAGES, prepare, send, server},
    targets::PERMISSIONS,
};
use crate::support::{
    Answer, PASSWORD, Server,
    browser::{Browser, ORIGIN, error_of, form, forms},
    wait_for,
};

/// Returns a browser for each permission, in which its holder is signed in.
fn holders(server: &Server) -> Vec<(&'static str, Browser<'_>)> {
    let holder = |permission: &&'static str| {
        let name = permission.replace(':', "-");
        server.user_with(&name, &[], &[permission]);
        (*permission, Browser::signed_in(server, &name))
    };
    PERMISSIONS.iter().map(holder).collect()
}

#[test]
fn every_route_of_the_pages_is_in_the_table() {
    let server = server();
    let named = |path: &str| {
        let parts = path.split('/').map(|part| match part {
            "USER" | "CLIENT" | "default" => "id",
            "ROLE" | "admin" if path.contains("/role/") => "name",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/").replacen("/name/ui", "/admin/ui", 1)
    };
    let tested: Vec<String> = PAGES
        .iter()
        .map(|(path, _)| format!("GET {}", named(path)))
        .chain(FORMS.iter().map(|form| format!("POST {}", named(form.path))))
        .collect();
    let mounted = server.routes().iter().filter(|route| route.path.starts_with("/admin/ui"));
    let mut untested: Vec<String> = mounted
        .filter(|route| matches!(route.method.as_str(), "GET" | "POST"))
        .filter(|route| server.call(&route.method, &route.path.replace(['<', '>'], "")).send().status != 405)
        .map(|route| {
            format!("{} {}", route.method, route.path.replace(['<', '>'], "").split('?').next().unwrap_or_default())
        })
        .filter(|route| !tested.contains(route))
        .collect();
    untested.sort();
    // Their own tests are below and in `pages_forms`.
    assert_eq!(untested, ["GET /admin/ui/server", "POST /admin/ui/server/replace-key-at-once"]);
}

#[test]
fn a_page_is_for_the_holder_of_its_permission_and_for_no_other() {
    let server = server();
    let target = server.user("target");
    server.user("nobody-special");
    server.user_with("root", &["admin"], &[]);
    let user = Browser::signed_in(&server, "nobody-special");
    let admin = Browser::signed_in(&server, "root");
    let holders = holders(&server);
    let all = PAGES.into_iter().chain([("/admin/ui/server", "keys:read")]);
    for (path, permission) in all {
        let path = path.replace("USER", &target.id);
        let away = Browser::new(&server).get(&path).expect(303);
        assert!(away.header("location").is_some_and(|to| to.starts_with("/auth/continue?next=%2Fadmin")), "{path}");
        assert!(Browser::new(&server).open(&path).text.contains("id=\"login\""), "{path}");
        let refused = user.get(&path).expect(403);
        assert!(refused.text.contains("This page is not open to you"), "{path}: {}", refused.text);
        for (held, browser) in &holders {
            let status = if *held == permission { 200 } else { 403 };
            assert_eq!(browser.get(&path).status, status, "{path} by the holder of {held}");
        }
        let page = admin.get(&path).expect(200);
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}: {policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn the_first_page_is_for_who_may_read_anything_and_its_menu_has_only_what_they_may_open() {
    let server = server();
    server.user("nobody-special");
    assert!(Browser::new(&server).open("/admin").text.contains("id=\"login\""));
    Browser::signed_in(&server, "nobody-special").get("/admin").expect(403);
    let of_menu = |page: &Answer| {
        let menu =
            page.text.split("<nav").nth(1).and_then(|rest| rest.split("</nav>").next()).expect("a menu").to_owned();
        menu.split("href=\"").skip(1).filter_map(|link| link.split('"').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    for (permission, browser) in holders(&server) {
        let page = browser.get("/admin");
        let reads = permission.ends_with(":read");
        assert_eq!(page.status, if reads { 200 } else { 403 }, "{permission}");
        assert_eq!(browser.open("/account").text.contains("href=\"/admin\""), reads, "{permission}");
        if reads {
            for address in of_menu(&page) {
                browser.open(&address).expect(200);
            }
        }
    }
    server.user_with("root", &["admin"], &[]);
    assert_eq!(of_menu(&Browser::signed_in(&server, "root").get("/admin")).len(), 7);
}

#[test]
fn a_form_requires_its_permission_and_no_other() {
    let server = server();
    server.user("nobody-special");
    server.user_with("root", &["admin"], &[]);
    let user = Browser::signed_in(&server, "nobody-special");
    let holders = holders(&server);
    let mut number = 0;
    for form in FORMS {
        let path = form.path;
        let nobody = send(&Browser::new(&server), &prepare(&server, form, &mut number)).expect(303);
        assert!(
            nobody.header("location").is_some_and(|to| to.starts_with("/auth/continue?next=%2Fadmin%2Fui")),
            "{path}"
        );
        let refused = send(&user, &prepare(&server, form, &mut number)).expect(403);
        assert!(refused.text.contains("This page is not open to you"), "{path}: {}", refused.text);
        for (held, browser) in &holders {
            let answer = send(browser, &prepare(&server, form, &mut number));
            let may = *held == form.permission && !form.by_admins;
            assert_eq!(
                answer.status,
                if may { form.status } else { 403 },
                "{path} by the holder of {held}: {}",
                answer.text
            );
        }
        let admin = Browser::signed_in(&server, "root");
        let done = send(&admin, &prepare(&server, form, &mut number));
        assert_eq!(done.status, form.status, "{path} by an admin: {}", done.text);
        if let Some(location) = done.header("location") {
            let page = admin.open(location).expect(200);
            assert!(page.text.contains("class=\"message good\" role=\"status\""), "{path} has no notice at {location}");
        }
    }
}

#[test]
fn without_a_fresh_sign_in_the_password_is_asked_for_and_the_form_is_carried_out() {
    let server = server();
    server.user_with("root", &["admin"], &[]);
    let admin = Browser::signed_in(&server, "root");
    let mut number = 0;
    for form_of in FORMS {
        let path = form_of.path;
        // The access token expires. The target is new, because a key that waited would sign by then.
        server.advance(16 * 60);
        let prepared = prepare(&server, form_of, &mut number);
        let asked = send(&admin, &prepared).expect(401);
        assert!(asked.text.contains("Is it still you?"), "{path}: {}", asked.text);
        let wrong = admin.submit(&form(&asked, &prepared.path), &[("own_password", "not the password")]).expect(401);
        assert!(error_of(&wrong).is_some_and(|error| error.contains("The password is wrong")), "{path}");
        // No page contains a password, so the new one of a user is typed again.
        let again: Vec<_> = form_of.fields.iter().copied().filter(|(name, _)| *name == "password").collect();
        assert!(again.iter().all(|(_, password)| !wrong.text.contains(password)), "{path}");
        let done = admin.submit(&form(&wrong, &prepared.path), &[&[("own_password", PASSWORD)], &*again].concat());
        assert_eq!(done.status, form_of.status, "{path}: {}", done.text);
        // The next form needs no password, because the sign-in is fresh now.
        let next = prepare(&server, form_of, &mut number);
        assert_eq!(send(&admin, &next).status, form_of.status, "{path} with the fresh sign-in");
    }
    // A token that was refreshed is valid and not fresh.
    server.advance(16 * 60);
    admin.open("/admin").expect(200);
    let prepared = prepare(&server, &FORMS[1], &mut number);
    let asked = send(&admin, &prepared).expect(401);
    admin.submit(&form(&asked, &prepared.path), &[("own_password", PASSWORD)]).expect(303);
}

#[test]
fn a_token_that_an_application_created_is_no_proof_of_a_password() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    let id = UserId::parse(&root.id).expect("an id");
    let issued = wait_for(server.vestibule.create_access_token(id, AccessTokenOptions::default())).expect("it is made");
    let browser = Browser::new(&server);
    browser.set_cookie("access_token", &issued.access_token);
    let mut number = 0;
    for form_of in FORMS {
        let prepared = prepare(&server, form_of, &mut number);
        let token = form(&browser.get("/admin/ui/roles").expect(200), "/admin/ui/roles/add");
        let (_, token) = token.fields.into_iter().find(|(name, _)| name == "csrf_token").expect("a token");
        browser.set_cookie("csrf_token", &token);
        let asked = send(&browser, &prepared).expect(401);
        assert!(asked.text.contains("Is it still you?"), "{}: {}", prepared.path, asked.text);
    }
}

#[test]
fn an_expired_token_sees_nothing_before_the_password_is_right() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    let ways = [
        ("disabled", "PATCH", "", json!({"disabled": true})),
        ("without the role", "PATCH", "", json!({"roles": []})),
        ("signed out", "DELETE", "/sessions", json!({})),
        ("deleted", "DELETE", "", json!({})),
    ];
    let mut number = 0;
    for (way, method, path, body) in ways {
        let name = format!("boss-{}", way.replace(' ', "-"));
        let id = server.user_with(&name, &["admin"], &[]).id;
        let boss = Browser::signed_in(&server, &name);
        let ended = root.login().call(method, &format!("/admin/users/{id}{path}")).json(body).send();
        assert!(ended.status < 300, "{way}: {}", ended.text);
        server.advance(16 * 60);
        for form_of in FORMS {
            let mut prepared = prepare(&server, form_of, &mut number);
            for (_, value) in prepared.fields.iter_mut().filter(|(name, _)| name != "part") {
                *value = "\u{202e}wrong".to_owned();
            }
            let target = format!("target{number}");
            let asked = send(&boss, &prepared).expect(401);
            // The path of the form, which they sent themselves, leads back to its page.
            let page = prepared.path.rsplit_once('/').map_or("", |(page, _)| page);
            let shown = asked.text.replace(page, "");
            assert!(shown.contains("Is it still you?") && !shown.contains(&target), "{way} {}: {shown}", form_of.path);
            let proved = boss.submit(&form(&asked, &prepared.path), &[("own_password", PASSWORD)]);
            assert!(proved.status == 401 && !proved.text.contains(&target), "{way} {}: {}", form_of.path, proved.text);
        }
    }
}

#[test]
fn a_revoked_token_is_not_taken_for_an_expired_one() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    let (admin, other) = (Browser::signed_in(&server, "root"), root.login());
    server.advance(10 * 60);
    let fresh = Browser::signed_in(&server, "root");
    server.advance(10 * 60);
    // The token of `fresh` is valid until it is revoked, and the one of `other` has expired.
    let mut number = 0;
    let prepared = prepare(&server, &FORMS[7], &mut number);
    let token = fresh.cookie("csrf_token").expect("a token");
    root.login().post("/auth/logout_all", json!({})).expect(200);
    let fields = [("confirm", "x"), ("csrf_token", token.as_str())];
    let call = fresh.posting(&prepared.path, &fields).header("Origin", ORIGIN).bearer(&other.access);
    call.send().expect(303);
    drop(admin);
}

#[test]
fn the_page_that_asks_for_the_password_keeps_no_password_of_the_reader_and_five_wrong_ones_end_the_session() {
    let server = server();
    server.user_with("root", &["admin"], &[]);
    let admin = Browser::signed_in(&server, "root");
    let (mut number, state) = (0, &FORMS[1]);
    server.advance(16 * 60);
    let prepared = prepare(&server, state, &mut number);
    let asked = send(&admin, &prepared).expect(401);
    for _ in 0..5 {
        let wrong = admin.submit(&form(&asked, &prepared.path), &[("own_password", "a wrong and long one")]);
        assert!(!wrong.text.contains("a wrong and long one"), "{}", wrong.text);
    }
    let ended = admin.submit(&form(&asked, &prepared.path), &[("own_password", PASSWORD)]);
    assert_eq!(ended.status, 401, "{}", ended.text);
    assert!(!admin.is_signed_in());
    // Nothing was done.
    let name = format!("target{number}");
    Browser::signed_in(&server, &name);
}

#[test]
fn a_form_of_a_foreign_page_or_with_the_token_of_another_session_changes_nothing() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    server.user("eve");
    let (admin, eve) = (Browser::signed_in(&server, "root"), Browser::signed_in(&server, "eve"));
    let token = admin.cookie("csrf_token").expect("a token");
    let of_eve = eve.cookie("csrf_token").expect("a token");
    let before = server.count_users();
    let mut number = 0;
    for form in FORMS {
        let prepared = prepare(&server, form, &mut number);
        let with = |token: &str| {
            let own = prepared.fields.iter().cloned();
            own.chain([("csrf_token".to_owned(), token.to_owned())]).collect::<Vec<_>>()
        };
        let post = |fields: &[(String, String)], name: &str, value: &str| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            admin.posting(&prepared.path, &fields).header(name, value).send()
        };
        for (name, value) in [
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Origin", "http://other.test"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            post(&with(&token), name, value).expect(403);
        }
        for wrong in ["", "x", &of_eve, &format!("{token}x")] {
            post(&with(wrong), "Origin", ORIGIN).expect(403);
        }
        // The CSRF token in the header is for the API only, and a token in the header `Authorization` opens no page.
        let bearer = root.login().access;
        let by_header = server.call("POST", &prepared.path).bearer(&bearer).header("Accept", "text/html");
        let away = by_header.body("application/x-www-form-urlencoded", "x=1".to_owned()).send().expect(303);
        assert!(away.header("location").is_some_and(|to| to.starts_with("/auth/continue")), "{}", prepared.path);
    }
    let made = u32::try_from(server.count_users()).expect("few") - u32::try_from(before).expect("few");
    assert!(made <= number, "only the targets were made");
}

#[test]
fn from_outside_of_the_networks_no_page_exists() {
    let server = Server::with(vec![("admin_networks", json!(["10.0.0.0/8"]))]);
    server.user_with("root", &["admin"], &[]);
    let admin = Browser::signed_in(&server, "root");
    let unknown = admin.call("GET", "/no/such/page").header("X-Forwarded-For", "203.0.113.9").send().expect(404);
    let paths = PAGES.iter().map(|(path, _)| ("GET", *path)).chain(FORMS.iter().map(|form| ("POST", form.path)));
    for (method, path) in paths.chain([("GET", "/admin"), ("OPTIONS", "/admin"), ("PUT", "/admin/ui/people")]) {
        let answer = admin.call(method, path).header("X-Forwarded-For", "203.0.113.9").send();
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.header("allow"), None, "{method} {path}");
        if method == "GET" {
            assert_eq!(answer.text.split("<main").nth(1), unknown.text.split("<main").nth(1), "{path}");
        }
    }
    admin.call("GET", "/admin").header("X-Forwarded-For", "10.1.2.3").send().expect(200);
}

#[test]
fn what_somebody_may_not_do_is_not_shown() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]);
    let target = server.user("target");
    target.login();
    let reads = ["users:read", "sessions:read", "roles:read", "clients:read", "keys:read", "audit:read"];
    server.user_with("reader", &[], &reads);
    let reader = Browser::signed_in(&server, "reader");
    let all = PAGES
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| !path.ends_with("/new"))
        .chain(["/admin/ui/server", "/admin"]);
    for path in all {
        let page = reader.get(&path.replace("USER", &target.id)).expect(200);
        let posts = forms(&page)
            .into_iter()
            .filter(|form| form.action != "/admin/ui/people" && form.action != "/admin/ui/activity");
        assert_eq!(posts.map(|form| form.action).collect::<Vec<_>>(), Vec::<String>::new(), "{path}");
        assert!(!page.text.contains("people/new"), "{path}");
    }
    // Somebody with `users:write` sees no form by which they would act on somebody who has more.
    server.user_with("helper", &[], &["users:read", "users:write", "sessions:read", "sessions:revoke"]);
    let helper = Browser::signed_in(&server, "helper");
    let of = |id: &str| {
        let page = helper.get(&format!("/admin/ui/people/{id}")).expect(200);
        forms(&page)
            .into_iter()
            .map(|form| form.action.rsplit('/').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(of(&target.id).contains(&"delete".to_owned()) && of(&target.id).contains(&"end-session".to_owned()));
    let of_root = of(&root.id);
    assert!(of_root.iter().all(|form| form == "change"), "{of_root:?}");
}

#[test]
fn a_large_form_and_a_body_of_another_type_are_refused() {
    let server = server();
    server.user_with("root", &["admin"], &[]);
    let admin = Browser::signed_in(&server, "root");
    let large = format!("x={}", "a".repeat(65 * 1024));
    for form in FORMS {
        let post =
            |kind: &str, body: &str| admin.call("POST", form.path).header("Origin", ORIGIN).body(kind, body).send();
        post("application/x-www-form-urlencoded", &large).expect(413);
        post("application/json", "{}").expect(415);
        post("multipart/form-data; boundary=x", "--x--").expect(415);
    }
    assert_eq!(server.count_users(), 1);
}
