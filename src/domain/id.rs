//! Identifiers: UUIDv7 (RFC 9562 §5.7), so that rows lie in the order of their making. One type each, so that none is
//! taken for another.

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
            /// A new id made at `now`; `entropy` is fresh random bytes.
            pub fn new(now: UnixTime, entropy: [u8; 10]) -> Self {
                Self(uuid_v7(now, entropy))
            }

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

/// A UUIDv7 of second `now` over ten given bytes.
fn uuid_v7(now: UnixTime, entropy: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.seconds()).unwrap_or_default().saturating_mul(1000);
    Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid()
}
