//! Tokens, private keys, and the hashes of passwords.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::input::{line, text, text_line};
use crate::{
    domain::{
        AccessClaims, Purpose, RootSecret, UnixTime,
        access_token::AccessTokenError,
        jwt::{self, Algorithm, Signer, base64url},
        password_hash::{Method, ParsedHash, PasswordHash},
        refresh_token::{RefreshClaims, RefreshTokens},
        signing_key::SigningKey,
        unique_json::UniqueJson,
    },
    memory::{derive::derive, keyring::KeySet},
};

/// The issuer of the tokens.
const ISSUER: &str = "https://auth.example.com";

/// The keys of the tokens. The first one signs the tokens of an input.
struct Keys {
    set: KeySet,
    /// The `kid` of the shared secret.
    kid: String,
    secret: [u8; 32],
    refresh: RefreshTokens,
    refresh_secret: [u8; 32],
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let root = RootSecret::new(b"the root secret of the fuzz targets");
    let (secret, refresh) = ([5; 32], root.derive(Purpose::RefreshTokens));
    let shared = SigningKey::shared_secret(Algorithm::Hs256, &secret);
    let pem = |text| SigningKey::from_pem(text, None).expect("a key");
    let others = vec![
        pem(include_str!("../../tests/keys/ed25519.pem")),
        pem(include_str!("../../tests/keys/ec-p256-sec1.pem")),
        pem(include_str!("../../tests/keys/rsa.pem")),
    ];
    Keys {
        kid: shared.kid.clone(),
        set: KeySet::new(Vec::new(), Some(shared), others),
        secret,
        refresh_secret: *refresh.bytes(),
        refresh: RefreshTokens::new(refresh, ISSUER),
    }
});

/// Reads changes of a token, its header and its claims, each on a line. `KID` in the header is the key of the server. The
/// header and the claims are signed. If the token is accepted, it has exactly the claims that were signed, and it is not
/// accepted as the other kind of token. A token that is changed afterwards is refused, or has the same claims.
pub fn token(data: &[u8]) {
    let (changes, rest) = line(data);
    let (header, claims) = text_line(rest);
    let header = header.replace("KID", &KEYS.kid);
    // A text that was not signed at all.
    let unsigned = text(claims);
    KEYS.set.verify(&unsigned).expect_err("nobody signed it");
    KEYS.refresh.verify_signature(&unsigned).expect_err("nobody signed it");
    jwt::decode_unverified(&unsigned);

    let access = signed(&header, claims, &KEYS.secret);
    let verified = KEYS.set.verify(&access);
    if let Ok(read) = &verified {
        check_access(&access, &header, claims, read);
        assert!(KEYS.refresh.verify_signature(&access).is_err(), "an access token is no refresh token");
    }
    let refresh = signed(&header, claims, &KEYS.refresh_secret);
    if let Ok(read) = KEYS.refresh.verify_signature(&refresh) {
        check_refresh(&refresh, claims, &read);
        assert_eq!(KEYS.set.verify(&refresh).err(), Some(AccessTokenError::WrongType));
    }
    let changed = change(&access, changes);
    if changed != access
        && let Ok(read) = KEYS.set.verify(&changed)
    {
        let signed = verified.expect("the token from which it was made is valid");
        assert_eq!(read.raw(), signed.raw(), "another spelling has the same claims");
    }
    let changed = change(&refresh, changes);
    if changed != refresh
        && let Ok(read) = KEYS.refresh.verify_signature(&changed)
    {
        check_refresh(&refresh, claims, &read);
    }
}

