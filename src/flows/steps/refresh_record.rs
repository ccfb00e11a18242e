//! What a refresh records beside its tokens: repeats from elsewhere, the outcome of the fingerprint check, and the end of a
//! session whose token was reused or whose device does not match.

use std::net::IpAddr;

use crate::{
    config::Client,
    domain::{
        audit_event::{AuditEvent, Event, RequestContext},
        device::Comparison,
        session::{RepeatFromElsewhere, RevokeReason, Session},
    },
    flows::{
        Vestibule,
        steps::{fingerprint_check::FingerprintCheck, grants::access_expiry, revocation::Revocation},
    },
    memory::throttle::{Network, Recorded},
    store::{self, audit, session_counters, sessions},
};

/// Records what a repeat that was granted tells: `elsewhere`, if it came from elsewhere than the rotation, and the event of
/// the fingerprint check, if there is one. Writes each at most once a minute for a session and an address, since a client can
/// repeat as often as it likes, and writes nothing if there is nothing to tell. A fingerprint that matched also ends a row of
/// mismatches.
pub(in crate::flows) async fn record_repeat(
    vestibule: &Vestibule,
    session: &Session,
    elsewhere: Option<AuditEvent>,
    check: Option<AuditEvent>,
    context: &RequestContext,
) -> store::Result<()> {
    let recorded = &vestibule.throttle.recorded;
    let keys = [
        elsewhere.as_ref().map(|_| Recorded::RepeatFromElsewhere(session.id, network(context))),
        check.as_ref().map(|event| Recorded::FingerprintCheck(session.id, event.event)),
    ];
    let taken = keys.map(|key| key.filter(|key| recorded.take(key)));
    let [elsewhere, check] = [elsewhere.filter(|_| taken[0].is_some()), check.filter(|_| taken[1].is_some())];
    let matched = session.mismatches.in_a_row > 0;
    if elsewhere.is_none() && check.is_none() && !matched {
        return Ok(());
    }
    let (id, repeat) = (session.id, RepeatFromElsewhere { at: context.now, ip: context.ip.clone() });
    let written = vestibule
        .store
        .write(async move |tx| {
            if matched {
                session_counters::clear_mismatches(tx, id).await?;
            }
            if let Some(event) = &elsewhere {
                session_counters::set_repeated(tx, id, &repeat).await?;
                audit::insert(tx, event).await?;
            }
            match &check {
                Some(event) => audit::insert(tx, event).await,
                None => Ok(()),
            }
        })
        .await;
    if written.is_err() {
        taken.iter().flatten().for_each(|key| recorded.give_back(key));
    }
    written
}

/// Returns the network from which a request came, if it is known.
fn network(context: &RequestContext) -> Option<Network> {
    context.ip.as_deref()?.parse::<IpAddr>().ok().map(Network::from)
}

/// Records a repeat that was refused because it did not bring the secret of the device, at most once a minute for a session and
/// an address. It changes no count of the session: a request that was refused proves nothing about its device.
pub(in crate::flows) async fn record_repeat_without_device(
    vestibule: &Vestibule,
    session: &Session,
    context: &RequestContext,
) -> store::Result<()> {
    let event = from_elsewhere(session, context).detail("refused", "device_id");
    let key = Recorded::RefusedRepeat(session.id, network(context));
    if !vestibule.throttle.recorded.take(&key) {
        return Ok(());
    }
    let (id, repeat) = (session.id, RepeatFromElsewhere { at: context.now, ip: context.ip.clone() });
    let written = vestibule
        .store
        .write(async move |tx| {
            session_counters::set_repeated(tx, id, &repeat).await?;
            audit::insert(tx, &event).await
        })
        .await;
    if written.is_err() {
        vestibule.throttle.recorded.give_back(&key);
    }
    written
}

