//! The server without its HTTP, and what follows from its settings and secrets alone.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
};

use crate::{
    clock::Clock,
    config::{Client, Config, FingerprintPolicy},
    domain::{
        AccessClaims, DerivedKey, DeviceRow, Email, Identifier, Scope, SessionId, TokenId, UnixTime, User, UserId,
        Username,
        access_token::TokenType,
        claims::TokenSizeBudget,
        device::{
            DeviceKey, DeviceSecret, DeviceSecretHash, Fingerprint, FingerprintKey, SealedFingerprint, Thresholds,
        },
        exclusions::Exclusions,
        password::Password,
        redirect::Redirects,
        refresh_token::RefreshTokens,
        rotation::RotationPolicy,
        scope,
        session::Session,
    },
    flows::{
        open::process_locks::ProcessLocks,
        steps::{
            grants::{access_expiry, granted_permissions},
            key_source::KeySource,
        },
    },
    memory::{
        hasher::{HashError, Hasher},
        keyring::Keyring,
        revocations::Revocations,
        throttle::{Throttle, TypedName},
    },
    random,
    store::Store,
};

/// A second that has as many digits as any that a token will name.
const LATEST_TIME: i64 = 99_999_999_999;

/// How much longer than its last access token a revocation is remembered, for clocks that step.
pub(in crate::flows) const CLOCK_STEP_MARGIN: i64 = 24 * 60 * 60;

