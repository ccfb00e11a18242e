//! A command that can't write its audit event changes nothing, and says so.

use std::{collections::BTreeMap, fs};

use serde_json::json;

use crate::{
    database::{change, count_events, everything},
    support::{PASSWORD, Place},
};

/// Makes the database refuse the events that the commands below write.
const REFUSE: &str = "create trigger this_event_is_refused before insert on audit_events
    when new.event in ('root_secret_changed', 'root_secret_lost', 'users_imported')
    begin select raise(abort, 'the test refuses this event'); end";

const PERMIT: &str = "drop trigger this_event_is_refused";

/// Returns the rows of all tables, and the content of the root secret.
fn state(place: &Place) -> (BTreeMap<String, Vec<String>>, Vec<u8>) {
    (everything(place), fs::read(place.path("data/secret.key")).expect("the root secret"))
}

#[test]
fn a_command_changes_nothing_without_its_event() {
    let place = Place::new().set("VESTIBULE_ISSUER", "http://auth.test");
    place.add_user(&["ada"]);
    let server = place.start(&["serve"]);
    let token = server.token("ada", PASSWORD);
    server.stop();
    place.write("users.jsonl", &json!({"username": "grace"}).to_string());
    for (event, command) in [
        ("users_imported", &["user", "import", "users.jsonl"][..]),
        ("root_secret_changed", &["keys", "rewrap"]),
        ("root_secret_lost", &["keys", "recover", "--lost-secret", "--yes"]),
    ] {
        change(&place, REFUSE);
        let before = state(&place);
        let said = place.run(command).failed();
        assert!(said.contains("the test refuses this event"), "{said}");
        assert!(state(&place) == before, "{event}: something has changed");
        change(&place, PERMIT);
        assert!(place.start(&["serve"]).me(&token).is_ok(), "{event}: the database and its root secret still fit");
        assert_eq!(place.run(command).code, Some(0), "{event}");
        assert_eq!(count_events(&place, event), 1, "{event}");
        assert!(state(&place) != before, "{event}");
    }
}
