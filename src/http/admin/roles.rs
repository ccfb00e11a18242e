//! `/admin/roles`: the roles and their permissions.

use std::collections::BTreeSet;

use rocket::{State, delete, get, put, response::status::NoContent, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{Permission, RoleName, Roles},
    flows::roles::{
        remove_role::remove_role,
        set_role::{RoleChange, set_role},
    },
    http::{
        app_state::AppState,
        db::{Connection, Db},
        errors::{ApiError, of_admin::no_such_role},
        guards::admin::{Changes, Reads, RolesRead, RolesWrite},
        request::{
            body::{Body, Fields, FromFields, IgnoredBody},
            caller::Caller,
            field::{Field, Kind, required},
        },
    },
    store::{Conn, roles},
};

/// A role: a name for a set of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleView {
    /// The name of the role.
    name: String,
    /// The permissions, sorted. The role `admin` has all permissions.
    permissions: Vec<String>,
    /// The number of users with the role.
    members: i64,
}

/// All roles.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleList {
    /// The roles, sorted by name.
    roles: Vec<RoleView>,
}

/// Returns all roles.
#[get("/roles")]
pub async fn list_roles(_token: Reads<RolesRead>, mut db: Connection<Db>) -> Result<Json<RoleList>, ApiError> {
    let all = roles::find_all(&mut db).await?;
    let members = roles::count_members(&mut db).await?;
    let view = |name: &str| view(&all, name, members.get(name).copied().unwrap_or_default());
    Ok(Json(RoleList { roles: all.names().map(view).collect() }))
}

/// Returns one role.
#[get("/roles/<name>")]
pub async fn get_role(
    _token: Reads<RolesRead>,
    name: &str,
    mut db: Connection<Db>,
) -> Result<Json<RoleView>, ApiError> {
    read_role(&mut db, name).await.map(Json)
}

/// The permissions of a role.
pub struct RoleBody(pub Vec<Permission>);

impl FromFields for RoleBody {
    const FIELDS: &'static [Field] = &[required(
        "permissions",
        Kind::Texts,
        "All permissions of the role. You can add those that you hold. An empty list takes every permission away.",
    )];

    fn read(fields: &mut Fields, _: &crate::flows::Vestibule) -> Option<Self> {
        if fields.is_absent("permissions") {
            // A misspelt name would otherwise take every permission away.
            fields.refuse("permissions", "is required");
        }
        fields.texts("permissions", Permission::parse).map(Self)
    }
}

/// Sets the permissions of a role, and creates it if it is absent.
#[put("/roles/<name>", data = "<body>")]
pub async fn put_role(
    token: Changes<RolesWrite>,
    name: &str,
    body: Body<RoleBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<RoleView>, ApiError> {
    let acting = token.acting(caller)?;
    let role = RoleName::parse(name).map_err(|message| ApiError::field("name", message))?;
    let change = RoleChange::Set(body.0.0.into_iter().collect::<BTreeSet<_>>());
    set_role(vestibule, role, change, &acting).await?;
    read_role(&mut *vestibule.store.read().await?, name).await.map(Json)
}

/// Removes a role. Its members lose it at once.
#[delete("/roles/<name>", data = "<_body>")]
pub async fn delete_role(
    token: Changes<RolesWrite>,
    name: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    let role = RoleName::parse(name).map_err(|_| no_such_role())?;
    remove_role(vestibule, role, &acting).await?;
    Ok(NoContent)
}

/// Reads one role.
async fn read_role(conn: &mut Conn, name: &str) -> Result<RoleView, ApiError> {
    let all = roles::find_all(conn).await?;
    let members = roles::count_members(conn).await?.get(name).copied().unwrap_or_default();
    if all.has(name) { Ok(view(&all, name, members)) } else { Err(no_such_role()) }
}

fn view(all: &Roles, name: &str, members: i64) -> RoleView {
    let permissions = all.permissions(name).iter().map(Permission::to_string).collect();
    RoleView { name: name.to_owned(), permissions, members }
}
