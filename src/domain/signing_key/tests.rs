//! Tests of signing, publishing, importing and sealing, with a key of each algorithm.

use serde_json::json;

use super::{published::jwk, *};
use crate::domain::{Purpose, RootSecret, jwt::Malformed};

const RSA: &str = include_str!("../../../tests/keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("../../../tests/keys/rsa-pkcs1.pem");
const P256_SEC1: &str = include_str!("../../../tests/keys/ec-p256-sec1.pem");
const P384: &str = include_str!("../../../tests/keys/ec-p384.pem");
const ED25519: &str = include_str!("../../../tests/keys/ed25519.pem");

/// Returns the key that seals signing keys under a root secret.
fn sealing(secret: &[u8]) -> DerivedKey {
    RootSecret::new(secret).derive(Purpose::SealSigningKeys)
}

/// Returns a key for each algorithm. The RSA algorithms share one key, because generating a key is slow.
fn one_of_each() -> Vec<SigningKey> {
    let key = |algorithm: &Algorithm| match algorithm.family() {
        Family::Rsa => SigningKey::from_pem(RSA, Some(*algorithm)).expect("a key"),
        _ => SigningKey::generate(*algorithm),
    };
    Algorithm::ALL.iter().map(key).collect()
}

#[test]
fn a_token_is_verified_by_the_key_that_signed_it_only() {
    let keys = one_of_each();
    let claims = json!({"sub": "ada"});
    for key in &keys {
        let token = key.signer.sign("at+jwt", Some(&key.kid), &claims);
        let header = jsonwebtoken_header(&token);
        assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some(key.algorithm.as_str()), Some(&*key.kid)));
        assert_eq!(key.verifier.verify::<Value>(&token).as_ref(), Ok(&claims), "{}", key.algorithm.as_str());
        for other in keys.iter().filter(|other| other.algorithm != key.algorithm) {
            // The RSA algorithms share one key. Their tokens are rejected because of the algorithm in the header.
            assert_eq!(
                other.verifier.verify::<Value>(&token),
                Err(Malformed::Signature),
                "{}",
                other.algorithm.as_str()
            );
        }
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let altered = format!("{signed}x.{signature}");
        assert!(key.verifier.verify::<Value>(&altered).is_err());
        assert_eq!(key.verifier.verify::<Value>(&format!("{signed}.")), Err(Malformed::Signature));
    }
}

/// Returns the header of a token.
fn jsonwebtoken_header(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').next().expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn a_generated_rsa_key_has_2048_bits_and_signs() {
    let key = SigningKey::generate(Algorithm::Ps512);
    assert_eq!(rsa::bits(&key.material), Some(2048));
    let token = key.signer.sign("at+jwt", Some(&key.kid), &json!({}));
    assert!(key.verifier.verify::<Value>(&token).is_ok());
}

#[test]
fn a_jwk_has_the_public_members_of_its_key_type_only() {
    for key in one_of_each() {
        let members: &[&str] = match key.algorithm.family() {
            Family::Ec => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Family::Ed25519 => &["alg", "crv", "kid", "kty", "use", "x"],
            Family::Rsa => &["alg", "e", "kid", "kty", "n", "use"],
            Family::Secret => &[],
        };
        let jwk = key.jwk.clone().unwrap_or_else(|| json!({}));
        let mut names: Vec<&str> = jwk.as_object().expect("an object").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, members);
        if !key.algorithm.is_symmetric() {
            assert_eq!((jwk["alg"].as_str(), jwk["use"].as_str()), (Some(key.algorithm.as_str()), Some("sig")));
            assert_eq!(jwk["kid"].as_str(), Some(&*key.kid));
        }
    }
    let p384 = SigningKey::from_pem(P384, None).expect("a key").jwk.expect("public");
    assert_eq!((p384["crv"].as_str(), p384["x"].as_str().map(str::len)), (Some("P-384"), Some(64)));
}

