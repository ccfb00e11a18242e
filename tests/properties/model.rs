//! A small model of one user with sessions and tokens, as `docs/contract/http-api.md` describes them. Times are Unix seconds.

use std::collections::BTreeMap;

use serde_json::json;
use vestibule::domain::access_token::AccessTokenError;

use crate::support::{Answer, PASSWORD, claims};

/// The setting `refresh_reuse_grace`, in seconds.
pub(crate) const GRACE: i64 = 30;

/// The setting `access_token_lifetime`, in seconds.
pub(crate) const ACCESS: i64 = 900;

/// The setting `refresh_token_lifetime`, in seconds.
pub(crate) const REFRESH: i64 = 7 * DAY;

/// The setting `session_lifetime`, in seconds.
pub(crate) const SESSION: i64 = 10 * DAY;

/// The seconds of a day.
pub(crate) const DAY: i64 = 24 * 3600;

/// The audience of another service, which the client has beside the server's own.
pub(crate) const FOREIGN: &str = "https://api.example.com";

/// The server's own audience.
pub(crate) const OWN: &str = "https://auth.example.com";

/// The setting `refresh_rate_per_session`: this many refreshes of a session at once, and one more every
/// [`SECONDS_FOR_ONE_REFRESH`].
pub(crate) const REFRESHES: i64 = 6;
pub(crate) const SECONDS_FOR_ONE_REFRESH: i64 = 100;

/// The setting `max_devices_per_user`.
pub(crate) const DEVICES: usize = 3;

/// A session as the contract describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) device: String,
    /// The time at which each generation was created, from the first generation on.
    pub(crate) made_at: Vec<i64>,
    /// Whether the request that created each generation brought the secret of the device.
    pub(crate) with_device: Vec<bool>,
    /// Whether the last login, refresh or password change came from elsewhere.
    pub(crate) is_elsewhere: bool,
    /// Whether a request has brought the secret of the device.
    pub(crate) device_seen: bool,
    /// The times of the last events `refresh_repeated` that this process recorded: of repeats that were granted and of refused
    /// ones, each from the usual address and from elsewhere.
    pub(crate) repeats_recorded_at: [[Option<i64>; 2]; 2],
    /// The time at which the allowance of refreshes is full again.
    pub(crate) allowance_full_at: i64,
    /// The index of the generation that the last password change created, from 0. Earlier generations are outdated.
    pub(crate) since_password: usize,
    /// The current refresh token.
    pub(crate) current: String,
    pub(crate) last_used_at: i64,
    /// The position of the last use in the order of use.
    pub(crate) use_number: usize,
    pub(crate) ends_at: i64,
    pub(crate) refresh_ends_at: i64,
    pub(crate) revoked: bool,
    /// Whether the session was revoked after it had expired. A sweep may have removed its row before, and then the server
    /// revoked nothing and logged nothing.
    pub(crate) revoked_late: bool,
    /// The number of wrong passwords in a row within this session.
    pub(crate) failed_proofs: u32,
}

impl Session {
    pub(crate) fn is_live(&self, now: i64) -> bool {
        !self.revoked && now < self.refresh_ends_at && now < self.ends_at
    }

    /// Adds a generation that is created now.
    pub(crate) fn rotate(&mut self, now: i64, use_number: usize, with_device: bool, is_elsewhere: bool) {
        self.made_at.push(now);
        self.with_device.push(with_device);
        self.device_seen |= with_device;
        self.is_elsewhere = is_elsewhere;
        self.last_used_at = now;
        self.use_number = use_number;
        self.refresh_ends_at = (now + REFRESH).min(self.ends_at);
    }
}

impl Session {
    /// Returns whether the session was used since its login.
    pub(crate) fn was_used(&self) -> bool {
        self.last_used_at != self.made_at[0]
    }

