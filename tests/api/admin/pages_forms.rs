//! What the forms of the administration do.

use serde_json::json;

use crate::support::{
    Answer, PASSWORD, Server, Session,
    browser::{Browser, error_of, form, forms},
    unlimited,
};

/// Returns a server with the admin `root`.
pub fn server() -> Server {
    let server = Server::with(unlimited(vec![]));
    server.user_with("root", &["admin"], &[]);
    server
}

/// Opens a page and sends its form to `action` with the fields `more`. Returns the last response.
#[track_caller]
fn submit(browser: &Browser<'_>, page: &str, action: &str, more: &[(&str, &str)]) -> Answer {
    let opened = browser.open(page).expect(200);
    let target = format!("{page}/{action}");
    let sent = more.iter().find(|(name, _)| *name == "part").map(|(_, value)| *value);
    let is_sent = |found: &crate::support::browser::PageForm| {
        let part = found.fields.iter().find(|(name, _)| name == "part").map(|(_, value)| value.as_str());
        found.action == target && part == sent
    };
    let found = forms(&opened).into_iter().find(is_sent);
    browser.follow(browser.submit(&found.unwrap_or_else(|| panic!("no form {target} {sent:?}")), more))
}

/// Returns the text that a page shows once.
#[track_caller]
fn shown_once(page: &Answer) -> String {
    let area = page.text.split("class=\"secret\"").nth(1).expect("a secret").split_once('>').expect("a tag").1;
    area.split("</textarea>").next().unwrap_or_default().replace("&amp;", "&")
}

#[test]
fn somebody_is_let_in_by_an_invitation_and_kept_out_and_let_in_again() {
    let server = server();
    let root = Browser::signed_in(&server, "root");
    let page = submit(&root, "/admin/ui/people/new", "add", &[("username", "grace"), ("email", "grace@example.com")]);
    let link = shown_once(&page.expect(200));
    let path = link.split_once("/link").map(|(_, query)| format!("/link{query}")).expect("a link");
    assert!(root.open("/admin/ui/people?q=gra").text.contains("No password yet"));

    let grace = Browser::new(&server);
    let choose = form(&grace.get(&path).expect(200), "/link");
    grace.follow(grace.submit(&choose, &[("password", PASSWORD)])).expect(200);
    grace.sign_in("grace", PASSWORD).expect(303);
    let id = server.id_of("grace");
    let address = format!("/admin/ui/people/{id}");

    let before = root.open(&address).expect(200);
    assert!(before.text.contains("Sessions that end: 1."), "{}", before.text);
    let page = submit(&root, &address, "change", &[("part", "state")]);
    assert!(page.text.contains("Disabled since") && page.text.contains("Enable grace"), "{}", page.text);
    assert!(!grace.is_signed_in());
    grace.sign_in("grace", PASSWORD).expect(403);
    let page = submit(&root, &address, "change", &[("part", "state")]);
    assert!(page.text.contains("Active") && page.text.contains("Disable grace"), "{}", page.text);
    grace.sign_in("grace", PASSWORD).expect(303);
}

