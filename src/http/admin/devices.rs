//! `/admin/users/<id>/devices`: the devices of a user.

use rocket::{State, delete, get, response::status::NoContent, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::{find_user, user_id};
use crate::{
    domain::DeviceRowId,
    flows::users::remove_device::remove_device,
    http::{
        api::export::DeviceView,
        app_state::AppState,
        db::{Connection, Db},
        errors::{ApiError, of_admin::no_such_device},
        guards::admin::{Changes, Reads, SessionsRead, SessionsRevoke},
        request::{body::IgnoredBody, caller::Caller},
    },
    store::devices,
};

/// The maximum number of devices of the list.
const MAX_DEVICES: i64 = 1000;

/// The devices of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceList {
    /// The devices, at most 1000.
    devices: Vec<DeviceView>,
}

/// Returns the devices of a user.
#[get("/users/<id>/devices")]
pub async fn list_devices(
    _token: Reads<SessionsRead>,
    id: &str,
    mut db: Connection<Db>,
) -> Result<Json<DeviceList>, ApiError> {
    let user = find_user(&mut db, id).await?;
    let found = devices::page_by_user(&mut db, user.id, None, MAX_DEVICES).await?;
    Ok(Json(DeviceList { devices: found.into_iter().map(DeviceView::from).collect() }))
}

/// Removes a device of a user, and ends its session.
#[delete("/users/<id>/devices/<device>", data = "<_body>")]
pub async fn delete_device(
    token: Changes<SessionsRevoke>,
    id: &str,
    device: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    let device = DeviceRowId::parse(device).ok_or_else(no_such_device)?;
    remove_device(vestibule, user_id(id)?, device, &acting).await?;
    Ok(NoContent)
}
