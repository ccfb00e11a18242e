//! The device on which a login opens its session.

use crate::{
    domain::{
        DeviceRowId,
        audit_event::RequestContext,
        device::{DeviceName, DeviceSecretHash},
        session::Session,
    },
    flows::steps::revocation::Revocation,
    store::{self, Tx, devices},
};

/// Returns the device of a login that opens `session`, and revokes the earlier session of a known device. If no device is
/// known, or if the known device was deleted in the meantime, inserts the device `new`, with the hash of its `device_id`.
/// `known` has the revocation beside the device.
pub(in crate::flows) async fn take(
    tx: &mut Tx,
    known: Option<(DeviceRowId, Revocation)>,
    new: &(DeviceRowId, DeviceSecretHash),
    session: &Session,
) -> store::Result<DeviceRowId> {
    let now = session.created_at;
    if let Some((id, replaced)) = known
        && devices::set_last_used(tx, id, now).await?
    {
        replaced.carry_out(tx).await?;
        return Ok(id);
    }
    let (device, secret) = new;
    devices::insert(tx, *device, session.user_id, &session.client_id, secret, now).await?;
    Ok(*device)
}

/// Returns the given name, or else a name derived from the `User-Agent`. Returns `None` if there is neither.
pub(in crate::flows) fn name(given: Option<&DeviceName>, context: &RequestContext) -> Option<String> {
    let made = || context.user_agent.as_deref().and_then(DeviceName::from_user_agent);
    given.cloned().or_else(made).map(|name| name.as_str().to_owned())
}
