//! Password hashing with a bounded number of simultaneous hashes.
//!
//! The number of slots (`hash_concurrency`) limits how many hashes are computed at the same time. Each hash needs a
//! block of memory of its own. If every login allocated a new block of 19 MiB, the allocator would keep gigabytes. So
//! the blocks are reused, and freed when they have been unused for a minute.
//!
//! A stored hash of another system may need more memory than a slot has. Its computation takes as many slots as have this
//! memory together, or all of them. Its memory is freed at once, and the blocks of these slots stay: if they were freed and
//! allocated again with each such hash, the allocator would keep them. So all hashes together take at most the memory of the
//! slots twice, or once plus the memory of one hash, if that is larger.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, task};

use super::{
    derive::{Blocks, derive},
    metrics::{LimitReached, Metrics},
};
use crate::{
    clock::Clock,
    config::Passwords,
    domain::{
        password::Password,
        password_hash::{
            Argon2Variant, BcryptInput, Method, ParsedHash, PasswordHash, PasswordScheme, PasswordSchemes,
            Pbkdf2Function,
        },
    },
    random,
};

/// How long an unused block of memory is kept.
const KEEP_UNUSED_MEMORY: Duration = Duration::from_secs(60);

/// The length of a salt, in bytes (RFC 9106 §4). bcrypt has salts of this length only.
const SALT_LEN: usize = 16;

/// The least memory of a slot in KiB: the default of `argon2_memory_kib`. A scheme with less would make each hash of another
/// system take all slots.
const MIN_SLOT_KIB: u64 = 19_456;

/// The error for a hash or a comparison that was not computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// All slots are occupied, and `hash_queue` callers are waiting.
    #[error("too many passwords are being hashed at once")]
    Overloaded,
    /// A parameter is invalid, or the thread that computed the hash panicked.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// The result of the comparison of a password with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The password is wrong.
    Wrong,
    /// The password is correct.
    Correct,
    /// The password is correct, but its stored hash has another scheme or other parameters than the current configuration.
    /// The caller should store a new hash.
    CorrectButOutdated,
}

/// A hasher for passwords with a bounded number of slots.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    /// The method of new hashes, and the length of their digests.
    preferred: (Method, usize),
    /// The schemes whose hashes are accepted.
    accepted: PasswordSchemes,
    /// The memory of one slot, in KiB.
    slot_kib: u64,
    /// The number of slots.
    slots: u32,
    /// One permit for each slot.
    permits: Arc<Semaphore>,
    /// The number of callers that have a permit or wait for a permit.
    callers: AtomicUsize,
    /// The number of slots plus the length of the queue.
    max_callers: usize,
    /// The unused blocks of memory, the most recently used last.
    unused: Mutex<Vec<Memory>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// An unused block of memory.
struct Memory {
    blocks: Blocks,
    /// The time of [`Clock::elapsed`] since which the block is unused.
    since: Duration,
}

impl Hasher {
    /// Returns a hasher with the schemes, the argon2 parameters, the number of slots and the queue length of the configuration.
    pub fn new(config: &Passwords, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let preferred = preferred(config);
        Self(Arc::new(Inner {
            slot_kib: preferred.0.memory_kib().max(MIN_SLOT_KIB),
            preferred,
            accepted: config.schemes.clone(),
            slots: u32::try_from(config.hash_concurrency).expect("the configuration allows at most 1024"),
            permits: Arc::new(Semaphore::new(config.hash_concurrency)),
            callers: AtomicUsize::new(0),
            max_callers: config.hash_concurrency + config.hash_queue,
            unused: Mutex::new(Vec::new()),
            clock,
            metrics,
        }))
    }

