//! Verbs. One file per thing the server does: it owns the transaction and the rules.
//!
//! A flow calls no other flow; what several need is here. Every decided outcome commits, refusals included: a refused
//! replay still ends the session. Only the failure of the database rolls back, and then nothing happened.

pub mod add_user;
pub mod advance_keys;
pub mod authenticate;
pub mod change_names;
pub mod change_password;
pub mod change_user;
pub mod client;
pub mod create_access_token;
pub mod delete_user;
pub mod export_user;
pub mod introspect;
pub mod login;
pub mod logout;
mod members;
pub mod open;
pub mod proof;
pub mod reauthenticate;
pub mod refresh;
pub mod register;
pub mod remove_role;
pub mod renew;
pub mod retire_key;
pub mod revoke_sessions;
pub mod revoke_token;
pub mod rotate_keys;
pub mod set_role;
pub mod signing;
pub mod sweep;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
};

use crate::{
    clock::Clock,
    config::{Client, Config, FingerprintPolicy, UsernameField},
    domain::{
        AccessClaims, DerivedKey, DeviceRow, Email, Permission, Scope, SessionId, TokenId, UnixTime, User, UserId,
        Username,
        access_token::Access,
        audit_event::{AuditEvent, Event, Origin},
        change::Change,
        claims::TokenRoom,
        device::{Baseline, DeviceSecret, Fingerprint, FingerprintKey, Thresholds},
        excluded::Exclusions,
        password::PasswordHash,
        permission::ADMIN_ROLE,
        redirect::Redirects,
        refresh_token::RefreshTokens,
        rotation::Rules,
        scope,
        session::{RevokeReason, Session, SessionState},
    },
    memory::{hasher::Hasher, keyring::Keyring, revocations::Revocations, throttle::Throttle},
    random,
    store::{self, Store, Tx, audit, roles, sessions, users},
};

/// A second that has as many digits as any that a token will name.
const LATE: i64 = 99_999_999_999;

/// How much longer than its last access token a revocation is remembered, for clocks that step.
const MARGIN: i64 = 24 * 60 * 60;

/// The server without its HTTP: configuration, database and memory. Flows are functions over it.
pub struct Vestibule {
    /// The settings in force.
    pub config: Config,
    /// Read at the edge only.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) keyring: Keyring,
    pub(crate) keys_changed: Arc<tokio::sync::Notify>,
    /// Whether this process told the others anything.
    announced: Arc<AtomicBool>,
    /// What it takes to read the keys of the database again.
    custody: signing::Custody,
    /// The database's file.
    database: PathBuf,
    pub(crate) throttle: Throttle,
    pub(crate) hasher: Hasher,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) secrets: Secrets,
    pub(crate) thresholds: Thresholds,
    /// Where a browser may be sent.
    pub redirects: Redirects,
    /// What an application has against access tokens beside our own rules.
    own_rule: OnceLock<RevocationRule>,
    /// Which paths forward authentication lets through.
    pub exclusions: Exclusions,
    /// The directory of a temporary database, the lock of the one server.
    held: Mutex<open::Held>,
}

/// Whether an access token whose time holds and which nothing of ours revoked is refused all the same.
pub type RevocationRule = Box<dyn Fn(&AccessClaims) -> bool + Send + Sync>;

/// Keys derived from the first root secret, beside that of the refresh tokens: they stay when another one takes its place.
pub(crate) struct Secrets {
    pub device_ids: DerivedKey,
    pub fingerprints: DerivedKey,
    pub csrf: DerivedKey,
    pub unknown_names: DerivedKey,
    pub sample_user: DerivedKey,
}

/// What a login or a refresh gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Signed under the keyring.
    pub access_token: String,
    /// Seconds until it is over.
    pub expires_in: i64,
    /// The session's current one.
    pub refresh_token: String,
    /// Seconds until it is over.
    pub refresh_expires_in: i64,
    /// The permissions that the access token carries, joined by spaces.
    pub scope: String,
    /// The session.
    pub session_id: SessionId,
    /// The device's secret, unless the device was forgotten.
    pub device_id: Option<String>,
    /// What a cookie client sends back in a header.
    pub csrf_token: String,
}

impl Vestibule {
    /// Adds a rule of the application's own: access tokens for which it says `true` are revoked. It is asked at each check, by the
    /// guards and everywhere else, so it reads memory and waits for nothing. One rule can be set, before the server starts.
    ///
    /// ```no_run
    /// # fn example(vestibule: &vestibule::Vestibule) {
    /// // Nothing from before the night of the leak.
    /// vestibule.revoke_when(|claims| claims.iat.seconds() < 1_800_000_000);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When there is a rule already: to forget it in silence would let in whom it kept out.
    pub fn revoke_when(&self, rule: impl Fn(&AccessClaims) -> bool + Send + Sync + 'static) {
        assert!(self.own_rule.set(Box::new(rule)).is_ok(), "there is a revocation rule already");
    }

    /// The tokens of a session as its row stands.
    pub(crate) fn tokens(&self, user: &User, session: &Session, client: &Client, fresh: bool, now: UnixTime) -> Tokens {
        self.tokens_within(None, user, session, client, fresh, now)
    }

