//! All rate limits of the server, with their keys.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32};

pub use super::limit::RetryAfter;
use super::{
    limit::{FailureLimit, KeyedLock, Limit},
    metrics::LimitReached,
};
use crate::{
    clock::Clock,
    config::Limits,
    domain::{DeviceRowId, SessionId, UserId, audit_event::Event, rate::Rate},
};

/// The repeats of one session that are answered. A browser with a hundred tabs needs fewer.
const REPEATS: Rate = Rate::of(600, 60);

/// The actions of a signed-in user. A person makes a few in an hour; a script that makes more has to wait between them.
const ACTIONS: Rate = Rate::of(600, 3600);

/// The logins past a limit from one address that are recorded.
const RECORDED_OF_ADDRESS: Rate = Rate::of(30, 60);

/// The events of one session that are recorded although a client can cause them as often as it likes.
const RECORDED_OF_SESSION: Rate = Rate::of(10, 60);

/// The number of addresses from which a user may sign in as often as one address may.
const ADDRESSES_OF_A_USER: u32 = 2;

/// The number of estimates of a password's strength for each permitted registration. Mistyped passwords must not use up the
/// registrations.
const ESTIMATES_PER_REGISTRATION: u32 = 10;

/// All rate limits of the server, and the locks by session that make other limits exact.
pub struct Throttle {
    /// Login attempts, by IP address.
    pub logins: Limit<Network>,
    /// Wrong passwords, by the typed login name and, on a known device, by the device.
    pub failures: FailureLimit<TypedName>,
    /// Logins with the right password, by user, from all addresses together.
    pub logins_of_user: Limit<UserId>,
    /// What a signed-in user makes the server write or compute beyond the limits of a session, by user.
    pub actions: Limit<UserId>,
    /// New passwords whose strength is estimated, by IP address.
    pub estimates: Limit<Network>,
    /// New accounts, and attempts to use a name that is taken, by IP address.
    pub registrations: FailureLimit<Network>,
    /// Refreshes that write to the database, by session.
    pub refreshes: Limit<SessionId>,
    /// Refreshes within the grace, which write nothing but issue an access token, by session.
    pub repeats: Limit<SessionId>,
    /// Events that a client can cause as often as it likes.
    pub recorded: RecordedEvents,
    /// Attempts past a limit. The first in each window is recorded.
    pub refused: RefusedAttempts,
    /// Password proofs, by session. Five consecutive wrong passwords end a session. So the passwords of one session are
    /// compared one at a time: in parallel, more than five could be compared before the session ends.
    pub proofs: KeyedLock<SessionId>,
    /// Fingerprint checks, by session. Three consecutive mismatches end a session, so the fingerprints of one session
    /// are also compared one at a time.
    pub fingerprints: KeyedLock<SessionId>,
}

impl Throttle {
    /// Returns the limits with full allowances.
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        let refreshes = limits.refresh_rate_per_session;
        let estimates = limits.register_rate_per_ip.map(|rate| rate.times(ESTIMATES_PER_REGISTRATION));
        Self {
            logins: Limit::new(limits.login_rate_per_ip, clock),
            failures: FailureLimit::new(limits.login_failures_per_account, clock),
            logins_of_user: Limit::new(limits.login_rate_per_ip.map(|rate| rate.times(ADDRESSES_OF_A_USER)), clock),
            actions: Limit::new(limits.refresh_rate_per_session.and(Some(ACTIONS)), clock),
            estimates: Limit::new(estimates, clock),
            registrations: FailureLimit::new(limits.register_rate_per_ip, clock),
            refreshes: Limit::new(refreshes, clock),
            repeats: Limit::new(refreshes.and(Some(REPEATS)), clock),
            recorded: RecordedEvents {
                each: Limit::new(Some(Rate::of(1, 60)), clock),
                of_session: Limit::new(Some(RECORDED_OF_SESSION), clock),
            },
            refused: RefusedAttempts::new(limits, clock),
            proofs: KeyedLock::default(),
            fingerprints: KeyedLock::default(),
        }
    }

    /// Makes the allowances of logins, registrations and actions full again.
    pub fn clear(&self) {
        self.logins.clear();
        self.failures.clear();
        self.logins_of_user.clear();
        self.actions.clear();
        self.estimates.clear();
        self.registrations.clear();
    }

    /// Removes entries whose allowance is full again.
    pub fn sweep(&self) {
        self.logins.sweep();
        self.failures.sweep();
        self.logins_of_user.sweep();
        self.actions.sweep();
        self.estimates.sweep();
        self.registrations.sweep();
        self.refreshes.sweep();
        self.repeats.sweep();
        self.recorded.sweep();
        self.refused.sweep();
        self.proofs.sweep();
        self.fingerprints.sweep();
    }
}

