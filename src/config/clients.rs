//! The applications that sign people in here. `default` is always there.

use std::collections::BTreeMap;

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    Lifetime, Sessions, Tokens,
    reader::{Read, Reader, share},
    secret::REDACTED,
    sessions::not_longer,
    setting::{Setting, items, show_subset, subset, text},
    tokens::Identifier,
};
use crate::domain::{Permission, client::ClientSecretHash};

/// The client of a request that names none.
const DEFAULT: &str = "default";

/// Every client by its id; `default` is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients(BTreeMap<String, Client>);

/// One application that signs people in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What a request calls it.
    pub id: String,
    /// The claim `aud` of its access tokens.
    pub audience: String,
    /// Of its access tokens; at most that of its refresh tokens.
    pub access_token_lifetime: Lifetime,
    /// Of its refresh tokens; at most the lifetime of a session.
    pub refresh_token_lifetime: Lifetime,
    /// Makes it confidential: whoever knows the secret is the client.
    pub secret_hash: Option<ClientSecretHash>,
    /// The permissions that its tokens carry at most, sorted; none given is no limit.
    pub scopes: Option<Vec<Permission>>,
    /// What it may use at the token endpoint.
    pub grants: Grants,
}

/// What a client may use at the token endpoint (RFC 6749 §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grants {
    /// `password`
    pub password: bool,
    /// `refresh_token`
    pub refresh_token: bool,
}

const GRANTS: [&str; 2] = ["password", "refresh_token"];

/// The setting `scopes`.
struct Scopes(Vec<Permission>);

impl Clients {
    /// The client `id`, if it is configured.
    pub fn get(&self, id: &str) -> Option<&Client> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.values()
    }

    /// The longest that any access token is accepted, leeway aside: how long a revocation matters.
    pub fn longest_access_token_lifetime(&self) -> Lifetime {
        let longest = self.iter().map(|client| client.access_token_lifetime).max();
        longest.expect("the client `default` is always there")
    }

    pub(super) fn read(reader: &mut Reader, tokens: Read<&Tokens>, sessions: Read<&Sessions>) -> Read<Self> {
        let issuer = tokens.map(|tokens| Identifier(tokens.issuer.clone()));
        let audience = reader.or("audience", issuer).map(|audience| audience.0);
        let mut ids = reader.clients();
        ids.insert(DEFAULT.to_owned());
        // All are read before the first failure counts.
        let clients: Vec<Read<Client>> = ids
            .into_iter()
            .map(|id| Client::read(reader, id, share(&audience).map(String::as_str), tokens, sessions))
            .collect();
        let clients: Read<Vec<Client>> = clients.into_iter().collect();
        Ok(Self(clients?.into_iter().map(|client| (client.id.clone(), client)).collect()))
    }
}

impl Client {
    /// Whether it has to show its secret.
    pub fn is_confidential(&self) -> bool {
        self.secret_hash.is_some()
    }

    /// What is left of some permissions in a token of this client.
    pub fn permitted(&self, permissions: &[Permission]) -> Vec<Permission> {
        let is_within = |permission: &&Permission| self.scopes.as_ref().is_none_or(|all| all.contains(permission));
        permissions.iter().filter(is_within).cloned().collect()
    }

    fn read(
        reader: &mut Reader,
        id: String,
        audience: Read<&str>,
        tokens: Read<&Tokens>,
        sessions: Read<&Sessions>,
    ) -> Read<Self> {
        let key = |setting: &str| format!("clients.{id}.{setting}");
        let audience = audience.map(|audience| Identifier(audience.to_owned()));
        let audience = reader.or(&key("audience"), audience);
        let usual = tokens.map(|tokens| tokens.access_token_lifetime);
        let access = reader.or(&key("access_token_lifetime"), usual);
        let usual = sessions.map(|sessions| sessions.refresh_token_lifetime);
        let refresh = reader.or(&key("refresh_token_lifetime"), usual);

        let secret_hash = reader.optional(&key("secret_hash"));
        let scopes = reader.optional::<Scopes>(&key("scopes"));
        let grants = reader.or(&key("grants"), Ok(Grants { password: true, refresh_token: true }));
        if id == DEFAULT && matches!(secret_hash, Ok(Some(_))) {
            let why = "must not be set: people sign in on pages through this client, which can't keep a secret";
            return Err(reader.refuse(&key("secret_hash"), why));
        }

        // Where neither is its own, the settings they come from were compared already.
        let own = [key("access_token_lifetime"), key("refresh_token_lifetime")].map(|key| reader.is_given(&key));
        if own.contains(&true) {
            let access_key = key("access_token_lifetime");
            let refresh_key = key("refresh_token_lifetime");
            if let (Ok(refresh), Ok(sessions)) = (refresh, sessions) {
                not_longer(reader, (&refresh_key, refresh), ("session_lifetime", sessions.session_lifetime))?;
            }
            let lifetime = not_longer(reader, (&access_key, access?), (&refresh_key, refresh?))?;
            if tokens.is_ok_and(|tokens| lifetime.seconds() <= tokens.renew_within.seconds()) {
                let renewed = reader.describe("renew_within");
                return Err(reader.refuse(&access_key, format!("must be longer than {renewed}")));
            }
        }
        Ok(Self {
            audience: audience?.0,
            access_token_lifetime: access?,
            refresh_token_lifetime: refresh?,
            secret_hash: secret_hash?,
            scopes: scopes?.map(|scopes| scopes.0),
            grants: grants?,
            id,
        })
    }
}

impl Setting for ClientSecretHash {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "what `vestibule client secret ID` prints";
        Self::parse(text(value, allowed)?).map_err(str::to_owned)
    }

    fn show(&self) -> Json {
        json!(REDACTED)
    }
}

impl Setting for Scopes {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a list of permissions, such as [\"posts:read\", \"posts:write\"]";
        let names = items(value).ok_or(allowed)?;
        let parsed: Result<Vec<Permission>, _> = names.into_iter().map(Permission::parse).collect();
        let mut permissions = parsed.map_err(|wrong| format!("{allowed}; one of these {wrong}"))?;
        permissions.sort_unstable();
        permissions.dedup();
        Ok(Self(permissions))
    }

    fn show(&self) -> Json {
        self.0.iter().map(Permission::as_str).collect()
    }
}

impl Setting for Grants {
    fn parse(value: &Value) -> Result<Self, String> {
        let [password, refresh_token] = subset(value, GRANTS)?;
        Ok(Self { password, refresh_token })
    }

    fn show(&self) -> Json {
        show_subset([self.password, self.refresh_token], GRANTS)
    }
}
