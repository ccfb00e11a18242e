//! Tests of the device secret, its text and its hash.

use super::*;

fn device_key() -> DeviceKey {
    DeviceKey::from_bytes([3; 32])
}

#[test]
fn a_secret_is_read_back_from_its_text() {
    let secret = DeviceSecret::from_bytes([0xa5; 32]);
    let text = secret.reveal();
    assert_eq!(text.len(), 43);
    let again = DeviceSecret::parse(&text).expect("the text of a secret");
    assert!(again.hash(&device_key()) == secret.hash(&device_key()));
}

#[test]
fn another_spelling_of_a_secret_is_refused() {
    let text = DeviceSecret::from_bytes([0xff; 32]).reveal();
    assert_eq!(text, format!("{}8", "_".repeat(42)));
    let (start, standard) = ("_".repeat(42), "/".repeat(42));
    let others = [
        String::new(),
        format!("{text}="),
        format!(" {text}"),
        start.clone(),
        format!("{start}9"), // The last character has two unused bits, which must be zero.
        format!("{standard}8"),
        format!("{}é", "_".repeat(41)),
        "A".repeat(44),
        "A".repeat(1_000_000),
    ];
    for other in others {
        assert_eq!(DeviceSecret::parse(&other).err(), Some(DeviceSecretError));
    }
}

#[test]
fn a_hash_depends_on_the_key_and_is_read_back() {
    let secret = DeviceSecret::from_bytes([1; 32]);
    let hash = secret.hash(&device_key());
    assert!(DeviceSecretHash::from_stored(hash.as_bytes()).expect("32 bytes") == hash);
    assert!(secret.hash(&DeviceKey::from_bytes([4; 32])) != hash);
    assert!(DeviceSecret::from_bytes([2; 32]).hash(&device_key()) != hash);
    assert!(hash.as_bytes() != &[1; 32]);
    for length in [0, 31, 33] {
        assert_eq!(DeviceSecretHash::from_stored(&vec![0; length]).err(), Some(DeviceSecretError));
    }
}

#[test]
fn debug_prints_only_the_name_of_the_type() {
    let secret = DeviceSecret::from_bytes([1; 32]);
    assert_eq!(format!("{secret:?}"), "DeviceSecret");
    assert_eq!(format!("{:?}", device_key()), "DeviceKey");
    assert_eq!(format!("{:?}", secret.hash(&device_key())), "DeviceSecretHash");
}
