//! The choices that the configuration offers: the profile, how users log in, how devices are treated, and what tokens contain.

use super::words::{switches, words};

words! {
    /// The profile, which determines the defaults and the tables of the file that are read.
    #[derive(Default)]
    pub Profile {
        /// The profile of `vestibule serve`, and of all commands except `vestibule dev`.
        #[default]
        Serve = "serve",
        /// The profile of `vestibule dev`, which is for prototyping a front end.
        Dev = "dev",
    }
}

words! {
    /// The name with which users log in.
    pub UsernameField {
        /// The email address.
        Email = "email",
        /// The username.
        Username = "username",
        /// The email address or the username.
        Either = "either",
    }
}

words! {
    /// The persons who may create an account.
    pub Registration {
        /// Anybody may create an account.
        Open = "open",
        /// Only an operator may create accounts.
        Closed = "closed",
    }
}

words! {
    /// The effect of the limit of devices on a login that would exceed it.
    pub LimitPolicy {
        /// The login ends the session of the device that was used least recently.
        EvictOldest = "evict_oldest",
        /// The login is refused.
        Reject = "reject",
    }
}

words! {
    /// The use of fingerprints.
    pub FingerprintPolicy {
        /// Fingerprints are not read.
        Off = "off",
        /// Fingerprints are compared, and differences are recorded. No request is refused.
        Log = "log",
        /// A session whose login had a fingerprint is refreshed only with a fingerprint of the same device.
        Enforce = "enforce",
        /// Like `Enforce`. In addition, a login without a fingerprint is refused.
        Require = "require",
    }
}

words! {
    /// How the sign-in page asks before it reads the properties of the browser.
    pub FingerprintConsent {
        /// The page says that they are read.
        Notice = "notice",
        /// The page has a box, and nothing is read while it is not ticked.
        Ask = "ask",
    }
}

words! {
    /// The tokens that a revocation of a session invalidates.
    pub Blacklist {
        /// Access tokens and refresh tokens, at once.
        Both = "BLACKLIST_BOTH",
        /// Only refresh tokens. Access tokens of a revoked session are accepted until they expire.
        Refresh = "BLACKLIST_REFRESH",
    }
}

words! {
    /// The requests from other sites with which a browser sends a cookie: the attribute `SameSite`.
    pub SameSite {
        /// No request from another site.
        Strict = "strict",
        /// Only a request of a user who follows a link to this server.
        Lax = "lax",
        /// Every request. Browsers accept this value only together with the attribute `Secure`.
        None = "none",
    }
}

words! {
    /// The format of the log.
    pub LogFormat {
        /// Text for a person.
        Text = "text",
        /// One JSON object in each line.
        Json = "json",
    }
}

words! {
    /// The users who may use a host that has no rule of its own.
    pub SitesDefault {
        /// Everybody who is signed in.
        SignedIn = "signed_in",
        /// Nobody.
        Deny = "deny",
    }
}

words! {
    /// The least severe events that the log contains.
    pub LogLevel {
        /// Failures of the server.
        Error = "error",
        /// Also what an operator should look at.
        Warn = "warn",
        /// Also the start, the stop, and each request except what forward authentication permits.
        Info = "info",
        /// Also each request that forward authentication permits.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

switches! {
    /// The personal claims that an access token contains.
    pub TokenClaims {
        /// Whether the token contains `username`.
        username,
        /// Whether the token contains `email`.
        email,
    }
}

switches! {
    /// The places in a request where an access token is accepted. At least one is `true`.
    pub TokenLocation at least 1 {
        /// Whether the header `Authorization: Bearer …` is accepted.
        headers,
        /// Whether the access cookie is accepted.
        cookies,
    }
}

switches! {
    /// The grants that a client may use at the token endpoint (RFC 6749 §1.3).
    pub Grants {
        /// Whether the grant `password` is permitted.
        password,
        /// Whether the grant `refresh_token` is permitted.
        refresh_token,
    }
}
