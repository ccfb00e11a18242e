//! Tests of the claims of tokens with a valid signature, and of the two types of token.

use serde_json::{Value, json};

use super::{SHARED, me, refused, with_known_key};
use crate::support::{
    forge::{encode, hs256},
    part,
};

#[test]
fn claims_are_checked_even_if_the_signature_is_valid() {
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
        // The claim twice, in either order: no parser may read another value than the other parsers.
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
    // A custom claim twice, at any depth.
    let text = claims.to_string();
    for custom in [r#""tenant":"a","tenant":"b""#, r#""tenant":[{"id":1,"id":2}]"#] {
        let payload = format!("{},{custom}}}", &text[..text.len() - 1]);
        refused(&server, &payload, &sign(&header, &payload));
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
    // A name twice in the header: first a wrong `kid` and then the right `kid`; first a forbidden `alg` and then the right
    // `alg`.
    let kid = &header["kid"];
    for head in [
        format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"x","kid":{kid}}}"#),
        format!(r#"{{"alg":"none","alg":"HS256","typ":"at+jwt","kid":{kid}}}"#),
    ] {
        refused(&server, &head, &hs256(&head, &claims, SHARED.as_bytes()));
    }
}

#[test]
fn one_type_of_token_is_never_accepted_as_the_other() {
    let server = with_known_key(vec![]);
    let session = server.user("ada").login();
    me(&server, &session.refresh).expect_error(401, "wrong_token_type");
    let swapped = server.post("/auth/refresh", json!({"refresh_token": session.access}));
    let challenge = swapped.expect_error(401, "wrong_token_type").header("www-authenticate").map(str::to_owned);
    assert!(challenge.is_some_and(|challenge| challenge.contains(r#"error="invalid_token""#)));
    // The header names one type of token, and the claims are those of the other type.
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
