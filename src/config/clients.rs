//! The applications that sign people in here. `default` is always there.

use std::collections::BTreeMap;

use super::{
    Lifetime, Sessions, Tokens,
    reader::{Read, Reader, share},
    sessions::not_longer,
    tokens::Identifier,
};

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
}

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
        Ok(Self { audience: audience?.0, access_token_lifetime: access?, refresh_token_lifetime: refresh?, id })
    }
}
