//! The mechanics of rate limits: the algorithm is GCRA (generic cell rate algorithm) of the crate `governor`, with the
//! clock of this server.
//!
//! A limit of `10/15m` allows ten attempts at once and restores one every 90 seconds. For each key, one instant is
//! stored: the time at which the allowance of the key is full again. The entry is removed after this time. All entries
//! are lost at a restart.

use std::{
    collections::HashMap,
    hash::Hash,
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

use crate::{clock::Clock, domain::rate::Rate};

/// The time to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// Returns the time in whole seconds, rounded up, at least 1.
    pub fn seconds(self) -> u64 {
        (self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)).max(1)
    }
}

/// A rate limit for each key. If the setting of the limit is 0, the content is `None` and every attempt is allowed.
pub struct Limit<K: Clone + Hash + Eq>(Option<Enforced<K>>);

struct Enforced<K: Clone + Hash + Eq> {
    limiter: RateLimiter<Lookup<K>, AllowanceStore<K>, ThrottleClock, NoOpMiddleware<Nanos>>,
    /// The store of `limiter`, through which attempts are returned and entries are removed.
    allowances: AllowanceStore<K>,
    /// The time in which one attempt is restored.
    interval: Nanos,
    clock: ThrottleClock,
    /// The time at which the limiter was created. The stored instants are relative to it.
    started: Nanos,
}

impl<K: Clone + Hash + Eq> Limit<K> {
    /// Returns a limit of `rate` for each key. If `rate` is `None`, there is no limit.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self(rate.and_then(|rate| {
            let per = Duration::from_secs(u64::try_from(rate.per.seconds()).ok()?);
            let quota = Quota::with_period(per / rate.count.get())?.allow_burst(rate.count);
            let slots = AllowanceStore(Arc::new(Mutex::new(HashMap::new())));
            let clock = ThrottleClock(clock.clone());
            let started = clock.now();
            let limiter = RateLimiter::new(quota, slots.clone(), clock.clone());
            Some(Enforced { limiter, allowances: slots, interval: quota.replenish_interval().into(), clock, started })
        }))
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// The time to wait, if the limit is exhausted. A refused attempt is not counted.
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

    /// Checks the limit. Counts the attempt if `count` is true and the limit allows it.
    fn check(&self, key: &K, count: bool) -> Result<(), RetryAfter> {
        let Some(enforced) = &self.0 else { return Ok(()) };
        enforced
            .limiter
            .check_key(&Lookup { key: key.clone(), count })
            .map_err(|full| RetryAfter(full.wait_time_from(enforced.clock.now())))
    }

    /// Returns one counted attempt to the allowance of `key`. The caller calls it if the counted action did not happen.
    pub fn give_back(&self, key: &K) {
        if let Some(enforced) = &self.0 {
            enforced.allowances.lock().entry(key.clone()).and_modify(|at| *at = at.saturating_sub(enforced.interval));
        }
    }

    /// Makes the allowance of every key full again.
    pub fn clear(&self) {
        if let Some(enforced) = &self.0 {
            enforced.allowances.lock().clear();
        }
    }

    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        if let Some(enforced) = &self.0 {
            // `governor` stores instants relative to the start of the limiter.
            let now = Reference::saturating_sub(&enforced.clock.now(), enforced.started);
            enforced.allowances.lock().retain(|_, at| *at > now);
        }
    }
}

/// A limit on failures, for attempts whose outcome is not known at their beginning. An attempt is counted when it
/// begins. If it does not fail, it is returned to the allowance when it ends. So simultaneous attempts cannot fail more
/// often than the limit allows. An attempt that is over the limit only because of pending attempts waits for them; it
/// is not refused.
pub struct FailureLimit<K: Clone + Hash + Eq> {
    limit: Limit<K>,
    /// The number of pending attempts for each key. Keys without a pending attempt are absent.
    pending: Mutex<HashMap<K, usize>>,
    /// Wakes the callers that wait for a pending attempt.
    attempt_ended: Notify,
}

impl<K: Clone + Hash + Eq> FailureLimit<K> {
    /// Returns a limit of `rate` failures for each key. If `rate` is `None`, there is no limit.
    pub fn new(rate: Option<Rate>, clock: &Clock) -> Self {
        Self { limit: Limit::new(rate, clock), pending: Mutex::default(), attempt_ended: Notify::new() }
    }

    /// Begins an attempt that counts for each of `keys`. Waits as long as the limit is exhausted for a key that has a
    /// pending attempt.
    ///
    /// # Errors
    /// The time to wait, if the limit is exhausted for a key that has no pending attempt. The attempt is then counted
    /// for no key.
    pub async fn begin(&self, keys: &[K]) -> Result<PendingAttempt<'_, K>, RetryAfter> {
        loop {
            let mut decided = pin!(self.attempt_ended.notified());
            // The waiter is registered before the limit is checked, so that it notices an attempt that ends between the
            // check and `await`.
            decided.as_mut().enable();
            if let Some(attempt) = self.try_begin(keys)? {
                return Ok(attempt);
            }
            decided.await;
        }
    }

    /// Makes the allowance of every key full again.
    pub fn clear(&self) {
        self.limit.clear();
    }

    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        self.limit.sweep();
    }

    /// Counts a failure of an attempt for one more key, which was not among the keys at [`FailureLimit::begin`].
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

    /// Begins an attempt if the limit allows it for every key. Returns `None` if the caller must wait for a pending
    /// attempt.
    fn try_begin(&self, keys: &[K]) -> Result<Option<PendingAttempt<'_, K>>, RetryAfter> {
        let mut under_way = self.lock();
        for (counted, key) in keys.iter().enumerate() {
            if let Err(wait) = self.limit.take(key) {
                // The attempt was counted for the keys before this key. It does not begin, so it is returned to their
                // allowances.
                keys[..counted].iter().for_each(|key| self.limit.give_back(key));
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

/// A pending attempt. When it is dropped, it is returned to the allowance of each key, unless
/// [`PendingAttempt::failed`] was called.
pub struct PendingAttempt<'l, K: Clone + Hash + Eq> {
    limit: &'l FailureLimit<K>,
    keys: Vec<K>,
    failed: bool,
}

impl<K: Clone + Hash + Eq> PendingAttempt<'_, K> {
    /// Ends the attempt as a failure: it stays counted.
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
    /// Waits for the lock of `key` and takes it. The caller has the lock until the returned guard is dropped.
    pub async fn lock_key(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        turn.lock_owned().await
    }

    /// Removes the locks that no caller has or waits for.
    pub fn sweep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, turn| Arc::strong_count(turn) > 1);
    }
}

/// The key type for `governor`: a key of the limit, and whether this check is counted as an attempt.
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

    /// Passes the stored instant of the key to `decide`, and stores the new instant only if the attempt is counted.
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

/// The clock of this server, in the form that `governor` requires: [`Clock::elapsed`] as nanoseconds.
#[derive(Clone)]
struct ThrottleClock(Clock);

impl GovernorClock for ThrottleClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}