    /// Returns the hash of a password for the database, with a new salt.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait. [`HashError::Failed`] if hashing fails.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let password = password.clone();
        self.in_slots(1, move |inner| inner.hash(&password)).await
    }

    /// Runs [`Password::check_new`] in a slot, because the check can take as much time as a hash. The inner result is
    /// the result of the check.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait.
    pub async fn check_new(
        &self,
        password: &Password,
        min_chars: usize,
        names: Vec<String>,
    ) -> Result<Result<(), String>, HashError> {
        let password = password.clone();
        self.in_slots(1, move |_| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Ok(password.check_new(min_chars, &names))
        })
        .await
    }

    /// Compares a password with a stored hash. If `stored` is `None`, computes a hash nevertheless and returns
    /// [`PasswordCheck::Wrong`]. So the response for an unknown user takes as much time as the response for a wrong
    /// password. The same applies to a stored hash that can't be used, which is logged: its scheme is not accepted, it would
    /// cost too much, or it is malformed.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait, [`HashError::Failed`] if hashing fails.
    pub async fn verify(&self, password: &Password, stored: Option<PasswordHash>) -> Result<PasswordCheck, HashError> {
        let password = password.clone();
        let usable = stored.and_then(|stored| match self.read_stored(&stored) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                tracing::error!("a stored password hash can't be used, so the password counts as wrong: it {reason}");
                None
            }
        });
        let slots = usable.as_ref().map_or(1, |parsed| self.0.slots_for(&parsed.method));
        self.in_slots(slots, move |inner| match usable {
            Some(parsed) => inner.verify(&password, &parsed),
            None => inner.hash(&password).map(|_| PasswordCheck::Wrong),
        })
        .await
    }

    /// Reads a hash of another system, and checks that logins with it are accepted.
    ///
    /// # Errors
    /// The end of a sentence about the hash, which contains no part of the hash.
    pub fn check_foreign(&self, text: &str) -> Result<ParsedHash, String> {
        self.check_scheme(ParsedHash::parse_foreign(text).map_err(|reason| reason.to_string())?)
    }

    /// Reads a stored hash. Fails like [`Hasher::check_foreign`].
    fn read_stored(&self, stored: &PasswordHash) -> Result<ParsedHash, String> {
        self.check_scheme(ParsedHash::parse_stored(stored).map_err(|reason| reason.to_string())?)
    }

    /// Checks that the scheme of a hash is accepted.
    fn check_scheme(&self, parsed: ParsedHash) -> Result<ParsedHash, String> {
        let scheme = parsed.method.scheme();
        if self.0.accepted.accepts(scheme) {
            Ok(parsed)
        } else {
            Err(format!("has the scheme {scheme}, which is not in the setting password_schemes"))
        }
    }

    /// Frees the blocks of memory that no slot has used for a minute.
    pub fn sweep(&self) {
        let now = self.0.clock.elapsed();
        self.0.unused_memory().retain(|memory| now.saturating_sub(memory.since) < KEEP_UNUSED_MEMORY);
    }

    /// Returns the number of callers that wait for a slot.
    pub fn waiting(&self) -> usize {
        let taken = (self.0.slots as usize).saturating_sub(self.0.permits.available_permits());
        self.0.callers.load(Ordering::Relaxed).saturating_sub(taken)
    }

    /// Returns the number of callers that may wait for a slot.
    pub fn max_waiting(&self) -> usize {
        self.0.max_callers - self.0.slots as usize
    }

    /// Runs `work` on a blocking thread as soon as `slots` slots are free. Fails with [`HashError::Overloaded`] if the queue is
    /// full, and with [`HashError::Failed`] if `work` panics.
    async fn in_slots<T, F>(&self, slots: u32, work: F) -> Result<T, HashError>
    where
        F: FnOnce(&Inner) -> Result<T, HashError> + Send + 'static,
        T: Send + 'static,
    {
        let caller = CallerPlace::enter(&self.0)?;
        let began = Instant::now();
        let permit = Arc::clone(&self.0.permits).acquire_many_owned(slots).await.map_err(failed)?;
        self.0.metrics.hash_waits.record(began.elapsed());
        let inner = Arc::clone(&self.0);
        task::spawn_blocking(move || {
            let outcome = work(&inner);
            // The permit is moved into this closure. If the client disconnects and the future is dropped, the slot
            // stays occupied until the hash is computed.
            drop(permit);
            drop(caller);
            outcome
        })
        .await
        .map_err(failed)?
    }
}

/// The place of a caller that has a slot or waits for a slot. The place becomes free when the value is dropped.
struct CallerPlace(Arc<Inner>);

impl CallerPlace {
    /// Takes a place in the queue. Fails with [`HashError::Overloaded`] if all slots and all places are taken.
    fn enter(inner: &Arc<Inner>) -> Result<Self, HashError> {
        let before = inner.callers.fetch_add(1, Ordering::AcqRel);
        let caller = Self(Arc::clone(inner));
        // If the queue is full, `caller` is dropped here, which subtracts 1 again.
        if before >= inner.max_callers {
            inner.metrics.limited.count(LimitReached::HashQueue);
            return Err(HashError::Overloaded);
        }
        Ok(caller)
    }
}

