//! What an answer says of the comparison of fingerprints: in the profile `dev` the score and what differed, otherwise nothing,
//! because it would tell a thief how close they are.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Place, Server, dev_place};

fn own() -> Value {
    json!({
        "os": "Linux", "browser": "Chrome", "fonts": "Arial, Bauhaus 93, Courier New", "deviceMemory": 16,
        "screenPrint": "Current Resolution: 800x600", "canvasPrint": "data:image/png;base64,AAAA", "hardwareConcurrency": 2
    })
}

/// Returns the fingerprint with these changes.
fn changed(changes: &Value) -> Value {
    let mut fingerprint = own();
    fingerprint.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
    fingerprint
}

/// Sends a refresh at the token endpoint. Returns status and body.
fn refresh_by_oauth(server: &Server, token: &str, fingerprint: &Value) -> (u16, Value) {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("fingerprint", &fingerprint.to_string())];
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    server.post_form("/token", &form.finish())
}

/// Refreshes with the fingerprint of another machine, with one that drifts and with the same one, at both endpoints. Returns
/// status and comparison of each answer: first those of `/auth/refresh`, then those of `/token`.
fn answers(server: &Server, name: &str, password: &str) -> Vec<(u16, Value)> {
    let other = changed(&json!({"canvasPrint": "data:image/png;base64,BBBB", "fonts": "Lato", "screenPrint": "other"}));
    let drifting = changed(&json!({"canvasPrint": "data:image/png;base64,BBBB", "screenPrint": "other"}));
    let login = json!({"username": name, "password": password, "fingerprint": own()});
    let (status, body) = server.post("/auth/login", &login);
    assert_eq!((status, &body["device_bound"]), (200, &json!(true)), "{body}");
    let mut token = body["refresh_token"].as_str().expect("a token").to_owned();
    let mut found = Vec::new();
    for by_oauth in [false, true] {
        for fingerprint in [&other, &drifting, &own()] {
            let (status, body) = if by_oauth {
                refresh_by_oauth(server, &token, fingerprint)
            } else {
                server.post("/auth/refresh", &json!({"refresh_token": token, "fingerprint": fingerprint}))
            };
            token = body["refresh_token"].as_str().map_or(token, str::to_owned);
            let shown = body["fingerprint"].clone();
            assert_eq!(shown.is_null(), !body.to_string().contains("differed"), "no other field has it: {body}");
            found.push((status, shown));
        }
    }
    found
}

#[test]
fn a_server_that_is_no_workbench_says_nothing_of_the_comparison() {
    let place = Place::new();
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let none = [401, 200, 200, 400, 200, 200].map(|status| (status, Value::Null));
    assert_eq!(answers(&server, "ada", PASSWORD), none);
}

#[test]
fn the_workbench_says_what_the_comparison_found() {
    let server = dev_place().start(&["dev"]);
    let line = server.next_line();
    let (_, password) = line.split_once("password: ").expect("a password");
    let mismatch = json!({"score": 0.2, "differed": ["canvasPrint", "fonts", "screenPrint"]});
    let drift = json!({"score": 0.47, "differed": ["canvasPrint", "screenPrint"]});
    let at_refresh = [(401, mismatch.clone()), (200, drift), (200, Value::Null)];
    let found = answers(&server, "test@example.com", password);
    assert_eq!(found[..3], at_refresh);
    // A token response of OAuth has no field for it, so a drift is not shown there.
    assert_eq!(found[3..], [(400, mismatch), (200, Value::Null), (200, Value::Null)]);
}