/// Returns a token with this header and these claims, signed with HS256.
fn signed(header: &str, claims: &[u8], secret: &[u8]) -> String {
    let text = format!("{}.{}", base64url(header.as_bytes()), base64url(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    format!("{text}.{}", base64url(&mac.chain_update(&text).finalize().into_bytes()))
}

/// Returns the token with some characters replaced: each three bytes are a place and the character.
fn change(token: &str, changes: &[u8]) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for change in changes.chunks_exact(3) {
        let place = usize::from(change[0]) * 256 + usize::from(change[1]);
        let length = bytes.len();
        bytes[place % length] = change[2] & 0x7f;
    }
    String::from_utf8(bytes).expect("it is ASCII")
}

/// Returns the claims that were signed. The same name may not be given twice.
fn object(claims: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(claims) {
        Ok(UniqueJson(Value::Object(object))) => object,
        _ => panic!("claims are a JSON object in which each name is given once"),
    }
}

fn check_access(token: &str, header: &str, claims: &[u8], read: &AccessClaims) {
    let header: Map<String, Value> = serde_json::from_str(header).expect("a header is a JSON object");
    assert_eq!((&header["alg"], &header["kid"]), (&"HS256".into(), &KEYS.kid.as_str().into()));
    assert!(!header.contains_key("crit"), "no extension is known");
    let signed = object(claims);
    let raw = read.raw();
    for (name, value) in &raw {
        assert!(is_same(name, value, &signed[name]), "{name} was signed as {}, and read as {value}", signed[name]);
    }
    for (name, value) in signed.iter().filter(|(name, _)| !raw.contains_key(*name)) {
        let is_absent = value.is_null() && matches!(name.as_str(), "username" | "email");
        assert!(is_absent || (name == "cookie_only" && *value == false), "{name} was signed as {value}, and is lost");
    }
    assert_eq!(raw["type"], "access");
    let (_, unverified) = jwt::decode_unverified(token).expect("a token");
    assert_eq!(unverified, signed);
    // At no time are both ends passed.
    for now in [i64::MIN, 0, read.nbf.seconds(), read.exp.seconds(), i64::MAX] {
        let now = UnixTime::from_seconds(now);
        let is_valid = read.check_time(now, 0).is_ok();
        assert!(!is_valid || now < read.exp);
    }
}

fn check_refresh(token: &str, claims: &[u8], read: &RefreshClaims) {
    let signed = object(claims);
    for (name, value) in read.raw() {
        assert!(is_same(&name, &value, &signed[&name]), "{name} was signed as {}, and read as {value}", signed[&name]);
    }
    assert_eq!(read.issuer(), ISSUER);
    let expires = read.expires_at();
    assert!(KEYS.refresh.verify(token, expires).is_err(), "it has expired at its exp");
    assert_eq!(KEYS.refresh.verify(token, expires.plus(-1)).is_ok(), expires.seconds() > i64::MIN);
}

/// Returns whether a claim is what was signed. An id may have been written in another form of a UUID.
fn is_same(name: &str, read: &Value, signed: &Value) -> bool {
    let digits = |value: &Value| {
        value.as_str().map(|text| text.to_lowercase().replace("urn:uuid:", "").replace(['-', '{', '}'], ""))
    };
    read == signed || (matches!(name, "sub" | "jti" | "sid") && digits(read) == digits(signed))
}

/// Reads an algorithm and a PEM file. A key that is accepted signs tokens that it verifies, is opened again from its sealed
/// form, and publishes no private part.
pub fn pem(data: &[u8]) {
    let (algorithm, rest) = text_line(data);
    let text = text(rest);
    let requested = algorithm.parse::<Algorithm>().ok();
    let key = match SigningKey::from_pem(&text, requested) {
        Ok(key) => key,
        Err(error) => {
            assert!(error.to_string().len() < 400, "a message is short");
            return;
        }
    };
    if text.matches("-----BEGIN ").count() == 1 {
        assert!(SigningKey::from_pem(&format!("{text}\n{text}"), requested).is_err(), "two keys are refused");
    }
    assert!(requested.is_none_or(|requested| requested == key.algorithm));
    assert!(!key.algorithm.is_symmetric(), "a file has no shared secret");
    let claims = Map::from_iter([("n".to_owned(), Value::from(1))]);
    let token = key.signer.sign(jwt::ACCESS_TYP, Some(&key.kid), &claims);
    assert_eq!(key.verifier.verify::<Map<String, Value>>(&token).ok(), Some(claims));
    let jwk = key.jwk.as_ref().and_then(Value::as_object).expect("it is published");
    assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|private| !jwk.contains_key(*private)));
    let root = RootSecret::new(b"the root secret of the fuzz targets").derive(Purpose::SealSigningKeys);
    let opened = SigningKey::open(&key.kid, key.algorithm, &key.seal(&root), &root).expect("it is opened again");
    assert_eq!(opened.jwk, key.jwk);
    let signer: &Signer = &opened.signer;
    assert!(key.verifier.verify::<Map<String, Value>>(&signer.sign(jwt::ACCESS_TYP, None, &Map::new())).is_ok());
}

