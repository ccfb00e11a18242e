//! The attack table: tokens that an attacker made or altered (RFC 8725). Each has a name. As an access token each is refused
//! with 401, or with 400 if it has more than 8 KiB. As a refresh token each is refused with 401 or 422.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    Server,
    forge::{ORDER, decode, ecdsa, encode, high_s_twin, hmac, parts, token},
    json::{with_field, without_field},
    part,
};

/// A secret that the test and the server know, so that the test can sign tokens that the server never would.
const SECRET: &str = "pZ4v-0Qm8u_Rk3Yt7Wd1Xs6Bf9Lh2Nc5Jg-Ea0To8Vi4Uy7Pq3Mw6Kz1Sb9Dx2Rf5H";

/// The rows of the table: the name and the token of each attack.
#[derive(Default)]
struct Table(Vec<(String, String)>);

impl Table {
    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.0.push((name.into(), token.into()));
    }

    /// Sends each token as an access token and as a refresh token. Checks that it is refused. Returns the number of tokens.
    fn must_be_refused_by(self, server: &Server) -> usize {
        for (name, token) in &self.0 {
            let answer = server.call("GET", "/users/me").bearer(token).send();
            let is_malformed = token.len() > 8 * 1024 && answer.status == 400;
            assert!(answer.status == 401 || is_malformed, "{name}: {} {}", answer.status, answer.text);
            assert!(is_malformed || answer.header("www-authenticate").is_some(), "{name}");
            let answer = server.post("/auth/refresh", json!({"refresh_token": token}));
            assert!(matches!(answer.status, 401 | 422), "{name} as a refresh token: {} {}", answer.status, answer.text);
            let answer = server.post("/auth/logout", json!({"refresh_token": token}));
            assert!(matches!(answer.status, 401 | 422), "{name} at the logout: {} {}", answer.status, answer.text);
        }
        self.0.len()
    }
}

