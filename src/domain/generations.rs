//! The generations of a session's refresh tokens.
//!
//! The refresh tokens of a session are numbered from 1. This number is the generation of a token, and each token
//! contains its generation. The session's row contains the current generation and, for the latest generations, the time
//! of issue and whether the request brought the device's secret, as far back as the grace requires. So the database has
//! no row for each token.

use super::UnixTime;

/// The greatest number of generations whose times are kept. A client reaches this number only if it refreshes several
/// times per second throughout the grace.
const MAX_REMEMBERED: usize = 128;

/// How one generation was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The time of issue.
    pub at: UnixTime,
    /// Whether the request of the rotation brought the secret of the session's device.
    pub with_device: bool,
}

/// The generations of a session: the current one, and how the latest ones were issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations {
    current: i64,
    /// How the latest generations were issued, oldest first. The last element belongs to the current generation. The
    /// list is never empty.
    issued: Vec<Issued>,
    /// The generation that the last password change issued, or 1 if there was no change. Tokens of earlier generations
    /// are refused, because an attacker may have such a token.
    since_password: i64,
}

impl Generations {
    /// Returns the generations of a new session, which has one refresh token, issued at `now`.
    pub fn first(now: UnixTime) -> Self {
        Self { current: 1, issued: vec![without_device(now)], since_password: 1 }
    }

    /// Returns the generations with these stored values. `made_at` are the times of the latest generations, oldest
    /// first. `with_device` are the numbers of those whose rotation brought the device's secret. Returns `None` if the
    /// list of times is empty or longer than `current`, or if `since_password` is not between 1 and `current`.
    pub fn from_stored(current: i64, made_at: &[UnixTime], with_device: &[i64], since_password: i64) -> Option<Self> {
        let known = i64::try_from(made_at.len()).ok()?;
        let possible = (1..=current).contains(&known) && (1..=current).contains(&since_password);
        let numbered = (current - known + 1..).zip(made_at);
        let issued = numbered.map(|(number, at)| Issued { at: *at, with_device: with_device.contains(&number) });
        possible.then(|| Self { current, issued: issued.collect(), since_password })
    }

    /// Returns the number of the current generation. The first generation is 1.
    pub const fn current(&self) -> i64 {
        self.current
    }

    /// Returns the generation that the last password change issued, or 1 if there was no change.
    pub const fn since_password(&self) -> i64 {
        self.since_password
    }

    /// Returns the time at which the current generation was issued.
    pub fn current_issued_at(&self) -> UnixTime {
        self.issued.last().expect("a session has a current generation from its first second").at
    }

    /// Returns the latest generations, newest first, each with the way in which it was issued.
    pub fn latest(&self) -> impl DoubleEndedIterator<Item = (i64, Issued)> + '_ {
        let oldest = self.current - self.issued.len() as i64 + 1;
        self.issued.iter().enumerate().map(move |(at, issued)| (oldest + at as i64, *issued)).rev()
    }

    /// Returns the generations after the refresh token of generation `presented` was exchanged as `issued` says. Removes
    /// what is known about generations that were issued more than `grace` seconds before.
    ///
    /// `presented` is greater than the current generation if an older copy of the database was restored. Counting then
    /// continues from `presented`.
    #[must_use]
    pub fn after_rotation(&self, presented: i64, issued: Issued, grace: i64) -> Self {
        if presented > self.current {
            return Self { current: presented + 1, issued: vec![issued], since_password: self.since_password };
        }
        let mut all = self.issued.clone();
        all.push(issued);
        // A generation is superseded when the next generation is issued. So `state` needs only those that were issued
        // within the grace. The last element, which belongs to the current generation, is always kept.
        let keep_from = all.iter().position(|earlier| issued.at.since(earlier.at) <= grace).unwrap_or(all.len() - 1);
        let keep_from = keep_from.max(all.len().saturating_sub(MAX_REMEMBERED));
        let kept = all.split_off(keep_from);
        Self { current: self.current + 1, issued: kept, since_password: self.since_password }
    }

    /// Returns the generations after a password change at `now`: a new generation. Tokens of all earlier generations
    /// are refused from now on.
    #[must_use]
    pub fn after_password_change(&self, now: UnixTime) -> Self {
        let current = self.current + 1;
        Self { current, issued: vec![without_device(now)], since_password: current }
    }

    /// Returns whether `generation` is one that this state has not reached: a later state of the database issued it.
    pub fn is_behind(&self, generation: i64) -> bool {
        generation > self.current
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
        let successor = self.latest().find(|(number, _)| *number == generation + 1).map(|(_, issued)| issued);
        match successor {
            Some(Issued { at, with_device }) if grace > 0 && now.since(at) <= grace => {
                GenerationState::Superseded { with_device }
            }
            _ => GenerationState::Reused,
        }
    }
}

/// Returns how a generation was issued that no rotation issued, or a rotation without the device's secret.
const fn without_device(at: UnixTime) -> Issued {
    Issued { at, with_device: false }
}

/// The state of a generation of a session at one time.
#[derive(Clone, Copy)]
pub(super) enum GenerationState {
    /// The generation was issued before the last password change.
    Outdated,
    /// The current generation, or a greater generation.
    Current,
    /// The generation was superseded at most `grace` seconds ago. `with_device` is whether the rotation brought the
    /// device's secret.
    Superseded { with_device: bool },
    /// The generation was superseded more than `grace` seconds ago, or was superseded and `grace` is 0.
    Reused,
}
