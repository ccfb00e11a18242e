//! The table of endpoints.

use rocket::{Route, routes};

use super::{
    admin,
    api::{export, forward_auth, health, login, session, sessions, users, well_known},
    assets,
    group::Group,
    oauth, openapi, pages,
};

/// The path of the administration: of its API, and of its pages.
pub const ADMIN: &str = "/admin";

/// Returns every endpoint, except the paths of other systems (`compat`). An entry contains the group, the path where the routes
/// are mounted, and the routes. `base_path` is empty, or a path without a slash at its end.
pub fn endpoints(base_path: &str) -> Vec<(Group, String, Vec<Route>)> {
    // With an empty `base_path`, `root_token` would have the same path as `token`.
    let root_token = if base_path.is_empty() { vec![] } else { routes![oauth::token::root_token] };
    vec![
        (
            Group::Sessions,
            format!("{base_path}/"),
            routes![
                login::login,
                login::refresh,
                login::fresh,
                session::session,
                sessions::logout,
                sessions::logout_all,
                sessions::active_sessions,
                sessions::revoke_other_session,
                sessions::delete_session,
                sessions::logout_device,
            ],
        ),
        (
            Group::OAuth,
            format!("{base_path}/"),
            routes![oauth::token::token, oauth::revoke::revoke, oauth::introspect::introspect],
        ),
        (Group::OAuth, "/".to_owned(), root_token),
        (Group::Sessions, format!("{base_path}/"), routes![users::register]),
        (
            Group::Users,
            "/users".to_owned(),
            routes![users::me, users::update_me, users::change_password, export::export_me, users::delete_me],
        ),
        (
            Group::Admin,
            ADMIN.to_owned(),
            routes![
                admin::users::list_users,
                admin::users::create_user,
                admin::users::get_user,
                admin::users::update_user,
                admin::users::remove_user,
                admin::links::create,
                admin::sessions::list_sessions,
                admin::sessions::revoke_sessions,
                admin::sessions::revoke_session,
                admin::devices::list_devices,
                admin::devices::delete_device,
                admin::roles::list_roles,
                admin::roles::get_role,
                admin::roles::put_role,
                admin::roles::delete_role,
                admin::clients::list_clients,
                admin::clients::create_client,
                admin::clients::get_client,
                admin::clients::update_client,
                admin::clients::delete_client,
                admin::clients::renew_client_secret,
                admin::audit::list_events,
                admin::keys::list_keys,
                admin::keys::rotate,
                admin::keys::retire,
            ],
        ),
        (Group::ForwardAuth, format!("{base_path}/"), routes![forward_auth::verify]),
        (Group::WellKnown, "/".to_owned(), routes![well_known::jwks, oauth::metadata::metadata]),
        (Group::Operation, "/".to_owned(), routes![health::health, health::ready, openapi::openapi]),
        (
            Group::Pages,
            format!("{base_path}/"),
            routes![pages::continue_to_next, pages::continue_head, pages::logout_form_with_refresh_cookie],
        ),
        (Group::Pages, "/".to_owned(), pages::routes()),
        (Group::Pages, ADMIN.to_owned(), pages::admin::routes()),
        (Group::Pages, "/".to_owned(), routes![assets::asset, assets::asset_of_version]),
    ]
}
