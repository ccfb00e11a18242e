//! The generations of a session's refresh tokens.
//!
//! A session counts its refresh tokens; the number is the generation, and each token contains it. The session's row has
//! the current generation and the times at which the latest generations were issued, as far back as the grace requires.
//! So nothing is stored per token.

use super::UnixTime;

/// The greatest number of generations whose times are kept. A client exceeds it only if it refreshes several times per
/// second throughout the grace.
const MAX_REMEMBERED: usize = 128;

/// The generations of a session: the current one, and the times of the latest ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations {
    current: i64,
    /// The times at which the latest generations were issued. The last element belongs to the current generation. Never
    /// empty.
    made_at: Vec<UnixTime>,
    /// The generation that the last password change issued, or 1 if there was no change. Tokens of earlier generations
    /// are refused, because an attacker may have one of them.
    since_password: i64,
}

impl Generations {
    /// Returns the generations of a new session, which has one refresh token, issued at `now`.
    pub fn first(now: UnixTime) -> Self {
        Self { current: 1, made_at: vec![now], since_password: 1 }
    }

    /// Returns the stored generations, or `None` if the stored values are inconsistent.
    pub fn from_stored(current: i64, made_at: Vec<UnixTime>, since_password: i64) -> Option<Self> {
        let known = i64::try_from(made_at.len()).ok()?;
        let possible = (1..=current).contains(&known) && (1..=current).contains(&since_password);
        possible.then_some(Self { current, made_at, since_password })
    }

    /// Returns the number of the current generation. The first is 1.
    pub const fn current(&self) -> i64 {
        self.current
    }

    /// Returns the stored times, oldest first.
    pub fn issued_at(&self) -> &[UnixTime] {
        &self.made_at
    }

    /// Returns the generation that the last password change issued, or 1 if there was no change.
    pub const fn since_password(&self) -> i64 {
        self.since_password
    }

    /// Returns the time at which the current generation was issued.
    pub fn current_issued_at(&self) -> UnixTime {
        *self.made_at.last().expect("a session has a current generation from its first second")
    }

    /// Returns the generations whose times are stored, newest first, each with its time of issue.
    pub fn with_stored_times(&self) -> impl Iterator<Item = (i64, UnixTime)> + '_ {
        self.made_at.iter().rev().enumerate().map(|(back, at)| (self.current - back as i64, *at))
    }

    /// Returns the generations after the refresh token of generation `presented` was exchanged at `now`. Removes the
    /// times that are older than `grace` seconds.
    ///
    /// `presented` is greater than the current generation if an older copy of the database was restored. Counting then
    /// continues from `presented`.
    #[must_use]
    pub fn after_rotation(&self, presented: i64, now: UnixTime, grace: i64) -> Self {
        if presented > self.current {
            return Self { current: presented + 1, made_at: vec![now], since_password: self.since_password };
        }
        let mut made_at = self.made_at.clone();
        made_at.push(now);
        // A generation is superseded at the time at which the next generation is issued.
        let keep_from = made_at.iter().position(|at| now.since(*at) <= grace).unwrap_or(made_at.len() - 1);
        let keep_from = keep_from.max(made_at.len().saturating_sub(MAX_REMEMBERED));
        let made_at = made_at.split_off(keep_from);
        Self { current: self.current + 1, made_at, since_password: self.since_password }
    }

    /// Returns the generations after a password change at `now`: a new generation, which is now the first that is
    /// accepted.
    #[must_use]
    pub fn after_password_change(&self, now: UnixTime) -> Self {
        let current = self.current + 1;
        Self { current, made_at: vec![now], since_password: current }
    }

    /// Returns the state of `generation` at `now`. `grace` is in seconds.
    pub(super) fn state(&self, generation: i64, now: UnixTime, grace: i64) -> GenerationState {
        if generation < self.since_password {
            return GenerationState::Outdated;
        }
        // A greater generation comes from before the restore of an older copy of the database.
        if generation >= self.current {
            return GenerationState::Current;
        }
        let superseded_at = self.with_stored_times().find(|(number, _)| *number == generation + 1).map(|(_, at)| at);
        match superseded_at {
            Some(at) if grace > 0 && now.since(at) <= grace => GenerationState::Superseded,
            _ => GenerationState::Reused,
        }
    }
}

/// The state of a generation.
#[derive(Clone, Copy)]
pub(super) enum GenerationState {
    /// Issued before the last password change.
    Outdated,
    /// The current generation.
    Current,
    /// Superseded, but still within the grace.
    Superseded,
    /// Superseded longer ago than the grace.
    Reused,
}