#[test]
fn every_part_of_an_account_is_changed() {
    let server = server();
    let ada = server.user("ada");
    let root = Browser::signed_in(&server, "root");
    let address = format!("/admin/ui/people/{}", ada.id);
    submit(&root, "/admin/ui/roles", "add", &[("name", "editor"), ("permissions", "posts:write\r\n posts:delete")]);
    let change = |part: &str, more: &[(&str, &str)]| {
        let fields: Vec<_> = more.iter().copied().chain([("part", part)]).collect();
        submit(&root, &address, "change", &fields).expect(200)
    };
    change("roles", &[("roles", "editor")]);
    change("permissions", &[("permissions", "reports:read  reports:write")]);
    change("claims", &[("claims", "{\"team\": \"sales\"}")]);
    change("names", &[("username", "countess"), ("email", "ada@new.example")]);
    change("verified", &[("email_verified", "true")]);
    change("password", &[("password", "eleven green kettles")]);
    let admin = Session::from(&server, &server.post("/auth/login", json!({"username": "root", "password": PASSWORD})));
    let user = admin.get(&format!("/admin/users/{}", ada.id)).expect(200).body;
    assert_eq!(user["username"], "countess");
    assert_eq!((&user["email"], &user["email_verified"]), (&json!("ada@new.example"), &json!(true)));
    assert_eq!(user["roles"], json!(["editor"]));
    assert_eq!(user["direct_permissions"], json!(["reports:read", "reports:write"]));
    assert_eq!(user["claims"], json!({"team": "sales"}));
    Browser::new(&server).sign_in("countess", "eleven green kettles").expect(303);

    // An empty list and an empty object take everything away, and an empty address removes it.
    change("roles", &[("roles", "")]);
    change("permissions", &[("permissions", " ")]);
    change("claims", &[("claims", "")]);
    change("names", &[("username", "countess"), ("email", "")]);
    let user = admin.get(&format!("/admin/users/{}", ada.id)).expect(200).body;
    assert_eq!((&user["roles"], &user["permissions"], &user["claims"]), (&json!([]), &json!([]), &json!({})));
    assert_eq!(user["email"], json!(null));
}

#[test]
fn the_password_is_asked_for_once_although_a_form_ends_the_own_token() {
    let server = server();
    let root = Browser::signed_in(&server, "root");
    let set = |permissions: &str| {
        submit(&root, "/admin/ui/role/editor", "permissions", &[("permissions", permissions)]).expect(200)
    };
    submit(&root, "/admin/ui/roles", "add", &[("name", "editor"), ("permissions", "posts:write, posts:delete,")]);
    // Admins lose a permission that no role has any longer, and with it their access tokens.
    for permissions in ["posts:write", "posts:write reports:read", "", "a:b"] {
        let page = set(permissions);
        assert!(page.text.contains("The role is saved."), "{permissions}: {}", page.text);
    }
    server.advance(14 * 60);
    set("");
    server.advance(2 * 60);
    let page = root.open("/admin/ui/role/editor").expect(200);
    let form = form(&page, "/admin/ui/role/editor/permissions");
    root.submit(&form, &[("permissions", "a:b")]).expect(401);
}

#[test]
fn a_refused_form_says_why_and_keeps_what_was_typed() {
    let server = server();
    let ada = server.user("ada");
    server.user("bob");
    let root = Browser::signed_in(&server, "root");
    let address = format!("/admin/ui/people/{}", ada.id);
    let change = |part: &str, more: &[(&str, &str)]| {
        let fields: Vec<_> = more.iter().copied().chain([("part", part)]).collect();
        submit(&root, &address, "change", &fields)
    };
    let taken = change("names", &[("username", "bob"), ("email", "typed@example.com")]).expect(409);
    assert_eq!(error_of(&taken).as_deref(), Some("The username is taken by another user."));
    assert!(taken.text.contains("value=\"typed@example.com\""));
    let broken = change("claims", &[("claims", "{not json <b>")]).expect(422);
    assert!(error_of(&broken).is_some_and(|error| error.contains("claims: must be a JSON object")));
    assert!(broken.text.contains("{not json &lt;b&gt;") && broken.text.contains("<details open>"));
    let weak = change("password", &[("password", "short")]).expect(422);
    assert!(!weak.text.contains("value=\"short\""), "a password is never displayed again");
    let role = change("roles", &[("roles", "nosuch")]).expect(422);
    assert!(error_of(&role).is_some_and(|error| error.contains("there is no such role")));
    let last = submit(&root, &format!("/admin/ui/people/{}", server.id_of("root")), "change", &[("part", "state")]);
    assert_eq!(
        error_of(&last.expect(409)).as_deref(),
        Some("This is the last admin; give the role admin to another user first.")
    );
    let new = submit(&root, "/admin/ui/people/new", "add", &[("username", "bob"), ("email", "new@example.com")]);
    assert!(new.expect(409).text.contains("value=\"new@example.com\""));
    let role = submit(&root, "/admin/ui/roles", "add", &[("name", "admin"), ("permissions", "a:b")]).expect(422);
    assert!(role.text.contains(">a:b</textarea>"), "{}", role.text);
    submit(&root, "/admin/ui/applications", "add", &[("id", "default")]).expect(409);
    submit(&root, "/admin/ui/applications", "add", &[("id", "two words")]).expect(422);
}

