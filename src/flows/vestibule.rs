//! [`Vestibule`], the server without its HTTP layer, with the functions that need only its settings and secrets.

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
        AccessClaims, DerivedKey, DeviceRowId, Email, Scope, SessionId, TokenId, UnixTime, User, UserId, Username,
        access_token::TokenType,
        claims::TokenSizeBudget,
        device::{
            Comparison, DeviceKey, DeviceSecret, DeviceSecretHash, Fingerprint, FingerprintKey, PresentedFingerprint,
            Thresholds,
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
        backups::Backups,
        clients::ClientRegistry,
        early_expiry::EarlyExpiries,
        hasher::{HashError, Hasher},
        health::Health,
        keyring::Keyring,
        metrics::Metrics,
        revocations::Revocations,
        throttle::{Throttle, TypedName},
    },
    random,
    store::Store,
};

/// A time in seconds since 1970 that has at least as many digits as the times in tokens. The size of the largest token is
/// computed with it.
const LATEST_TIME: i64 = 99_999_999_999;

/// Seconds for which a revocation is kept after the last affected access token has expired. If the clock is set back by at most
/// this time, a revoked token is not accepted again.
pub(crate) const CLOCK_STEP_MARGIN: i64 = 24 * 60 * 60;

/// An open server without its HTTP layer. An application opens one for each database, shares it as an `Arc`, and passes it to
/// [`Embed`](crate::Embed).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use vestibule::{Vestibule, config::Config};
///
/// let vestibule = Vestibule::open(Config::of_process()?).await?;
/// // Serve requests here.
/// vestibule.close().await;
/// # Ok(())
/// # }
/// ```
pub struct Vestibule {
    /// The settings of this process.
    pub config: Config,
    /// The clock. Only the outermost code reads it; other code gets the time as a parameter.
    #[doc(hidden)]
    pub clock: Clock,
    /// The database.
    #[doc(hidden)]
    pub store: Store,
    pub(crate) revocations: Arc<Revocations>,
    /// The access tokens that have expired early, in the profile `dev`.
    pub(crate) early_expiries: EarlyExpiries,
    pub(crate) keyring: Keyring,
    /// Notified when this process or another process has changed the signing keys.
    pub(crate) keys_changed: Arc<tokio::sync::Notify>,
    /// The clients of the configuration and of the database.
    pub(crate) clients: ClientRegistry,
    /// Notified when this process or another process has changed the clients of the database.
    pub(crate) clients_changed: Arc<tokio::sync::Notify>,
    /// The lock under which clients are read and activated, so that an older set never replaces a newer set.
    pub(super) clients_reloading: tokio::sync::Mutex<()>,
    /// Whether this process has announced a change, or has read a change of another process, since it opened the database.
    pub(super) announced: Arc<AtomicBool>,
    /// The data that is needed to read the signing keys from the database again.
    pub(super) key_source: KeySource,
    /// The path of the database file.
    pub(super) database: PathBuf,
    /// What is known about the copies that the server makes by itself.
    pub(crate) backups: Backups,
    /// What the process has noticed about its database.
    pub(crate) health: Health,
    pub(crate) throttle: Throttle,
    pub(crate) hasher: Hasher,
    /// The metrics of this process.
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) secrets: Secrets,
    pub(crate) thresholds: Thresholds,
    /// The targets to which a browser may be redirected.
    #[doc(hidden)]
    pub redirects: Redirects,
    /// The revocation rule of the embedding application, if the application has set a rule.
    pub(super) revocation_rule: OnceLock<RevocationRule>,
    /// The paths that forward authentication lets through without a token.
    #[doc(hidden)]
    pub exclusions: Exclusions,
    /// The lock that only one server can have, and the directory of a temporary database.
    pub(super) process_locks: Mutex<ProcessLocks>,
}

/// A rule of the application. It returns `true` to reject an access token that has not expired and that this server has not
/// revoked. [`Vestibule::revoke_when`] sets it and has an example.
pub type RevocationRule = Box<dyn Fn(&AccessClaims) -> bool + Send + Sync>;

/// Keys that are derived from the first root secret, except the key of the refresh tokens. `vestibule keys rewrap` does not
/// change them, because it keeps the first root secret. `vestibule keys recover` replaces them.
pub(crate) struct Secrets {
    /// For the `device_id` of each device, and for the hash of a `device_id`.
    pub device_ids: DerivedKey,
    /// For sealed fingerprints.
    pub fingerprints: DerivedKey,
    /// For the CSRF tokens of sessions and of forms.
    pub csrf: DerivedKey,
    /// For the hashes of login names in the rate limits and in the audit log.
    pub login_names: DerivedKey,
    /// For the password of the sample user of the profile `dev`.
    pub sample_user: DerivedKey,
}

