//! Identifiers, one type for each kind of object, so that the compiler rejects an id of another kind. The ids are
//! UUIDv7 (RFC 9562 §5.7), so that rows are stored in the order of their creation. Only [`DeviceRow`] is random, and an
//! imported user keeps the UUID of the other system.

use std::fmt;

use uuid::{Builder, Uuid};

use super::UnixTime;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form in lower case, the only form that this server writes. Returns `None` for any
            /// other text.
            pub fn parse(text: &str) -> Option<Self> {
                let uuid = Uuid::try_parse(text).ok()?;
                (uuid.to_string() == text).then_some(Self(uuid))
            }

            /// Returns the id as a UUID.
            pub fn uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

macro_rules! time_ordered {
    ($($name:ident),*) => {
        $(impl $name {
            /// Returns a new id. `now` is the time of creation. `entropy` must be new random bytes, or bytes that are
            /// derived under a secret key.
            pub fn new(now: UnixTime, entropy: [u8; 10]) -> Self {
                Self(uuid_v7(now, entropy))
            }
        })*
    };
}

id!(
    /// The id of a user: the claim `sub` of every token.
    ///
    /// ```
    /// use vestibule::UserId;
    ///
    /// let text = "019a9c1e-5b7d-7c32-8f10-6a4be2d90c55";
    /// assert_eq!(UserId::parse(text).expect("a valid id").to_string(), text);
    /// assert!(UserId::parse("ada").is_none());
    /// ```
    UserId
);
id!(
    /// The id of a session, that is, of one sign-in on one device: the claim `sid` of its tokens. It is read and printed like a
    /// [`UserId`], which has an example.
    SessionId
);
id!(
    /// The id of the row of a device. It is not the `device_id` that a client sends, which is a secret.
    DeviceRowId
);
id!(
    /// The id of a token: its claim `jti`. It is read and printed like a [`UserId`], which has an example.
    TokenId
);

time_ordered!(UserId, SessionId, TokenId);

impl DeviceRowId {
    /// Returns a new id: a UUIDv4 (RFC 9562 §5.4) of 16 new random bytes. If the ids were in the order of creation,
    /// every login would write to the end of the same index, where the transactions of simultaneous logins collide.
    /// Devices of earlier versions have UUIDv7 ids.
    pub fn new(entropy: [u8; 16]) -> Self {
        Self(Builder::from_random_bytes(entropy).into_uuid())
    }
}

/// Returns a UUIDv7 with the timestamp `now` and the given 10 random bytes. A time before 1970 counts as 1970.
fn uuid_v7(now: UnixTime, entropy: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.seconds()).unwrap_or_default().saturating_mul(1000);
    Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid()
}
