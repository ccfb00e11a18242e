//! The request guards, from routes of an application's own; and everything that is wrong with a token (RFC 8725).

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rocket::{Route, get, post, routes, serde::json::Json};
use serde_json::{Value, json};
use sha2::Sha256;
use vestibule::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken};

use crate::support::{Answer, PASSWORD, Server, part, wait_for};

#[get("/token")]
fn token(token: AccessToken) -> String {
    token.claims().sub.to_string()
}

#[get("/maybe")]
fn maybe(token: MaybeAccessToken) -> String {
    token.token().map_or_else(|| "nobody".to_owned(), |token| token.claims().sub.to_string())
}

#[get("/fresh")]
fn fresh(token: FreshToken) -> String {
    token.claims().sub.to_string()
}

#[post("/fresh")]
fn change(token: FreshToken) -> String {
    token.claims().sub.to_string()
}

#[get("/user")]
fn user(user: CurrentUser) -> Json<Value> {
    let permissions: Vec<&str> = user.permissions().iter().map(|permission| permission.as_str()).collect();
    Json(json!({
        "id": user.id().to_string(),
        "username": user.username(),
        "email": user.email(),
        "session": user.session_id().to_string(),
        "roles": user.roles(),
        "permissions": permissions,
        "reads": user.has_permission("things:read"),
        "writes": user.has_permission("things:write"),
    }))
}

#[get("/several")]
fn several(token: AccessToken, maybe: MaybeAccessToken, fresh: FreshToken, user: CurrentUser) -> String {
    assert_eq!(maybe.token().map(|token| token.claims().jti), Some(token.claims().jti));
    assert_eq!(fresh.claims().jti, token.claims().jti);
    user.id().to_string()
}

fn own_routes() -> Vec<Route> {
    routes![token, maybe, fresh, change, user, several]
}

const OWN: [&str; 5] = ["/test/token", "/test/maybe", "/test/fresh", "/test/user", "/test/several"];

#[test]
fn each_guard_lets_in_who_has_what_it_stands_for() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user("ada");
    let session = ada.login();
    for path in OWN {
        let call = |authorization: &str| server.call("GET", path).header("Authorization", authorization).send();
        for nothing in [server.call("GET", path).send(), call("Basic YWRhOnB3"), call("Bearer")] {
            if path == "/test/maybe" {
                assert_eq!(nothing.expect(200).text, "nobody");
            } else {
                nothing.expect_error(401, "missing_token");
            }
        }
        assert!(session.get(path).expect(200).text.contains(&ada.id), "{path}");
        for forged in ["x", "a.b.c", &session.access[..session.access.len() - 4], &format!("{}x", session.access)] {
            call(&format!("Bearer {forged}")).expect_error(401, "invalid_token");
        }
        call(&format!("Bearer {}", session.refresh)).expect_error(401, "wrong_token_type");
        call(&format!("Bearer {}", "x".repeat(9000))).expect_error(400, "malformed_request");
    }
    let stale = session.refreshed();
    for path in OWN {
        let answer = stale.get(path);
        if path == "/test/fresh" || path == "/test/several" {
            let answer = answer.expect_error(401, "fresh_token_required");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        } else {
            answer.expect(200);
        }
    }
    session.post("/auth/logout", json!({"refresh_token": stale.refresh})).expect(200);
    for path in OWN {
        session.get(path).expect_error(401, "token_revoked");
    }
    server.advance(900);
    for path in OWN {
        session.get(path).expect_error(401, "token_expired");
    }
}

#[test]
fn the_current_user_is_who_the_token_says() {
    let claims = vec![("token_claims", json!(["username", "email"]))];
    let server = Server::with_routes(claims, own_routes());
    let ada = server.user_with("ada", &[], &["things:read", "a:b"]);
    let session = ada.login();
    let expected = json!({
        "id": ada.id, "username": "ada", "email": "ada@example.com", "session": session.id, "roles": [],
        "permissions": ["a:b", "things:read"], "reads": true, "writes": false,
    });
    assert_eq!(session.get("/test/user").expect(200).body, expected);
    let usual = Server::with_routes(vec![], own_routes());
    let answer = usual.user_with("root", &["admin"], &[]).login().get("/test/user").expect(200);
    assert_eq!((&answer.body["email"], &answer.body["roles"]), (&Value::Null, &json!(["admin"])));
}