/// Returns the audit event of a repeat from elsewhere.
pub(in crate::flows) fn from_elsewhere(session: &Session, context: &RequestContext) -> AuditEvent {
    AuditEvent::new(Event::RefreshRepeated, context)
        .user(session.user_id)
        .session(session.id)
        .detail("user_agent", context.user_agent.clone())
        .detail("rotation_ip", session.ip.clone())
        .detail("rotation_user_agent", session.user_agent.clone())
}

/// Returns the audit event of a fingerprint check, if it has one.
pub(in crate::flows) fn check_event(
    check: &FingerprintCheck,
    session: &Session,
    context: &RequestContext,
) -> Option<AuditEvent> {
    check.event().map(|event| with_comparison(AuditEvent::new(event, context), check, session))
}

/// Returns an event of a session with what the comparison of the fingerprint found.
fn with_comparison(event: AuditEvent, check: &FingerprintCheck, session: &Session) -> AuditEvent {
    let event = event.user(session.user_id).session(session.id);
    match check.comparison() {
        Some(Comparison { score, differed }) => event.detail("score", score).detail("differed", differed),
        None => event,
    }
}

/// Revokes the session of a reused token.
pub(in crate::flows) async fn revoke_reused(
    vestibule: &Vestibule,
    session: &Session,
    context: &RequestContext,
) -> store::Result<()> {
    let (id, user) = (session.id, session.user_id);
    let event = AuditEvent::new(Event::RefreshReused, context).user(user).session(id);
    let one = sessions::Selection::One(id);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::RefreshReused, context);
    vestibule
        .store
        .write(async move |tx| {
            audit::insert(tx, &event).await?;
            revocation.carry_out(tx).await?;
            Ok(())
        })
        .await
}

/// Counts a refresh from another device, and revokes the session after too many of them.
pub(in crate::flows) async fn count_device_mismatch(
    vestibule: &Vestibule,
    session: &Session,
    check: &FingerprintCheck,
    context: &RequestContext,
) -> store::Result<()> {
    let (id, user, now) = (session.id, session.user_id, context.now);
    let event = with_comparison(AuditEvent::new(Event::DeviceMismatch, context), check, session);
    let one = sessions::Selection::One(id);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::DeviceMismatch, context);
    vestibule
        .store
        .write(async move |tx| {
            let Some(session) = sessions::find(tx, id).await?.filter(|session| session.revoked_at.is_none()) else {
                return Ok(());
            };
            let mismatches = session.mismatches.with_one_more(now);
            session_counters::set_mismatches(tx, id, &mismatches).await?;
            audit::insert(tx, &event).await?;
            if mismatches.end_the_session() {
                revocation.carry_out(tx).await?;
            }
            Ok(())
        })
        .await
}

/// Returns the session with the fields that every refresh updates. A rotation also changes `generations` and
/// `refresh_expires_at`.
pub(in crate::flows) fn after_refresh(
    session: &Session,
    client: &Client,
    check: &FingerprintCheck,
    with_device: bool,
    context: &RequestContext,
) -> Session {
    Session {
        last_used_at: context.now,
        access_expires_at: access_expiry(session, client, context.now),
        ip: context.ip.clone(),
        user_agent: context.user_agent.clone(),
        fingerprint: check.sealed.clone(),
        device_seen: session.device_seen || with_device,
        ..session.clone()
    }
}

/// Updates the row of the session to `next` and inserts the audit event, if there is one. Changes nothing if the row is no
/// longer at `from_generation` or the session is revoked. Returns whether the row was updated.
pub(in crate::flows) async fn update_if_at_generation(
    vestibule: &Vestibule,
    from_generation: i64,
    next: &Session,
    event: Option<AuditEvent>,
) -> store::Result<bool> {
    let row = next.clone();
    vestibule
        .store
        .write(async move |tx| {
            let won = sessions::claim(tx, from_generation, &row).await?;
            if let (true, Some(event)) = (won, &event) {
                audit::insert(tx, event).await?;
            }
            Ok(won)
        })
        .await
}
