//! The short texts of requests: names, permissions, scopes, ids and secrets.

use super::input::text;
use crate::domain::{
    Email, Identifier, Permission, RoleName, Scope, SessionId, UnixTime, UserId, Username,
    device::{DeviceName, DeviceSecret, SealedFingerprint},
    jwt,
    one_time::LinkSecret,
    password::Password,
    permission, scope,
    user::key_prefix,
};

/// Reads a text as each kind of name and secret. A value that is accepted is read again as itself, and the spellings of one
/// name have one key.
pub fn names(data: &[u8]) {
    let text = text(data);
    username(&text);
    email(&text);
    permissions(&text);
    if let Ok(name) = DeviceName::parse(&text) {
        assert_eq!(DeviceName::parse(name.as_str()).as_ref(), Ok(&name));
        assert!((1..=DeviceName::MAX_CHARS).contains(&name.as_str().chars().count()));
    }
    if let Some(name) = DeviceName::from_user_agent(&text) {
        assert!(name.as_str().is_ascii() && name.as_str().len() <= 50, "{name:?} is short");
    }
    if let Ok(secret) = DeviceSecret::parse(&text) {
        assert_eq!(secret.reveal(), text);
    }
    if let Some(secret) = LinkSecret::parse(&text) {
        assert_eq!(secret.reveal(), text);
    }
    for id in [UserId::parse(&text).map(|id| id.to_string()), SessionId::parse(&text).map(|id| id.to_string())] {
        assert!(id.is_none_or(|id| id == text));
    }
    if let Some(time) = UnixTime::parse(&text) {
        assert_eq!(UnixTime::parse(&time.to_string()), Some(time), "{text:?}");
    }
    if let Ok(sealed) = SealedFingerprint::from_json(&text) {
        assert_eq!(SealedFingerprint::from_json(&sealed.to_json()).as_ref(), Ok(&sealed));
    }
    if let Some(bytes) = jwt::from_base64url(&text) {
        assert_eq!(jwt::base64url(&bytes), text);
    }
    Password::parse(&text).ok();
    key_prefix(&text);
}

fn username(text: &str) {
    let Ok(name) = Username::of_account(text) else {
        assert!(Username::parse(text).is_err());
        return;
    };
    assert_eq!(Username::of_account(name.as_str()).as_ref(), Ok(&name));
    assert!(!name.as_str().contains('@') && !name.key().contains('@'), "{name:?} is no address");
    if let Ok(new) = Username::parse(text) {
        assert_eq!(new, name);
        assert!(UserId::parse(new.key()).is_none());
    }
    let identifier = Identifier::parse(text).expect("a username is a login name");
    assert_eq!(identifier.key(), name.key());
    for other in [name.as_str().to_uppercase(), name.as_str().to_lowercase()] {
        if let Ok(other) = Username::of_account(&other) {
            assert_eq!(other.key(), name.key(), "{name:?} and {other:?} are one name");
        }
    }
}

fn email(text: &str) {
    let Ok(email) = Email::parse(text) else { return };
    assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(&email));
    assert_eq!(Identifier::parse(text).expect("an address is a login name").key(), email.key());
    assert!(Username::of_account(text).is_err(), "an address is no username");
    for other in [email.as_str().to_ascii_uppercase(), email.as_str().to_ascii_lowercase()] {
        let other = Email::parse(&other).expect("another case is an address too");
        assert_eq!(other.key(), email.key(), "{email:?} and {other:?} are one address");
    }
}

fn permissions(text: &str) {
    assert_eq!(Permission::parse(text).is_ok(), permission::is_permission(text));
    if let Ok(permission) = Permission::parse(text) {
        assert_eq!(permission.as_str(), text);
    }
    if let Ok(role) = RoleName::parse(text) {
        assert_eq!(role.as_str(), text);
    }
    if let Ok(Some(scope)) = Scope::parse(text) {
        let again = scope::text(scope.permissions());
        assert_eq!(Scope::parse(&again), Ok(Some(scope)));
    }
}
