//! The server of the demonstration, and what its people do: sign in and refresh.

use crate::{
    cli::Failure,
    clock::Clock,
    config::{self, Loaded, Profile, Sources},
    domain::{
        Email, Identifier, SessionId, UnixTime,
        audit_event::{Actor, RequestContext},
        demonstration::{Switch, changed, sample},
        device::{DeviceSecret, Fingerprint},
        password::Password,
        session::Session,
    },
    flows::{
        Tokens, Vestibule,
        open::{self, Role},
        sessions::{
            login::{Login, login},
            preview::{Preview, preview},
            refresh::{Refresh, RefreshError, refresh},
        },
        steps::{acting::Acting, client::public_client},
        users::add_user::{NewAccount, add_user},
    },
    random,
};

/// Who sends a request.
#[derive(Clone, Copy)]
pub(super) enum Sender {
    /// Ada's browser, which knows the secret of its device.
    Ada,
    /// The thief, on another machine.
    Thief,
}

/// The server, with its accounts.
pub(super) struct Stage {
    pub(super) vestibule: Vestibule,
    /// The time of the first second. Later requests name a later time, so that nobody has to wait.
    start: UnixTime,
}

impl Stage {
    /// Opens a server on a temporary database.
    pub(super) async fn build() -> Result<Self, Failure> {
        let sources = Sources::isolated(Profile::Dev).set("database_url", "sqlite::memory:");
        let Loaded { config, .. } = config::load(&sources).map_err(Failure::from)?;
        let start = Clock::system().now();
        let vestibule = open::open(config, Clock::manual(start), Role::Server).await?;
        Ok(Self { vestibule, start })
    }

    /// Closes the server, which deletes its database.
    pub(super) async fn close(self) {
        self.vestibule.close().await;
    }

    /// Creates an account, and signs it in with the sample browser.
    pub(super) async fn sign_in(&self, address: &str) -> Result<Tokens, Failure> {
        let email = Email::parse(address).map_err(Failure::new)?;
        let secret: String = random::bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let password = Password::parse(&secret).map_err(Failure::new)?;
        let account = NewAccount {
            username: None,
            email: Some(email.clone()),
            email_verified: false,
            roles: Vec::new(),
            permissions: Vec::new(),
            claims: serde_json::Map::new(),
            password: Some(password.clone()),
            disabled: false,
        };
        add_user(&self.vestibule, account, &Acting::operator(self.start)).await?;
        let request = Login {
            identifier: Identifier::Email(email),
            password,
            fingerprint: Some(print_after(&[])?),
            device_ids: Vec::new(),
            device_name: None,
            client: public_client(&self.vestibule, "default").map_err(|error| Failure::of(&error))?,
            audience: None,
            scope: None,
            end_session: None,
            only_asks: false,
        };
        login(&self.vestibule, request, None, &self.context(Sender::Ada, 0)).await.map_err(|error| Failure::of(&error))
    }

    /// Refreshes with a token, `after` seconds after the start. `fingerprint` is whether the request has the one of Ada's
    /// browser.
    pub(super) async fn refresh(
        &self,
        sender: Sender,
        token: &str,
        device: Option<&str>,
        fingerprint: bool,
        after: i64,
    ) -> Result<Result<Tokens, RefreshError>, Failure> {
        let fingerprint = if fingerprint { Some(print_after(&[])?) } else { None };
        let device_ids = device.and_then(|secret| DeviceSecret::parse(secret).ok()).into_iter().collect();
        let request = Refresh { fingerprint, device_ids, ..Refresh::of(token) };
        Ok(refresh(&self.vestibule, request, &self.context(sender, after)).await)
    }

    /// Returns the session, and what a refresh of Ada's browser would find after these changes.
    pub(super) async fn look(&self, id: SessionId, switches: &[Switch]) -> Result<(Session, Preview), Failure> {
        let found = preview(&self.vestibule, id, Some(&print_after(switches)?)).await?;
        found.ok_or_else(|| Failure::new("the session of the demonstration is gone"))
    }

    /// Returns the context of a request.
    fn context(&self, sender: Sender, after: i64) -> RequestContext {
        let (ip, user_agent) = match sender {
            Sender::Ada => ("192.0.2.7", "Chrome on Linux"),
            Sender::Thief => ("203.0.113.9", "curl"),
        };
        RequestContext {
            now: self.start.plus(after),
            ip: Some(ip.to_owned()),
            user_agent: Some(user_agent.to_owned()),
            actor: Actor::Unnamed,
        }
    }
}

/// Returns the fingerprint of the sample browser after these changes.
pub(super) fn print_after(switches: &[Switch]) -> Result<Fingerprint, Failure> {
    Fingerprint::parse(&changed(&sample(), switches)).map_err(|error| Failure::of(&error))
}