/// An event of a session that a client can cause as often as it likes. A repeat that was refused has a key of its own, so
/// that it does not hide a repeat that was granted. A repeat has the network from which it came, so that the repeat of a thief
/// is not hidden by one of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// A repeat that was granted to another place than that of the rotation.
    RepeatFromElsewhere(SessionId, Option<Network>),
    /// A repeat that was refused because it did not bring the secret of the device.
    RefusedRepeat(SessionId, Option<Network>),
    /// The outcome of the fingerprint check of a repeat that was granted.
    FingerprintCheck(SessionId, Event),
}

impl Recorded {
    const fn session(&self) -> SessionId {
        match self {
            Self::RepeatFromElsewhere(session, _)
            | Self::RefusedRepeat(session, _)
            | Self::FingerprintCheck(session, _) => *session,
        }
    }
}

/// The events that a client can cause as often as it likes. Each is recorded at most once a minute, and all of a session at
/// most ten times a minute, so that nobody fills the audit log from many addresses.
pub struct RecordedEvents {
    each: Limit<Recorded>,
    of_session: Limit<SessionId>,
}

impl RecordedEvents {
    /// Returns whether an event must be recorded, and counts it if so.
    pub fn take(&self, event: &Recorded) -> bool {
        self.each.peek(event).is_ok() && self.of_session.take(&event.session()).is_ok() && self.each.take(event).is_ok()
    }

    /// Forgets an event that was counted but could not be written.
    pub fn give_back(&self, event: &Recorded) {
        self.each.give_back(event);
        self.of_session.give_back(&event.session());
    }

    fn sweep(&self) {
        self.each.sweep();
        self.of_session.sweep();
    }
}

/// The key of a limit by IP address: an IPv4 address, or an IPv6 /64, which is the network of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network([u8; 16]);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => {
                let mut network = v6.octets();
                network[8..].fill(0);
                Self(network)
            }
        }
    }
}

/// The key by which wrong passwords are counted: the keyed hash of a login name's lookup key, whether or not a user has
/// that name. The account is not the key: a shared allowance would reveal that two names belong to the same account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypedName {
    /// The name without a device. It counts the attempts of callers who present no device that has proved the password
    /// of this account. It also counts wrong passwords of a signed-in user.
    Anywhere([u8; 32]),
    /// The name on a device that has proved the account's password before. The device has an allowance of its own, so
    /// that the guesses of a stranger do not lock the owner out.
    OnDevice([u8; 32], DeviceRowId),
}

/// The attempts past a limit that are recorded: the first in each window.
pub struct RefusedAttempts {
    /// Logins past `login_failures_per_account`, by typed name and address.
    by_name: Limit<(TypedName, Option<Network>)>,
    /// Logins past `login_rate_per_ip`, by typed name and address.
    by_address: Limit<(TypedName, Option<Network>)>,
    /// The recorded logins of one address. Without this limit, a client that invents names could fill the audit log.
    of_address: Limit<Network>,
    registrations: Limit<Network>,
    refreshes: Limit<SessionId>,
    actions: Limit<UserId>,
}

