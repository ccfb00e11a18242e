//! Rate limits: the GCRA of `governor`, with our own clock.
//!
//! A limit of `10/15m` allows ten attempts at once and restores one every 90 seconds. The state is one instant for each
//! key. It is lost at a restart, and removed when the allowance of the key is full again.

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

/// The time to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// Returns the time in whole seconds, rounded up, at least 1.
    pub fn seconds(self) -> u64 {
        (self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)).max(1)
    }
}

/// All rate limits of the server.
pub struct Throttle {
    /// Login attempts, by IP address.
    pub logins: Limit<Network>,
    /// Wrong passwords, by the typed login name.
    pub failures: FailureLimit<TypedName>,
    /// New passwords whose strength is estimated, by IP address.
    pub estimates: Limit<Network>,
    /// New accounts, and attempts to use a name that is taken, by IP address.
    pub registrations: FailureLimit<Network>,
    /// Refreshes that write to the database, by session.
    pub refreshes: Limit<SessionId>,
    /// Password proofs, by session. Five consecutive wrong passwords end a session, so they are compared one at a time.
    pub proofs: KeyedLock<SessionId>,
    /// Fingerprint checks, by session. Three consecutive mismatches end a session, so they are compared one at a time.
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

/// The key of a limit by IP address: an IPv4 address, or an IPv6 /64, which is the network of one customer.
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

/// The key by which wrong passwords are counted: the keyed hash of a login name's lookup key, whether or not a user has
/// that name. The account is not the key, because the responses would then reveal that two names belong to the same
/// account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypedName {
    /// The name on any device.
    Anywhere([u8; 32]),
    /// The name on a device that has proved the account's password before. It has its own allowance, so that a
    /// stranger's guesses do not lock the owner out.
    OnDevice([u8; 32], DeviceRow),
}

/// A rate limit. Everything is allowed if its setting is 0.
pub struct Limit<K: Clone + Hash + Eq>(Option<Enforced<K>>);

struct Enforced<K: Clone + Hash + Eq> {
    limiter: RateLimiter<Lookup<K>, AllowanceStore<K>, ThrottleClock, NoOpMiddleware<Nanos>>,
    slots: AllowanceStore<K>,
    interval: Nanos,
    clock: ThrottleClock,
    started: Nanos,
}

impl<K: Clone + Hash + Eq> Limit<K> {
    /// Returns a limit of `rate` for each key. No rate means no limit.
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

    /// Counts an attempt.
    ///
    /// # Errors
    /// The time to wait if the limit is exhausted. The attempt is then not counted.
    pub fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.check(key, true)
    }

    /// Checks whether an attempt would be allowed, without counting it.
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

    /// Returns one attempt to the allowance of `key`, because the counted action did not happen.
    pub fn give_back(&self, key: &K) {
        if let Some(enforced) = &self.0 {
            enforced.slots.lock().entry(key.clone()).and_modify(|at| *at = at.saturating_sub(enforced.interval));
        }
    }

    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        if let Some(enforced) = &self.0 {
            // `governor` stores instants relative to the start of the limiter.
            let now = Reference::saturating_sub(&enforced.clock.now(), enforced.started);
            enforced.slots.lock().retain(|_, at| *at > now);
        }
    }
}

/// A limit on failures, for attempts whose outcome is not known before they end. An attempt is counted when it begins,
/// and returned to the allowance if it does not fail. So simultaneous attempts cannot fail more often than the limit
/// allows. An attempt that is over the limit only because of pending attempts waits for them; it is not refused.
pub struct FailureLimit<K: Clone + Hash + Eq> {
    limit: Limit<K>,
    pending: Mutex<HashMap<K, usize>>,
    attempt_ended: Notify,
}

impl<K: Clone + Hash + Eq> FailureLimit<K> {
    /// Returns a limit of `rate` failures for each key. No rate means no limit.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self { limit: Limit::new(rate, clock), pending: Mutex::default(), attempt_ended: Notify::new() }
    }

    /// Begins an attempt that counts for each of `keys`. Waits while only pending attempts exhaust the limit.
    ///
    /// # Errors
    /// The time to wait if a key has no allowance and no pending attempt.
    pub async fn begin(&self, keys: &[K]) -> Result<PendingAttempt<'_, K>, RetryAfter> {
        loop {
            let mut decided = pin!(self.attempt_ended.notified());
            // The notification is registered before the limit is checked, so that an attempt that ends in between is
            // not missed.
            decided.as_mut().enable();
            if let Some(attempt) = self.try_begin(keys)? {
                return Ok(attempt);
            }
            decided.await;
        }
    }

    /// Counts a failure for a key under which the attempt did not begin.
    pub fn count(&self, key: &K) {
        // If the limit is already exhausted, another failure makes no difference.
        self.limit.take(key).ok();
    }

    /// Counts an action that shares the limit with the failures, whatever its outcome.
    ///
    /// # Errors
    /// As [`Limit::take`].
    pub fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.limit.take(key)
    }

    /// Checks whether [`FailureLimit::take`] would be allowed, without counting it.
    ///
    /// # Errors
    /// As [`Limit::take`].
    pub fn peek(&self, key: &K) -> Result<(), RetryAfter> {
        self.limit.peek(key)
    }

    /// Begins an attempt if the limit allows it. Returns `None` if only pending attempts exhaust the limit.
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
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pending attempt. It returns its count to the allowance when it is dropped, unless it has failed.
pub struct PendingAttempt<'l, K: Clone + Hash + Eq> {
    limit: &'l FailureLimit<K>,
    keys: Vec<K>,
    failed: bool,
}

impl<K: Clone + Hash + Eq> PendingAttempt<'_, K> {
    /// Marks the attempt as failed, so that it stays counted.
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
        self.limit.attempt_ended.notify_waiters();
    }
}

/// A lock for each key. It admits one caller at a time, in the order of arrival.
pub struct KeyedLock<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for KeyedLock<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Hash + Eq> KeyedLock<K> {
    /// Waits for the lock of `key`. The caller has the lock until the returned guard is dropped.
    pub async fn lock_key(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        turn.lock_owned().await
    }

    /// Removes the keys that no caller uses or waits for.
    pub fn sweep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, turn| Arc::strong_count(turn) > 1);
    }
}

/// A key, and whether the access to it counts as an attempt.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Lookup<K> {
    key: K,
    count: bool,
}

/// For each key, the instant at which its allowance is full again.
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

/// Our clock as `governor` reads it: the time since a fixed start.
#[derive(Clone)]
struct ThrottleClock(Clock);

impl GovernorClock for ThrottleClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}
