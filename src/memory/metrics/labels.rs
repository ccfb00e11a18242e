//! The labels of the metrics. A label is an enum, so nothing that a client sends can become a label, and the number of time
//! series is known when the program is built.

/// A label with a fixed set of values.
pub trait Label: Copy + 'static {
    /// All values, in the order of their indexes.
    const ALL: &'static [Self];

    /// Returns the text of the value. It is part of the contract.
    fn text(self) -> &'static str;

    /// Returns the position of the value in [`Label::ALL`].
    fn index(self) -> usize;
}

/// Declares a label: an enum, and the text of each value.
macro_rules! labels {
    ($($(#[doc = $doc:literal])+ pub enum $Name:ident {
        $($(#[doc = $of_value:literal])+ $Value:ident = $text:literal,)+
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Name {
            $($(#[doc = $of_value])+ $Value,)+
        }

        impl $Name {
            /// Returns the text of the value.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Value => $text,)+
                }
            }
        }

        impl Label for $Name {
            const ALL: &'static [Self] = &[$(Self::$Value),+];

            fn text(self) -> &'static str {
                self.as_str()
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

labels! {
    /// The outcome of a login: `success`, or the error code of the response. A failure of the database is always
    /// `storage_unavailable`.
    pub enum LoginOutcome {
        /// A session was opened.
        Success = "success",
        /// The user is unknown, or the password is wrong.
        InvalidCredentials = "invalid_credentials",
        /// The user is disabled.
        AccountDisabled = "account_disabled",
        /// The limit of devices is reached.
        DeviceLimitReached = "device_limit_reached",
        /// The audience is unknown, or the required fingerprint is missing.
        InvalidRequest = "invalid_request",
        /// The client was removed meanwhile.
        InvalidClient = "invalid_client",
        /// The requested scope can't be granted.
        InvalidScope = "invalid_scope",
        /// A limit of attempts was reached.
        TooManyRequests = "too_many_requests",
        /// The queue of passwords to hash is full.
        Overloaded = "overloaded",
        /// The password could not be hashed.
        InternalError = "internal_error",
        /// The database failed.
        StorageUnavailable = "storage_unavailable",
    }

    /// The outcome of a refresh: `success`, `repeated`, or the error code of the response. A failure of the database is always
    /// `storage_unavailable`.
    pub enum RefreshOutcome {
        /// The refresh token was current.
        Success = "success",
        /// The refresh token was superseded within the grace, and the current one was returned again.
        Repeated = "repeated",
        /// The token is not a refresh token of this server or of this client, or the secret of the device is missing.
        InvalidToken = "invalid_token",
        /// The token has expired.
        TokenExpired = "token_expired",
        /// The token is of another type.
        WrongTokenType = "wrong_token_type",
        /// The session has ended, or the password was changed.
        TokenRevoked = "token_revoked",
        /// A superseded token was used again, and the session was revoked.
        RefreshReused = "refresh_reused",
        /// The session is bound to another device.
        DeviceMismatch = "device_mismatch",
        /// The client is unknown, or has not authenticated.
        InvalidClient = "invalid_client",
        /// The audience is unknown.
        InvalidRequest = "invalid_request",
        /// The requested scope was not granted.
        InvalidScope = "invalid_scope",
        /// The limit of refreshes of the session was reached.
        TooManyRequests = "too_many_requests",
        /// The database failed.
        StorageUnavailable = "storage_unavailable",
    }

    /// The limit past which a request was refused: the name of its setting, or `actions`.
    pub enum LimitReached {
        /// Wrong passwords for one name.
        LoginFailures = "login_failures_per_account",
        /// Logins from one address, or of one user.
        LoginRate = "login_rate_per_ip",
        /// Registrations from one address.
        RegisterRate = "register_rate_per_ip",
        /// Refreshes of one session.
        RefreshRate = "refresh_rate_per_session",
        /// Actions of one user.
        Actions = "actions",
        /// Passwords that wait to be hashed.
        HashQueue = "hash_queue",
    }

    /// What was tried when the database failed.
    pub enum DatabaseAccess {
        /// A read-only connection was requested.
        Read = "read",
        /// A job of the writer was run.
        Write = "write",
    }

    /// The reason for which the server closed a connection.
    pub enum ConnectionClosed {
        /// It gave way to another one of the same address, past `max_connections_per_ip`.
        AddressLimit = "address_limit",
        /// It gave way to another one, past `max_connections`.
        TotalLimit = "total_limit",
        /// It had too many requests at the same time.
        RequestLimit = "request_limit",
        /// It was past `header_timeout`, `body_timeout` or `idle_timeout`.
        Overdue = "overdue",
    }

    /// The method of a request.
    pub enum RequestMethod {
        /// `GET`
        Get = "GET",
        /// `HEAD`
        Head = "HEAD",
        /// `POST`
        Post = "POST",
        /// `PUT`
        Put = "PUT",
        /// `PATCH`
        Patch = "PATCH",
        /// `DELETE`
        Delete = "DELETE",
        /// `OPTIONS`
        Options = "OPTIONS",
        /// Every other method, and a request line that can't be read.
        Other = "other",
    }
}
