//! Tests of the formats and of the bounds of their costs. The hashes were made by the named libraries.

use super::{PasswordScheme::*, *};

/// The password of all [`VECTORS`].
pub(crate) const PASSWORD: &str = "a long walk to the sea";

/// A stored hash, with its scheme and the KiB of memory that its computation takes.
pub(crate) struct Vector(pub &'static str, pub PasswordScheme, pub u64);

/// Hashes of the same password.
#[rustfmt::skip]
pub(crate) const VECTORS: &[Vector] = &[
    // Django 5.2
    Vector("pbkdf2_sha256$1000$I3soizOBfushjPli7YNec0$r2SMDMP/rqIOOC4hGxhgsYSbxdvL6P4zVJYSGMhyXmo=", Pbkdf2, 4),
    Vector("scrypt$16384$WyWoAy3xA1o38T4kTzM9ob$8$5$vCuHEoJGL3nURgunwoD+lbVfGToY2Cl19V5atxi7u7t4/NKDeXDnGKRn2/oDLpbjsJUuLlZgafnY3xgiijK5DQ==", Scrypt, 16_390),
    Vector("argon2$argon2id$v=19$m=102400,t=2,p=8$NFpEYUM3SzE4S29ZSHkzZmlBV3NMUg$M6FchMWVigLvpXrBkLmmrCjAJG0S0H7bboQwg6iOzfw", Argon2id, 102_400),
    Vector("bcrypt_sha256$$2b$12$iGtCzveNjUxd0KKxvkrRh.Vrt7MI76qGRkknwNHakD6n8psl9LVSC", Bcrypt, 4),
    Vector("bcrypt$$2b$12$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou", Bcrypt, 4),
    // passlib 1.7.4
    Vector("$pbkdf2-sha256$1000$MobwHsPYWwthjFEKAYDw3g$5C2gO6dBPIkv2gWK0ejPASZkWLSM5e/1UwCJSx8GTro", Pbkdf2, 4),
    Vector("$pbkdf2-sha512$1000$rbV2bo3xPsc4JySEkBIiBA$yfRAif.Fhb9QcmOKPRHveleUsE52pkZKYRhC98gauO3YeN33fRLsHtZWghARZumq2oAfy5PDR3f9gXMBNcbQ4Q", Pbkdf2, 4),
    Vector("$scrypt$ln=10,r=8,p=1$yTmH8N77H4OQ0novpXQOgQ$0lgplxdYDZoHkv8i8Sw892TaZNjGNegJszaTry5dpjs", Scrypt, 1026),
    Vector("$argon2i$v=19$m=256,t=3,p=4$K+X8vxdi7L13bo3RGuN8Lw$cugiC0+Y38ImC6HwHIeQS3hXONaHE4E+ly02McLQyxk", Argon2id, 256),
    Vector("$2b$04$65jyxcZ7tZTufWjQFdlf5u7AjJHeiocg1EyPrXoTck5nAIuYtv84K", Bcrypt, 4),
    Vector("$bcrypt-sha256$v=2,t=2b,r=4$0CMdZG85ThaX7JV2iaO2We$SBbnw5om4MSUSgENC/0By/PVf0hPwAi", Bcrypt, 4),
    // pwdlib 0.3
    Vector("$argon2id$v=19$m=65536,t=3,p=4$VqvWxNInOGAabKLcdXJJKw$/nIvVjTjyEs0D5DoiEfP2/p5NT5uX90G2Cvrx+gsRzA", Argon2id, 65_536),
    Vector("$2b$04$TOHW0atfA1XyQ3iD33qlb.HBLIeoi12OpAqUaKlVvAhWKTnwW6ZZO", Bcrypt, 4),
    // Werkzeug 3.1
    Vector("scrypt:32768:8:1$0fgWYKy3Tt0bz7Sz$d208ad0c193aad1433226d000a75adc2b46ef9f5860ae0c60fae364aecbae127d6c529c8f1c8daa41994ada1f50c330588a488cdf403fc3327047fd470efffb1", Scrypt, 32_770),
    Vector("pbkdf2:sha256:1000$AW5LDWFjW7CIika8$6fbdd09dd1b83e99aad14b9e7fea3d860e669d7cacb82e1b9d7f5eb60bbedbfb", Pbkdf2, 4),
    Vector("pbkdf2:sha512:1000$oABvdXF2GO7dDWIL$0b6f22cf35c27a0e0338533655110886d388f0713a5485019aaea9f87c24a5ca181005328983dd97d63fa9587994000c5f1ed7f289771c0b490fe83406ff4aa0", Pbkdf2, 4),
    // bcrypt 5.0 for Python, and PHP 8.2
    Vector("$2a$04$owLKW1jj9DOdjTbyMxf6E.jYiH48xwqpXfmI8.Vzz9sVjzJuFSNre", Bcrypt, 4),
    Vector("$2y$10$l1x6SwUDsGyf1IEont5eieS0QC4YBban5GvrPe/DCzWT2TawK1.0m", Bcrypt, 4),
    Vector("$argon2id$v=19$m=65536,t=4,p=1$UXFndGxaY0JwYllESm1zRA$6ITqwchoLuwGrofI9DpFJPpAN5oY4SmbTrYef2P3c6Q", Argon2id, 65_536),
];

/// Returns the problem of a text that is no usable hash.
fn refused(text: &str) -> UnusableHash {
    ParsedHash::parse_foreign(text).err().unwrap_or_else(|| panic!("{text} is accepted"))
}

#[test]
fn the_hash_of_each_library_is_read() {
    for Vector(text, scheme, memory) in VECTORS {
        let parsed = ParsedHash::parse_foreign(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((parsed.method.scheme(), parsed.method.memory_kib()), (*scheme, *memory), "{text}");
    }
}

#[test]
fn a_written_hash_is_read_again() {
    for Vector(text, ..) in VECTORS {
        let parsed = ParsedHash::parse_foreign(text).expect("a hash");
        let written = parsed.to_stored();
        assert!(written.as_str().starts_with('$'), "the column has a check: {}", written.as_str());
        assert!(ParsedHash::parse_foreign(written.exported()).is_ok(), "{}", written.exported());
        let again = ParsedHash::parse_foreign(written.as_str()).expect("the written hash");
        assert!((again.method, again.salt, again.digest) == (parsed.method, parsed.salt, parsed.digest), "{text}");
    }
}

#[test]
fn a_salt_of_any_length_is_kept() {
    let digest = |length: usize| "A".repeat(length);
    for length in [1, 4, 7, 8, 48, 49, 128] {
        let salt = "s".repeat(length);
        for text in [
            format!("scrypt$16384${salt}$8$1${}==", digest(86)),
            format!("scrypt:32768:8:1${salt}${}", digest(128)),
            format!("pbkdf2_sha256$1000${salt}${}=", digest(43)),
            format!("pbkdf2:sha256:1000${salt}${}", digest(64)),
        ] {
            let written = ParsedHash::parse_foreign(&text).expect("a hash").to_stored();
            let again = ParsedHash::parse_stored(&written).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(again.salt, salt.as_bytes(), "{text}");
        }
    }
}

#[test]
fn a_hash_that_is_cut_is_refused() {
    for Vector(text, ..) in VECTORS {
        // The padding of base64 may be absent, and a digest of 16 bytes is long enough.
        let digest = text.rfind(['$', '.']).expect("a dollar sign") + 16;
        (0..digest.min(text.len() - 1))
            .for_each(|length| assert!(ParsedHash::parse_foreign(&text[..length]).is_err(), "{length} of {text}"));
        assert!(
            ParsedHash::parse_foreign(&format!("{text}$")).is_err()
                && ParsedHash::parse_foreign(&format!(" {text}")).is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_hash_with_a_part_of_another_kind_is_refused() {
    for Vector(text, ..) in VECTORS {
        for (at, part) in text.split('$').enumerate().filter(|(_, part)| !part.is_empty()) {
            for other in ["-1", "+5 ", "0", "99999999999999999999", "ü", "\0", "m=1", "a,b", "=", ""] {
                let parts: Vec<&str> =
                    text.split('$').enumerate().map(|(place, part)| if place == at { other } else { part }).collect();
                // A salt may be almost any text.
                let is_salt = !other.is_empty() && part.len() >= 10 && at < parts.len() - 1;
                // Without its first part, Django's argon2 and bcrypt are those of the other libraries.
                let is_inner = other.is_empty() && !text.starts_with('$');
                let text = parts.join("$");
                assert!(is_inner || is_salt || ParsedHash::parse_foreign(&text).is_err(), "{text}");
            }
        }
    }
}

#[test]
fn the_cost_of_bcrypt_has_two_digits() {
    for cost in ["+5", "-5", "00", "03", "32", "5", "005", "5 "] {
        let text = format!("$2b${cost}$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou");
        assert!(matches!(refused(&text), UnusableHash::Malformed(_)), "{text}");
    }
}

#[test]
fn formats_that_are_not_supported_are_named_as_unknown() {
    for text in [
        "",
        "a long walk to the sea",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$hash",
        "$6$rounds=5000$salt$hash",
        "$2x$12$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou",
        "pbkdf2_sha1$1000$salt$hash",
        "md5$salt$hash",
        "ARGON2ID$v=19",
    ] {
        assert_eq!(refused(text), UnusableHash::Unknown, "{text}");
    }
}

#[test]
fn a_cost_past_its_bound_is_refused_before_any_work() {
    let digest = "0".repeat(64);
    let tail = "c2FsdHNhbHRzYWx0c2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    for text in [
        format!("$argon2id$v=19$m=262145,t=1,p=1${tail}"),
        format!("$argon2id$v=19$m=4294967295,t=4294967295,p=1${tail}"),
        format!("$argon2id$v=19$m=65536,t=33,p=1${tail}"),
        format!("$pbkdf2-sha256$5000001${tail}"),
        "pbkdf2_sha256$4294967295$salt$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=".to_owned(),
        // Two blocks of output for each iteration.
        format!("pbkdf2:sha256:2500001$salt${digest}{digest}"),
        format!("$scrypt$ln=19,r=8,p=1${tail}"),
        format!("$scrypt$ln=63,r=4294967295,p=4294967295${tail}"),
        format!("$scrypt$ln=14,r=8,p=65${tail}"),
        format!("$scrypt$ln=17,r=8,p=9${tail}"),
        // Little memory for N, and much for p or r.
        format!("$scrypt$ln=1,r=4,p=2097152${tail}"),
        format!("$scrypt$ln=1,r=1048576,p=8${tail}"),
        format!("$scrypt$ln=21,r=1,p=1${tail}"),
        format!("scrypt:9223372036854775808:8:1$salt${digest}"),
        "$2b$16$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou".to_owned(),
        "$2b$31$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou".to_owned(),
    ] {
        assert!(matches!(refused(&text), UnusableHash::TooCostly(_)), "{text}: {}", refused(&text));
    }
    for text in [
        format!("$argon2id$v=19$m=262144,t=8,p=1${tail}"),
        format!("$argon2d$m=8,t=1,p=1${tail}"),
        format!("$pbkdf2-sha256$5000000${tail}"),
        format!("$scrypt$ln=17,r=8,p=8${tail}"),
        format!("$scrypt$ln=18,r=8,p=1${tail}"),
        "$2b$15$aahT0mtsXpl.qhI/tJtZhe9L9MC2Ry//vn/km4CroVvcRaEsk2zou".to_owned(),
    ] {
        assert!(ParsedHash::parse_foreign(&text).is_ok(), "{text}");
    }
}

#[test]
fn a_hash_of_this_server_may_take_what_the_settings_permit() {
    let hash = |text: &str| {
        PasswordHash::from_stored(format!(
            "$argon2id$v=19$m={text},p=1$c2FsdHNhbHRzYWx0c2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"
        ))
    };
    for costs in ["300000,t=1", "1048576,t=100", "65536,t=40"] {
        assert!(ParsedHash::parse_stored(&hash(costs)).is_ok(), "{costs}");
        assert!(ParsedHash::parse_foreign(hash(costs).as_str()).is_err(), "{costs}");
    }
    for costs in ["1048577,t=1", "8192,t=101000"] {
        assert!(ParsedHash::parse_stored(&hash(costs)).is_err(), "{costs}");
    }
}

#[test]
fn all_memory_of_scrypt_is_counted() {
    let memory = |log_n, r, p| Method::Scrypt { log_n, r, p }.memory_kib();
    assert_eq!((memory(14, 8, 5), memory(1, 4, 2_097_152)), (16_384 + 6, 1_048_578));
}

#[test]
fn a_message_contains_no_part_of_the_hash() {
    for text in ["hunter2", "$2b$12$hunter2", "scrypt$hunter2$hunter2", "pbkdf2_sha256$9999999999$hunter2$hunter2"] {
        assert!(!refused(text).to_string().contains("hunter2"), "{text}");
    }
}

#[test]
fn the_work_of_a_cheaper_argon2_is_completed_to_that_of_the_settings() {
    let argon2 =
        |memory_kib, passes| Method::Argon2 { variant: Argon2Variant::Id, version: 0x13, memory_kib, passes, lanes: 1 };
    let filled = |method: &Method| match *method {
        Method::Argon2 { memory_kib, passes, .. } => u64::from(memory_kib) * u64::from(passes),
        _ => 0,
    };
    for (stored, wanted) in
        [((19_456, 2), (19_456, 4)), ((19_456, 2), (65_536, 3)), ((64, 1), (19_456, 2)), ((47_104, 1), (19_456, 3))]
    {
        let (stored, wanted) = (argon2(stored.0, stored.1), argon2(wanted.0, wanted.1));
        let more = stored.missing_work(&wanted).expect("work is missing");
        let sum = filled(&stored) + filled(&more);
        assert!(sum <= filled(&wanted) && sum * 100 >= filled(&wanted) * 99, "{stored:?} {wanted:?} {more:?}");
        assert!(more.memory_kib() <= wanted.memory_kib(), "it fits into a slot: {more:?}");
    }
    assert_eq!(argon2(19_456, 2).missing_work(&argon2(19_456, 2)), None);
    assert_eq!(argon2(19_456, 4).missing_work(&argon2(19_456, 2)), None);
    assert_eq!(Method::Bcrypt { cost: 5, input: BcryptInput::HmacBase64 }.missing_work(&argon2(19_456, 2)), None);
}