/// The server without its HTTP: configuration, database and memory. Flows are functions over it.
pub struct Vestibule {
    /// The settings in force.
    pub config: Config,
    /// Read at the edge only.
    #[doc(hidden)]
    pub clock: Clock,
    /// The database.
    #[doc(hidden)]
    pub store: Store,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) keyring: Keyring,
    pub(crate) keys_changed: Arc<tokio::sync::Notify>,
    /// Whether this process told the others anything.
    pub(super) announced: Arc<AtomicBool>,
    /// What it takes to read the keys of the database again.
    pub(super) key_source: KeySource,
    /// The database's file.
    pub(super) database: PathBuf,
    pub(crate) throttle: Throttle,
    pub(crate) hasher: Hasher,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) secrets: Secrets,
    pub(crate) thresholds: Thresholds,
    /// Where a browser may be sent.
    #[doc(hidden)]
    pub redirects: Redirects,
    /// What an application has against access tokens beside our own rules.
    pub(super) own_rule: OnceLock<RevocationRule>,
    /// Which paths forward authentication lets through.
    #[doc(hidden)]
    pub exclusions: Exclusions,
    /// The directory of a temporary database, the lock of the one server.
    pub(super) process_locks: Mutex<ProcessLocks>,
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

    pub(crate) fn access_claims(
        &self,
        user: &User,
        session: &Session,
        client: &Client,
        fresh: bool,
        now: UnixTime,
        exp: UnixTime,
    ) -> AccessClaims {
        let named = &self.config.tokens.claims;
        let permissions = granted_permissions(user, session, client);
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
            kind: TokenType::Access,
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
    pub(crate) fn token_size_budget(&self) -> TokenSizeBudget {
        let longest = |text: fn(&Client) -> &str| self.config.clients.iter().map(text).max_by_key(|text| text.len());
        let named = &self.config.tokens.claims;
        let (id, at) = (TokenId::new(UnixTime::from_seconds(0), [0; 10]), UnixTime::from_seconds(LATEST_TIME));
        TokenSizeBudget::around(AccessClaims {
            iss: self.config.tokens.issuer.clone(),
            aud: longest(|client| &client.audience).unwrap_or_default().to_owned(),
            sub: UserId::new(UnixTime::from_seconds(0), [0; 10]),
            client_id: longest(|client| &client.id).unwrap_or_default().to_owned(),
            iat: at,
            nbf: at,
            exp: at,
            jti: id,
            sid: SessionId::new(UnixTime::from_seconds(0), [0; 10]),
            av: LATEST_TIME,
            kind: TokenType::Access,
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

    /// Whether `path` leads to the database's file. Opens neither.
    pub(crate) fn is_database(&self, path: &Path) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        identity(path).is_some_and(|given| identity(&self.database) == Some(given))
    }

    /// The CSRF token of a session.
    pub(crate) fn csrf_token(&self, session: SessionId) -> String {
        self.secrets.csrf.token(&[session.uuid().as_bytes()])
    }

    /// Whether `given` is the CSRF token of a session.
    pub(crate) fn is_csrf_token(&self, session: SessionId, given: &str) -> bool {
        self.secrets.csrf.is_token(&[session.uuid().as_bytes()], given)
    }

    /// The CSRF token of a form that is sent before there is a session: a function of the browser's own secret.
    pub(crate) fn form_token(&self, secret: &str) -> String {
        self.secrets.csrf.token(&[b"form before sign-in", secret.as_bytes()])
    }

    /// Whether `given` is the CSRF token of a form of the browser that has `secret`.
    pub(crate) fn is_form_token(&self, secret: &str, given: &str) -> bool {
        self.secrets.csrf.is_token(&[b"form before sign-in", secret.as_bytes()], given)
    }

    /// What a fingerprint is compared with later; none where fingerprints are not looked at.
    pub(crate) fn seal_fingerprint(
        &self,
        fingerprint: Option<&Fingerprint>,
        user: UserId,
    ) -> Option<SealedFingerprint> {
        let looked_at = fingerprint.filter(|_| self.config.devices.fingerprint != FingerprintPolicy::Off)?;
        let key = FingerprintKey::from_bytes(*self.secrets.fingerprints.bytes());
        Some(looked_at.seal(&key, user.uuid()))
    }

    /// The password of the sample user of the profile `dev`: a function of the root secret, so that each start can print it.
    pub(crate) fn sample_password(&self) -> String {
        let mac = self.secrets.sample_user.mac(&[]);
        crate::domain::jwt::base64url(&mac[..12])
    }

    /// What wrong passwords for a name are counted by, given its lookup key and the device that proved the password before.
    pub(crate) fn typed_name(&self, key: &str, device: Option<DeviceRow>) -> TypedName {
        let hash = self.secrets.unknown_names.mac(&[b"name", key.as_bytes()]);
        device.map_or(TypedName::Anywhere(hash), |device| TypedName::OnDevice(hash, device))
    }

    pub(crate) fn name_hash(&self, identifier: &Identifier) -> String {
        let mac = self.secrets.unknown_names.mac(&[b"audit", identifier.key().as_bytes()]);
        crate::domain::jwt::base64url(&mac[..16])
    }

    /// The stored form of a `device_id`.
    pub(crate) fn device_secret_hash(&self, secret: &DeviceSecret) -> DeviceSecretHash {
        secret.hash(&DeviceKey::from_bytes(*self.secrets.device_ids.bytes()))
    }

    /// Whether a password may become that of a user; if not, a sentence for the person. In a hashing slot, because the estimate
    /// of its strength costs as much as a hash.
    ///
    /// # Errors
    /// [`HashError`].
    pub(crate) async fn check_new_password(
        &self,
        password: &Password,
        user: &User,
    ) -> Result<Result<(), String>, HashError> {
        let names = [user.username.clone(), user.email.clone()].into_iter().flatten().collect();
        self.hasher.check_new(password, self.config.passwords.min_length, names).await
    }

    /// The settings that a refresh depends on.
    pub(crate) fn rotation_policy(&self) -> RotationPolicy {
        RotationPolicy { rotate: self.config.sessions.rotate, grace: self.config.sessions.reuse_grace.seconds() }
    }

    /// How long, in seconds, a token made now can be of interest.
    pub(crate) fn revocation_ttl(&self) -> i64 {
        self.config.clients.longest_access_token_lifetime().seconds()
            + self.config.tokens.leeway.seconds()
            + CLOCK_STEP_MARGIN
    }
}
