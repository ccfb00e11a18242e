//! Limits on how often something may be tried: `governor`'s GCRA over our own clock.
//!
//! A limit of `10/15m` lets ten through at once and gives one back every 90 seconds. Its state is one instant per key.
//! Forgotten at a restart, and when a key's state is as if it had never been used.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use tokio::sync::Notify;

use crate::{
    clock::Clock,
    config::Rate,
    domain::{DeviceRow, SessionId},
};

/// How long to wait before trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// Whole seconds, rounded up, at least one.
    pub fn seconds(self) -> u64 {
        (self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)).max(1)
    }
}

/// All limits of the server.
pub struct Throttle {
    /// Attempts to log in, by address.
    pub logins: Limit<Network>,
    /// Wrong passwords, by account.
    pub failures: Guesses,
    /// New passwords whose strength was estimated, by address.
    pub estimates: Limit<Network>,
    /// New accounts, by address.
    pub registrations: Limit<Network>,
    /// Rotations, by session.
    pub refreshes: Limit<SessionId>,
}

/// Whom a limit by address counts: an IPv4 address, or an IPv6 /64, which is what one customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network([u8; 16]);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => {
                let mut network = v6.octets();
                network[8..].fill(0);
                Self(network)
            }
        }
    }
}

/// Whom a limit by account counts. A device that proved the password before has an allowance of its own, so that a
/// stranger's guesses don't lock the owner out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// A name, whether anybody has it or not: the keyed hash of its folded text, or of the user's id.
    Anywhere([u8; 32]),
    /// The same from a device that it signed in on before.
    OnDevice([u8; 32], DeviceRow),
}

/// One limit, or none where its setting is 0.
pub struct Limit<K: Clone + Hash + Eq>(Option<Enforced<K>>);

struct Enforced<K: Clone + Hash + Eq> {
    limiter: RateLimiter<Access<K>, Slots<K>, ThrottleClock, NoOpMiddleware<Nanos>>,
    slots: Slots<K>,
    interval: Nanos,
    clock: ThrottleClock,
    started: Nanos,
}

impl<K: Clone + Hash + Eq> Limit<K> {
    /// `rate` per key.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self(rate.and_then(|rate| {
            let per = Duration::from_secs(u64::try_from(rate.per.seconds()).ok()?);
            let quota = Quota::with_period(per / rate.count.get())?.allow_burst(rate.count);
            let slots = Slots(Arc::new(Mutex::new(HashMap::new())));
            let clock = ThrottleClock(clock.clone());
            let started = clock.now();
            let limiter = RateLimiter::new(quota, slots.clone(), clock.clone());
            Some(Enforced { limiter, slots, interval: quota.replenish_interval().into(), clock, started })
        }))
    }

    /// Counts one try.
    ///
    /// # Errors
    /// When there were too many; then this one is not counted.
    pub fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.check(key, true)
    }

    /// Whether a try would be let through, without counting it.
    ///
    /// # Errors
    /// As [`Limit::take`].
    pub fn peek(&self, key: &K) -> Result<(), RetryAfter> {
        self.check(key, false)
    }

    fn check(&self, key: &K, count: bool) -> Result<(), RetryAfter> {
        let Some(enforced) = &self.0 else { return Ok(()) };
        enforced
            .limiter
            .check_key(&Access { key: key.clone(), count })
            .map_err(|full| RetryAfter(full.wait_time_from(enforced.clock.now())))
    }

    /// Takes back a try that was counted and turned out not to be one.
    pub fn give_back(&self, key: &K) {
        if let Some(enforced) = &self.0 {
            enforced.slots.lock().entry(key.clone()).and_modify(|at| *at = at.saturating_sub(enforced.interval));
        }
    }

    /// Forgets the keys that are as if never used.
    pub fn sweep(&self) {
        if let Some(enforced) = &self.0 {
            // Our clock counts from the limiter's start as far as `governor` is concerned.
            let now = Reference::saturating_sub(&enforced.clock.now(), enforced.started);
            enforced.slots.lock().retain(|_, at| *at > now);
        }
    }
}

/// A limit on failures, known only once a guess was compared. Guesses that are being compared count as failures, so that a
/// hundred at once are no way around the limit; but whom only they keep out waits for them instead of being refused.
pub struct Guesses {
    limit: Limit<Account>,
    pending: Mutex<HashMap<Account, usize>>,
    compared: Notify,
}

impl Guesses {
    /// `rate` wrong guesses per account.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self { limit: Limit::new(rate, clock), pending: Mutex::default(), compared: Notify::new() }
    }

    /// Begins a guess.
    ///
    /// # Errors
    /// When there were too many wrong ones.
    pub async fn begin(&self, account: Account) -> Result<Guess<'_>, RetryAfter> {
        loop {
            let mut compared = pin!(self.compared.notified());
            // From here on no comparison that ends is missed.
            compared.as_mut().enable();
            if let Some(guess) = self.try_begin(&account)? {
                return Ok(guess);
            }
            compared.await;
        }
    }

    /// Counts a wrong guess that was let through elsewhere.
    pub fn count(&self, account: &Account) {
        // Where the limit is reached already, one more makes no difference.
        self.limit.take(account).ok();
    }

    /// None where only guesses that are being compared stand in the way.
    fn try_begin(&self, account: &Account) -> Result<Option<Guess<'_>>, RetryAfter> {
        let mut pending = self.lock();
        match self.limit.take(account) {
            Ok(()) => {
                *pending.entry(account.clone()).or_default() += 1;
                Ok(Some(Guess { guesses: self, account: account.clone(), was_wrong: false }))
            }
            Err(_) if pending.contains_key(account) => Ok(None),
            Err(wait) => Err(wait),
        }
    }

    /// Forgets the accounts that are as if never guessed at.
    pub fn sweep(&self) {
        self.limit.sweep();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Account, usize>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guess that is being compared. Counted for good only if it turns out wrong.
pub struct Guess<'g> {
    guesses: &'g Guesses,
    account: Account,
    was_wrong: bool,
}

impl Guess<'_> {
    /// Counts it.
    pub fn was_wrong(mut self) {
        self.was_wrong = true;
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        if !self.was_wrong {
            self.guesses.limit.give_back(&self.account);
        }
        let mut pending = self.guesses.lock();
        if let Some(count) = pending.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                pending.remove(&self.account);
            }
        }
        drop(pending);
        self.guesses.compared.notify_waiters();
    }
}

/// A key, and whether the look at it counts.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Access<K> {
    key: K,
    count: bool,
}

/// For each key the instant at which it will be as if never used.
struct Slots<K>(Arc<Mutex<HashMap<K, Nanos>>>);

impl<K> Clone for Slots<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Slots<K> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Hash + Eq> StateStore for Slots<K> {
    type Key = Access<K>;

    fn measure_and_replace<T, F, E>(&self, access: &Access<K>, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut slots = self.lock();
        let (decision, next) = decide(slots.get(&access.key).copied())?;
        if access.count {
            slots.insert(access.key.clone(), next);
        }
        Ok(decision)
    }
}

/// Our clock as `governor` reads it: the time since a fixed beginning.
#[derive(Clone)]
struct ThrottleClock(Clock);

impl GovernorClock for ThrottleClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}
