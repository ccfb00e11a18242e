//! What the pages of the administration show.

use serde_json::json;

use super::pages_forms::server;
use crate::{
    repeats::refresh_from,
    support::{
        Server,
        browser::{Browser, error_of},
    },
};

#[test]
fn the_activity_is_filtered_by_person_event_and_date() {
    let server = server();
    let ada = server.user("ada");
    ada.login();
    Browser::new(&server).sign_in("ada", "not the password").expect(401);
    let root = Browser::signed_in(&server, "root");
    let all = root.open("/admin/ui/activity").expect(200);
    assert!(all.text.contains("Sign-in failed") && all.text.contains(">root</a>"), "{}", all.text);
    for who in ["ada", "ADA", "ada@example.com", &ada.id] {
        let page = root.open(&format!("/admin/ui/activity?who={who}&event=login_failed")).expect(200);
        let listed = page.text.split("class=\"rows log\"").nth(1).expect("events");
        assert_eq!(listed.matches("<li>").count(), 1, "{who}: {}", page.text);
        assert!(!listed.contains(">root</a>"));
    }
    assert!(
        root.open("/admin/ui/activity?since=2999-01-01").expect(200).text.contains("Nothing matches these filters.")
    );
    for (query, message) in [
        ("who=nobody-here", "who: names nobody"),
        ("since=yesterday", "since: must be a time"),
        ("who=%00", "who: names nobody"),
    ] {
        let page = root.open(&format!("/admin/ui/activity?{query}")).expect(422);
        assert!(error_of(&page).is_some_and(|error| error.contains(message)), "{query}");
    }
    // The clock of the test stands, and everything has happened at this time.
    let now = server.clock.now().to_string();
    let listed =
        |query: &str| root.open(&format!("/admin/ui/activity?{query}")).expect(200).text.contains("class=\"rows log\"");
    assert!(listed(&format!("since={now}")) && listed(&format!("since={}", &now[..16])));
    assert!(listed(&format!("until={}", &now[..16])) && listed(&format!("until={}", &now[..10])));
    assert!(!listed("until=2020-01-01T00:00") && listed("until=2999-01-01T00:00"));
    // Pages follow each other without a gap.
    for _ in 0..60 {
        ada.login();
    }
    let first = root.open("/admin/ui/activity?who=ada&event=login_succeeded").expect(200);
    let older =
        first.text.split("href=\"").filter_map(|part| part.split('"').next()).find(|link| link.contains("cursor="));
    let older = older.expect("a link to older events").replace("&amp;", "&");
    let second = root.open(&older).expect(200);
    assert_eq!(first.text.matches("<li>\n<p><strong>").count() + second.text.matches("<li>\n<p><strong>").count(), 61);
    root.open("/admin/ui/activity?cursor=nonsense").expect(200);
}

#[test]
fn the_first_page_says_what_has_changed_since_the_person_signed_in_before() {
    let server = server();
    let first = Browser::signed_in(&server, "root").open("/admin").expect(200);
    assert!(first.text.contains("In the last seven days"), "{}", first.text);
    server.advance(24 * 60 * 60);
    server.user("ada").login();
    // Anybody can fail to sign in, and so must not push the changes out.
    for number in 0..300 {
        Browser::new(&server).sign_in(&format!("invented{number}"), "not the password").expect(401);
    }
    server.advance(5);
    let root = Browser::signed_in(&server, "root");
    for _ in 0..2 {
        let next = root.open("/admin").expect(200);
        assert!(next.text.contains("Since you signed in before"), "{}", next.text);
        let changes = next.text.split("id=\"changes\"").nth(1).expect("the changes");
        assert!(changes.contains("Person added") && changes.contains(">ada</a>"), "{changes}");
        assert!(changes.contains("Sign-ins: 3. Failed sign-ins: 300. Registrations: 0."), "{changes}");
    }
    // Opening the page changes nothing.
    let before = server.count_audit_events();
    root.call("HEAD", "/admin").send().expect(200);
    root.open("/admin").expect(200);
    assert_eq!(server.count_audit_events(), before);
}

#[test]
fn somebody_who_is_no_admin_is_told_no_verdict_and_no_path() {
    let server = server();
    server.user_with("reader", &[], &["users:read"]);
    let page = Browser::signed_in(&server, "reader").open("/admin").expect(200).text;
    assert!(!page.contains("All is well.") && !page.contains("copies of its database"), "{page}");
}

