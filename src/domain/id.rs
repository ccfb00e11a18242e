//! Identifiers: UUIDv7 (RFC 9562 §5.7), so that rows lie in the order of their making, but for devices. One type each, so
//! that none is taken for another.

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
            /// Reads the hyphenated text form in lower case, the only form that we write.
            pub fn parse(text: &str) -> Option<Self> {
                let uuid = Uuid::try_parse(text).ok()?;
                (uuid.to_string() == text).then_some(Self(uuid))
            }

            /// The id as a UUID.
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

macro_rules! in_order_of_making {
    ($($name:ident),*) => {
        $(impl $name {
            /// A new id made at `now`; `entropy` is fresh random bytes.
            pub fn new(now: UnixTime, entropy: [u8; 10]) -> Self {
                Self(uuid_v7(now, entropy))
            }
        })*
    };
}

id!(
    /// A user: the `sub` of every token.
    UserId
);
id!(
    /// A session: one sign-in on one device, the `sid` of its tokens.
    SessionId
);
id!(
    /// The row of a device. Not the `device_id` that clients hold, which is a secret.
    DeviceRow
);
id!(
    /// One token: its `jti`.
    TokenId
);

in_order_of_making!(UserId, SessionId, TokenId);

impl DeviceRow {
    /// A new id of 16 fresh random bytes: a UUIDv4 (RFC 9562 §5.4). With ids in the order of their making every login writes
    /// to the end of the same index, where logins that a database runs at once collide. Older rows keep such ids.
    pub fn new(entropy: [u8; 16]) -> Self {
        Self(Builder::from_random_bytes(entropy).into_uuid())
    }
}

/// A UUIDv7 of second `now` over ten given bytes.
fn uuid_v7(now: UnixTime, entropy: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.seconds()).unwrap_or_default().saturating_mul(1000);
    Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid()
}
