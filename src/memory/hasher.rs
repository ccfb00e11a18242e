//! Password hashing with a bounded number of simultaneous hashes. This is the only module that uses `argon2`.
//!
//! Each hash needs its own block of memory. If every login allocated a new block of 19 MiB, the allocator would keep
//! gigabytes. So the blocks are reused, and freed when they have been unused for a minute. The permit is moved into the
//! blocking closure: if a client disconnects, its slot stays occupied until the hash is computed.

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

/// Bytes of a hash and of a salt (RFC 9106 §4).
const HASH_LEN: usize = 32;
const SALT_LEN: usize = 16;

/// The error for a hash or a comparison that was not computed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// More callers are waiting than `hash_queue` allows.
    #[error("too many passwords are being hashed at once")]
    Overloaded,
    /// The stored hash is malformed or has an unknown algorithm.
    #[error("a stored password hash can't be read: {0}")]
    Stored(String),
    /// A parameter is invalid, or there is not enough memory.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// The result of a comparison.
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
    permits: Arc<Semaphore>,
    /// The number of callers that have a permit or wait for a permit.
    callers: AtomicUsize,
    max_callers: usize,
    resting: Mutex<Vec<Memory>>,
    clock: Clock,
}

/// An unused block of memory, and the time since which it is unused.
struct Memory {
    blocks: Vec<Block>,
    since: Duration,
}

impl Hasher {
    /// Returns a hasher with the argon2 parameters, the number of slots and the queue length of the configuration.
    pub fn new(config: &Passwords, clock: Clock) -> Self {
        let params =
            Params::new(config.argon2_memory_kib, config.argon2_iterations, config.argon2_parallelism, Some(HASH_LEN))
                .expect("the configuration keeps to the bounds of argon2");
        Self(Arc::new(Inner {
            params,
            permits: Arc::new(Semaphore::new(config.hash_concurrency)),
            callers: AtomicUsize::new(0),
            max_callers: config.hash_concurrency + config.hash_queue,
            resting: Mutex::new(Vec::new()),
            clock,
        }))
    }

    /// Returns the hash of a password for the database, with a new salt.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if too many callers wait, [`HashError::Failed`] if hashing fails.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let password = password.clone();
        self.in_slot(move |inner| inner.hash(&password)).await
    }

    /// Runs [`Password::check_new`] in a slot, because it takes as much time as a hash. The inner result is that of the
    /// check.
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

    /// Compares a password with a stored hash. If `stored` is `None`, it computes a hash nevertheless and returns
    /// [`PasswordCheck::Wrong`], so that an unknown user takes as much time as a wrong password.
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

    /// Runs `work` on a blocking thread as soon as a slot is free.
    async fn in_slot<T, F>(&self, work: F) -> Result<T, HashError>
    where
        F: FnOnce(&Inner) -> Result<T, HashError> + Send + 'static,
        T: Send + 'static,
    {
        let caller = QueuePlace::enter(&self.0)?;
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(failed)?;
        let inner = Arc::clone(&self.0);
        task::spawn_blocking(move || {
            let outcome = work(&inner);
            drop(permit);
            drop(caller);
            outcome
        })
        .await
        .map_err(failed)?
    }
}

/// A place in the queue. It is released when it is dropped.
struct QueuePlace(Arc<Inner>);

impl QueuePlace {
    fn enter(inner: &Arc<Inner>) -> Result<Self, HashError> {
        let before = inner.callers.fetch_add(1, Ordering::AcqRel);
        let caller = Self(Arc::clone(inner));
        // On an error `caller` is dropped, which takes the addition back.
        if before >= inner.max_callers { Err(HashError::Overloaded) } else { Ok(caller) }
    }
}

impl Drop for QueuePlace {
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

    /// Computes an argon2id output of `length` bytes in a reused block of memory.
    fn derive(&self, params: &Params, password: &Password, salt: &[u8], length: usize) -> Result<Vec<u8>, HashError> {
        let needed = params.block_count();
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

    fn unused_memory(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: impl ToString) -> HashError {
    HashError::Failed(error.to_string())
}