#[test]
fn what_can_not_be_brought_back_is_removed_only_after_its_name_was_typed() {
    let server = server();
    let ada = server.user("ada");
    let root = Browser::signed_in(&server, "root");
    submit(&root, "/admin/ui/roles", "add", &[("name", "editor"), ("permissions", "")]);
    let made = submit(&root, "/admin/ui/applications", "add", &[("id", "album")]).expect(200);
    let secret = shown_once(&made);
    submit(&root, "/admin/ui/server", "replace-key", &[("algorithm", "ES256")]).expect(200);
    let admin = Session::from(&server, &server.post("/auth/login", json!({"username": "root", "password": PASSWORD})));
    let keys = admin.get("/admin/keys").expect(200).body;
    let of = |status: &str| {
        let all = keys["keys"].as_array().expect("keys");
        all.iter().find(|key| key["status"] == status).and_then(|key| key["kid"].as_str()).expect("a key").to_owned()
    };
    let person = format!("/admin/ui/people/{}", ada.id);
    let (next, current) = (of("next"), of("current"));
    let rows = [
        (person.as_str(), "delete", "ada"),
        ("/admin/ui/role/editor", "delete", "editor"),
        ("/admin/ui/application/album", "secret", "album"),
        ("/admin/ui/application/album", "delete", "album"),
        ("/admin/ui/server", "remove-key", &next[..8]),
        ("/admin/ui/server", "replace-key-at-once", &current[..8]),
    ];
    for (page, action, name) in rows {
        // The id of a key may have no letter in lower case.
        let wrong = ["", "yes", &name.to_uppercase(), &format!("{name}x")].map(str::to_owned);
        for wrong in wrong.iter().filter(|wrong| *wrong != name) {
            let refused = submit(&root, page, action, &[("confirm", wrong)]).expect(422);
            assert!(
                error_of(&refused).is_some_and(|error| error.contains(&format!("must be exactly {name}"))),
                "{action}"
            );
            assert!(refused.text.contains("<details open>") || action == "remove-key", "{action}");
        }
    }
    // A form that no page of this server has: without the id of a key, while the page lists keys that can be removed.
    let csrf = root.cookie("csrf_token").expect("a token");
    let bare = root.post("/admin/ui/server/remove-key", &[("csrf_token", &csrf), ("confirm", "x")]).expect(422);
    assert!(error_of(&bare).is_some_and(|error| error.contains("kid")), "{}", bare.text);
    let token = |secret: &str| {
        let body = format!(
            "grant_type=password&username=ada&password={}&client_id=album&client_secret={secret}",
            PASSWORD.replace(' ', "+")
        );
        server.call("POST", "/token").body("application/x-www-form-urlencoded", body).send().status
    };
    assert_eq!(token(&secret), 200);
    let renewed =
        shown_once(&submit(&root, "/admin/ui/application/album", "secret", &[("confirm", "album")]).expect(200));
    assert_eq!((token(&secret), token(&renewed)), (401, 200));
    for (page, action, name) in rows.into_iter().filter(|(_, action, _)| *action != "secret") {
        submit(&root, page, action, &[("confirm", name)]).expect(200);
    }
    assert_eq!(token(&renewed), 401);
    assert_eq!(server.count_users(), 1);
    root.open("/admin/ui/role/editor").expect(404);
    root.open("/admin/ui/application/album").expect(404);
    let keys = admin.get("/admin/keys").expect(200).body.to_string();
    assert!(!keys.contains(&next) && keys.contains(&current), "the old key still verifies");
}

