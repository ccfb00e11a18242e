//! Everything that an embedding application can call. Nothing in `flows` names this file.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use crate::{
    clock::Clock,
    config::Config,
    domain::{AccessClaims, UserId, access_token::AccessTokenError, audit_event::Origin},
    flows::{
        open::{self, Role, error::OpenError, keys::keys_are_followed, place::server_runs},
        sessions::{
            create_access_token::{AccessTokenOptions, CreateAccessTokenError, IssuedAccessToken, create_access_token},
            revoke_token::{RevokeTokenError, put_out_of_force},
        },
        steps::authenticate::authenticate,
        vestibule::Vestibule,
    },
    store,
};

/// How long a command waits until a running server has followed a change of its keys, and how often it asks.
const PATIENCE: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(10);

impl Vestibule {
    /// Opens what `config` names, as the one server on that database: for an application that embeds us.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        open::open(config, Clock::system(), Role::Server).await.map(Arc::new)
    }

    /// Closes the database and lets go of it, for the next server. Nothing works afterwards. A command that announced something
    /// waits until a running server has seen it: what it changed is in force when it returns.
    pub async fn close(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if held.lock.is_none() && self.announced.load(Ordering::Relaxed) && server_runs(&self.database) {
            tokio::time::sleep(store::FOLLOWED_WITHIN).await;
            self.wait_until_keys_are_followed().await;
        }
        self.store.close().await;
        drop(held);
    }

    /// Completes when the thread that writes to the database has failed, and never otherwise. From then on whatever would write is
    /// answered 503, and a revocation may be stored that this process does not know of: an application that embeds us stops
    /// serving and opens the database again. `vestibule serve` exits with 1.
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

    /// Reading keys takes a server a moment, the longer the busier it is: it says when it has them.
    async fn wait_until_keys_are_followed(&self) {
        let announced = self.custody.announced.load(Ordering::Relaxed);
        let mut waited = Duration::ZERO;
        while announced > 0 && !keys_are_followed(self, announced).await {
            if waited >= PATIENCE || !server_runs(&self.database) {
                tracing::warn!("the running server has not said that it follows the change of its keys; see its log");
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
            waited += ASK_EVERY;
        }
    }

    /// The claims of an access token that holds now, as the guards see them. Asks no database.
    ///
    /// # Errors
    /// [`AccessTokenError`].
    pub fn authenticate(&self, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
        authenticate(self, token, self.clock.now())
    }

    /// Makes an access token for a user, as if they had signed in. It is durable when this returns.
    ///
    /// ```no_run
    /// # async fn example(vestibule: &vestibule::Vestibule, ada: vestibule::UserId) {
    /// use vestibule::AccessTokenOptions;
    ///
    /// let options = AccessTokenOptions::default().claim("report", 7).lifetime(300);
    /// let issued = vestibule.create_access_token(ada, options).await.expect("ada may sign in");
    /// let claims = vestibule.authenticate(&issued.access_token).expect("it was just made");
    /// assert_eq!(claims.sub, ada);
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CreateAccessTokenError`].
    pub async fn create_access_token(
        &self,
        user: UserId,
        options: AccessTokenOptions,
    ) -> Result<IssuedAccessToken, CreateAccessTokenError> {
        create_access_token(self, user, options, &Origin::command_line(self.clock.now())).await
    }

    /// Puts a token out of force: a refresh token with its session, an access token by itself. It is durable, and in force for the
    /// next request, when this returns. One that is none of ours, or is over, is out of force already.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn invalidate(&self, token: &str) -> store::Result<()> {
        match put_out_of_force(self, token, None, &Origin::command_line(self.clock.now())).await {
            Err(RevokeTokenError::Store(error)) => Err(error),
            // Nobody asked as a client.
            Ok(()) | Err(RevokeTokenError::ForeignClient) => Ok(()),
        }
    }

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
}
