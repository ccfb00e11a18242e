//! Events of the audit log as sentences, with the names of the people in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::desk::{Desk, UI};
use crate::{
    domain::{User, UserId, audit_event::Actor},
    http::{
        errors::ApiError,
        guards::admin::UsersRead,
        pages::{humanize, texts},
    },
    store::{Conn, audit::StoredEvent, users},
};

/// Returns the template's values for events. Names are shown to somebody who may read users; others see ids.
pub(super) async fn lines(desk: &Desk<'_>, conn: &mut Conn, events: &[StoredEvent]) -> Result<Vec<Value>, ApiError> {
    let people = People::of(desk, conn, events).await?;
    Ok(events.iter().map(|event| line(event, &people)).collect())
}

fn line(event: &StoredEvent, people: &People) -> Value {
    json!({
        "at": humanize::instant(event.at),
        "sentence": sentence(&event.event),
        "about": event.user_id.as_deref().map(|id| people.person(id)),
        "by": event.actor.as_deref().map(|actor| people.actor(actor)),
        "ip": event.ip,
        "details": event.detail.as_object().map(details).unwrap_or_default(),
    })
}

/// Returns the sentence for the name of an event. A name without a sentence, which an older version may have written, is shown
/// with spaces.
pub(super) fn sentence(name: &str) -> String {
    texts::find("events", name).map_or_else(|| name.replace('_', " "), str::to_owned)
}

/// Returns the details as one text, such as `changed: roles, username`.
fn details(detail: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    // The sentence of the event already says that the account was disabled or enabled.
    let is_said = |name: &str, text: &str| (name, text) == ("changed", "disabled");
    let said = detail.iter().map(|(name, value)| (name, text(value))).filter(|(name, text)| !is_said(name, text));
    said.map(|(name, text)| format!("{}: {text}", name.replace('_', " "))).collect::<Vec<_>>().join("; ")
}

/// Returns a value without the quotation marks of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the name under which a page lists a user: the username, or else the address, or else the id.
pub(super) fn name_of(user: &User) -> String {
    user.username.clone().or_else(|| user.email.clone()).unwrap_or_else(|| user.id.to_string())
}

/// The names of the people in some events, by id.
struct People(BTreeMap<String, String>);

impl People {
    async fn of(desk: &Desk<'_>, conn: &mut Conn, events: &[StoredEvent]) -> Result<Self, ApiError> {
        let mut names = BTreeMap::new();
        if !desk.may::<UsersRead>() {
            return Ok(Self(names));
        }
        let named = events.iter().flat_map(|event| [&event.user_id, &event.actor]).flatten();
        let ids: BTreeSet<UserId> = named.filter_map(|id| UserId::parse(id)).collect();
        for id in ids {
            if let Some(user) = users::find(conn, id).await? {
                names.insert(id.to_string(), name_of(&user));
            }
        }
        Ok(Self(names))
    }

    /// Returns a person's name and the address of their page; without an address if the reader may not open it.
    fn person(&self, id: &str) -> Value {
        match self.0.get(id) {
            Some(name) => json!({"name": name, "address": format!("{UI}/people/{id}")}),
            None => json!({"name": id, "address": null}),
        }
    }

    fn actor(&self, actor: &str) -> Value {
        match actor {
            Actor::COMMAND_LINE | Actor::DELETED_USER => {
                json!({"name": texts::find("actors", actor).unwrap_or(actor), "address": null})
            }
            id => self.person(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit_event::Event;

    #[test]
    fn every_event_has_a_sentence() {
        for event in Event::WORDS {
            assert!(texts::find("events", event).is_some(), "{event}");
        }
    }
}