    /// The same with an access token that says no more than `scope`, where one is given.
    pub(crate) fn tokens_within(
        &self,
        scope: Option<&Scope>,
        user: &User,
        session: &Session,
        client: &Client,
        fresh: bool,
        now: UnixTime,
    ) -> Tokens {
        let exp = access_expiry(session, client, now);
        let mut claims = self.access_claims(user, session, client, fresh, now, exp);
        if let Some(scope) = scope {
            claims.narrow(scope.permissions());
        }
        Tokens {
            scope: claims.scope.clone(),
            access_token: self.keyring.keys().sign(&claims),
            expires_in: exp.since(now),
            refresh_token: self.refresh_tokens.current(session),
            refresh_expires_in: session.refresh_expires_at.since(now),
            session_id: session.id,
            device_id: session.device.map(|device| self.device_secret(device).reveal()),
            csrf_token: self.csrf_token(session.id),
        }
    }

    fn access_claims(
        &self,
        user: &User,
        session: &Session,
        client: &Client,
        fresh: bool,
        now: UnixTime,
        exp: UnixTime,
    ) -> AccessClaims {
        let named = &self.config.tokens.claims;
        let permissions = granted(user, session, client);
        AccessClaims {
            iss: self.config.tokens.issuer.clone(),
            aud: client.audience.clone(),
            sub: user.id,
            client_id: session.client_id.clone(),
            iat: now,
            nbf: now,
            exp,
            jti: TokenId::new(now, random::bytes()),
            sid: session.id,
            av: user.authorization_version,
            kind: Access::Access,
            fresh,
            auth_time: session.auth_time,
            username: user.username.clone().filter(|_| named.username),
            email: user.email.clone().filter(|_| named.email),
            roles: user.roles.clone(),
            scope: scope::text(&permissions),
            permissions,
            custom: user.claims.clone().into_iter().collect(),
        }
    }

    /// The room that a token of any client has for what is said about a user.
    pub(crate) fn token_room(&self) -> TokenRoom {
        let longest = |text: fn(&Client) -> &str| self.config.clients.iter().map(text).max_by_key(|text| text.len());
        let named = &self.config.tokens.claims;
        let (id, at) = (TokenId::new(UnixTime::from_seconds(0), [0; 10]), UnixTime::from_seconds(LATE));
        TokenRoom::beside(AccessClaims {
            iss: self.config.tokens.issuer.clone(),
            aud: longest(|client| &client.audience).unwrap_or_default().to_owned(),
            sub: UserId::new(UnixTime::from_seconds(0), [0; 10]),
            client_id: longest(|client| &client.id).unwrap_or_default().to_owned(),
            iat: at,
            nbf: at,
            exp: at,
            jti: id,
            sid: SessionId::new(UnixTime::from_seconds(0), [0; 10]),
            av: LATE,
            kind: Access::Access,
            fresh: false,
            auth_time: at,
            // A renaming never makes a token too long.
            username: named.username.then(|| "\u{10ffff}".repeat(Username::MAX_CHARS)),
            email: named.email.then(|| "x".repeat(Email::MAX_BYTES)),
            roles: Vec::new(),
            permissions: Vec::new(),
            scope: String::new(),
            custom: std::collections::BTreeMap::new(),
        })
    }

    /// The `device_id` of a device: a function of its row, so that a refresh can give it again and only its hash is stored.
    pub(crate) fn device_secret(&self, device: DeviceRow) -> DeviceSecret {
        DeviceSecret::from_bytes(self.secrets.device_ids.mac(&[b"secret", device.uuid().as_bytes()]))
    }

    /// The CSRF token of a session.
    pub(crate) fn csrf_token(&self, session: SessionId) -> String {
        crate::domain::jwt::base64url(&self.secrets.csrf.mac(&[session.uuid().as_bytes()]))
    }

    /// The CSRF token of a form that is sent before there is a session: a function of the browser's own secret.
    pub(crate) fn form_token(&self, secret: &str) -> String {
        crate::domain::jwt::base64url(&self.secrets.csrf.mac(&[b"form before sign-in", secret.as_bytes()]))
    }

    /// What a fingerprint is compared with later; none where fingerprints are not looked at.
    pub(crate) fn baseline(&self, fingerprint: Option<&Fingerprint>, user: UserId) -> Option<Baseline> {
        let looked_at = fingerprint.filter(|_| self.config.devices.fingerprint != FingerprintPolicy::Off)?;
        let key = FingerprintKey::from_bytes(*self.secrets.fingerprints.bytes());
        Some(looked_at.seal(&key, user.uuid()))
    }

    /// The password of the sample user of the profile `dev`: a function of the root secret, so that each start can print it.
    pub fn sample_password(&self) -> String {
        let mac = self.secrets.sample_user.mac(&[]);
        crate::domain::jwt::base64url(&mac[..12])
    }