/// The tokens that a login or a refresh issues, and the data that the response contains beside them.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, signed with the current key.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// The current refresh token of the session.
    pub refresh_token: String,
    /// Seconds until the refresh token expires.
    pub refresh_expires_in: i64,
    /// The permissions in the access token, joined by spaces.
    pub scope: String,
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The `device_id`, a secret of the device. `None` if the device was deleted.
    pub device_id: Option<String>,
    /// Whether each refresh must present a matching fingerprint of the device.
    pub device_bound: bool,
    /// What the comparison of a drifting fingerprint found. Only for a refresh in the profile `dev`.
    pub compared: Option<Comparison>,
    /// The CSRF token, which a client with cookies sends in a header.
    pub csrf_token: String,
}

impl Vestibule {
    /// Returns the tokens of a session, computed from the rows of the session and its user, with an access token for
    /// `audience`. `fresh` is the claim of the access token. If `scope` is `Some`, the access token has no permissions
    /// outside of this scope.
    #[expect(clippy::too_many_arguments, reason = "each is a fact about the token, and none belongs to another")]
    pub(crate) fn tokens(
        &self,
        scope: Option<&Scope>,
        audience: &str,
        user: &User,
        session: &Session,
        client: &Client,
        fresh: bool,
        now: UnixTime,
    ) -> Tokens {
        let exp = access_expiry(session, client, now);
        let mut claims = self.access_claims(user, session, client, fresh, now, exp);
        audience.clone_into(&mut claims.aud);
        if let Some(scope) = scope {
            claims.narrow(scope.permissions());
        }
        Tokens {
            scope: claims.scope.clone(),
            access_token: self.keyring.keys().sign(&claims),
            expires_in: exp.since(now),
            refresh_token: self.refresh_tokens.current(session),
            refresh_expires_in: session.refresh_expires_at.since(now),
            user_id: user.id,
            session_id: session.id,
            device_id: session.device.map(|device| self.device_secret(device).reveal()),
            device_bound: session.is_bound(),
            compared: None,
            csrf_token: self.csrf_token(session.id),
        }
    }