/// Reads a stored hash. A hash that is accepted costs no more than the bounds, and is stored in a form that means the same. A
/// cheap one is computed.
pub fn password_hash(data: &[u8]) {
    let text = text(data);
    let stored = PasswordHash::from_stored(text.clone().into_owned());
    let own = ParsedHash::parse_stored(&stored);
    let Ok(parsed) = ParsedHash::parse_foreign(&text) else {
        if let Ok(own) = own {
            assert!(matches!(
                own.method,
                Method::Argon2 { memory_kib: ..=1_048_576, passes: ..=100, lanes: ..=64, .. }
            ));
        }
        return;
    };
    assert!(own.is_ok(), "what is imported can be compared");
    check_cost(&parsed);
    let again = parsed.to_stored();
    for text in [again.as_str(), again.exported()] {
        let again = ParsedHash::parse_foreign(text).expect("the stored form is read again");
        assert_eq!(
            (again.method, again.salt, again.digest),
            (parsed.method.clone(), parsed.salt.clone(), parsed.digest.clone())
        );
    }
    assert!(again.as_str().starts_with('$') && again.as_str().is_ascii());
    if is_cheap(&parsed.method) {
        let digest = derive(&parsed.method, b"a long walk", &parsed.salt, parsed.digest.len(), &mut Vec::new());
        assert!(digest.is_err() || digest.is_ok_and(|digest| digest.len() == parsed.digest.len()));
    }
}

/// Checks the bounds of a hash of another system: 256 MiB, and some seconds of one processor.
fn check_cost(hash: &ParsedHash) {
    assert!((1..=128).contains(&hash.salt.len()) && (16..=64).contains(&hash.digest.len()));
    assert!(hash.method.memory_kib() <= 257 * 1024, "{:?} takes too much memory", hash.method);
    match hash.method {
        Method::Argon2 { memory_kib, passes, lanes, .. } => {
            assert!(u64::from(memory_kib) * u64::from(passes) <= 2 << 20 && (1..=255).contains(&lanes));
        }
        Method::Bcrypt { cost, .. } => assert!((4..=15).contains(&cost)),
        Method::Pbkdf2 { rounds, .. } => assert!((1..=5_000_000).contains(&rounds)),
        Method::Scrypt { log_n, r, p } => {
            assert!((1..=64).contains(&r) && (1..=64).contains(&p));
            assert!((1_u64 << log_n) * u64::from(r) * u64::from(p) * 128 <= 1 << 30);
        }
    }
}

/// Returns whether a hash is computed within about a millisecond.
fn is_cheap(method: &Method) -> bool {
    match *method {
        Method::Argon2 { memory_kib, passes, .. } => u64::from(memory_kib) * u64::from(passes) <= 256,
        Method::Bcrypt { cost, .. } => cost <= 4,
        Method::Pbkdf2 { rounds, .. } => rounds <= 500,
        Method::Scrypt { log_n, r, p } => u32::from(log_n) <= 5 && r <= 8 && p <= 2,
    }
}