    /// Ends sessions of a user: in the row, in the feed, in the log. Gives back those that were live.
    pub(crate) async fn revoke(
        tx: &mut Tx,
        remember: i64,
        user: UserId,
        selection: sessions::Selection,
        reason: RevokeReason,
        origin: &Origin,
    ) -> store::Result<usize> {
        let revoked = sessions::revoke(tx, user, selection, reason, origin.now).await?;
        for session in &revoked {
            // Within the grace tokens are given out without a write, so the row's greatest `exp` may not be the last.
            let until = session.access_expires_at.max(origin.now).plus(remember);
            tx.announce(Change::SessionRevoked(session.id), origin.now, until).await?;
            let event = if reason == RevokeReason::Logout { Event::LoggedOut } else { Event::SessionRevoked };
            let event = AuditEvent::new(event, origin).user(user).session(session.id).detail("reason", reason.as_str());
            audit::insert(tx, &event).await?;
        }
        Ok(revoked.iter().filter(|session| session.was_live).count())
    }

    /// Puts it in force that access tokens of a user with a lower authorization version say something untrue, and remembers
    /// it until the last of them is over: those given out before, perhaps for longer than today's setting says, and those
    /// that may be being made now, `remember` seconds at the most.
    pub(crate) async fn outdate_access_tokens(
        tx: &mut Tx,
        remember: i64,
        user: UserId,
        version: i64,
        now: UnixTime,
    ) -> store::Result<()> {
        let given_out = sessions::latest_access_expiry(tx, Some(user)).await?.unwrap_or(now);
        let until = now.plus(remember).max(given_out.plus(remember));
        tx.announce(Change::AuthorizationVersion(user, version), now, until).await
    }

    /// The settings that a refresh depends on.
    pub(crate) fn rotation_rules(&self) -> Rules {
        Rules { rotate: self.config.sessions.rotate, grace: self.config.sessions.reuse_grace.seconds() }
    }

    /// How long, in seconds, a token made now can be of interest.
    pub(crate) fn remember(&self) -> i64 {
        self.config.clients.longest_access_token_lifetime().seconds() + self.config.tokens.leeway.seconds() + MARGIN
    }
}

/// Which names an account must have, by `username_field`: the field that is missing, and what to say of it.
///
/// # Errors
/// The field with a sentence.
pub fn check_names(
    field: UsernameField,
    has_username: bool,
    has_email: bool,
) -> Result<(), (&'static str, &'static str)> {
    match (field, has_username, has_email) {
        (UsernameField::Username, false, _) => Err(("username", "is required")),
        (UsernameField::Email, _, false) => Err(("email", "is required")),
        (UsernameField::Either, false, false) => Err(("username", "is required, or an email")),
        _ => Ok(()),
    }
}

/// The permissions that tokens of a session may carry: of those that the user has now, those within the client's scopes and
/// within the scope that the session was opened with.
pub(crate) fn granted(user: &User, session: &Session, client: &Client) -> Vec<Permission> {
    let mut permissions = client.within_scopes(&user.permissions);
    if let Some(scope) = &session.scope {
        permissions.retain(|permission| scope.has(permission));
    }
    permissions
}

/// When an access token made now is over: never past the session's end.
pub(crate) fn access_expiry(session: &Session, client: &Client, now: UnixTime) -> UnixTime {
    now.plus(client.access_token_lifetime.seconds()).min(session.expires_at).min(session.refresh_expires_at)
}

/// Who asks, as the access token says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    /// The session.
    pub session: SessionId,
    user: UserId,
    version: i64,
}

impl Bearer {
    pub(crate) fn of(claims: &AccessClaims) -> Self {
        Self { session: claims.sid, user: claims.sub, version: claims.av }
    }
}

/// Whether the session is live and the user's authorization the one that the token was made under, asked in the transaction
/// that acts for the bearer: whatever ended it since the guard looked is seen.
pub(crate) async fn bearer_is_live(tx: &mut Tx, bearer: Bearer, now: UnixTime) -> store::Result<bool> {
    let user = users::find(tx, bearer.user).await?;
    let stands = user.is_some_and(|user| user.disabled_at.is_none() && user.authorization_version == bearer.version);
    Ok(stands && session_is_live(tx, bearer.session, now).await?)
}

/// Whether the password that was proved is still the user's, asked in the transaction that rests on it.
pub(crate) async fn is_password(tx: &mut Tx, user: UserId, proved: &PasswordHash) -> store::Result<bool> {
    Ok(users::find_password(tx, user).await?.is_some_and(|stored| stored.as_str() == proved.as_str()))
}

/// Whether a session is live now, asked in the transaction that acts for it.
pub(crate) async fn session_is_live(tx: &mut Tx, session: SessionId, now: UnixTime) -> store::Result<bool> {
    Ok(sessions::find(tx, session).await?.is_some_and(|session| session.state(now) == SessionState::Live))
}

/// Whether nobody but this user could administer the server.
pub(crate) async fn is_last_admin(tx: &mut Tx, user: &User) -> store::Result<bool> {
    let is_admin = user.disabled_at.is_none() && user.roles.iter().any(|role| role == ADMIN_ROLE);
    Ok(is_admin && roles::count_active_members(tx, ADMIN_ROLE).await? <= 1)
}
