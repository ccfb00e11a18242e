//! Tests of refresh tokens.

use zeroize::Zeroizing;

use super::*;
use crate::domain::{generations::Generations, mismatches::Mismatches};

const ISSUER: &str = "https://auth.example.com";

/// Returns the time that many seconds after a fixed one.
fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_800_000_000 + seconds)
}

fn key(byte: u8) -> DerivedKey {
    DerivedKey::new(Zeroizing::new([byte; 32]))
}

fn tokens() -> RefreshTokens {
    RefreshTokens::new(key(1), ISSUER)
}

/// Returns a session in its third generation, which was issued after 20 seconds. Its refresh token expires after an hour.
fn session() -> Session {
    Session {
        id: SessionId::new(at(0), [1; 10]),
        user_id: UserId::new(at(0), [2; 10]),
        client_id: "app".to_owned(),
        device: None,
        scope: None,
        device_name: None,
        user_agent: None,
        ip: None,
        created_at: at(0),
        last_used_at: at(20),
        expires_at: at(86_400),
        refresh_expires_at: at(3_600),
        generations: Generations::from_stored(3, &[at(10), at(20)], &[], 1).expect("possible generations"),
        access_expires_at: at(900),
        auth_time: at(0),
        failed_proofs: 0,
        mismatches: Mismatches::default(),
        repeated: None,
        fingerprint: None,
        device_seen: false,
        revoked_at: None,
        revoked_reason: None,
    }
}

/// Returns a token with these claims and this `typ`, signed with the key of [`tokens`].
fn signed(typ: &str, claims: &impl Serialize) -> String {
    tokens().signer.sign(typ, None, claims)
}

#[test]
fn a_token_says_what_the_row_says_and_nothing_else() {
    let (tokens, session) = (tokens(), session());
    let claims = tokens.verify(&tokens.current(&session), at(20)).expect("a valid token");
    assert_eq!(claims.issuer(), ISSUER);
    assert_eq!((claims.sub, claims.sid, claims.generation), (session.user_id, session.id, 3));
    assert_eq!((claims.issued_at(), claims.expires_at()), (at(20), at(3_600)));
    assert_eq!(claims.id(), tokens.current_id(&session));
    let expected = serde_json::json!({
        "type": "refresh",
        "iss": ISSUER,
        "sub": session.user_id.to_string(),
        "client_id": "app",
        "sid": session.id.to_string(),
        "jti": tokens.current_id(&session).to_string(),
        "iat": 1_800_000_020,
        "exp": 1_800_003_600,
        "gen": 3,
    });
    assert_eq!(Value::Object(claims.raw()), expected);
}

#[test]
fn the_same_row_has_the_same_token_and_another_row_another_one() {
    let tokens = tokens();
    assert_eq!(tokens.current(&session()), tokens.current(&session()));
    let others = [
        Session { id: SessionId::new(at(0), [9; 10]), ..session() },
        Session { user_id: UserId::new(at(0), [9; 10]), ..session() },
        Session { client_id: "other".to_owned(), ..session() },
        Session { refresh_expires_at: at(3_601), ..session() },
        Session { generations: session().generations.after_password_change(at(20)), ..session() },
    ];
    for other in others {
        assert_ne!(tokens.current(&session()), tokens.current(&other), "{other:?}");
    }
}

#[test]
fn a_token_expires_in_the_second_of_its_exp() {
    let tokens = tokens();
    let token = tokens.current(&session());
    assert!(tokens.verify(&token, at(3_599)).is_ok());
    for late in [3_600, 3_601, 1_000_000] {
        assert_eq!(tokens.verify(&token, at(late)).expect_err("an expired token"), RefreshTokenError::Expired);
        assert!(tokens.verify_signature(&token).is_ok());
    }
}

#[test]
fn a_token_of_another_type_key_or_issuer_is_refused_with_its_reason() {
    let tokens = tokens();
    let claims = tokens.verify_signature(&tokens.current(&session())).expect("a valid token");
    let of_another_issuer = RefreshTokens::new(key(1), "https://other.example.com").current(&session());
    let of_another_key = RefreshTokens::new(key(2), ISSUER).current(&session());
    for (token, reason) in [
        (signed(jwt::ACCESS_TYP, &claims), RefreshTokenError::WrongType),
        (signed("JWT", &claims), RefreshTokenError::Invalid),
        (signed(jwt::REFRESH_TYP, &serde_json::json!({"iss": ISSUER})), RefreshTokenError::Invalid),
        (of_another_issuer, RefreshTokenError::Invalid),
        (of_another_key, RefreshTokenError::Invalid),
        ("no token".to_owned(), RefreshTokenError::Invalid),
    ] {
        assert_eq!(tokens.verify_signature(&token).expect_err("a refused token"), reason, "{token}");
        assert_eq!(tokens.verify(&token, at(20)).expect_err("a refused token"), reason, "{token}");
    }
    // The same claims with the right type and key are accepted.
    assert!(tokens.verify_signature(&signed(jwt::REFRESH_TYP, &claims)).is_ok());
}

#[test]
fn an_id_belongs_to_the_generations_whose_times_are_stored() {
    let (tokens, session) = (tokens(), session());
    let id = |generation, seconds| tokens.id(session.id, generation, at(seconds));
    for (generation, seconds) in [(3, 20), (2, 10)] {
        assert!(tokens.is_id_of(id(generation, seconds), &session), "generation {generation}");
    }
    for (generation, seconds) in [(1, 0), (4, 30), (3, 10), (2, 20)] {
        assert!(!tokens.is_id_of(id(generation, seconds), &session), "generation {generation}");
    }
    let other = Session { id: SessionId::new(at(0), [9; 10]), ..session.clone() };
    assert!(!tokens.is_id_of(tokens.current_id(&session), &other));
}
