//! The account in one row of a file that `user import` reads and `user export` writes.
//!
//! A value is JSON in a file of JSON lines, and text in a CSV file. So each field is read from both: a boolean from `true` and
//! `"true"`, a list from `["a"]` and `"a b"`, an object from `{}` and `"{}"`. An empty text and null are as good as no value.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Email, Permission, RoleName, UnixTime, User, UserId, Username, password_hash::PasswordHash, unique_json::UniqueJson,
};

/// An account to import.
#[derive(Clone, Debug, Default)]
pub struct AccountRecord {
    /// The id; `None` if the account is to get a new one.
    pub id: Option<UserId>,
    /// The username.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// Whether the email address is verified as belonging to the user.
    pub email_verified: bool,
    /// The hash of the password, as the other system wrote it. `None` if the account has no password.
    pub password_hash: Option<String>,
    /// Whether the account is disabled.
    pub disabled: bool,
    /// The roles.
    pub roles: Vec<RoleName>,
    /// The permissions that are granted to the user directly, beside the permissions of the roles.
    pub permissions: Vec<Permission>,
    /// The custom claims.
    pub claims: Map<String, Value>,
    /// When the account was created.
    pub created_at: Option<UnixTime>,
}

impl AccountRecord {
    /// The names of the fields.
    pub const FIELDS: [&str; 10] = [
        "id", "username", "email", "email_verified", "password_hash", "disabled", "roles", "permissions", "claims",
        "created_at",
    ];

    /// Reads a row.
    ///
    /// # Errors
    /// All problems of the row, each a sentence about a field. They contain no value of the row.
    pub fn read(row: Map<String, Value>) -> Result<Self, Vec<String>> {
        let (mut record, mut problems) = (Self::default(), Vec::new());
        let mut read: Vec<&str> = Vec::new();
        for (name, value) in row {
            let Some(field) = Self::FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(&name)) else {
                problems.push(unknown_field(&name));
                continue;
            };
            if read.contains(&field) {
                problems.push(format!("{field} appears twice"));
            } else if let Err(problem) = record.set(field, value) {
                problems.push(format!("{field} {problem}"));
            }
            read.push(field);
        }
        if problems.is_empty() { Ok(record) } else { Err(problems) }
    }

    /// Reads the value of a field. The error is the end of a sentence about the field.
    fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        match name {
            "id" => {
                let id = |text: String| UserId::parse(&text.to_lowercase()).ok_or("must be a UUID with hyphens");
                self.id = text(value)?.map(id).transpose()?;
            }
            "username" => self.username = text(value)?.map(username).transpose()?,
            "email" => self.email = text(value)?.map(|text| Email::parse(&text)).transpose()?,
            "email_verified" => self.email_verified = boolean(value)?,
            // Django writes an exclamation mark and random characters for an account without a password.
            "password_hash" => {
                let hash = text(value)?.map(|text| text.trim().to_owned());
                self.password_hash = hash.filter(|text| !text.starts_with('!'));
            }
            "disabled" => self.disabled = boolean(value)?,
            "roles" => self.roles = list(value, RoleName::parse)?,
            "permissions" => self.permissions = list(value, Permission::parse)?,
            "claims" => self.claims = object(value)?,
            // "created_at"
            _ => self.created_at = time(value)?,
        }
        Ok(())
    }
}

/// Returns the problem of a field that does not exist. Its name is shown only if it looks like one: a file without names has
/// other texts in this place, for example a hash.
pub fn unknown_field(name: &str) -> String {
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte));
    let shown = if is_name { format!("{name:?}") } else { "a name".to_owned() };
    format!("{shown} is no field; the fields are {}", AccountRecord::FIELDS.join(", "))
}

/// Reads a username.
fn username(text: String) -> Result<Username, &'static str> {
    if text.contains('@') {
        return Err("must not contain @; an address belongs in email");
    }
    Username::parse(&text)
}

/// Reads a text. `None` if there is no value.
fn text(value: Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        _ => Err("must be a text"),
    }
}

/// Reads a boolean, also as Python, PostgreSQL and SQLite print it. `false` if there is no value.
fn boolean(value: Value) -> Result<bool, &'static str> {
    let text = match value {
        Value::Null => return Ok(false),
        Value::Bool(value) => return Ok(value),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Array(_) | Value::Object(_) => return Err("must be true or false"),
    };
    match text.as_str() {
        "true" | "t" | "yes" | "1" => Ok(true),
        "false" | "f" | "no" | "0" | "" => Ok(false),
        _ => Err("must be true or false"),
    }
}

/// Reads a list of names, of which each appears once. A text has spaces between the names.
fn list<T: PartialEq>(value: Value, read: impl Fn(&str) -> Result<T, &'static str>) -> Result<Vec<T>, String> {
    let wrong = "must be a list of names, or a text with spaces between the names";
    let names: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(names) => serde_json::from_value(Value::Array(names)).map_err(|_| wrong)?,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(wrong.to_owned()),
    };
    let mut items = Vec::new();
    for name in &names {
        let item = read(name).map_err(|problem| format!("has an item that {problem}"))?;
        if !items.contains(&item) {
            items.push(item);
        }
    }
    Ok(items)
}

/// Reads a JSON object. Empty if there is no value.
fn object(value: Value) -> Result<Map<String, Value>, &'static str> {
    let value = match value {
        Value::Null => return Ok(Map::new()),
        Value::String(text) if text.trim().is_empty() => return Ok(Map::new()),
        Value::String(text) => serde_json::from_str::<UniqueJson>(&text).map(|json| json.0).unwrap_or_default(),
        value => value,
    };
    match value {
        Value::Object(object) => Ok(object),
        _ => Err("must be a JSON object"),
    }
}

