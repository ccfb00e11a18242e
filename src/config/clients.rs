//! The clients: the applications through which users log in. The client `default` always exists.

use std::collections::BTreeMap;

use figment::value::Value;
use serde_json::Value as Json;

use super::{
    declare::settings,
    reader::{Read, Reader, share},
    sessions::SessionKeys,
    setting::Setting,
    tokens::TokenKeys,
};
use crate::{
    config::{Audiences, ClientSecretHash, Grants, Lifetime, StringOrUri},
    domain::{Permission, client::DEFAULT_CLIENT},
};

/// All clients, by id. The client `default` always exists.
#[derive(Debug, Clone)]
pub struct Clients(BTreeMap<String, Client>);

settings! {
    /// A client: an application through which users log in.
    pub struct Client, ClientKeys in "clients", |reader, tokens: &TokenKeys, sessions: &SessionKeys| check {
        /// The claim `aud` of the client's access tokens: one, or a list of those that a request may choose from, the first of
        /// which is the default. Only tokens for the setting `audience` can be used at the endpoints of this server that act on
        /// the account. Unset: the setting `audience`.
        #[key("clients.<id>.audience", example = "https://app.example.com")]
        #[otherwise(share(&tokens.audience).map(Audiences::one))]
        audience: Audiences,
        /// The lifetime of the client's access tokens, such as `5m`. Unset: the setting `access_token_lifetime`.
        #[key("clients.<id>.access_token_lifetime", example = "5m")]
        #[otherwise(tokens.access_token_lifetime)]
        access_token_lifetime: Lifetime,
        /// The lifetime of the client's refresh tokens, such as `30d`. Unset: the setting `refresh_token_lifetime`.
        #[key("clients.<id>.refresh_token_lifetime", example = "30d")]
        #[otherwise(sessions.refresh_token_lifetime)]
        refresh_token_lifetime: Lifetime,
        /// The hash of the client's secret, as `vestibule client secret ID` prints it. It makes the client confidential. Its
        /// users can log in at `/token` only, where the client must authenticate.
        #[key("clients.<id>.secret_hash", example = "sha256$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", secret = true)]
        secret_hash: Option<ClientSecretHash>,
        /// The permissions that the client's access tokens can contain. Unset: all permissions of the user.
        #[key("clients.<id>.scopes", example = "posts:read,posts:write")]
        scopes: Option<Vec<Permission>>,
        /// The grants that the client may use at `/token`: `password`, `refresh_token`. Unset: both.
        #[key("clients.<id>.grants", example = "password,refresh_token")]
        #[otherwise(Ok(Grants { password: true, refresh_token: true }))]
        grants: Grants,
        then {
            /// The id of the client. A request contains it to name the client.
            id: String = Ok(reader.id.clone()),
        }
    }
}

/// One audience as a text, or a list of at least one.
impl Setting for Audiences {
    fn parse(value: &Value) -> Result<Self, String> {
        let Some(items) = value.as_array() else { return StringOrUri::parse(value).map(|one| Self::one(&one)) };
        let read = |item| StringOrUri::parse(item).map(|audience| audience.to_string());
        let all: Vec<String> = items.iter().map(read).collect::<Result<_, _>>()?;
        Self::new(all).ok_or_else(|| "must be a name or a URL, or a list of at least one of them".to_owned())
    }

    fn show(&self) -> Json {
        if self.iter().len() == 1 { self.default_audience().into() } else { self.iter().collect() }
    }
}

impl Clients {
    /// Returns the client with this id; `None` if it is not configured.
    pub fn get(&self, id: &str) -> Option<&Client> {
        self.0.get(id)
    }

    /// Returns all clients, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.values()
    }

    /// Reads and checks the configured clients and the client `default`. Fails if a setting of any client can't be read.
    pub(super) fn read(reader: &mut Reader, tokens: &TokenKeys, sessions: &SessionKeys) -> Read<Self> {
        let mut ids = reader.ids("clients");
        ids.insert(DEFAULT_CLIENT.to_owned());
        let clients = reader.each(ids, |reader| ClientKeys::read(reader, tokens, sessions).complete())?;
        Ok(Self(clients.into_iter().map(|client| (client.id.clone(), client)).collect()))
    }
}

impl ClientKeys {
    /// Refuses settings of the client that can't be used together.
    fn check(&self, reader: &mut Reader, tokens: &TokenKeys, sessions: &SessionKeys) {
        const ACCESS: &str = "clients.<id>.access_token_lifetime";
        const REFRESH: &str = "clients.<id>.refresh_token_lifetime";
        if reader.id == DEFAULT_CLIENT && matches!(self.secret_hash, Ok(Some(_))) {
            let why = "must not be set: the client `default` serves the sign-in pages in the browser and cannot keep a secret";
            reader.refuse("clients.<id>.secret_hash", why);
        }
        if let (Ok(audience), Ok(own)) = (&self.audience, &tokens.audience)
            && !audience.contains(own)
        {
            let pages = if reader.id == DEFAULT_CLIENT { ", and nobody can sign in on the pages" } else { "" };
            let key = reader.describe("clients.<id>.audience");
            reader.note(format!(
                "{key}: the access tokens of this client can't be used at this server's own endpoints (/users, /auth, \
                 /auth/verify), nor in its cookies{pages}; for that, add \"{own}\" to the list"
            ));
        }
        // If the client sets neither lifetime, both are the global settings, which were checked already.
        if !reader.is_given(ACCESS) && !reader.is_given(REFRESH) {
            return;
        }
        let (access, refresh) = (self.access_token_lifetime, self.refresh_token_lifetime);
        let in_session = "must not be longer than {session_lifetime}";
        reader.check(REFRESH, in_session, || Ok(refresh? > sessions.session_lifetime?));
        let in_refresh = "must not be longer than {clients.<id>.refresh_token_lifetime}";
        reader.check(ACCESS, in_refresh, || Ok(access? > refresh?));
        reader.check(ACCESS, "must be longer than {renew_within}", || {
            Ok(access?.seconds() <= tokens.renew_within?.seconds())
        });
    }
}

impl Client {
    /// Returns whether the client must authenticate with its secret.
    pub fn is_confidential(&self) -> bool {
        self.secret_hash.is_some()
    }

    /// Returns whether the permission is in the client's `scopes`; always `true` if the client has no limit.
    pub fn permits(&self, permission: &Permission) -> bool {
        self.scopes.as_ref().is_none_or(|all| all.contains(permission))
    }

    /// Returns the given permissions that the client permits.
    pub fn permitted(&self, permissions: &[Permission]) -> Vec<Permission> {
        permissions.iter().filter(|permission| self.permits(permission)).cloned().collect()
    }
}