    /// Counts a refresh. Returns `false`, and counts nothing, if the limit is reached.
    pub(crate) fn take_refresh(&mut self, now: i64) -> bool {
        let full_at = self.allowance_full_at.max(now) + SECONDS_FOR_ONE_REFRESH;
        let permitted = full_at - now <= REFRESHES * SECONDS_FOR_ONE_REFRESH;
        if permitted {
            self.allowance_full_at = full_at;
        }
        permitted
    }

    /// Returns whether an event `refresh_repeated` is recorded now, which happens at most once a minute from each of the two
    /// addresses for repeats that are granted, and as often for those that are refused.
    pub(crate) fn record_repeat(&mut self, now: i64, is_refused: bool, elsewhere: bool) -> bool {
        let last = &mut self.repeats_recorded_at[usize::from(is_refused)][usize::from(elsewhere)];
        let due = last.is_none_or(|last| now - last >= 60);
        if due {
            *last = Some(now);
        }
        due
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RefreshToken {
    pub(crate) text: String,
    pub(crate) session: usize,
    /// The index of the generation, from 0.
    pub(crate) generation: usize,
    pub(crate) exp: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) text: String,
    pub(crate) session: usize,
    /// The user's authorization version when the token was issued.
    pub(crate) version: i64,
    pub(crate) exp: i64,
    /// Whether the token was revoked alone.
    pub(crate) revoked: bool,
    /// Whether the token is for another service, and does nothing at the endpoints of the account.
    pub(crate) foreign: bool,
}

/// The status and the error code of a refused request.
pub(crate) type Refusal = (u16, &'static str);

/// The state of one user, as far as the contract depends on it.
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) password: String,
    /// The number of password changes so far.
    pub(crate) passwords: usize,
    pub(crate) disabled: bool,
    /// The authorization version.
    pub(crate) version: i64,
    pub(crate) sessions: Vec<Session>,
    pub(crate) devices: Vec<String>,
    pub(crate) refresh_tokens: Vec<RefreshToken>,
    pub(crate) access_tokens: Vec<AccessToken>,
    /// The number of logins, rotations and password changes so far.
    pub(crate) uses: usize,
    /// The time at which the first refresh past the limit was recorded in its window, by session.
    pub(crate) limit_recorded: BTreeMap<usize, i64>,
    /// The number of events of each kind that the audit log must contain.
    pub(crate) log: BTreeMap<&'static str, i64>,
}

impl Model {
    pub(crate) fn new(now: i64) -> Self {
        Self {
            now,
            password: PASSWORD.to_owned(),
            passwords: 0,
            disabled: false,
            version: 1,
            sessions: vec![],
            devices: vec![],
            refresh_tokens: vec![],
            access_tokens: vec![],
            uses: 0,
            limit_recorded: BTreeMap::new(),
            log: BTreeMap::from([("user_added", 1)]),
        }
    }

    /// Counts an event that the audit log must contain.
    pub(crate) fn happened(&mut self, event: &'static str) {
        *self.log.entry(event).or_default() += 1;
    }

    /// Counts the event of a refresh past the limit, which is recorded once in the period of the limit.
    pub(crate) fn refused_past_limit(&mut self, session: usize) {
        let window = REFRESHES * SECONDS_FOR_ONE_REFRESH;
        if self.limit_recorded.get(&session).is_none_or(|last| self.now - last >= window) {
            self.limit_recorded.insert(session, self.now);
            self.happened("limit_reached");
        }
    }

    /// Revokes the sessions that `which` selects, and counts `event` for each live session among them. Returns how many were
    /// live.
    pub(crate) fn revoke(&mut self, event: &'static str, which: impl Fn(usize, &Session) -> bool) -> usize {
        let now = self.now;
        let mut live = 0;
        for index in 0..self.sessions.len() {
            let session = &mut self.sessions[index];
            if !session.revoked && which(index, session) {
                session.revoked_late = !session.is_live(now);
                session.revoked = true;
                if !session.revoked_late {
                    live += 1;
                    self.happened(event);
                }
            }
        }
        live
    }

