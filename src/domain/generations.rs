//! The generations of a session's refresh tokens.
//!
//! A session counts generations. A token names one of them; the row knows which is current and when each generation that a
//! client may still hold within the grace was made. So nothing is stored per token.

use super::UnixTime;

/// The greatest number of generations whose times are kept. A client reaches it only when it refreshes several times a second
/// for a whole grace.
const MAX_REMEMBERED: usize = 128;

/// Which refresh token of a session is the current one, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations {
    current: i64,
    /// When the current one and those before it were made, newest last; never empty.
    made_at: Vec<UnixTime>,
    /// The generation that the last password change made; 1 where there was no change. Tokens of earlier generations are
    /// refused, because a thief may have one.
    since_password: i64,
}

impl Generations {
    /// The first generation of a new session.
    pub fn first(now: UnixTime) -> Self {
        Self { current: 1, made_at: vec![now], since_password: 1 }
    }

    /// What the store read; none when it can't be.
    pub fn from_stored(current: i64, made_at: Vec<UnixTime>, since_password: i64) -> Option<Self> {
        let known = i64::try_from(made_at.len()).ok()?;
        let possible = (1..=current).contains(&known) && (1..=current).contains(&since_password);
        possible.then_some(Self { current, made_at, since_password })
    }

    /// The number of the current generation, from 1.
    pub const fn current(&self) -> i64 {
        self.current
    }

    /// The times that are stored.
    pub fn made_at(&self) -> &[UnixTime] {
        &self.made_at
    }

    /// The generation that the last password change made, from 1.
    pub const fn since_password(&self) -> i64 {
        self.since_password
    }

    /// When the current generation was made.
    pub fn current_made_at(&self) -> UnixTime {
        *self.made_at.last().expect("a session has a current generation from its first second")
    }

    /// The generations that are remembered with the time of their making, newest first.
    pub fn remembered(&self) -> impl Iterator<Item = (i64, UnixTime)> + '_ {
        self.made_at.iter().rev().enumerate().map(|(back, at)| (self.current - back as i64, *at))
    }

    /// The generations after `presented` was traded in at `now`. Forgets what was superseded before the `grace` (seconds).
    ///
    /// A `presented` above the current one comes from before a restore of an older copy of the database: it goes on.
    #[must_use]
    pub fn after(&self, presented: i64, now: UnixTime, grace: i64) -> Self {
        if presented > self.current {
            return Self { current: presented + 1, made_at: vec![now], since_password: self.since_password };
        }
        let mut made_at = self.made_at.clone();
        made_at.push(now);
        // The time at which a generation was made is the time at which the one before it was superseded.
        let keep_from = made_at.iter().position(|at| now.since(*at) <= grace).unwrap_or(made_at.len() - 1);
        let keep_from = keep_from.max(made_at.len().saturating_sub(MAX_REMEMBERED));
        let made_at = made_at.split_off(keep_from);
        Self { current: self.current + 1, made_at, since_password: self.since_password }
    }

    /// The generations after a password change at `now`: a new one, which is the first that still gives anything.
    #[must_use]
    pub fn after_password_change(&self, now: UnixTime) -> Self {
        let current = self.current + 1;
        Self { current, made_at: vec![now], since_password: current }
    }

    /// How `generation` stands at `now`.
    pub(super) fn state(&self, generation: i64, now: UnixTime, grace: i64) -> GenerationState {
        if generation < self.since_password {
            return GenerationState::Outdated;
        }
        if generation >= self.current {
            return GenerationState::Current;
        }
        let superseded_at = self.remembered().find(|(number, _)| *number == generation + 1).map(|(_, at)| at);
        match superseded_at {
            Some(at) if grace > 0 && now.since(at) <= grace => GenerationState::Superseded,
            _ => GenerationState::Reused,
        }
    }
}

/// How a generation stands.
#[derive(Clone, Copy)]
pub(super) enum GenerationState {
    /// Made before the last password change.
    Outdated,
    /// The latest one.
    Current,
    /// Superseded within the grace.
    Superseded,
    /// Superseded longer ago.
    Reused,
}
