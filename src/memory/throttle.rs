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
    /// Wrong passwords, by the name that was typed.
    pub failures: FailureLimit<TypedName>,
    /// New passwords whose strength was estimated, by address.
    pub estimates: Limit<Network>,
    /// New accounts, and names that turned out to be taken, by address.
    pub registrations: FailureLimit<Network>,
    /// Refreshes that write, by session.
    pub refreshes: Limit<SessionId>,
    /// Proofs of a password, by session: five wrong ones in a row end it, so they are compared one after the other.
    pub proofs: KeyedLock<SessionId>,
    /// Fingerprints, by session: three that don't match end it, so they are compared one after the other.
    pub fingerprints: KeyedLock<SessionId>,
}

impl Throttle {
    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        self.logins.sweep();
        self.failures.limit.sweep();
        self.estimates.sweep();
        self.registrations.limit.sweep();
        self.refreshes.sweep();
        self.proofs.sweep();
        self.fingerprints.sweep();
    }
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

/// What wrong passwords are counted by: the keyed hash of the lookup key of a name, whether anybody has that name or not.
/// Never by account, because then the answers would tell that two names are one account's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypedName {
    /// On any device.
    Anywhere([u8; 32]),
    /// On a device that proved the account's password before. It has an allowance of its own, so that a stranger's guesses
    /// don't lock the owner out.
    OnDevice([u8; 32], DeviceRow),
}

/// One limit, or none where its setting is 0.
pub struct Limit<K: Clone + Hash + Eq>(Option<Enforced<K>>);

struct Enforced<K: Clone + Hash + Eq> {
    limiter: RateLimiter<Lookup<K>, AllowanceStore<K>, ThrottleClock, NoOpMiddleware<Nanos>>,
    slots: AllowanceStore<K>,
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
            let slots = AllowanceStore(Arc::new(Mutex::new(HashMap::new())));
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
            .check_key(&Lookup { key: key.clone(), count })
            .map_err(|full| RetryAfter(full.wait_time_from(enforced.clock.now())))
    }

    /// Gives back one use of `key` that was counted and did not happen.
    pub fn give_back(&self, key: &K) {
        if let Some(enforced) = &self.0 {
            enforced.slots.lock().entry(key.clone()).and_modify(|at| *at = at.saturating_sub(enforced.interval));
        }
    }

    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        if let Some(enforced) = &self.0 {
            // Our clock counts from the limiter's start as far as `governor` is concerned.
            let now = Reference::saturating_sub(&enforced.clock.now(), enforced.started);
            enforced.slots.lock().retain(|_, at| *at > now);
        }
    }
}

/// A limit on failures, where only the outcome of an attempt tells whether it failed. An attempt is counted when it begins, and
/// given back when it did not fail, so that of any number at once no more fail than the limit allows. An attempt that is over
/// the limit only because of attempts under way waits for them; it is not refused.
pub struct FailureLimit<K: Clone + Hash + Eq> {
    limit: Limit<K>,
    under_way: Mutex<HashMap<K, usize>>,
    decided: Notify,
}

impl<K: Clone + Hash + Eq> FailureLimit<K> {
    /// `rate` failures per key.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self { limit: Limit::new(rate, clock), under_way: Mutex::default(), decided: Notify::new() }
    }

    /// Begins an attempt that counts for each of `keys`. It waits while only attempts that are under way stand in the way.
    ///
    /// # Errors
    /// When one of the keys had too many failures.
    pub async fn begin(&self, keys: &[K]) -> Result<PendingAttempt<'_, K>, RetryAfter> {
        loop {
            let mut decided = pin!(self.decided.notified());
            // From here on no attempt that is decided is missed.
            decided.as_mut().enable();
            if let Some(attempt) = self.try_begin(keys)? {
                return Ok(attempt);
            }
            decided.await;
        }
    }

    /// Counts a failure that was let through under another key.
    pub fn count(&self, key: &K) {
        // Where the limit is reached already, one more makes no difference.
        self.limit.take(key).ok();
    }

    /// Counts something that is limited together with the failures, whatever comes of it.
    ///
    /// # Errors
    /// As [`Limit::take`].
    pub fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.limit.take(key)
    }

    /// Whether [`FailureLimit::take`] would let it through, without counting it.
    ///
    /// # Errors
    /// As [`Limit::take`].
    pub fn peek(&self, key: &K) -> Result<(), RetryAfter> {
        self.limit.peek(key)
    }

    /// None where only attempts that are under way stand in the way.
    fn try_begin(&self, keys: &[K]) -> Result<Option<PendingAttempt<'_, K>>, RetryAfter> {
        let mut under_way = self.lock();
        for (taken, key) in keys.iter().enumerate() {
            if let Err(wait) = self.limit.take(key) {
                keys[..taken].iter().for_each(|key| self.limit.give_back(key));
                return if under_way.contains_key(key) { Ok(None) } else { Err(wait) };
            }
        }
        keys.iter().for_each(|key| *under_way.entry(key.clone()).or_default() += 1);
        Ok(Some(PendingAttempt { limit: self, keys: keys.to_vec(), failed: false }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that is under way. Counted for good only if it fails.
pub struct PendingAttempt<'l, K: Clone + Hash + Eq> {
    limit: &'l FailureLimit<K>,
    keys: Vec<K>,
    failed: bool,
}

impl<K: Clone + Hash + Eq> PendingAttempt<'_, K> {
    /// Counts it.
    pub fn failed(mut self) {
        self.failed = true;
    }
}

impl<K: Clone + Hash + Eq> Drop for PendingAttempt<'_, K> {
    fn drop(&mut self) {
        let mut under_way = self.limit.lock();
        for key in &self.keys {
            if !self.failed {
                self.limit.limit.give_back(key);
            }
            if let Some(count) = under_way.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    under_way.remove(key);
                }
            }
        }
        drop(under_way);
        self.limit.decided.notify_waiters();
    }
}

/// Lets one caller in at a time for each key, in the order in which they came.
pub struct KeyedLock<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for KeyedLock<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Hash + Eq> KeyedLock<K> {
    /// Waits for the turn of the caller, which lasts until what it returns is dropped.
    pub async fn lock_key(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        turn.lock_owned().await
    }

    /// Forgets the keys that nobody holds or waits for.
    pub fn sweep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, turn| Arc::strong_count(turn) > 1);
    }
}

/// A key, and whether the look at it counts.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Lookup<K> {
    key: K,
    count: bool,
}

/// For each key the instant at which it will be as if never used.
struct AllowanceStore<K>(Arc<Mutex<HashMap<K, Nanos>>>);

impl<K> Clone for AllowanceStore<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> AllowanceStore<K> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Hash + Eq> StateStore for AllowanceStore<K> {
    type Key = Lookup<K>;

    fn measure_and_replace<T, F, E>(&self, access: &Lookup<K>, decide: F) -> Result<T, E>
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
