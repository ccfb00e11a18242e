//! The steps of a random walk, and the strategy that generates them.

use proptest::{prelude::*, sample::Index};

use crate::model::{ACCESS, DAY, GRACE, REFRESH, SESSION};

/// An action of a client or of an operator, or the passing of time. An [`Index`] selects one of the devices, sessions or
/// tokens so far. `rightly` is whether the password is right. `Prove` sends it to `/auth/fresh`. `Advance` contains
/// seconds. A refresh comes from the usual place or from elsewhere, brings the secret of the device or does not, and
/// requests a token for this server or for another service. `RevokeToken` revokes an access token alone (RFC 7009).
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Login { device: Option<Index> },
    LoginWrongly,
    Refresh { token: Index, with_device: bool, elsewhere: bool, foreign: bool },
    RevokeToken(Index),
    LogoutByRefresh(Index),
    LogoutByAccess(Index),
    LogoutAll(Index),
    RevokeOthers(Index),
    DeleteSession { bearer: Index, which: Index },
    Prove { bearer: Index, rightly: bool },
    ChangePassword { bearer: Index, rightly: bool },
    Disable,
    Enable,
    Advance(i64),
    Sweep,
    Restart,
}

/// Returns the strategy for one step. The numbers before the arrows are weights.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let spans = prop_oneof![
        4 => 1..10_i64,
        3 => prop::sample::select(vec![GRACE - 1, GRACE, GRACE + 1]),
        2 => prop::sample::select(vec![ACCESS - 1, ACCESS, ACCESS + 1]),
        1 => prop::sample::select(vec![REFRESH - 1, REFRESH, REFRESH + 1, SESSION - 1, SESSION]),
        1 => 1..3 * DAY,
    ];
    prop_oneof![
        8 => prop::option::of(index()).prop_map(|device| Step::Login { device }),
        1 => Just(Step::LoginWrongly),
        16 => (index(), prop::bool::weighted(0.4), prop::bool::weighted(0.2), prop::bool::weighted(0.2)).prop_map(
            |(token, with_device, elsewhere, foreign)| Step::Refresh { token, with_device, elsewhere, foreign }
        ),
        3 => index().prop_map(Step::RevokeToken),
        2 => index().prop_map(Step::LogoutByRefresh),
        1 => index().prop_map(Step::LogoutByAccess),
        1 => index().prop_map(Step::LogoutAll),
        1 => index().prop_map(Step::RevokeOthers),
        2 => (index(), index()).prop_map(|(bearer, which)| Step::DeleteSession { bearer, which }),
        3 => (index(), prop::bool::weighted(0.3)).prop_map(|(bearer, rightly)| Step::Prove { bearer, rightly }),
        2 => (index(), prop::bool::weighted(0.7)).prop_map(|(bearer, rightly)| Step::ChangePassword { bearer, rightly }),
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        10 => spans.prop_map(Step::Advance),
        1 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}