/// Reads a time in RFC 3339, in seconds since 1970, or as SQLite and PostgreSQL print it: with a space before the hour, and in
/// UTC if there is no offset, or an offset without minutes.
fn time(value: Value) -> Result<Option<UnixTime>, &'static str> {
    let wrong = "must be a time such as 2026-11-27T12:00:00Z, or the seconds since 1970";
    let text = match value {
        Value::Number(number) => number.to_string(),
        value => match text(value).map_err(|_| wrong)? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let text = text.trim().replacen(' ', "T", 1);
    let seconds = || text.parse().ok().map(UnixTime::from_seconds);
    let with = |ending: &str| UnixTime::parse(&format!("{text}{ending}"));
    let time = with("").or_else(|| with("Z")).or_else(|| with(":00")).or_else(seconds);
    time.map(Some).ok_or(wrong)
}

/// An account as `user export` writes it. [`AccountRecord::read`] reads the fields again.
#[derive(Serialize)]
pub struct ExportedAccount {
    id: UserId,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    disabled: bool,
    roles: Vec<String>,
    permissions: Vec<String>,
    claims: Map<String, Value>,
    created_at: UnixTime,
}

impl ExportedAccount {
    /// Returns the account of a user. The hash is that of the password, if it is to be written.
    pub fn new(user: User, hash: Option<&PasswordHash>) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            password_hash: hash.map(|hash| hash.exported().to_owned()),
            disabled: user.disabled_at.is_some(),
            roles: user.roles,
            permissions: user.direct_permissions.iter().map(|permission| permission.as_str().to_owned()).collect(),
            claims: user.claims,
            created_at: user.created_at,
        }
    }

    /// Returns the cells of a CSV row, in the order of [`AccountRecord::FIELDS`].
    pub fn cells(self) -> [String; 10] {
        let claims = if self.claims.is_empty() { String::new() } else { Value::Object(self.claims).to_string() };
        [
            self.id.to_string(),
            self.username.unwrap_or_default(),
            self.email.unwrap_or_default(),
            self.email_verified.to_string(),
            self.password_hash.unwrap_or_default(),
            self.disabled.to_string(),
            self.roles.join(" "),
            self.permissions.join(" "),
            claims,
            self.created_at.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(row: Value) -> Result<AccountRecord, Vec<String>> {
        let Value::Object(row) = row else { panic!("not an object") };
        AccountRecord::read(row)
    }

    #[test]
    fn a_value_is_read_from_json_and_from_text() {
        for row in [
            json!({"username": "ada", "email": "ada@example.com", "email_verified": true, "password_hash": "$2b$", "disabled": 1,
                "roles": ["editor", "editor"], "permissions": ["a:b", "c:d"], "claims": {"n": 1}, "created_at": 1_800_000_000}),
            json!({"username": " ada ", "email": "ada@example.com", "email_verified": "True", "password_hash": "$2b$",
                "disabled": "t", "roles": "editor", "permissions": " a:b  c:d", "claims": "{\"n\": 1}",
                "created_at": "2027-01-15T08:00:00Z"}),
        ] {
            let record = read(row).expect("a record");
            assert_eq!(record.username.map(|name| name.as_str().to_owned()).as_deref(), Some("ada"));
            assert_eq!((record.email_verified, record.disabled), (true, true));
            assert_eq!((record.roles.len(), record.permissions.len()), (1, 2));
            assert_eq!(record.claims["n"], 1);
            assert_eq!(record.created_at, Some(UnixTime::from_seconds(1_800_000_000)));
            assert_eq!(record.password_hash.as_deref(), Some("$2b$"));
        }
    }

    #[test]
    fn a_time_is_read_as_databases_print_it() {
        for (text, seconds) in [
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2027-01-15 08:00:00", 1_800_000_000),
            ("2027-01-15 08:00:00.123456", 1_800_000_000),
            ("2027-01-15 08:00:00.123Z", 1_800_000_000),
            ("2027-01-15 10:00:00.5+02", 1_800_000_000),
            ("2027-01-15 10:00:00+02:00", 1_800_000_000),
            ("1800000000", 1_800_000_000),
        ] {
            let record = read(json!({"created_at": text})).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            assert_eq!(record.created_at, Some(UnixTime::from_seconds(seconds)), "{text}");
        }
        for text in ["2027-01-15", "08:00:00", "yesterday", "1e9", "2027-13-15 08:00:00"] {
            assert!(read(json!({"created_at": text})).is_err(), "{text}");
        }
    }

    #[test]
    fn an_absent_value_is_null_empty_or_not_there() {
        let null: Map<String, Value> =
            AccountRecord::FIELDS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        let empty = AccountRecord::FIELDS.iter().map(|name| ((*name).to_owned(), json!(" "))).collect();
        for row in [null, empty, Map::new()] {
            let record = AccountRecord::read(row).expect("a record");
            assert!(record.id.is_none() && record.username.is_none() && record.email.is_none());
            assert!(record.password_hash.is_none() && record.created_at.is_none());
            assert!(!record.disabled && record.roles.is_empty() && record.claims.is_empty());
        }
        assert!(
            read(json!({"password_hash": "!Wq3k"})).expect("a record").password_hash.is_none(),
            "unusable in Django"
        );
    }

    #[test]
    fn every_problem_of_a_row_is_named_without_its_value() {
        let row = json!({"id": "hunter2", "username": "hunter2@", "email": "hunter2", "email_verified": "hunter2",
            "password_hash": ["hunter2"], "disabled": [], "roles": [1], "permissions": ["hunter2 hunter2"],
            "claims": "hunter2", "created_at": "hunter2", "emial": "hunter2"});
        let problems = read(row).expect_err("problems");
        assert_eq!(problems.len(), 11, "{problems:?}");
        assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    }
}