#[test]
fn sessions_and_devices_end_one_by_one_and_together() {
    let server = server();
    let ada = server.user("ada");
    let (one, two, three) = (ada.login(), ada.login(), ada.login());
    let root = Browser::signed_in(&server, "root");
    let address = format!("/admin/ui/people/{}", ada.id);
    let page = root.open("/admin/ui/signed-in").expect(200);
    assert_eq!(page.text.matches(">ada<").count(), 3, "{}", page.text);
    submit(&root, &address, "end-session", &[("session", &two.id)]).expect(200);
    assert_eq!((one.is_accepted(), two.is_accepted(), three.is_accepted()), (true, false, true));
    // It has ended already, which is no error for a person.
    submit(&root, &address, "end-session", &[("session", &two.id)]).expect(200);
    submit(&root, &address, "sign-out", &[]).expect(200);
    assert!(!one.is_accepted() && !three.is_accepted());
    assert!(root.open(&address).text.contains("Not signed in anywhere."));
    let device = server.device_of(&ada.id);
    submit(&root, &address, "forget-device", &[("device", &device)]).expect(200);
    assert!(!root.open(&address).text.contains(&device));
}

#[test]
fn a_new_address_is_not_verified_by_the_form_that_changes_it() {
    let server = server();
    let ada = server.user("ada");
    let root = Browser::signed_in(&server, "root");
    let address = format!("/admin/ui/people/{}", ada.id);
    submit(&root, &address, "change", &[("part", "verified"), ("email_verified", "true")]).expect(200);
    assert!(root.open(&address).text.contains("(verified)"));
    submit(&root, &address, "change", &[("part", "names"), ("username", "ada"), ("email", "new@example.com")]);
    assert!(!root.open(&address).text.contains("(verified)"));
}

#[test]
fn a_form_that_does_nothing_does_not_say_that_it_did() {
    let server = server();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let session = bob.login();
    ada.login();
    let root = Browser::signed_in(&server, "root");
    let address = format!("/admin/ui/people/{}", ada.id);
    let page = submit(&root, &address, "end-session", &[("session", &session.id)]).expect(200);
    assert!(page.text.contains("That device was signed out already.") && session.is_accepted());
    for not_an_object in ["null", "7", "[]", "\"x\""] {
        submit(&root, &address, "change", &[("part", "claims"), ("claims", not_an_object)]).expect(422);
    }
    // A form that was open while the role was removed does not bring it back.
    // The other role keeps the permission, so the removal ends no token of an admin.
    for name in ["keeper", "editor"] {
        submit(&root, "/admin/ui/roles", "add", &[("name", name), ("permissions", "a:b")]).expect(200);
    }
    let stale = form(&root.open("/admin/ui/role/editor").expect(200), "/admin/ui/role/editor/permissions");
    submit(&root, "/admin/ui/role/editor", "delete", &[("confirm", "editor")]).expect(200);
    root.follow(root.submit(&stale, &[("permissions", "a:b c:d")])).expect(404);
    for name in [".", ".."] {
        submit(&root, "/admin/ui/roles", "add", &[("name", name), ("permissions", "")]).expect(422);
        submit(&root, "/admin/ui/applications", "add", &[("id", name)]).expect(422);
    }
    submit(&root, "/admin/ui/roles", "add", &[("name", "a/b?c#d%"), ("permissions", "")]).expect(200);
    let listed = root.open("/admin/ui/roles").expect(200);
    let link =
        listed.text.split("href=\"").filter_map(|part| part.split('"').next()).find(|link| link.contains("/role/a"));
    assert!(root.open(link.expect("a link")).expect(200).text.contains("<h1>a/b?c#d%</h1>"));
}