    /// Returns `Ok` if an access token is accepted, otherwise the error.
    pub(crate) fn check_access_token(&self, token: &AccessToken) -> Result<(), AccessTokenError> {
        if self.now >= token.exp {
            Err(AccessTokenError::Expired)
        } else if self.sessions[token.session].revoked || token.revoked || token.version < self.version {
            Err(AccessTokenError::Revoked)
        } else {
            Ok(())
        }
    }

    /// Returns `Ok` if a request with the access token is accepted, otherwise how it is refused.
    pub(crate) fn bearer(&self, token: &AccessToken) -> Result<(), Refusal> {
        self.check_access_token(token).map_err(|error| match error {
            AccessTokenError::Expired => (401, "token_expired"),
            _ => (401, "token_revoked"),
        })?;
        if token.foreign { Err((401, "invalid_token")) } else { Ok(()) }
    }

    /// Returns which refresh token a refresh returns, by the table "Rotation" of `docs/contract/http-api.md`, or how the
    /// refresh is refused.
    pub(crate) fn rotation(&self, token: &RefreshToken, with_device: bool) -> Result<Given, Refusal> {
        let session = &self.sessions[token.session];
        if self.now >= token.exp {
            return Err((401, "token_expired"));
        }
        if !session.is_live(self.now) || self.disabled {
            return Err((401, "token_revoked"));
        }
        if token.generation < session.since_password {
            return Err((401, "token_revoked"));
        }
        match session.made_at.get(token.generation + 1) {
            None => Ok(Given::Successor),
            Some(superseded_at) if self.now - superseded_at <= GRACE => {
                let brought = session.with_device[token.generation + 1];
                if brought && !with_device { Err((401, "invalid_token")) } else { Ok(Given::Current) }
            }
            Some(_) => Err((401, "refresh_reused")),
        }
    }

    /// Adds the tokens of a response, after checking their claims. `fresh` is the expected claim of the access token.
    /// `is_told` is whether the response must contain the secret of the device.
    pub(crate) fn take(&mut self, session: usize, answer: &Answer, fresh: bool, is_told: bool) {
        let Session { id, device, ends_at, refresh_ends_at, .. } = self.sessions[session].clone();
        let exp = (self.now + ACCESS).min(ends_at).min(refresh_ends_at);
        assert_eq!(answer.text_at("session_id"), id);
        assert_eq!(answer.body["device_id"].as_str(), is_told.then_some(&*device));
        assert_eq!(answer.body["expires_in"], exp - self.now);
        assert_eq!(answer.body["refresh_expires_in"], refresh_ends_at - self.now);
        let refresh = answer.text_at("refresh_token").to_owned();
        assert_eq!(claims(&refresh)["exp"], refresh_ends_at);
        self.take_access(session, answer, fresh, exp);
        let current = &mut self.sessions[session];
        current.current.clone_from(&refresh);
        let generation = current.made_at.len() - 1;
        if self.refresh_tokens.iter().all(|known| known.text != refresh) {
            self.refresh_tokens.push(RefreshToken { text: refresh, session, generation, exp: refresh_ends_at });
        }
    }

    /// Adds the access token of a response, after checking its claims. `fresh` and `exp` are the expected claims.
    pub(crate) fn take_access(&mut self, session: usize, answer: &Answer, fresh: bool, exp: i64) {
        let said = answer.claims();
        assert_eq!((&said["exp"], &said["fresh"]), (&json!(exp), &json!(fresh)));
        assert_eq!((&said["av"], &said["sid"]), (&json!(self.version), &json!(self.sessions[session].id)));
        assert!(exp <= self.sessions[session].ends_at, "no access token outlives its session");
        let foreign = said["aud"] == FOREIGN;
        let text = answer.text_at("access_token").to_owned();
        self.access_tokens.push(AccessToken { text, session, version: self.version, exp, revoked: false, foreign });
    }
}

/// The refresh token that a refresh returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// A new token, because the presented token is the current one.
    Successor,
    /// The current token, because the presented token was superseded within the grace period.
    Current,
}
