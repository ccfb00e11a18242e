//! Tests of the hasher.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::Passwords,
    domain::{
        UnixTime,
        password::Password,
        password_hash::{
            BcryptInput, Method, ParsedHash, PasswordHash,
            PasswordScheme::{self, *},
            PasswordSchemes,
            tests::{PASSWORD, VECTORS},
        },
        policy::{Registration, UsernameField},
    },
    memory::{
        derive::derive,
        hasher::{Hasher, Inner, PasswordCheck},
        metrics::Metrics,
    },
};

/// Returns a hasher with four slots, these accepted schemes and cheap parameters of argon2.
fn hasher(schemes: &[PasswordScheme]) -> Hasher {
    let config = Passwords {
        username_field: UsernameField::Either,
        registration: Registration::Closed,
        min_length: 10,
        schemes: PasswordSchemes::new(schemes.to_vec()).expect("schemes"),
        argon2_memory_kib: 64,
        argon2_iterations: 1,
        argon2_parallelism: 1,
        hash_concurrency: 4,
        hash_queue: 64,
        registration_open: false,
    };
    Hasher::new(&config, Clock::manual(UnixTime::from_seconds(0)), Arc::new(Metrics::new()))
}

fn password(text: &str) -> Password {
    Password::parse(text).expect("a password")
}

fn stored(text: &str) -> PasswordHash {
    PasswordHash::from_stored(text.to_owned())
}

/// Compares a password with a stored hash.
async fn check(hasher: &Hasher, text: &str, hash: &str) -> PasswordCheck {
    hasher.verify(&password(text), Some(stored(hash))).await.expect("a result")
}

#[tokio::test]
async fn the_hashes_of_other_systems_match_their_password_and_no_other() {
    let hasher = hasher(&[Argon2id, Bcrypt, Pbkdf2, Scrypt]);
    for vector in VECTORS {
        assert_eq!(check(&hasher, PASSWORD, vector.0).await, PasswordCheck::CorrectButOutdated, "{}", vector.0);
        assert_eq!(check(&hasher, "a long walk to the se", vector.0).await, PasswordCheck::Wrong, "{}", vector.0);
    }
}

#[tokio::test]
async fn the_first_scheme_makes_new_hashes_and_the_others_are_outdated() {
    let all = [Argon2id, Bcrypt, Pbkdf2, Scrypt];
    for first in all {
        let others = all.into_iter().filter(|scheme| *scheme != first);
        let hasher = hasher(&std::iter::once(first).chain(others).collect::<Vec<_>>());
        // bcrypt alone would cut this password.
        let long = "é".repeat(80);
        let hash = hasher.hash(&password(&long)).await.expect("a hash");
        assert_eq!(ParsedHash::parse_stored(&hash).expect("a hash").method.scheme(), first);
        assert_eq!(check(&hasher, &long, hash.as_str()).await, PasswordCheck::Correct, "{first}");
        assert_eq!(check(&hasher, &"é".repeat(79), hash.as_str()).await, PasswordCheck::Wrong, "{first}");
        for vector in VECTORS.iter().filter(|vector| vector.1 != first) {
            let outdated = hasher.check_foreign(vector.0).expect("an accepted hash");
            assert_ne!(outdated.method, hasher.0.preferred.0, "{}", vector.0);
        }
    }
}

#[tokio::test]
async fn a_hash_of_a_scheme_that_is_not_accepted_matches_nothing() {
    let hasher = hasher(&[Argon2id]);
    for vector in VECTORS.iter().filter(|vector| vector.1 != Argon2id) {
        assert_eq!(check(&hasher, PASSWORD, vector.0).await, PasswordCheck::Wrong, "{}", vector.0);
        let reason = hasher.check_foreign(vector.0).err().expect("it is refused");
        assert!(reason.contains("password_schemes"), "{reason}");
    }
}