    /// Returns the claims of an access token that is issued at `now` and expires at `exp`, with a new `jti` and the default
    /// audience of the client.
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
            iss: self.config.tokens.issuer.to_string(),
            aud: client.audience.default_audience().to_owned(),
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
            cookie_only: false,
            custom: user.claims.clone().into_iter().collect(),
        }
    }

    /// Returns an access token of this server as the access cookie contains it: with `cookie_domain` it can't be used as a
    /// bearer token, because other hosts of the domain receive the cookie.
    pub(crate) fn token_for_cookie(&self, token: String) -> String {
        let keys = self.keyring.keys();
        match keys.verify(&token) {
            Ok(claims) if self.config.cookies.domain.is_some() => {
                keys.sign(&AccessClaims { cookie_only: true, ..AccessClaims::clone(&claims) })
            }
            _ => token,
        }
    }

    /// Returns the limit on the size of a user's claims, roles and permissions. The limit assumes the longest client id and the
    /// longest audience, so that it is right for the tokens of every client.
    pub(crate) fn token_size_budget(&self) -> TokenSizeBudget {
        let clients = self.clients.all();
        let audiences = clients.values().flat_map(|client| client.audience.iter());
        let named = &self.config.tokens.claims;
        let (id, at) = (TokenId::new(UnixTime::from_seconds(0), [0; 10]), UnixTime::from_seconds(LATEST_TIME));
        TokenSizeBudget::new(AccessClaims {
            iss: self.config.tokens.issuer.to_string(),
            aud: audiences.max_by_key(|audience| audience.len()).unwrap_or_default().to_owned(),
            sub: UserId::new(UnixTime::from_seconds(0), [0; 10]),
            client_id: clients.keys().max_by_key(|id| id.len()).cloned().unwrap_or_default(),
            iat: at,
            nbf: at,
            exp: at,
            jti: id,
            sid: SessionId::new(UnixTime::from_seconds(0), [0; 10]),
            av: LATEST_TIME,
            kind: TokenType::Access,
            fresh: false,
            auth_time: at,
            // The longest names are assumed, so that a change of names never makes a token too long.
            username: named.username.then(|| "\u{10ffff}".repeat(Username::MAX_CHARS)),
            email: named.email.then(|| "x".repeat(Email::MAX_BYTES)),
            roles: Vec::new(),
            permissions: Vec::new(),
            scope: String::new(),
            cookie_only: true,
            custom: std::collections::BTreeMap::new(),
        })
    }

    /// Returns the `device_id` of a device. It is computed from the device's row, so a refresh can return it again although
    /// only its hash is stored.
    pub(crate) fn device_secret(&self, device: DeviceRowId) -> DeviceSecret {
        DeviceSecret::from_bytes(self.secrets.device_ids.mac(&[b"secret", device.uuid().as_bytes()]))
    }

    /// Returns whether `path` is a file of the database, also through links: the database itself, its write-ahead log, or the
    /// index of the log. Returns `false` if the file does not exist. Opens no file: when a process closes any descriptor of
    /// such a file, it loses the locks of SQLite on it.
    pub(crate) fn is_database(&self, path: &Path) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let is_one = |found| ["", "-wal", "-shm"].iter().any(|ending| identity(&self.beside(ending)) == Some(found));
        identity(path).is_some_and(is_one)
    }

    /// Returns the size in bytes of a file beside the database whose name ends with `ending`, such as `-wal`, and of the
    /// database itself for an empty text; `None` if there is no such file. Opens no file, for the same reason.
    pub(crate) fn database_size(&self, ending: &str) -> Option<u64> {
        fs::metadata(self.beside(ending)).ok().map(|file| file.len())
    }

    /// Returns the path of the database with this ending.
    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// Returns whether a key with this `kid` verifies access tokens now.
    pub(crate) fn has_key(&self, kid: &str) -> bool {
        self.keyring.keys().has(kid)
    }

    /// Returns the CSRF token of a session.
    pub(crate) fn csrf_token(&self, session: SessionId) -> String {
        self.secrets.csrf.token(&[session.uuid().as_bytes()])
    }

    /// Returns whether `presented` is the CSRF token of a session.
    pub(crate) fn is_csrf_token(&self, session: SessionId, presented: &str) -> bool {
        self.secrets.csrf.is_token(&[session.uuid().as_bytes()], presented)
    }

    /// Returns the CSRF token of a form that is sent before a session exists. The token is computed from `secret`, the value of
    /// a cookie of this browser.
    pub(crate) fn form_token(&self, secret: &str) -> String {
        self.secrets.csrf.token(&[b"form before sign-in", secret.as_bytes()])
    }

    /// Returns whether `presented` is the CSRF token of a form of the browser that has `secret`.
    pub(crate) fn is_form_token(&self, secret: &str, presented: &str) -> bool {
        self.secrets.csrf.is_token(&[b"form before sign-in", secret.as_bytes()], presented)
    }

    /// Seals a fingerprint, so that later fingerprints can be compared with it. Returns `None` if `fingerprint` is `None` or if
    /// `fingerprint_policy` is `off`.
    pub(crate) fn seal_fingerprint(
        &self,
        fingerprint: Option<&Fingerprint>,
        user: UserId,
    ) -> Option<PresentedFingerprint> {
        let looked_at = fingerprint.filter(|_| self.config.devices.fingerprint != FingerprintPolicy::Off)?;
        let key = FingerprintKey::from_bytes(*self.secrets.fingerprints.bytes());
        Some(looked_at.seal(&key, user.uuid()))
    }

    /// Returns the password of the sample user of the profile `dev`. It is computed from the root secret, so it is the same at
    /// every start, and every start can print it.
    pub(crate) fn sample_password(&self) -> String {
        let mac = self.secrets.sample_user.mac(&[]);
        crate::domain::jwt::base64url(&mac[..12])
    }

    /// Returns the key by which wrong passwords for a name are counted. `key` is the lookup key of the name. `device` is a
    /// device that has proved the account's password before; it has an allowance of its own.
    pub(crate) fn typed_name(&self, key: &str, device: Option<DeviceRowId>) -> TypedName {
        let hash = self.secrets.login_names.mac(&[b"name", key.as_bytes()]);
        device.map_or(TypedName::Anywhere(hash), |device| TypedName::OnDevice(hash, device))
    }

    /// Returns the keyed hash of a `device_id`. The database stores this hash instead of the `device_id`.
    pub(crate) fn device_secret_hash(&self, secret: &DeviceSecret) -> DeviceSecretHash {
        secret.hash(&DeviceKey::from_bytes(*self.secrets.device_ids.bytes()))
    }

    /// Checks whether `password` is acceptable as a new password of `user`. The inner error is the end of a sentence for the
    /// user. The check runs in a hashing slot, because estimating the strength of a password can cost as much as a hash.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait for a slot.
    pub(crate) async fn check_new_password(
        &self,
        password: &Password,
        user: &User,
    ) -> Result<Result<(), String>, HashError> {
        let names = [user.username.clone(), user.email.clone()].into_iter().flatten().collect();
        self.hasher.check_new(password, self.config.passwords.min_length, names).await
    }

    /// Returns the settings `rotate_refresh_tokens` and `refresh_reuse_grace` as a [`RotationPolicy`].
    pub(crate) fn rotation_policy(&self) -> RotationPolicy {
        RotationPolicy { rotate: self.config.sessions.rotate, grace: self.config.sessions.reuse_grace.seconds() }
    }

    /// Returns the number of seconds for which a revocation is kept after the latest `exp` that the database records: the
    /// longest lifetime of an access token, the leeway, and [`CLOCK_STEP_MARGIN`]. The lifetime is included because some access
    /// tokens are issued without a write, and expire later than the recorded `exp`.
    pub(crate) fn revocation_ttl(&self) -> i64 {
        self.config.longest_access_token_lifetime().seconds() + self.config.tokens.leeway.seconds() + CLOCK_STEP_MARGIN
    }
}
