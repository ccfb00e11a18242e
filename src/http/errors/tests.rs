//! The front-end kit has a type for the codes and one for the reasons. They name the values of the server, and no other.

use std::collections::BTreeSet;

use super::{ErrorCode, Reason};

const CLIENT: &str = include_str!("../../../static/client.js");

/// The codes of errors that the kit itself makes.
const OF_THE_KIT: [&str; 3] = ["unreachable", "cookies_refused", "unexpected"];

/// Returns the values of a type of the kit, which is declared as `@typedef {'one' | 'two'} Name`.
fn values(name: &str) -> BTreeSet<&'static str> {
    let (before, _) = CLIENT.split_once(&format!("}} {name}\n")).expect("the type is declared");
    let (_, union) = before.rsplit_once("@typedef {").expect("a type begins so");
    union.split('\'').skip(1).step_by(2).collect()
}

#[test]
fn the_kit_names_every_code_and_every_reason() {
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str()).chain(OF_THE_KIT).collect();
    assert_eq!(values("ErrorCode"), codes);
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(values("Reason"), reasons);
}