#[test]
fn no_header_makes_the_server_use_another_key_or_algorithm() {
    let server = Server::start();
    let session = server.user("ada").login();
    let [_, claims, signature] = parts(&session.access);
    let (header, claims) = (part(&session.access, 0), String::from_utf8(decode(claims)).expect("text"));
    let signature = decode(signature);
    let set = server.call("GET", "/.well-known/jwks.json").send().expect(200);
    let jwk = set.body["keys"][0].clone();
    let coordinate = |name: &str| decode(jwk[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2).
    let spki: Vec<u8> = [
        &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
            7,
        ][..],
        &[3, 0x42, 0],
        &point,
    ]
    .concat();
    let wrapped: Vec<String> =
        STANDARD.encode(&spki).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", wrapped.join("\n"));
    let own = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let by_own_key = |input: &str| ecdsa(&own, input);
    let own_point = own.public_key().as_ref();
    let own_jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(&own_point[1..33]), "y": encode(&own_point[33..])});

    let mut table = Table::default();
    for none in ["none", "None", "NONE", "nOnE", "", " none", "none\u{0}"] {
        let bent = with_field(&header, "alg", json!(none)).to_string();
        table.add(format!("alg {none:?} without a signature"), token(&bent, &claims, |_| vec![]));
        table.add(format!("alg {none:?} with the real signature"), token(&bent, &claims, |_| signature.clone()));
    }
    for (what, alg) in [
        ("missing", None),
        ("null", Some(Value::Null)),
        ("a number", Some(json!(1))),
        ("a list", Some(json!(["ES256"]))),
    ] {
        let bent = alg.map_or_else(|| without_field(&header, "alg"), |alg| with_field(&header, "alg", alg));
        table.add(format!("alg is {what}"), token(&bent.to_string(), &claims, |_| signature.clone()));
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
        let bent = with_field(&header, "alg", json!(algorithm)).to_string();
        let kid = header["kid"].as_str().expect("a kid").as_bytes();
        let set_text = set.text.as_bytes();
        for (what, key) in [
            ("the PEM of the public key", pem.as_bytes()),
            ("that PEM without its last line break", pem.trim_end().as_bytes()),
            ("its DER", &spki),
            ("its point", &point),
            ("its x", &coordinate("x")),
            ("its JWK", jwk.to_string().as_bytes()),
            ("the key set", set_text),
            ("the kid", kid),
            ("nothing", b""),
            ("one zero", b"\0"),
        ] {
            table.add(format!("{algorithm} with {what}"), token(&bent, &claims, |input| hmac(algorithm, key, input)));
        }
    }
    for other in ["ES384", "ES256K", "RS256", "PS256", "EdDSA", "es256", "HS256 "] {
        let bent = with_field(&header, "alg", json!(other)).to_string();
        table.add(format!("alg {other:?} over the real signature"), token(&bent, &claims, |_| signature.clone()));
    }
    table.add("another key under our kid", token(&header.to_string(), &claims, by_own_key));
    for (what, name, value) in [
        ("jwk", "jwk", own_jwk.clone()),
        ("jku", "jku", json!("https://evil.test/jwks.json")),
        ("jku to ourselves", "jku", json!(format!("http://{}/.well-known/jwks.json", server.address))),
        ("x5u", "x5u", json!("https://evil.test/cert.pem")),
        ("x5c", "x5c", json!([STANDARD.encode(&spki)])),
        ("x5t", "x5t", json!(encode([0; 20]))),
    ] {
        table.add(
            format!("{what} with our kid"),
            token(&with_field(&header, name, value.clone()).to_string(), &claims, by_own_key),
        );
        let bent = without_field(&with_field(&header, name, value), "kid").to_string();
        table.add(format!("{what} without a kid"), token(&bent, &claims, by_own_key));
    }
    for (what, kid) in [
        ("unknown", json!("nobody")),
        ("empty", json!("")),
        ("a path", json!("../../../../dev/null")),
        ("an absolute path", json!("/proc/sys/kernel/randomize_va_space")),
        ("SQL", json!("x' union select 'secret' --")),
        ("a shell command", json!("|/bin/true")),
        ("a URL", json!("https://evil.test/key")),
        ("a number", json!(1)),
        ("a list", json!([header["kid"]])),
        ("our kid and a zero", json!(format!("{}\0", header["kid"].as_str().expect("a kid")))),
        ("long", json!("k".repeat(4_000))),
        ("null", Value::Null),
    ] {
        let bent = with_field(&header, "kid", kid).to_string();
        table.add(format!("kid is {what}"), token(&bent, &claims, by_own_key));
        table.add(
            format!("kid is {what}, an empty secret"),
            token(&bent.replace("ES256", "HS256"), &claims, |input| hmac("HS256", b"", input)),
        );
    }
    assert!(table.must_be_refused_by(&server) > 60);
    session.get("/users/me").expect(200);
}

#[test]
fn no_other_spelling_of_a_revoked_token_is_accepted() {
    let server = Server::start();
    let ada = server.user("ada");
    let (revoked, live) = (ada.login(), ada.login());
    revoked.post("/auth/logout", json!({"refresh_token": revoked.refresh})).expect(200);
    let [header, claims, signature] = parts(&revoked.access);
    let bytes = decode(signature);
    let mut table = Table::default();
    table.add("revoked", &revoked.access);
    table.add("the high-S twin", high_s_twin(&revoked.access));
    table.add("non-canonical base64 of the signature", format!("{header}.{claims}.{}", non_canonical(signature)));
    table.add("padding", format!("{header}.{claims}.{signature}=="));
    table.add("padding everywhere", format!("{header}=.{claims}=.{signature}="));
    table.add("the other alphabet", format!("{header}.{claims}.{}", STANDARD.encode(&bytes)));
    table.add("a space", format!("{header}.{claims}. {signature}"));
    table.add("in lower case", revoked.access.to_lowercase());
    assert_eq!(table.must_be_refused_by(&server), 8);

    // The other spelling of a live token may be accepted, but is revoked together with the token.
    let twin = high_s_twin(&live.access);
    let before = server.call("GET", "/users/me").bearer(&twin).send().status;
    assert!(matches!(before, 200 | 401));
    live.post("/auth/logout", json!({"refresh_token": live.refresh})).expect(200);
    server.call("GET", "/users/me").bearer(&twin).send().expect(401);
}

