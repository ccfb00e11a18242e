//! `/admin/ui/roles`: the list of the roles. `/admin/ui/role/<name>`: one role with its forms.

use rocket::{get, post};
use serde_json::json;

use super::{
    desk::{Desk, UI},
    form::{AdminForm, Halt},
    person::words,
    refused::Refused,
};
use crate::{
    domain::{
        Permission, RoleName,
        permission::{ADMIN_ROLE, BUILT_IN},
    },
    flows::{
        Vestibule,
        roles::{
            remove_role::remove_role,
            set_role::{RoleChange, set_role},
        },
    },
    http::{
        admin::roles::RoleBody,
        errors::{ApiError, of_admin::no_such_role},
        guards::admin::{RolesRead, RolesWrite},
        pages::{Page, PageResponse, SeeOther, submitted_form::Button, with_parameters},
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, optional, required},
        },
    },
    store,
};

/// Returns the path of the list of roles.
fn list_address() -> String {
    format!("{UI}/roles")
}

/// Returns the path of the page of a role.
fn address(role: &str) -> String {
    let role: String = form_urlencoded::byte_serialize(role.as_bytes()).collect();
    format!("{UI}/role/{}", role.replace('+', "%20"))
}

/// Returns the list of the roles.
#[get("/ui/roles")]
pub(super) async fn roles_page(desk: Desk<'_>) -> Result<Page, ApiError> {
    list_page(&desk, None).await
}

async fn list_page(desk: &Desk<'_>, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<RolesRead>(refused)?;
    let mut conn = desk.vestibule.store.read().await?;
    let all = store::roles::find_all(&mut conn).await?;
    let members = store::roles::count_members(&mut conn).await?;
    drop(conn);
    let row = |name: &str| {
        json!({
            "name": name,
            "address": address(name),
            "permissions": all.permissions(name).iter().map(Permission::as_str).collect::<Vec<_>>(),
            "members": members.get(name).copied().unwrap_or_default(),
            "is_admin": name == ADMIN_ROLE,
        })
    };
    let rows: Vec<_> = all.names().map(row).collect();
    Ok(desk.page("admin-roles", "roles", json!({"roles": rows, "known": BUILT_IN}), refused))
}

/// A role to add.
pub(super) struct NewRole(RoleName, Vec<Permission>);

impl FromFields for NewRole {
    const FIELDS: &'static [Field] = &[
        required("name", Kind::Text(64), "The name of the role."),
        optional("permissions", Kind::Texts, "The permissions of the role."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let name = fields.required("name", RoleName::parse);
        let permissions = fields.texts("permissions", Permission::parse).unwrap_or_default();
        Some(Self(name?, permissions))
    }
}

/// Adds a role. A role that exists is not replaced.
#[post("/ui/roles/add", data = "<form>")]
pub(super) async fn add_role_form(form: AdminForm<'_, RolesWrite, NewRole>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |NewRole(name, permissions), acting| {
            set_role(vestibule, name, RoleChange::Create(permissions.into_iter().collect()), &acting).await
        })
        .await?;
    match outcome.result {
        Ok(_) => Ok(outcome.desk.to(&list_address(), "role_saved")),
        Err(refused) => Ok(list_page(&outcome.desk, Some(&refused)).await?.into()),
    }
}

/// Returns the page of a role.
#[get("/ui/role/<name>")]
pub(super) async fn role_page(desk: Desk<'_>, name: &str) -> Result<Page, ApiError> {
    page(&desk, name, None).await
}

async fn page(desk: &Desk<'_>, name: &str, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<RolesRead>(refused)?;
    let mut conn = desk.vestibule.store.read().await?;
    let all = store::roles::find_all(&mut conn).await?;
    if !all.has(name) {
        return Err(no_such_role());
    }
    let members = store::roles::count_members(&mut conn).await?.get(name).copied().unwrap_or_default();
    let power = desk.power(&mut conn).await?;
    drop(conn);
    let permissions = all.permissions(name);
    let own = json!({
        "address": address(name),
        "name": name,
        "permissions": words(permissions.iter().map(Permission::as_str)),
        "members": members,
        "members_address": with_parameters(&format!("{UI}/people"), [("role", name)]),
        "is_admin": name == ADMIN_ROLE,
        "may_change": name != ADMIN_ROLE && power.check_takes_role(name, permissions.iter()).is_ok(),
        "known": BUILT_IN,
    });
    Ok(desk.page("admin-role", "roles", own, refused))
}

/// Reads the name of a role in a path.
fn role_name(name: &str) -> Result<RoleName, ApiError> {
    RoleName::parse(name).map_err(|_| no_such_role())
}

/// Replaces the permissions of a role.
#[post("/ui/role/<name>/permissions", data = "<form>")]
pub(super) async fn change_role_form(
    name: &str,
    form: AdminForm<'_, RolesWrite, RoleBody>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |RoleBody(permissions), acting| {
            let change = RoleChange::Replace(permissions.into_iter().collect());
            set_role(vestibule, role_name(name)?, change, &acting).await.map_err(ApiError::from)
        })
        .await?;
    match outcome.result {
        Ok(_) => Ok(outcome.desk.to(&address(name), "role_saved")),
        Err(refused) => Ok(page(&outcome.desk, name, Some(&refused)).await?.into()),
    }
}

/// Removes a role. Its name must be typed.
#[post("/ui/role/<name>/delete", data = "<form>")]
pub(super) async fn delete_role_form(
    name: &str,
    form: AdminForm<'_, RolesWrite, Button>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .require_typed(name)
        .carry_out(async |Button, acting| {
            remove_role(vestibule, role_name(name)?, &acting).await.map_err(ApiError::from)
        })
        .await?;
    match outcome.result {
        Ok(_) => Ok(SeeOther(format!("{}?notice=role_removed", list_address())).into()),
        Err(refused) => Ok(page(&outcome.desk, name, Some(&refused)).await?.into()),
    }
}