#[test]
fn a_guard_counts_a_cookie_with_its_csrf_token_as_well() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user("ada");
    let login = ada.try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = format!("access_token={}", login.cookie("access_token").expect("a cookie"));
    for path in OWN {
        assert!(server.call("GET", path).header("Cookie", &cookie).send().expect(200).text.contains(&ada.id), "{path}");
        server.call("GET", path).header("Cookie", "access_token=a.b.c").send().expect_error(401, "invalid_token");
    }
    let change = || server.call("POST", "/test/fresh").header("Cookie", &cookie);
    change().send().expect_error(403, "csrf_failed");
    change().header("X-CSRF-Token", login.text_at("csrf_token")).send().expect(200);
}

#[test]
fn a_checked_request_reads_no_database() {
    let server = Server::with_routes(vec![], own_routes());
    let (ada, bob) = (server.user("ada").login(), server.user("bob").login());
    bob.post("/auth/logout", json!({})).expect(200);
    wait_for(server.vestibule.store.close());
    ada.get("/users/me").expect_error(503, "storage_unavailable");
    for path in OWN {
        ada.get(path).expect(200);
        bob.get(path).expect_error(401, "token_revoked");
    }
}

// What follows is about the token itself.

type Hs256 = Hmac<Sha256>;

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn hs256(header: impl ToString, payload: impl ToString, key: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
    let mut mac = Hs256::new_from_slice(key).expect("any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(mac.finalize().into_bytes()))
}

fn es256(header: impl ToString, payload: impl ToString, key: &EcdsaKeyPair) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("it signs");
    format!("{signed}.{}", encode(signature.as_ref()))
}

fn me(server: &Server, token: &str) -> Answer {
    server.call("GET", "/users/me").bearer(token).send()
}

#[track_caller]
fn refused(server: &Server, what: &str, token: &str) {
    let answer = me(server, token);
    assert_eq!((answer.status, answer.body["error"].as_str()), (401, Some("invalid_token")), "{what}");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with(r#"Bearer realm="vestibule", error="invalid_token""#), "{what}: {challenge}");
}

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

    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect("text")).expect("base64url");
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
        // With the signature of the real token.
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
    // A token without the text "Bearer" before it, and one as a query parameter or a form field, are none.
    server.call("GET", &format!("/users/me?access_token={}", session.access)).send().expect_error(401, "missing_token");
    server.call("GET", "/users/me").header("Authorization", &session.access).send().expect_error(401, "missing_token");
}