#[test]
fn no_invalid_signature_or_structure_is_accepted() {
    let server = Server::start();
    let session = server.user("ada").login();
    let [header, claims, signature] = parts(&session.access);
    let bytes = decode(signature);
    let mut table = Table::default();
    for length in 0..bytes.len() {
        table.add(
            format!("the first {length} bytes of the signature"),
            format!("{header}.{claims}.{}", encode(&bytes[..length])),
        );
    }
    for (what, forged) in [
        ("zeros", vec![0; 64]),
        ("r = 0", [vec![0; 32], bytes[32..].to_vec()].concat()),
        ("s = 0", [bytes[..32].to_vec(), vec![0; 32]].concat()),
        ("r = s = n", [ORDER, ORDER].concat()),
        ("r = s = 1", [[vec![0; 31], vec![1]].concat(), [vec![0; 31], vec![1]].concat()].concat()),
        ("all ones", vec![0xff; 64]),
        ("one byte more", [bytes.clone(), vec![0]].concat()),
        ("DER", der(&bytes)),
    ] {
        table.add(format!("a signature of {what}"), format!("{header}.{claims}.{}", encode(forged)));
    }
    let text = session.access.as_bytes();
    for at in 0..text.len() {
        let mut flipped = text.to_vec();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).expect("it is ASCII");
        // The last character of a part has unused bits. The strict decoder refuses other values of these bits. A lenient
        // decoder would read the same token.
        table.add(format!("byte {at} flipped"), flipped);
    }
    let dots = ".".repeat(8 * 1024);
    for (what, shape) in [
        ("8 KiB of dots", dots.as_str()),
        ("over 8 KiB", &format!("{dots}.")),
        ("two dots", ".."),
        ("one part", header),
        ("two parts", &format!("{header}.{claims}")),
        ("four parts", &format!("{}.x", session.access)),
        ("five parts, as a JWE has", "a.b.c.d.e"),
        ("a nested token", &format!("{header}.{}.{signature}", encode(&session.access))),
        ("two tokens", &format!("{},{}", session.access, session.access)),
        ("JSON serialisation", r#"{"payload":"x","signature":"x"}"#),
        ("a header that is no JSON", &format!("{}.{claims}.{signature}", encode("{"))),
        ("a header that is a list", &format!("{}.{claims}.{signature}", encode("[]"))),
        ("a header before which stands a mark", &format!("{}.{claims}.{signature}", encode("\u{feff}{}"))),
        ("claims that are nested deep", &format!("{header}.{}.{signature}", encode("[".repeat(5_000)))),
        ("a header that is nested deep", &format!("{}.{claims}.{signature}", encode("[".repeat(5_000)))),
        ("bytes that are no text", &format!("{}.{claims}.{signature}", encode([0xff, 0xfe]))),
    ] {
        table.add(what, shape);
    }
    assert!(table.must_be_refused_by(&server) > 60);
    session.get("/users/me").expect(200);
}