impl Drop for CallerPlace {
    fn drop(&mut self) {
        self.0.callers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Inner {
    /// Returns how many slots have the memory that a method takes; all of them if it takes more.
    fn slots_for(&self, method: &Method) -> u32 {
        let needed = method.memory_kib().div_ceil(self.slot_kib).max(1);
        u32::try_from(needed).map_or(self.slots, |needed| needed.min(self.slots))
    }

    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let (method, length) = self.preferred.clone();
        let salt = random::bytes::<SALT_LEN>().to_vec();
        let digest = self.derive(&method, password.expose(), &salt, length)?;
        Ok(ParsedHash { method, salt, digest }.to_stored())
    }

    fn verify(&self, password: &Password, stored: &ParsedHash) -> Result<PasswordCheck, HashError> {
        let is_right = |text: &str| -> Result<bool, HashError> {
            let digest = self.derive(&stored.method, text, &stored.salt, stored.digest.len())?;
            Ok(digest.ct_eq(&stored.digest).into())
        };
        let is_current = (&stored.method, stored.digest.len()) == (&self.preferred.0, self.preferred.1);
        // If the old hash ignores the end of the text, the text may be another than the password, and a new hash of it would
        // refuse the password.
        let right = |text: &str| match is_current || stored.method.ignores_end_of(text) {
            true => PasswordCheck::Correct,
            false => PasswordCheck::CorrectButOutdated,
        };
        if is_right(password.expose())? {
            return Ok(right(password.expose()));
        }
        // Another system may have hashed the password as it was typed. This server hashes it in NFC.
        match password.as_typed() {
            Some(typed) if !is_current && is_right(typed)? => return Ok(right(typed)),
            Some(_) | None => {}
        }
        if let Some(more) = stored.method.missing_work(&self.preferred.0) {
            self.derive(&more, password.expose(), &stored.salt, stored.digest.len())?;
        }
        Ok(PasswordCheck::Wrong)
    }

    /// Computes a digest of `length` bytes, and records the time that it takes.
    fn derive(&self, method: &Method, password: &str, salt: &[u8], length: usize) -> Result<Vec<u8>, HashError> {
        let began = Instant::now();
        let digest = self.derive_in_blocks(method, password, salt, length);
        self.metrics.hashes.record(began.elapsed());
        digest.map_err(HashError::Failed)
    }

    /// Computes a digest. Takes an unused block of memory, or allocates a block if there is no unused block, and returns the
    /// block afterwards. If the method takes more memory than a slot has, allocates the memory and frees it.
    fn derive_in_blocks(&self, method: &Method, password: &str, salt: &[u8], length: usize) -> Result<Vec<u8>, String> {
        if method.memory_kib() > self.slot_kib {
            return derive(method, password.as_bytes(), salt, length, &mut Blocks::new());
        }
        // The last block was used most recently. So the other blocks stay unused, and `sweep` can free them.
        let mut blocks = self.unused_memory().pop().map_or_else(Vec::new, |memory| memory.blocks);
        let digest = derive(method, password.as_bytes(), salt, length, &mut blocks);
        let since = self.clock.elapsed();
        self.unused_memory().push(Memory { blocks, since });
        digest
    }

    /// Locks the list of unused blocks.
    fn unused_memory(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the method of new hashes, and the length of their digests. The costs are the least that OWASP recommends (Password
/// Storage Cheat Sheet); those of argon2 are settings.
fn preferred(config: &Passwords) -> (Method, usize) {
    match config.schemes.first() {
        PasswordScheme::Argon2id => {
            let (memory_kib, passes) = (config.argon2_memory_kib, config.argon2_iterations);
            let lanes = config.argon2_parallelism;
            (Method::Argon2 { variant: Argon2Variant::Id, version: 0x13, memory_kib, passes, lanes }, 32)
        }
        // bcrypt ignores what follows the 72nd byte of its input.
        PasswordScheme::Bcrypt => (Method::Bcrypt { cost: 12, input: BcryptInput::HmacBase64 }, 31),
        PasswordScheme::Pbkdf2 => (Method::Pbkdf2 { function: Pbkdf2Function::Sha256, rounds: 600_000 }, 32),
        PasswordScheme::Scrypt => (Method::Scrypt { log_n: 14, r: 8, p: 5 }, 32),
    }
}

fn failed(error: impl ToString) -> HashError {
    HashError::Failed(error.to_string())
}

#[cfg(test)]
mod tests;
