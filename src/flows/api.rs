//! The methods of [`Vestibule`] that an embedding application can call. Nothing in `flows` depends on this file.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use crate::{
    clock::Clock,
    config::Config,
    domain::{AccessClaims, UserId, access_token::AccessTokenError, audit_event::RequestContext},
    flows::{
        open::{self, Role, data_paths::server_runs, error::OpenError, keys::keys_are_followed},
        sessions::{
            create_access_token::{AccessTokenOptions, CreateAccessTokenError, IssuedAccessToken, create_access_token},
            revoke_token::{RevokeTokenError, revoke},
        },
        steps::authenticate::authenticate,
        vestibule::Vestibule,
    },
    store,
};

/// The maximum time that a command waits until a running server has read a change of signing keys.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(5);
/// The interval between two checks during this wait.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);

impl Vestibule {
    /// Opens the database that `config` names, as its only server. Creates the data directory, the database and the root secret
    /// if they do not exist. While another process opens the same database, this call waits, at most two minutes.
    ///
    /// # Errors
    /// [`OpenError`]. Examples: another server has the database open, the database can't be opened or migrated, the root
    /// secret is missing, or the root secret does not belong to the database.
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        open::open(config, Clock::system(), Role::Server).await.map(Arc::new)
    }

    /// Closes the database and releases its lock, so that another server can open it. After that, calls that need the database
    /// fail. A server that ends without this call loses nothing that it has answered.
    pub async fn close(&self) {
        // A command that has changed something waits, so that a running server has read the change when the command returns.
        let held = std::mem::take(&mut *self.process_locks.lock().unwrap_or_else(PoisonError::into_inner));
        if held.lock.is_none() && self.announced.load(Ordering::Relaxed) && server_runs(&self.database) {
            tokio::time::sleep(store::FOLLOWED_WITHIN).await;
            self.wait_until_keys_are_followed().await;
        }
        self.store.close().await;
        held.mark_orderly_stop();
    }

    /// Completes when the thread that writes to the database has failed, and never otherwise. From then on every request that
    /// writes is answered with 503, and this process may not know of a revocation that is stored. The application should stop
    /// serving. To start again in the same process, call [`Vestibule::close`] and then [`Vestibule::open`]. `vestibule serve`
    /// exits with 1.
    ///
    /// ```no_run
    /// # async fn example(vestibule: std::sync::Arc<vestibule::Vestibule>, shutdown: rocket::Shutdown) {
    /// tokio::spawn(async move {
    ///     vestibule.writer_failed().await;
    ///     shutdown.notify();
    /// });
    /// # }
    /// ```
    pub async fn writer_failed(&self) {
        self.store.failed().await;
    }

    /// Waits until the running server has read the keys that this process announced. Logs a warning if the server has not
    /// confirmed this after [`PATIENCE`], because it is busy or has failed to read the keys, or if it has stopped.
    async fn wait_until_keys_are_followed(&self) {
        let announced = self.key_source.announced.load(Ordering::Relaxed);
        let followed = async {
            while announced > 0 && !keys_are_followed(self, announced).await {
                if !server_runs(&self.database) {
                    return false;
                }
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
            true
        };
        if !tokio::time::timeout(CONFIRMATION_TIMEOUT, followed).await.unwrap_or(false) {
            tracing::warn!("the running server has not confirmed the change of its keys; see its log");
        }
    }

    /// Verifies an access token as the guards do, and returns its claims. Does not read the database.
    ///
    /// ```no_run
    /// # fn example(vestibule: &vestibule::Vestibule, token: &str) -> Result<(), vestibule::AccessTokenError> {
    /// let claims = vestibule.authenticate(token)?;
    /// let greeting = format!("user {} with the roles {:?}", claims.sub, claims.roles);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AccessTokenError`] if the token is invalid, expired or revoked, or if it is not an access token.
    pub fn authenticate(&self, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
        authenticate(self, token, self.clock.now())
    }

    /// Issues an access token for a user without a login, and creates a session that ends with the token. The session has no
    /// refresh token and does not count towards `max_devices_per_user`. The session is on disk when this method returns. The
    /// token is valid for [`AccessTokenOptions::lifetime`] seconds. If this option is not set, it is valid for the client's
    /// `access_token_lifetime`.
    ///
    /// ```no_run
    /// # async fn example(vestibule: &vestibule::Vestibule, ada: vestibule::UserId) {
    /// use vestibule::AccessTokenOptions;
    ///
    /// let options = AccessTokenOptions::default().claim("report", 7).lifetime(300);
    /// let issued = vestibule.create_access_token(ada, options).await.expect("ada may sign in");
    /// let claims = vestibule.authenticate(&issued.access_token).expect("the token was just issued");
    /// assert_eq!(claims.sub, ada);
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CreateAccessTokenError`] if the user or the client does not exist, if the user is disabled, if a claim or the
    /// lifetime is not allowed, or if the database fails.
    pub async fn create_access_token(
        &self,
        user: UserId,
        options: AccessTokenOptions,
    ) -> Result<IssuedAccessToken, CreateAccessTokenError> {
        create_access_token(self, user, options, &RequestContext::internal(self.clock.now())).await
    }

    /// Revokes a token. For a refresh token, its session is revoked. For an access token, only this token is revoked. When
    /// this method returns, the revocation is on disk and applies to the next request. If the setting `blacklist_strategy`
    /// is `BLACKLIST_REFRESH`, the access tokens of a revoked session stay valid until they expire. A token that is
    /// invalid, expired or already revoked is not an error. An expired refresh token still ends its session.
    ///
    /// ```no_run
    /// # async fn example(vestibule: &vestibule::Vestibule, token: &str) -> Result<(), vestibule::StoreError> {
    /// vestibule.invalidate(token).await?;
    /// assert!(vestibule.authenticate(token).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::StoreError) if the database fails. Then the token may still be valid.
    pub async fn invalidate(&self, token: &str) -> Result<(), store::Error> {
        match revoke(self, token, None, &RequestContext::internal(self.clock.now())).await {
            Err(RevokeTokenError::Store(error)) => Err(error),
            // `revoke` returns `ForeignClient` only if it is called for a client.
            Ok(()) | Err(RevokeTokenError::ForeignClient) => Ok(()),
        }
    }

    /// Sets the application's own revocation rule. An access token for which the rule returns `true` counts as revoked. The
    /// rule runs at each check of a token, so it must not block. The rule can be set once. Set it before the server starts: it
    /// does not apply to earlier checks.
    ///
    /// ```no_run
    /// # fn example(vestibule: &vestibule::Vestibule) {
    /// // Reject the tokens that were issued before a leak.
    /// vestibule.revoke_when(|claims| claims.iat.seconds() < 1_800_000_000);
    /// # }
    /// ```
    ///
    /// # Panics
    /// If a rule is already set, because replacing it would admit tokens that the first rule rejects.
    pub fn revoke_when(&self, rule: impl Fn(&AccessClaims) -> bool + Send + Sync + 'static) {
        assert!(self.revocation_rule.set(Box::new(rule)).is_ok(), "there is a revocation rule already");
    }
}