/// The other `s` of an ES256 signature: `n - s` signs the same text.
fn twin(token: &str) -> String {
    const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (signed, signature) = token.rsplit_once('.').expect("parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let mut borrow = 0;
    for at in (0..32).rev() {
        let n = i32::from_str_radix(&N[2 * at..2 * at + 2], 16).expect("hex");
        let difference = n - i32::from(signature[32 + at]) - borrow;
        borrow = i32::from(difference < 0);
        signature[32 + at] = difference.rem_euclid(256).try_into().expect("a byte");
    }
    format!("{signed}.{}", encode(signature))
}

#[test]
fn another_spelling_of_a_revoked_token_is_revoked_too() {
    let server = Server::start();
    let session = server.user("ada").login();
    let spellings = [twin(&session.access), format!("{} ", session.access), session.access.clone()];
    assert_ne!(spellings[0], spellings[2]);
    let before: Vec<u16> = spellings.iter().map(|token| me(&server, token).status).collect();
    session.post("/auth/logout", json!({})).expect(200);
    for (token, before) in spellings.iter().zip(before) {
        me(&server, token).expect_error(401, if before == 200 { "token_revoked" } else { "invalid_token" });
    }
}

const SHARED: &str = "kZ8vQ2mX7pR4tW9yB3nF6hJ1cL5dG0sA";

/// A server whose signing key the test knows, with a session.
fn with_known_key(more: Vec<(&'static str, Value)>) -> Server {
    Server::with([vec![("secret_key", json!(SHARED))], more].concat())
}

#[test]
fn claims_are_checked_even_when_the_signature_holds() {
    let server = with_known_key(vec![]);
    let session = server.user("ada").login();
    let (header, claims) = (part(&session.access, 0), part(&session.access, 1));
    assert_eq!(header["alg"], "HS256");
    let sign = |header: &Value, payload: &str| hs256(header, payload, SHARED.as_bytes());
    let exp = claims["exp"].as_i64().expect("a number");
    me(&server, &sign(&header, &claims.to_string())).expect(200);

    for name in
        ["iss", "aud", "sub", "client_id", "iat", "nbf", "exp", "jti", "sid", "av", "type", "fresh", "auth_time"]
    {
        for value in [None, Some(json!(null)), Some(json!({})), Some(json!([])), Some(json!(""))] {
            let mut claims = claims.clone();
            let what = format!("{name}: {value:?}");
            match value {
                None => claims.as_object_mut().expect("an object").remove(name),
                Some(value) => claims.as_object_mut().expect("an object").insert(name.to_owned(), value),
            };
            refused(&server, &what, &sign(&header, &claims.to_string()));
        }
        // Twice, in either order: the first parser must not see another one than the last.
        let (text, own) = (claims.to_string(), json!({name: claims[name]}).to_string());
        let again = format!("{{{},{}", &own[1..own.len() - 1], &text[1..]);
        refused(&server, &again, &sign(&header, &again));
        let again = format!("{},{}", &text[..text.len() - 1], &own[1..]);
        refused(&server, &again, &sign(&header, &again));
    }
    let other = [
        ("exp", json!(exp.to_string())),
        ("exp", json!(true)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(claims["nbf"].as_i64().expect("a number") + 3)),
        ("iss", json!("https://evil.example")),
        ("iss", json!("http://auth.test/")),
        ("iss", json!(["http://auth.test"])),
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://other.example"])),
        ("client_id", json!("other")),
        ("sub", json!("ada")),
        ("sub", json!("00000000-0000-0000-0000-000000000000'")),
        ("sid", json!("../x")),
        ("type", json!("refresh")),
        ("type", json!("Access")),
        ("av", json!("1")),
        ("fresh", json!("true")),
        ("roles", json!("admin")),
    ];
    for (name, value) in other {
        let mut claims = claims.clone();
        claims[name] = value.clone();
        refused(&server, &format!("{name}: {value}"), &sign(&header, &claims.to_string()));
    }
    for payload in ["", "null", "[]", "{}", "\"x\"", "1", &format!("{claims}{claims}"), &format!("{claims} x")] {
        refused(&server, payload, &sign(&header, payload));
    }
    for (exp, status, code) in [(0, 401, "token_expired"), (-1, 401, "token_expired"), (i64::MIN, 401, "token_expired")]
    {
        let mut claims = claims.clone();
        claims["exp"] = json!(exp);
        me(&server, &sign(&header, &claims.to_string())).expect_error(status, code);
    }
    for ahead in [1, 2] {
        let mut claims = claims.clone();
        claims["nbf"] = json!(claims["nbf"].as_i64().expect("a number") + ahead);
        me(&server, &sign(&header, &claims.to_string())).expect(200);
    }
    let mut forever = claims.clone();
    forever["exp"] = json!(i64::MAX);
    me(&server, &sign(&header, &forever.to_string())).expect(200);
    for typ in ["application/at+jwt", "AT+JWT"] {
        let mut header = header.clone();
        header["typ"] = json!(typ);
        me(&server, &sign(&header, &claims.to_string())).expect(200);
    }
    for (name, value) in [("kid", json!(null)), ("kid", json!("x")), ("typ", json!("JWT")), ("alg", json!("none"))] {
        let mut header = header.clone();
        header[name] = value.clone();
        refused(&server, &format!("{name}: {value}"), &sign(&header, &claims.to_string()));
    }
    // The header twice: the first `kid` is unknown, the last is ours, and the other way round.
    let kid = &header["kid"];
    for head in [
        format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"x","kid":{kid}}}"#),
        format!(r#"{{"alg":"none","alg":"HS256","typ":"at+jwt","kid":{kid}}}"#),
    ] {
        refused(&server, &head, &hs256(&head, &claims, SHARED.as_bytes()));
    }
}

#[test]
fn one_kind_of_token_is_never_taken_for_the_other() {
    let server = with_known_key(vec![]);
    let session = server.user("ada").login();
    me(&server, &session.refresh).expect_error(401, "wrong_token_type");
    let swapped = server.post("/auth/refresh", json!({"refresh_token": session.access}));
    let challenge = swapped.expect_error(401, "wrong_token_type").header("www-authenticate").map(str::to_owned);
    assert!(challenge.is_some_and(|challenge| challenge.contains(r#"error="invalid_token""#)));
    // The header says one kind, the claims are of the other.
    let refresh = part(&session.refresh, 1);
    let as_access = hs256(part(&session.access, 0), &refresh, SHARED.as_bytes());
    refused(&server, "a refresh token's claims", &as_access);
    let as_refresh = hs256(json!({"alg": "HS256", "typ": "rt+jwt"}), &refresh, SHARED.as_bytes());
    server.post("/auth/refresh", json!({"refresh_token": as_refresh})).expect_error(401, "invalid_token");
    let with_kid =
        hs256(json!({"alg": "HS256", "typ": "rt+jwt", "kid": part(&session.access, 0)["kid"]}), &refresh, b"");
    server.post("/auth/refresh", json!({"refresh_token": with_kid})).expect_error(401, "invalid_token");
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none","typ":"rt+jwt"}"#), encode(refresh.to_string()));
    server.post("/auth/refresh", json!({"refresh_token": unsigned})).expect_error(401, "invalid_token");
    for text in ["x", "..", &".".repeat(8 * 1024), &"a".repeat(60_000)] {
        server.post("/auth/refresh", json!({"refresh_token": text})).expect_error(401, "invalid_token");
    }
    assert!(session.is_accepted());
    session.refreshed();
}

#[test]
fn a_token_is_over_in_the_second_of_its_exp() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.advance(899);
    session.get("/users/me").expect(200);
    server.advance(1);
    let answer = session.get("/users/me").expect_error(401, "token_expired");
    assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.contains(r#"error="invalid_token""#)));
    // A clock that steps back: before its `nbf` a token does not hold yet, but for two seconds by which clocks differ.
    server.advance(-903);
    session.get("/users/me").expect_error(401, "invalid_token");
    for _ in 0..3 {
        server.advance(1);
        session.get("/users/me").expect(200);
    }
}

#[test]
fn the_leeway_counts_at_both_ends_of_a_token() {
    let server = Server::with(vec![("leeway", json!("10s"))]);
    let session = server.user("ada").login();
    for (moved, accepted) in [(-10, true), (-1, false), (11 + 909, true), (1, false)] {
        server.advance(moved);
        assert_eq!(session.is_accepted(), accepted, "{moved}");
    }
}

#[test]
fn a_token_of_another_server_is_refused() {
    let (here, there) = (Server::start(), Server::start());
    here.user("ada");
    let foreign = there.user("ada").login();
    refused(&here, "another key", &foreign.access);
    here.post("/auth/refresh", json!({"refresh_token": foreign.refresh})).expect_error(401, "invalid_token");
    here.post("/auth/logout", json!({"refresh_token": foreign.refresh})).expect_error(401, "invalid_token");
    here.call("POST", "/auth/logout").bearer(&foreign.access).send().expect_error(401, "invalid_token");
    // The same secrets under another name.
    let root = ("root_secret", json!("Wq3zT8uY5rE1oP6iK9jH2gF7dS4aL0mN"));
    let issuer = ("issuer", json!("https://other.example"));
    let (one, other) = (with_known_key(vec![root.clone()]), with_known_key(vec![root, issuer]));
    let session = other.user("ada").login();
    refused(&one, "another issuer", &session.access);
    one.post("/auth/refresh", json!({"refresh_token": session.refresh})).expect_error(401, "invalid_token");
    assert!(session.is_accepted());
}

#[test]
fn a_token_survives_a_restart_and_so_does_its_revocation() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let (kept, ended) = (ada.login(), bob.login());
    ended.post("/auth/logout", json!({})).expect(200);
    let (kept, ended) = (kept.access, ended.access);
    let server = server.restart();
    me(&server, &kept).expect(200);
    me(&server, &ended).expect_error(401, "token_revoked");
    server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
}
