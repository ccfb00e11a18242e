//! Password hashing with a bounded number of simultaneous hashes. This is the only module that uses `argon2`.
//!
//! The number of slots (`hash_concurrency`) limits how many hashes are computed at the same time. Each hash needs a
//! block of memory of its own. If every login allocated a new block of 19 MiB, the allocator would keep gigabytes. So
//! the blocks are reused, and freed when they have been unused for a minute.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Ident, Output, ParamsString, PasswordHash as Phc, Salt},
};
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, task};

use crate::{
    clock::Clock,
    config::Passwords,
    domain::password::{Password, PasswordHash},
    random,
};

/// How long an unused block of memory is kept.
const KEEP_UNUSED_MEMORY: Duration = Duration::from_secs(60);

/// The length of a hash, in bytes (RFC 9106 §4).
const HASH_LEN: usize = 32;
/// The length of a salt, in bytes (RFC 9106 §4).
const SALT_LEN: usize = 16;

/// The error for a hash or a comparison that was not computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// All slots are occupied, and `hash_queue` callers are waiting.
    #[error("too many passwords are being hashed at once")]
    Overloaded,
    /// The stored hash is malformed, or its algorithm is not argon2id.
    #[error("a stored password hash can't be read: {0}")]
    Stored(String),
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
    /// The password is correct, but its stored hash has other parameters than the current configuration. The caller
    /// should store a new hash.
    CorrectButOutdated,
}

/// A hasher for passwords: argon2id with a bounded number of slots.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    params: Params,
    /// One permit for each slot.
    permits: Arc<Semaphore>,
    /// The number of callers that have a permit or wait for a permit.
    callers: AtomicUsize,
    /// The number of slots plus the length of the queue.
    max_callers: usize,
    /// The unused blocks of memory, the most recently used last.
    unused: Mutex<Vec<Memory>>,
    clock: Clock,
}

/// An unused block of memory.
struct Memory {
    blocks: Vec<Block>,
    /// The time of [`Clock::elapsed`] since which the block is unused.
    since: Duration,
}

impl Hasher {
    /// Returns a hasher with the argon2 parameters, the number of slots and the queue length of the configuration.
    pub fn new(config: &Passwords, clock: Clock) -> Self {
        let params =
            Params::new(config.argon2_memory_kib, config.argon2_iterations, config.argon2_parallelism, Some(HASH_LEN))
                .expect("the configuration checks the bounds of argon2");
        Self(Arc::new(Inner {
            params,
            permits: Arc::new(Semaphore::new(config.hash_concurrency)),
            callers: AtomicUsize::new(0),
            max_callers: config.hash_concurrency + config.hash_queue,
            unused: Mutex::new(Vec::new()),
            clock,
        }))
    }

    /// Returns the hash of a password for the database, with a new salt.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait. [`HashError::Failed`] if hashing fails.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let password = password.clone();
        self.in_slot(move |inner| inner.hash(&password)).await
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
        self.in_slot(move |_| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Ok(password.check_new(min_chars, &names))
        })
        .await
    }

    /// Compares a password with a stored hash. If `stored` is `None`, computes a hash nevertheless and returns
    /// [`PasswordCheck::Wrong`]. So the response for an unknown user takes as much time as the response for a wrong
    /// password.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait, [`HashError::Stored`] if the stored hash is unreadable,
    /// [`HashError::Failed`] if hashing fails.
    pub async fn verify(&self, password: &Password, stored: Option<PasswordHash>) -> Result<PasswordCheck, HashError> {
        let password = password.clone();
        self.in_slot(move |inner| match stored {
            Some(stored) => inner.verify(&password, &stored),
            None => inner.hash(&password).map(|_| PasswordCheck::Wrong),
        })
        .await
    }

    /// Frees the blocks of memory that no slot has used for a minute.
    pub fn sweep(&self) {
        let now = self.0.clock.elapsed();
        self.0.unused_memory().retain(|memory| now.saturating_sub(memory.since) < KEEP_UNUSED_MEMORY);
    }

    /// Runs `work` on a blocking thread as soon as a slot is free. Fails with [`HashError::Overloaded`] if the queue is
    /// full, and with [`HashError::Failed`] if `work` panics.
    async fn in_slot<T, F>(&self, work: F) -> Result<T, HashError>
    where
        F: FnOnce(&Inner) -> Result<T, HashError> + Send + 'static,
        T: Send + 'static,
    {
        let caller = CallerPlace::enter(&self.0)?;
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(failed)?;
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
        if before >= inner.max_callers { Err(HashError::Overloaded) } else { Ok(caller) }
    }
}

impl Drop for CallerPlace {
    fn drop(&mut self) {
        self.0.callers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Inner {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let salt = random::bytes::<SALT_LEN>();
        let output = self.derive(&self.params, password, &salt, HASH_LEN)?;
        let phc = Phc {
            algorithm: Ident::new(Algorithm::Argon2id.as_str()).map_err(failed)?,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(failed)?,
            salt: Some(Salt::new(&salt).map_err(failed)?),
            hash: Some(Output::new(&output).map_err(failed)?),
        };
        Ok(PasswordHash::from_stored(phc.to_string()))
    }

    fn verify(&self, password: &Password, stored: &PasswordHash) -> Result<PasswordCheck, HashError> {
        let unreadable = |what: &dyn ToString| HashError::Stored(what.to_string());
        let phc = Phc::new(stored.as_str()).map_err(|error| unreadable(&error))?;
        if phc.algorithm.as_str() != Algorithm::Argon2id.as_str() {
            return Err(unreadable(&"not argon2id"));
        }
        let params = Params::try_from(&phc).map_err(|error| unreadable(&error))?;
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(unreadable(&"no salt or no hash")) };
        let output = self.derive(&params, password, &salt, hash.len())?;
        if !bool::from(output.ct_eq(hash.as_bytes())) {
            return Ok(PasswordCheck::Wrong);
        }
        // The salt is not compared: only the costs and the length make a stored hash outdated.
        let same_cost = |other: &Params| {
            (other.m_cost(), other.t_cost(), other.p_cost())
                == (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
        };
        Ok(if same_cost(&params) && hash.len() == HASH_LEN {
            PasswordCheck::Correct
        } else {
            PasswordCheck::CorrectButOutdated
        })
    }

    /// Computes an argon2id output of `length` bytes. Takes an unused block of memory, or allocates a block if there is
    /// no unused block, and returns the block afterwards.
    fn derive(&self, params: &Params, password: &Password, salt: &[u8], length: usize) -> Result<Vec<u8>, HashError> {
        let needed = params.block_count();
        // The last block was used most recently. So the other blocks stay unused, and `sweep` can free them.
        let mut blocks = self.unused_memory().pop().map_or_else(Vec::new, |memory| memory.blocks);
        if blocks.len() < needed {
            blocks.resize(needed, Block::default());
        }
        let mut output = vec![0; length];
        let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            &mut output,
            &mut blocks[..needed],
        );
        let since = self.clock.elapsed();
        self.unused_memory().push(Memory { blocks, since });
        derived.map_err(failed)?;
        Ok(output)
    }

    /// Locks the list of unused blocks.
    fn unused_memory(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: impl ToString) -> HashError {
    HashError::Failed(error.to_string())
}