#[test]
fn a_kid_is_the_thumbprint() {
    // The key and its thumbprint are the example of RFC 8037 §A.1 to §A.3.
    let pem = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";
    let key = SigningKey::from_pem(pem, None).expect("a key");
    assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.jwk.expect("public")["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    // The key and its thumbprint are the example of RFC 7638 §3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
             hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ\
             vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
             nqDKgw";
    let (kid, _) = jwk(Algorithm::Rs256, &[("e", "AQAB"), ("kty", "RSA"), ("n", n)]);
    assert_eq!(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn one_secret_has_a_different_kid_for_each_algorithm() {
    let [a, b, c] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]
        .map(|algorithm| SigningKey::shared_secret(algorithm, &[7; 64]).kid);
    assert!(a != b && b != c && a != c);
}

#[test]
fn a_key_is_read_in_each_format() {
    for (pem, requested, algorithm) in [
        (RSA, None, Algorithm::Rs256),
        (RSA, Some(Algorithm::Ps384), Algorithm::Ps384),
        (RSA_PKCS1, None, Algorithm::Rs256),
        (P256_SEC1, None, Algorithm::Es256),
        (P384, Some(Algorithm::Es384), Algorithm::Es384),
        (ED25519, None, Algorithm::EdDsa),
    ] {
        let key = SigningKey::from_pem(pem, requested).expect("a key");
        assert_eq!(key.algorithm, algorithm);
        let token = key.signer.sign("at+jwt", None, &json!({}));
        assert!(key.verifier.verify::<Value>(&token).is_ok());
    }
    let kid = |pem| SigningKey::from_pem(pem, None).expect("a key").kid;
    assert_eq!(kid(RSA), kid(RSA_PKCS1), "the same key in another format");
    assert_eq!(kid(&RSA.replace('\n', "\r\n")), kid(RSA));
}

#[test]
fn a_text_without_a_usable_key_is_refused_with_a_reason() {
    let refusal = |text: &str| SigningKey::from_pem(text, None).err().expect("it is refused").to_string();
    let two = format!("{RSA}{P384}");
    let damaged = RSA.replace("\nMII", "\n!!!");
    let cut = &RSA[..RSA.len() / 2];
    let beginning: Vec<&str> = RSA.lines().skip(1).take(6).collect();
    let halved = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", beginning.join("\n"));
    for (text, reason) in [
        (include_str!("../../../tests/keys/encrypted.pem"), "it is encrypted"),
        (include_str!("../../../tests/keys/encrypted-pkcs1.pem"), "it is encrypted"),
        (include_str!("../../../tests/keys/public.pem"), "it holds a public key"),
        (include_str!("../../../tests/keys/rsa-1024.pem"), "its RSA key has 1024 bits; at least 2048 are needed"),
        (include_str!("../../../tests/keys/ec-secp256k1.pem"), "its key can't be used"),
        (&two, "it contains several"),
        (&damaged, "is damaged"),
        (cut, "it is not a PEM file"),
        (&halved, "its key can't be used"),
        ("", "it is not a PEM file"),
        ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "it holds a certificate"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----",
            "it is of another format (OPENSSH PRIVATE KEY)",
        ),
    ] {
        assert!(refusal(text).contains(reason), "{reason}: {}", refusal(text));
    }
    let error = SigningKey::from_pem(ED25519, Some(Algorithm::Rs256)).err().expect("it is refused");
    assert_eq!(error.to_string(), "its key signs with EdDSA, not with RS256");
}

#[test]
fn an_imported_rsa_key_must_satisfy_fips_186_5() {
    let exponent = "its RSA key has a public exponent below 65537";
    let primes = "the primes of its RSA key are too small, of unequal length, too close to each other or not prime";
    for (text, reason) in [
        (include_str!("../../../tests/keys/rsa-exponent-3.pem"), exponent),
        (include_str!("../../../tests/keys/rsa-exponent-257.pem"), exponent),
        // The primes of the next key are neighbours (CVE-2022-26320). The primes of the key after it differ by about
        // 2^922; the limit is 2^924.
        (include_str!("../../../tests/keys/rsa-close-primes.pem"), primes),
        (include_str!("../../../tests/keys/rsa-primes-nearly-apart.pem"), primes),
        // The next key has a prime of 16 bits. The key after it has primes of 1000 and 1048 bits.
        (include_str!("../../../tests/keys/rsa-small-prime.pem"), primes),
        (include_str!("../../../tests/keys/rsa-unequal-primes.pem"), primes),
        // A "prime" of the next key is the product of two primes, so the key can't sign. That of the key after it is a
        // Carmichael number: the key signs, and its modulus can be factored.
        (include_str!("../../../tests/keys/rsa-composite-prime.pem"), primes),
        (include_str!("../../../tests/keys/rsa-carmichael-prime.pem"), primes),
    ] {
        for requested in [None, Some(Algorithm::Ps512)] {
            let refusal = SigningKey::from_pem(text, requested).err().expect("it is refused").to_string();
            assert!(refusal.contains(reason), "{reason}: {refusal}");
        }
    }
    // Accepted keys: a key whose primes differ by about 2^926, and keys that this server generates.
    let apart = include_str!("../../../tests/keys/rsa-primes-just-apart.pem");
    assert!(SigningKey::from_pem(apart, None).is_ok());
    for _ in 0..4 {
        assert!(super::rsa::check_fips(&super::rsa::generate()).is_ok());
    }
}

#[test]
fn an_rsa_key_whose_parts_do_not_belong_together_is_refused() {
    use super::der::{Elements, INTEGER, SEQUENCE};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body: String = RSA_PKCS1.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("base64");
    let pem = |der: &[u8]| {
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", STANDARD.encode(der))
    };
    assert!(SigningKey::from_pem(&pem(&der), None).is_ok());
    let mut parts = Elements(Elements(&der).expect(SEQUENCE).expect("a sequence"));
    assert!(parts.expect(INTEGER).is_some(), "the version");
    // The order of `RSAPrivateKey` (RFC 8017 §A.1.2).
    for name in ["n", "e", "d", "p", "q", "d mod p - 1", "d mod q - 1", "the inverse of q"] {
        let part = parts.expect(INTEGER).expect("an integer");
        let at = part.as_ptr().addr() - der.as_ptr().addr();
        // The first byte may be the sign, and the last bit makes an even number of a prime.
        for (byte, bit) in [(part.len() - 1, 2), (part.len() / 2, 1), (part.len() / 4, 0x10)] {
            let mut altered = der.clone();
            altered[at + byte] ^= bit;
            assert!(SigningKey::from_pem(&pem(&altered), None).is_err(), "{name}, byte {byte}");
        }
    }
}

#[test]
fn a_sealed_key_opens_with_its_own_root_secret_kid_and_algorithm_only() {
    for key in one_of_each() {
        let (algorithm, sealed) = (key.algorithm, key.seal(&sealing(b"one")));
        assert!(SigningKey::open(&key.kid, algorithm, &sealed, &sealing(b"one")).is_ok());
        assert!(SigningKey::open(&key.kid, algorithm, &sealed, &sealing(b"two")).is_err());
        assert!(SigningKey::open("other", algorithm, &sealed, &sealing(b"one")).is_err());
        let other = if algorithm == Algorithm::Rs256 { Algorithm::Rs512 } else { Algorithm::Rs256 };
        assert!(SigningKey::open(&key.kid, other, &sealed, &sealing(b"one")).is_err());
        let mut altered = sealed.as_bytes().to_vec();
        *altered.last_mut().expect("not empty") ^= 1;
        assert!(SigningKey::open(&key.kid, algorithm, &SealedKey::from_stored(altered), &sealing(b"one")).is_err());
        let short = SealedKey::from_stored(vec![1; 5]);
        assert!(SigningKey::open(&key.kid, algorithm, &short, &sealing(b"one")).is_err());
    }
}

#[test]
fn a_sealed_key_does_not_contain_the_secret_in_clear_text() {
    let key = SigningKey::shared_secret(Algorithm::Hs256, b"0123456789abcdef0123456789abcdef");
    let sealed = key.seal(&sealing(b"one"));
    assert!(!sealed.as_bytes().windows(8).any(|window| window == b"01234567"));
}