#[test]
fn no_altered_claim_is_accepted_even_with_a_valid_signature() {
    let server = Server::with(vec![("secret_key", json!(SECRET)), ("algorithm", json!("HS256"))]);
    let session = server.user("ada").login();
    let (header, claims) = (part(&session.access, 0), part(&session.access, 1));
    let sign = |input: &str| hmac("HS256", SECRET.as_bytes(), input);
    let bent =
        |name: &str, value: Value| token(&header.to_string(), &with_field(&claims, name, value).to_string(), sign);
    let raw = |text: &str| token(&header.to_string(), text, sign);
    // A token that the test has signed is accepted. Otherwise the refusals below would prove nothing.
    server.call("GET", "/users/me").bearer(&raw(&claims.to_string())).send().expect(200);

    let mut table = Table::default();
    for name in [
        "iss", "aud", "sub", "client_id", "iat", "nbf", "exp", "jti", "sid", "av", "type", "fresh", "auth_time",
        "roles", "permissions", "scope",
    ] {
        table.add(format!("{name} missing"), raw(&without_field(&claims, name).to_string()));
        table.add(format!("{name} null"), bent(name, Value::Null));
        table.add(format!("{name} an object"), bent(name, json!({})));
    }
    let now = server.clock.now().seconds();
    for (what, name, value) in [
        ("exp as a text", "exp", json!((now + 60).to_string())),
        ("exp as a fraction", "exp", json!(now as f64 + 60.5)),
        ("exp beyond all numbers", "exp", serde_json::from_str("1e300").expect("a number")),
        ("exp beyond 64 bits", "exp", serde_json::from_str("18446744073709551616").expect("a number")),
        ("exp negative", "exp", json!(-1)),
        ("exp the least number", "exp", json!(i64::MIN)),
        ("exp zero", "exp", json!(0)),
        ("exp now", "exp", json!(now)),
        ("nbf ahead", "nbf", json!(now + 60)),
        ("nbf the greatest number", "nbf", json!(i64::MAX)),
        ("a foreign issuer", "iss", json!("https://evil.test")),
        ("the issuer with a slash", "iss", json!(format!("{}/", claims["iss"].as_str().expect("text")))),
        ("a foreign audience", "aud", json!("https://evil.test")),
        ("a list of audiences", "aud", json!([claims["aud"]])),
        ("an unknown client", "client_id", json!("nobody")),
        ("sub not an id", "sub", json!("ada")),
        ("sub SQL", "sub", json!("' or 1=1 --")),
        ("sub a number", "sub", json!(1)),
        ("sid not an id", "sid", json!("x")),
        ("jti not an id", "jti", json!("x")),
        ("av a text", "av", json!("1")),
        ("av a fraction", "av", json!(1.5)),
        ("type refresh", "type", json!("refresh")),
        ("type in capitals", "type", json!("ACCESS")),
        ("fresh a text", "fresh", json!("true")),
        ("roles a text", "roles", json!("admin")),
    ] {
        table.add(what, bent(name, value));
    }
    let text = claims.to_string();
    for (what, doubled) in [
        ("sub twice", format!(r#"{{"sub":"01890a5d-ac96-774b-bcce-b302099a8057",{}"#, &text[1..])),
        ("exp twice, the last one far", format!(r#"{},"exp":99999999999}}"#, &text[..text.len() - 1])),
        ("av twice", format!(r#"{},"av":9}}"#, &text[..text.len() - 1])),
        ("type twice", format!(r#"{{"type":"access",{}"#, &text[1..])),
        ("claims that are a list", "[]".to_owned()),
        ("claims that are null", "null".to_owned()),
        ("claims that are nothing", String::new()),
        ("claims and more", format!("{text}{{}}")),
    ] {
        table.add(what, raw(&doubled));
    }
    for (what, header) in [
        ("typ of a refresh token", with_field(&header, "typ", json!("rt+jwt"))),
        ("typ JWT", with_field(&header, "typ", json!("JWT"))),
        ("no typ", without_field(&header, "typ")),
        ("typ a number", with_field(&header, "typ", json!(1))),
        ("crit", with_field(&header, "crit", json!(["exp"]))),
        ("crit empty", with_field(&header, "crit", json!([]))),
        ("an unencoded payload", with_field(&with_field(&header, "b64", json!(false)), "crit", json!(["b64"]))),
        ("another algorithm under the same secret", with_field(&header, "alg", json!("HS512"))),
    ] {
        table.add(what, token(&header.to_string(), &text, sign));
    }
    let double_alg = format!(r#"{{"alg":"none",{}"#, &header.to_string()[1..]);
    table.add("alg twice", token(&double_alg, &text, sign));
    table.add(
        "the refresh token as an access token, signed anew",
        token(&header.to_string(), &part(&session.refresh, 1).to_string(), sign),
    );
    assert!(table.must_be_refused_by(&server) > 60);
    session.get("/users/me").expect(200);
}

#[test]
fn an_access_token_is_no_refresh_token_and_vice_versa() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.call("GET", "/users/me").bearer(&session.refresh).send().expect_error(401, "wrong_token_type");
    server.post("/auth/refresh", json!({"refresh_token": session.access})).expect_error(401, "wrong_token_type");
}

/// Returns another spelling of the same bytes: the unused bits after the last byte are set.
fn non_canonical(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = text.as_bytes().last().expect("not empty");
    let value = ALPHABET.iter().position(|byte| byte == last).expect("base64url");
    format!("{}{}", &text[..text.len() - 1], char::from(ALPHABET[value | 1]))
}

/// Returns the signature in ASN.1 (DER), instead of the two numbers one after the other.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [vec![2, 33, 0], bytes.to_vec()].concat();
    [vec![0x30, 70], integer(&signature[..32]), integer(&signature[32..])].concat()
}