/// The limit past which an attempt was made, with the key of the attempt.
#[derive(Clone, Debug)]
pub enum PastLimit {
    /// `login_failures_per_account`.
    LoginsOfName(TypedName, Option<Network>),
    /// `login_rate_per_ip`, of an address or of a user.
    LoginsOfAddress(TypedName, Option<Network>),
    /// `register_rate_per_ip`.
    Registrations(Network),
    /// `refresh_rate_per_session`.
    Refreshes(SessionId),
    /// The limit of the actions of a user.
    Actions(UserId),
}

impl PastLimit {
    /// Returns the limit without the key of the attempt.
    pub const fn limit(&self) -> LimitReached {
        match self {
            Self::LoginsOfName(..) => LimitReached::LoginFailures,
            Self::LoginsOfAddress(..) => LimitReached::LoginRate,
            Self::Registrations(_) => LimitReached::RegisterRate,
            Self::Refreshes(_) => LimitReached::RefreshRate,
            Self::Actions(_) => LimitReached::Actions,
        }
    }

    /// Returns the name of the setting, or `actions`.
    pub const fn setting(&self) -> &'static str {
        self.limit().as_str()
    }
}

impl RefusedAttempts {
    fn new(limits: &Limits, clock: &Clock) -> Self {
        Self {
            by_name: once_in_the_window_of(limits.login_failures_per_account, clock),
            by_address: once_in_the_window_of(limits.login_rate_per_ip, clock),
            of_address: Limit::new(Some(RECORDED_OF_ADDRESS), clock),
            registrations: once_in_the_window_of(limits.register_rate_per_ip, clock),
            refreshes: once_in_the_window_of(limits.refresh_rate_per_session, clock),
            actions: once_in_the_window_of(Some(ACTIONS), clock),
        }
    }

    /// Returns whether an attempt past a limit must be recorded, and counts it if so.
    pub fn is_first(&self, attempt: &PastLimit) -> bool {
        let first = match attempt {
            PastLimit::LoginsOfName(name, network) => self.is_first_of_name(&self.by_name, name, *network),
            PastLimit::LoginsOfAddress(name, network) => self.is_first_of_name(&self.by_address, name, *network),
            PastLimit::Registrations(network) => self.registrations.take(network),
            PastLimit::Refreshes(session) => self.refreshes.take(session),
            PastLimit::Actions(user) => self.actions.take(user),
        };
        first.is_ok()
    }

    /// Forgets an attempt that was counted as the first but could not be recorded, so that the next one is the first.
    pub fn give_back(&self, attempt: &PastLimit) {
        let give_back_name =
            |limit: &Limit<(TypedName, Option<Network>)>, name: &TypedName, network: Option<Network>| {
                limit.give_back(&(name.clone(), network));
                if let Some(network) = network {
                    self.of_address.give_back(&network);
                }
            };
        match attempt {
            PastLimit::LoginsOfName(name, network) => give_back_name(&self.by_name, name, *network),
            PastLimit::LoginsOfAddress(name, network) => give_back_name(&self.by_address, name, *network),
            PastLimit::Registrations(network) => self.registrations.give_back(network),
            PastLimit::Refreshes(session) => self.refreshes.give_back(session),
            PastLimit::Actions(user) => self.actions.give_back(user),
        }
    }

    fn is_first_of_name(
        &self,
        limit: &Limit<(TypedName, Option<Network>)>,
        name: &TypedName,
        network: Option<Network>,
    ) -> Result<(), RetryAfter> {
        let key = (name.clone(), network);
        limit.peek(&key)?;
        if let Some(network) = network {
            self.of_address.take(&network)?;
        }
        limit.take(&key)
    }

    fn sweep(&self) {
        self.by_name.sweep();
        self.by_address.sweep();
        self.of_address.sweep();
        self.registrations.sweep();
        self.refreshes.sweep();
        self.actions.sweep();
    }
}

/// Returns a limit of one in the period of `rate`. Without a rate nothing is ever past it.
fn once_in_the_window_of<K: Clone + Hash + Eq>(rate: Option<Rate>, clock: &Clock) -> Limit<K> {
    Limit::new(rate.map(|rate| Rate { count: NonZeroU32::MIN, ..rate }), clock)
}