#[tokio::test]
async fn an_unusable_hash_matches_nothing_and_takes_no_work() {
    let hasher = hasher(&[Argon2id, Bcrypt, Pbkdf2, Scrypt]);
    let tail = "c2FsdHNhbHRzYWx0c2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    // Each of these would take minutes to years, or terabytes.
    for hash in [
        "$2b$31$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou".to_owned(),
        format!("$pbkdf2-sha256$4294967295${tail}"),
        format!("$scrypt$ln=40,r=8,p=1${tail}"),
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${tail}"),
        "hunter2".to_owned(),
        String::new(),
    ] {
        assert_eq!(check(&hasher, PASSWORD, &hash).await, PasswordCheck::Wrong, "{hash}");
    }
}

#[tokio::test]
async fn a_password_matches_as_it_was_typed_if_another_system_hashed_that() {
    let hasher = hasher(&[Argon2id, Bcrypt]);
    let decomposed = "cafe\u{301} au lait";
    // Made by bcrypt 5.0 for Python.
    let of_another_system = "$2b$04$CBqdzq/EbTEM9ZtP7iMmg.UrS7EYRXGDZ/.9ZSIFawNrKFQct5z4K";
    assert_eq!(check(&hasher, decomposed, of_another_system).await, PasswordCheck::CorrectButOutdated);
    assert_eq!(check(&hasher, "caf\u{e9} au lait", of_another_system).await, PasswordCheck::Wrong);
    // A hash of this server matches both spellings.
    let ours = hasher.hash(&password(decomposed)).await.expect("a hash");
    for spelling in [decomposed, "caf\u{e9} au lait"] {
        assert_eq!(check(&hasher, spelling, ours.as_str()).await, PasswordCheck::Correct);
    }
}

#[tokio::test]
async fn a_hash_that_ignores_the_end_of_the_password_is_kept() {
    let hasher = hasher(&[Argon2id, Bcrypt]);
    // The second one has 60 bytes in NFC.
    for long in ["é".repeat(42), "e\u{301}".repeat(30)] {
        let cut = Method::Bcrypt { cost: 4, input: BcryptInput::Password };
        let digest = derive(&cut, long.as_bytes(), &[7; 16], 31, &mut vec![]).expect("a digest");
        let hash = ParsedHash { method: cut, salt: vec![7; 16], digest }.to_stored();
        // If the typed text were hashed anew, the right password would be refused from then on.
        for typed in [format!("{long}typo"), long[..72].to_owned(), long.clone()] {
            assert_eq!(check(&hasher, &typed, hash.as_str()).await, PasswordCheck::Correct, "{typed}");
        }
        assert_eq!(check(&hasher, &long[..long.floor_char_boundary(71)], hash.as_str()).await, PasswordCheck::Wrong);
    }
}

#[tokio::test]
async fn a_hash_with_much_memory_takes_the_slots_that_have_it() {
    let inner = hasher(&[Argon2id]).0;
    let slots = |memory_kib| inner.slots_for(&argon2(memory_kib));
    assert_eq!([64, 19_456, 19_457, 65_536, 262_144].map(slots), [1, 1, 2, 4, 4]);
}

#[tokio::test]
async fn the_memory_of_a_large_hash_is_not_kept() {
    let hasher = hasher(&[Argon2id]);
    let kept = |inner: &Inner| inner.unused_memory().iter().map(|memory| memory.blocks.len()).collect::<Vec<_>>();
    // The hashes of four slots leave four blocks.
    let small = password(PASSWORD);
    let (a, b, c, d) = tokio::join!(hasher.hash(&small), hasher.hash(&small), hasher.hash(&small), hasher.hash(&small));
    [a, b, c, d].into_iter().for_each(|hash| assert!(hash.is_ok()));
    let before = kept(&hasher.0).len();
    assert!((1..=4).contains(&before), "{before}");
    let large = VECTORS.iter().find(|vector| vector.2 == 65_536).expect("a vector");
    assert_eq!(check(&hasher, PASSWORD, large.0).await, PasswordCheck::CorrectButOutdated);
    assert!(kept(&hasher.0).iter().all(|blocks| *blocks <= 64), "{:?}", kept(&hasher.0));
}

/// Returns argon2id with this memory.
fn argon2(memory_kib: u32) -> Method {
    let variant = crate::domain::password_hash::Argon2Variant::Id;
    Method::Argon2 { variant, version: 0x13, memory_kib, passes: 1, lanes: 1 }
}
