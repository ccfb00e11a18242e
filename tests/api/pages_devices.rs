//! The devices on `/account`, and the way out of the device limit on `/login`.

use std::thread;

use serde_json::json;

use crate::support::{
    PASSWORD, Server, Settings,
    browser::{Browser, attribute, error_of, form},
};

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";

/// Returns the settings of a server that refuses a second device.
fn one_device() -> Settings {
    vec![("max_devices_per_user", json!(1)), ("device_limit_policy", json!("reject"))]
}

/// Returns the ids of the devices that a page offers to sign out.
fn choices(text: &str) -> Vec<String> {
    let inputs = text.split("<input ").filter(|input| input.contains("name=\"end_session\""));
    inputs.map(|input| attribute(input, "value").expect("an id")).collect()
}

#[test]
fn a_device_has_its_kind_its_address_and_the_current_one_is_active() {
    let server = Server::start();
    server.user("ada");
    Browser::called(&server, IPHONE).sign_in("ada", PASSWORD).expect(303);
    server.user("bob");
    let browser = Browser::signed_in(&server, "ada");
    let page = browser.get("/account").expect(200);
    let items: Vec<&str> = page.text.split("<li data-session=").skip(1).collect();
    assert!(items[0].contains("Computer:") && items[0].contains("Active now · IP address 127.0.0.1"), "{}", items[0]);
    assert!(items[1].contains("Phone or tablet:") && items[1].contains("address 127.0.0.1"), "{}", items[1]);
    assert!(items[1].contains("Last used <time data-ago") && !items[1].contains("Active now"), "{}", items[1]);
}

#[test]
fn more_than_five_devices_are_folded() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::signed_in(&server, "ada");
    for _ in 0..4 {
        Browser::signed_in(&server, "ada");
    }
    assert!(!browser.get("/account").text.contains("Show all"));
    Browser::signed_in(&server, "ada");
    let page = browser.get("/account").expect(200);
    let (open, folded) = page.text.split_once("<summary>Show all 6 devices</summary>").expect("a fold");
    assert_eq!((open.matches("<li data-session").count(), folded.matches("<li data-session").count()), (5, 1));
}

#[test]
fn a_device_is_new_if_it_signed_in_after_the_last_visit() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let new = |browser: &Browser<'_>| browser.open("/account").text.matches("New since your last visit").count();
    Browser::signed_in(&server, "ada");
    let browser = Browser::signed_in(&server, "ada");
    assert_eq!(new(&browser), 0, "the first visit compares with nothing");
    server.advance(3_600);
    Browser::signed_in(&server, "ada");
    assert_eq!(new(&browser), 1);
    server.advance(60);
    assert_eq!(new(&browser), 1, "during a visit it stays new");
    server.advance(3_600);
    assert_eq!(new(&browser), 0, "the next visit has seen it");
    // The cookie is that of ada. For bob in the same browser nothing is known.
    server.advance(3_600);
    Browser::signed_in(&server, "bob");
    browser.submit(&browser.account_form("/account/sign-out"), &[]).expect(303);
    browser.sign_in("bob", PASSWORD).expect(303);
    assert_eq!(new(&browser), 0);
    let line = browser.get("/account").set_cookie("vestibule_visit").map(str::to_owned).expect("it is set");
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
}

#[test]
fn at_the_limit_one_device_is_signed_out_and_the_sign_in_completes() {
    let server = Server::with(one_device());
    let ada = server.user("ada");
    let lost = ada.login();
    let browser = Browser::new(&server);
    let page = browser.sign_in("ada", PASSWORD).expect(403);
    assert!(error_of(&page).is_some_and(|error| error.contains("Choose the one to sign out")), "{}", page.text);
    assert_eq!(choices(&page.text), [lost.id.as_str()]);
    assert!(page.text.contains("value=\"ada\"") && !page.text.contains(PASSWORD));
    let fields = |password| [("username", "ada"), ("password", password), ("end_session", lost.id.as_str())];
    let login = form(&page, "/login");
    // The choice alone is not enough: without the password nothing ends, and nothing is listed.
    let wrong = browser.submit(&login, &fields("wrong wrong wrong")).expect(401);
    assert_eq!(choices(&wrong.text), Vec::<String>::new());
    assert!(lost.is_accepted());
    let done = browser.submit(&login, &fields(PASSWORD)).expect(303);
    assert_eq!(done.header("location"), Some("/account"));
    assert!(browser.is_signed_in() && !lost.is_accepted());
    assert_eq!(server.count_live_sessions(), 1);
}

