//! Users, usernames and email addresses.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use super::{Permission, UnixTime, UserId, unicode};

/// A username: 1 to 64 characters, without `@`. Two usernames with the same lookup key cannot both exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    shown: String,
    key: String,
}

impl Username {
    /// The length of the longest username, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Reads a new username as the user typed it. White space at both ends is removed.
    ///
    /// # Errors
    /// A message if the text is empty or too long, if it contains `@`, a control character or an invisible character,
    /// or if it is an id. Forward authentication names a user without a name by the id, so a name must not pose as one.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let name = Self::of_account(input)?;
        if UserId::parse(&name.key).is_some() {
            return Err("must not be an id");
        }
        Ok(name)
    }

    /// Reads the username of an account that exists, which may have been chosen under earlier rules.
    ///
    /// # Errors
    /// As [`Username::parse`], but an id is accepted.
    pub fn of_account(input: &str) -> Result<Self, &'static str> {
        let shown = unicode::normalise(input)?;
        if shown.is_empty() || shown.chars().count() > Self::MAX_CHARS {
            return Err("must have 1 to 64 characters");
        }
        unicode::refuse_invisible(&shown)?;
        // NFKC, which `fold` applies, turns U+FF20 and U+FE6B into `@`.
        if shown.contains(['@', '\u{ff20}', '\u{fe6b}']) {
            return Err("must not contain @");
        }
        let key = username_key(&shown);
        Ok(Self { shown, key })
    }

    /// Returns the username as the user typed it, in NFC.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the lookup key: the username without differences of case, width and style. It must be unique.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// An email address: exactly one `@` with text before and after it, at most 254 bytes (RFC 5321 §4.5.3.1.3). Two
/// addresses with the same lookup key cannot both exist. A value of this type does not prove that the address receives
/// mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    shown: String,
    key: String,
}

impl Email {
    /// The length of the longest address, in bytes.
    pub const MAX_BYTES: usize = 254;

    /// Reads an address as the user typed it. White space at both ends is removed.
    ///
    /// # Errors
    /// A message if the text is too long, does not have the form of an address, or contains a control character or an
    /// invisible character.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let shown = unicode::normalise(input)?;
        if shown.len() > Self::MAX_BYTES {
            return Err("must have at most 254 bytes");
        }
        unicode::refuse_invisible(&shown)?;
        let wrong = "must be an email address, such as ada@example.com";
        let (local, domain) = shown.rsplit_once('@').ok_or(wrong)?;
        let ambiguous =
            |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '@');
        let domain_is_one = !domain.is_empty()
            && !domain.contains(ambiguous)
            && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        // RFC 5321 §4.5.3.1.1 limits the part before the `@` to 64 bytes.
        if local.is_empty() || local.len() > 64 || local.contains(ambiguous) || !domain_is_one {
            return Err(wrong);
        }
        let key = email_key(&shown);
        Ok(Self { shown, key })
    }

    /// Returns the address as the user typed it, in NFC.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the lookup key: the address without differences of case, width and style, and with the domain in ASCII. It must
    /// be unique.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Returns the lookup key of a username.
pub fn username_key(name: &str) -> String {
    fold(name)
}

/// Returns the lookup key of a text with `@`. Browsers send the domain of an address in ASCII from some inputs and as it was
/// typed from others, so both forms have one key (UTS 46). A domain that has no ASCII form is treated like the part before it.
pub fn email_key(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let domain = match idna::domain_to_ascii(domain) {
        Ok(ascii) if !ascii.trim_end_matches('.').is_empty() => ascii.trim_end_matches('.').to_owned(),
        _ => fold(domain),
    };
    format!("{}@{domain}", fold(local))
}

/// Returns the beginning of the lookup keys of the usernames and addresses that begin with `typed`.
pub fn key_prefix(typed: &str) -> String {
    match typed.trim().split_once('@') {
        // The key has the domain in ASCII, and only a whole domain can be converted.
        Some((_, domain)) if !domain.is_ascii() => email_key(typed.trim()),
        _ => fold(typed.trim()),
    }
}

/// A login name as the user typed it. A text that contains `@` is an email address.
#[derive(Clone, Debug)]
pub enum Identifier {
    /// A text without `@`.
    Username(Username),
    /// A text with `@`.
    Email(Email),
}