#[test]
fn a_name_tells_nothing_to_somebody_who_may_not_read_people() {
    let server = server();
    let ada = server.user("ada");
    ada.login();
    server.user_with("auditor", &[], &["audit:read"]);
    let auditor = Browser::signed_in(&server, "auditor");
    for who in ["ada", "ada@example.com", "nobody-here"] {
        let page = auditor.open(&format!("/admin/ui/activity?who={who}")).expect(422);
        assert!(error_of(&page).is_some_and(|error| error.contains("must be an id")), "{who}");
        assert!(!page.text.contains(&ada.id));
    }
    assert!(auditor.open(&format!("/admin/ui/activity?who={}", ada.id)).expect(200).text.contains(&ada.id));
}

#[test]
fn the_first_page_says_that_all_is_well() {
    // What is to be done on a server that is not, is in the tests of the binary.
    let server = server();
    let page = Browser::signed_in(&server, "root").open("/admin").expect(200).text;
    assert!(page.contains("All is well.") && !page.contains("This needs your attention"), "{page}");
}

#[test]
fn each_state_of_the_list_of_people_has_its_words() {
    let server = server();
    let root = Browser::signed_in(&server, "root");
    assert!(root.open("/admin/ui/people").text.contains("You are the only person so far."));
    assert!(root.open("/admin/ui/people?q=zz").text.contains("Nobody matches this search."));
    for number in 0..60 {
        server.user(&format!("person{number:02}"));
    }
    let first = root.open("/admin/ui/people?q=person").expect(200);
    assert!(first.text.contains("There are more people than fit on a page."), "{}", first.text);
    let link =
        first.text.split("href=\"").filter_map(|part| part.split('"').next()).find(|link| link.contains("cursor="));
    let second = root.open(&link.expect("a further page").replace("&amp;", "&")).expect(200);
    assert_eq!(
        first.text.matches("/admin/ui/people/01").count() + second.text.matches("/admin/ui/people/01").count(),
        60
    );
    assert!(root.open("/admin/ui/people?state=disabled").text.contains("Nobody matches this search."));
    assert!(root.open("/admin/ui/people?role=admin").text.contains(">root<"));
    assert!(root.open("/admin/ui/roles").text.contains("So far there is only the role of the administrators."));
    assert!(root.open("/admin/ui/applications").text.contains("There is no application of your own yet."));
}

#[test]
fn a_session_that_is_also_used_from_another_place_is_marked_with_the_address() {
    let server = server();
    let ada = server.user("ada");
    let first = ada.login();
    refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    let root = Browser::signed_in(&server, "root");
    let pages = [format!("/admin/ui/people/{}", ada.id), "/admin/ui/signed-in".to_owned()];
    for page in &pages {
        let shown = root.open(page).expect(200).text;
        assert!(shown.contains("192.0.2.1") && !shown.contains("Also used from another place"), "{page}: {shown}");
    }
    refresh_from(&first, "203.0.113.66", "Laptop/1").expect(200);
    for page in &pages {
        let shown = root.open(page).expect(200).text;
        assert!(shown.contains("Also used from another place (203.0.113.66), <time"), "{page}: {shown}");
    }
}

#[test]
fn the_settings_are_shown_to_an_admin_alone_and_without_secrets() {
    let server = Server::with(vec![("root_secret", json!("a root secret of at least thirty-two characters"))]);
    server.user_with("root", &["admin"], &[]);
    server.user_with("keeper", &[], &["keys:read"]);
    let page = Browser::signed_in(&server, "root").open("/admin/ui/server").expect(200);
    assert!(page.text.contains("<code>access_token_lifetime</code>"), "{}", page.text);
    assert!(!page.text.contains("a root secret of at least"), "{}", page.text);
    let other = Browser::signed_in(&server, "keeper").open("/admin/ui/server").expect(200);
    assert!(!other.text.contains("access_token_lifetime"), "{}", other.text);
}

#[test]
fn an_admin_learns_of_a_proxy_that_is_not_trusted() {
    let server = Server::with(vec![("trusted_proxies", "".into())]);
    server.user_with("root", &["admin"], &[]);
    let root = Browser::signed_in(&server, "root");
    assert!(!root.open("/admin").expect(200).text.contains("trusted_proxies"));
    server.call("GET", "/auth/session").header("X-Forwarded-For", "203.0.113.9").send().expect(200);
    let page = root.open("/admin").expect(200).text;
    assert!(page.contains("127.0.0.1 sends X-Forwarded-For, but is not in trusted_proxies"), "{page}");
}
