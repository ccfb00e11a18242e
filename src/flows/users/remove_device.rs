//! Remove device: somebody who administers removes a device of a user. Its session ends, and its `device_id` is worth nothing
//! any longer.

use crate::{
    domain::{
        DeviceRowId, UserId,
        audit_event::{AuditEvent, Event},
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, TargetError},
            revocation::Revocation,
        },
    },
    store::{self, audit, devices, sessions::Selection},
};

/// An error of the removal of a device. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveDeviceError {
    /// There is no such user, or the acting user may not remove the device.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The user has no such device.
    #[error("the user has no device {0}")]
    UnknownDevice(DeviceRowId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Removes a device of a user, and revokes its session.
pub async fn remove_device(
    vestibule: &Vestibule,
    user: UserId,
    device: DeviceRowId,
    acting: &Acting,
) -> Result<(), RemoveDeviceError> {
    let selection = Selection::OfDevice(device);
    let revocation = Revocation::new(vestibule, user, selection, RevokeReason::RevokedByAdmin, &acting.context);
    let acting = acting.clone();
    vestibule
        .store
        .write(async move |tx| {
            if let Err(error) = acting.covered_user(tx, user).await? {
                return Ok(Err(error.into()));
            }
            // The session is revoked first: a deleted device is no longer named by its session.
            revocation.carry_out(tx).await?;
            if !devices::delete(tx, user, device).await? {
                return Ok(Err(RemoveDeviceError::UnknownDevice(device)));
            }
            audit::insert(tx, &AuditEvent::new(Event::DeviceRemoved, &acting.context).user(user)).await?;
            Ok(Ok(()))
        })
        .await?
}
