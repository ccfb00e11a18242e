//! Tokens that were signed by another key or altered after they were signed.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use serde_json::json;

use super::{me, refused};
use crate::support::{
    Server,
    forge::{decode, encode, es256, high_s_twin, hs256},
    part,
};

#[test]
fn a_token_that_brings_its_own_key_or_algorithm_is_refused() {
    let server = Server::start();
    let session = server.user("ada").login();
    let (head, claims) = (part(&session.access, 0), part(&session.access, 1));
    let (kid, jwks) = (&head["kid"], server.call("GET", "/.well-known/jwks.json").send().expect(200));
    let key = &jwks.body["keys"][0];
    assert_eq!(&key["kid"], kid);

    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            encode(json!({"alg": alg, "typ": "at+jwt", "kid": kid}).to_string()),
            encode(claims.to_string())
        )
    };
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "ES256"] {
        refused(&server, alg, &unsigned(alg));
        refused(&server, alg, unsigned(alg).trim_end_matches('.'));
    }

    let coordinate = |name: &str| decode(key[name].as_str().expect("text"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo of a P-256 key: a fixed prefix before the point.
    let mut spki = vec![0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a];
    spki.extend([0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00]);
    spki.extend(&point);
    let base64 = base64::engine::general_purpose::STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &base64[..64], &base64[64..]);
    let public: [&[u8]; 9] = [
        &point,
        &point[1..],
        &spki,
        pem.as_bytes(),
        pem.trim_end().as_bytes(),
        &key.to_string().into_bytes(),
        jwks.text.as_bytes(),
        kid.as_str().expect("text").as_bytes(),
        b"",
    ];
    for secret in public {
        for alg in ["HS256", "HS384", "HS512", "ES256"] {
            let header = json!({"alg": alg, "typ": "at+jwt", "kid": kid});
            refused(&server, "the public key as a secret", &hs256(header, &claims, secret));
        }
    }

    let mine = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = mine.public_key().as_ref()[1..].split_at(32);
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": encode(x), "y": encode(y)});
    let url = format!("http://{}/.well-known/jwks.json", server.address);
    let headers = [
        json!({"jwk": jwk}),
        json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"jwk": "text"}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"jku": url}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"x5t": "AAAA"}),
        json!({"crit": ["exp"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"zip": "DEF"}),
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"typ": "dpop+jwt"}),
        json!({"alg": "ES384"}),
        json!({"alg": "PS256"}),
        json!({"alg": ["ES256"]}),
        json!({"alg": null}),
        json!({"kid": null}),
        json!({"kid": ""}),
        json!({"kid": "unknown"}),
        json!({"kid": 1}),
        json!({"kid": [kid]}),
        json!({"kid": "../../../../../../dev/null"}),
        json!({"kid": "/dev/null"}),
        json!({"kid": "secret.key"}),
        json!({"kid": "' or 1=1 --"}),
        json!({"kid": "x' union select 'x"}),
        json!({"kid": "\u{0}"}),
        json!({"kid": "a".repeat(3000)}),
        json!({"kid": format!("{} ", kid.as_str().expect("text"))}),
    ];
    for more in headers {
        let mut header = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid});
        header.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        refused(&server, &more.to_string(), &es256(&header, &claims, &mine));
        header["alg"] = json!("HS256");
        refused(&server, &more.to_string(), &hs256(&header, &claims, b""));
        // The altered header with the signature of the real token.
        let (_, rest) = session.access.split_once('.').expect("parts");
        refused(&server, &more.to_string(), &format!("{}.{rest}", encode(header.to_string())));
    }
    assert!(session.is_accepted());
}

#[test]
fn an_altered_token_is_refused() {
    let server = Server::start();
    let session = server.user("ada").login();
    let parts: Vec<&str> = session.access.split('.').collect();
    let [head, payload, signature] = parts[..] else { panic!("three parts") };
    let mut claims = part(&session.access, 1);
    claims["permissions"] = json!(["users:write"]);
    let richer = encode(claims.to_string());
    let other = server.user("bob").login();
    let other_signature = other.access.rsplit('.').next().expect("a signature");
    let zeros = encode([0; 64]);
    let tokens = [
        format!("{head}.{payload}"),
        format!("{head}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{head}..{signature}"),
        format!("{head}.{payload}.{signature}."),
        format!("{head}.{payload}.{signature}.{signature}"),
        format!("{head}.{payload}.{signature}="),
        format!("{head}.{payload}.{}", &signature[..signature.len() - 2]),
        format!("{head}.{payload}.{other_signature}"),
        format!("{head}.{payload}.{zeros}"),
        format!("{head}.{richer}.{signature}"),
        format!("{head}.{richer}."),
        format!("{head}.{payload} .{signature}"),
        format!("{payload}.{head}.{signature}"),
        session.access.to_uppercase(),
        "..".to_owned(),
        ".".repeat(8 * 1024),
        "A".repeat(8 * 1024),
        format!("{}.{}.{}", encode("{}"), encode("{}"), encode("")),
        format!("{}.{}.", encode("[".repeat(2000)), encode("[".repeat(2000))),
        format!("{}.{payload}.{signature}", encode([0xff, 0xfe])),
    ];
    for token in tokens {
        refused(&server, &token[..token.len().min(40)], &token);
    }
    // The server does not read a token in a query parameter, or without the scheme `Bearer`.
    server.call("GET", &format!("/users/me?access_token={}", session.access)).send().expect_error(401, "missing_token");
    server.call("GET", "/users/me").header("Authorization", &session.access).send().expect_error(401, "missing_token");
}

#[test]
fn another_spelling_of_a_revoked_token_is_refused_too() {
    let server = Server::start();
    let session = server.user("ada").login();
    let spellings = [high_s_twin(&session.access), format!("{} ", session.access), session.access.clone()];
    assert_ne!(spellings[0], spellings[2]);
    let before: Vec<u16> = spellings.iter().map(|token| me(&server, token).status).collect();
    session.post("/auth/logout", json!({})).expect(200);
    for (token, before) in spellings.iter().zip(before) {
        me(&server, token).expect_error(401, if before == 200 { "token_revoked" } else { "invalid_token" });
    }
}
