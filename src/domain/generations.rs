//! The generations of a session's refresh tokens.
//!
//! The refresh tokens of a session are numbered from 1. This number is the generation of a token, and each token
//! contains its generation. The session's row contains the current generation and the times at which the latest
//! generations were issued, as far back as the grace requires. So the database has no row for each token.

use super::UnixTime;

/// The greatest number of generations whose times are kept. A client reaches this number only if it refreshes several
/// times per second throughout the grace.
const MAX_REMEMBERED: usize = 128;

/// The generations of a session: the current one, and the times of the latest ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations {
    current: i64,
    /// The times at which the latest generations were issued, oldest first. The last element belongs to the current
    /// generation. The list is never empty.
    issued_at: Vec<UnixTime>,
    /// The generation that the last password change issued, or 1 if there was no change. Tokens of earlier generations
    /// are refused, because an attacker may have such a token.
    since_password: i64,
}

impl Generations {
    /// Returns the generations of a new session, which has one refresh token, issued at `now`.
    pub fn first(now: UnixTime) -> Self {
        Self { current: 1, issued_at: vec![now], since_password: 1 }
    }

    /// Returns the generations with these stored values. Returns `None` if the list of times is empty or longer than
    /// `current`, or if `since_password` is not between 1 and `current`.
    pub fn from_stored(current: i64, made_at: Vec<UnixTime>, since_password: i64) -> Option<Self> {
        let known = i64::try_from(made_at.len()).ok()?;
        let possible = (1..=current).contains(&known) && (1..=current).contains(&since_password);
        possible.then_some(Self { current, issued_at: made_at, since_password })
    }

    /// Returns the number of the current generation. The first generation is 1.
    pub const fn current(&self) -> i64 {
        self.current
    }

    /// Returns the stored times, oldest first.
    pub fn issued_at(&self) -> &[UnixTime] {
        &self.issued_at
    }

    /// Returns the generation that the last password change issued, or 1 if there was no change.
    pub const fn since_password(&self) -> i64 {
        self.since_password
    }

    /// Returns the time at which the current generation was issued.
    pub fn current_issued_at(&self) -> UnixTime {
        *self.issued_at.last().expect("a session has a current generation from its first second")
    }

    /// Returns the generations whose times are stored, newest first, each with its time of issue.
    pub fn with_stored_times(&self) -> impl Iterator<Item = (i64, UnixTime)> + '_ {
        self.issued_at.iter().rev().enumerate().map(|(back, at)| (self.current - back as i64, *at))
    }

    /// Returns the generations after the refresh token of generation `presented` was exchanged at `now`. Removes the
    /// times that are more than `grace` seconds before `now`.
    ///
    /// `presented` is greater than the current generation if an older copy of the database was restored. Counting then
    /// continues from `presented`.
    #[must_use]
    pub fn after_rotation(&self, presented: i64, now: UnixTime, grace: i64) -> Self {
        if presented > self.current {
            return Self { current: presented + 1, issued_at: vec![now], since_password: self.since_password };
        }
        let mut made_at = self.issued_at.clone();
        made_at.push(now);
        // A generation is superseded when the next generation is issued. So `state` needs only the times within the
        // grace. The last time, which belongs to the current generation, is always kept.
        let keep_from = made_at.iter().position(|at| now.since(*at) <= grace).unwrap_or(made_at.len() - 1);
        let keep_from = keep_from.max(made_at.len().saturating_sub(MAX_REMEMBERED));
        let made_at = made_at.split_off(keep_from);
        Self { current: self.current + 1, issued_at: made_at, since_password: self.since_password }
    }

    /// Returns the generations after a password change at `now`: a new generation. Tokens of all earlier generations
    /// are refused from now on.
    #[must_use]
    pub fn after_password_change(&self, now: UnixTime) -> Self {
        let current = self.current + 1;
        Self { current, issued_at: vec![now], since_password: current }
    }

    /// Returns the state of `generation` at `now`. `grace` is in seconds; 0 means that a superseded token is never
    /// accepted.
    pub(super) fn state(&self, generation: i64, now: UnixTime, grace: i64) -> GenerationState {
        if generation < self.since_password {
            return GenerationState::Outdated;
        }
        // A greater generation was issued before an older copy of the database was restored.
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

/// The state of a generation of a session at one time.
#[derive(Clone, Copy)]
pub(super) enum GenerationState {
    /// The generation was issued before the last password change.
    Outdated,
    /// The current generation, or a greater generation.
    Current,
    /// The generation was superseded at most `grace` seconds ago.
    Superseded,
    /// The generation was superseded more than `grace` seconds ago, or was superseded and `grace` is 0.
    Reused,
}