impl Identifier {
    /// Reads a username or an email address.
    ///
    /// # Errors
    /// The message of [`Username::parse`] or [`Email::parse`].
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        if input.contains('@') {
            Email::parse(input).map(Self::Email)
        } else {
            Username::of_account(input).map(Self::Username)
        }
    }

    /// Returns the lookup key of the name.
    pub fn key(&self) -> &str {
        match self {
            Self::Username(name) => name.key(),
            Self::Email(email) => email.key(),
        }
    }
}

/// Returns a text without differences of case, width and style. The text is converted to lower, upper and lower case
/// again: then `ß` equals `SS`, `ſ` equals `s`, and a final sigma equals any other sigma. NFKC removes differences of
/// width and style, because applications that receive a name may treat such variants as equal. It is applied again at the end:
/// the upper case of `ΐ` consists of three characters, so its lower case does too.
fn fold(text: &str) -> String {
    let plain: String = text.nfkc().collect();
    plain.to_lowercase().to_uppercase().to_lowercase().nfkc().collect()
}

/// A user, as the database stores it.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's id: the `sub` of their tokens.
    pub id: UserId,
    /// The username as the user typed it. `None` if the user has no username.
    pub username: Option<String>,
    /// The email address as the user typed it. `None` if the user has no email address.
    pub email: Option<String>,
    /// The time at which the email address was verified. `None` if the address is not verified.
    pub email_verified_at: Option<UnixTime>,
    /// The time since which the user is disabled and cannot sign in. `None` if the user is active.
    pub disabled_at: Option<UnixTime>,
    /// The authorization version. It is increased when the content of issued access tokens is no longer true, and then
    /// tokens with a lower version are refused.
    pub authorization_version: i64,
    /// The custom claims of the user's access tokens.
    pub claims: Map<String, Value>,
    /// The names of the user's roles, sorted.
    pub roles: Vec<String>,
    /// The permissions that were granted to the user directly, sorted.
    pub direct_permissions: Vec<Permission>,
    /// All permissions of the user, granted directly or by a role, sorted. The client and the scope of a session may
    /// reduce the permissions of a token further.
    pub permissions: Vec<Permission>,
    /// The time at which the account was created.
    pub created_at: UnixTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_one_username_have_one_key() {
        // The upper case of the characters `ΐ`, `ǰ` and `ὖ` consists of several characters.
        for name in ["ada", "straße", "Οδυσσεύς", "μαΐου", "οΐυς", "ǰ", "ὖ", "ᾳ", "İ", "ŉ"] {
            let spellings = [name.to_owned(), name.to_uppercase(), name.to_lowercase(), name.nfd().collect()];
            let keys = spellings.map(|text| Username::parse(&text).expect("a username").key().to_owned());
            assert!(keys.iter().all(|key| *key == keys[0]), "{name}: {keys:?}");
            assert_eq!(fold(&keys[0]), keys[0], "{name}");
        }
    }

    #[test]
    fn the_spellings_of_one_address_have_one_key() {
        for spellings in [
            &["ada@bücher.example", "ADA@BÜCHER.example", "ada@xn--bcher-kva.example", "Ada@XN--BCHER-KVA.Example"][..],
            &["x@y.de", "x@y。de", "x@ｙ.de", "x@Y.DE", "x@y.de。"],
            &["x@faß.de", "x@xn--fa-hia.de"],
            &["x@παράδειγμα.ελ", "x@ΠΑΡΆΔΕΙΓΜΑ.ΕΛ", "x@xn--hxajbheg2az3al.xn--qxam"],
            &["straße@example.com", "STRASSE@example.com"],
            &["a@localhost", "A@LOCALHOST"],
            &["a@xn--a.example", "A@XN--A.example"],
        ] {
            let keys: Vec<String> =
                spellings.iter().map(|text| Email::parse(text).expect(text).key().to_owned()).collect();
            assert!(keys.iter().all(|key| *key == keys[0]), "{spellings:?}: {keys:?}");
        }
        let [one, other] = ["x@fass.de", "x@faß.de"].map(|text| Email::parse(text).expect(text));
        assert_ne!(one.key(), other.key(), "two domains");
        assert!(Email::parse("x@。").is_err() || email_key("x@。").len() > 2);
    }
}