#[test]
fn if_a_fingerprint_is_required_the_form_lists_the_devices_and_opens_no_session() {
    let mut settings = one_device();
    settings.push(("fingerprint_policy", json!("require")));
    let server = Server::with(settings);
    server.user("ada");
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).expect(422);
    let fingerprint = json!({"os": "Linux", "browser": "Chrome", "fonts": "a", "canvasPrint": "b", "cpu": "c",
        "hardwareConcurrency": 8, "deviceMemory": 8, "gpu": "d", "plugins": "e", "timezone": "UTC"});
    let body = json!({"username": "ada", "password": PASSWORD, "fingerprint": fingerprint});
    let lost = server.post("/auth/login", body.clone()).expect(200).body["session_id"].clone();
    let lost = lost.as_str().expect("an id");
    let page = browser.sign_in("ada", PASSWORD).expect(403);
    assert_eq!(choices(&page.text), [lost]);
    let fields = [("username", "ada"), ("password", PASSWORD), ("end_session", lost)];
    browser.submit(&form(&page, "/login"), &fields).expect(403);
    assert_eq!((server.count_sessions(), server.count_live_sessions()), (1, 1), "the form neither opens nor ends one");
    let mut choice = body;
    choice["end_session"] = lost.into();
    server.post("/auth/login", choice).expect(200);
    assert_eq!(server.count_live_sessions(), 1);
}

#[test]
fn a_wrong_password_lists_no_device() {
    let server = Server::with(one_device());
    server.user("ada").login();
    let page = Browser::new(&server).sign_in("ada", "wrong wrong wrong").expect(401);
    assert_eq!(choices(&page.text), Vec::<String>::new());
    let nobody = Browser::new(&server).sign_in("nobody", PASSWORD).expect(401);
    assert_eq!(choices(&nobody.text), Vec::<String>::new());
}

#[test]
fn a_choice_ends_no_session_of_another_user_and_none_while_there_is_room() {
    let server = Server::with(one_device());
    let (ada, bob) = (server.user("ada").login(), server.user("bob").login());
    let browser = Browser::new(&server);
    let login = form(&browser.get("/login"), "/login");
    let send = |id: &str| browser.submit(&login, &[("username", "ada"), ("password", PASSWORD), ("end_session", id)]);
    assert_eq!(choices(&send(&bob.id).expect(403).text), [ada.id.as_str()]);
    assert!(ada.is_accepted() && bob.is_accepted());
    send("nothing").expect(422);
    let id = ada.id.clone();
    let roomy = server.restart_with(vec![("max_devices_per_user", json!(2)), ("device_limit_policy", json!("reject"))]);
    let browser = Browser::new(&roomy);
    let login = form(&browser.get("/login"), "/login");
    let live = roomy.count_live_sessions();
    browser.submit(&login, &[("username", "ada"), ("password", PASSWORD), ("end_session", &id)]).expect(303);
    assert_eq!(roomy.count_live_sessions(), live + 1, "there was room, so nothing ended");
}

#[test]
fn of_several_at_once_none_exceeds_the_limit() {
    let server = Server::with(one_device());
    let lost = server.user("ada").login();
    let id = lost.id.clone();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let browser = Browser::new(&server);
                let login = form(&browser.get("/login"), "/login");
                let fields = [("username", "ada"), ("password", PASSWORD), ("end_session", id.as_str())];
                let answer = browser.submit(&login, &fields);
                assert!(matches!(answer.status, 303 | 403 | 429), "{}", answer.status);
            });
        }
    });
    assert_eq!(server.count_live_sessions(), 1);
    assert!(!lost.is_accepted());
}

#[test]
fn the_api_takes_the_choice_and_refuses_without_it_as_before() {
    let server = Server::with(one_device());
    let lost = server.user("ada").login();
    let body = json!({"username": "ada", "password": PASSWORD});
    server.post("/auth/login", body.clone()).expect_error(403, "device_limit_reached");
    let mut choice = body;
    choice["end_session"] = lost.id.clone().into();
    server.post("/auth/login", choice).expect(200);
    assert!(!lost.is_accepted());
}
