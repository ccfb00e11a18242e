//! The rows of the administration in the table.

use serde_json::json;
use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post, Put};

use super::{
    endpoint::{
        Access::{Bearer, Fresh},
        Endpoint,
        Group::Admin,
    },
    examples::PASSWORD,
};
use crate::{
    domain::user_change::UserChange,
    flows::users::add_user::NewAccount,
    http::{
        admin::{
            audit::{EventPage, EventQuery},
            client_fields::{ClientChangeBody, NewClientBody},
            clients::{ClientList, ClientView, NewClientView, SecretView},
            devices::DeviceList,
            keys::{KeyList, RotateBody},
            links::{LinkBody, LinkView},
            roles::{RoleBody, RoleList, RoleView},
            sessions::SessionList,
            users::{AccountPage, AccountView, ListQuery},
        },
        api::sessions::RevokedSessionsResponse,
        errors::ErrorCode::{
            AlreadyExists, ConfiguredInFile, InsufficientScope, InvalidRequest, LastAdmin, Overloaded, PayloadTooLarge,
        },
    },
};

const USER: &str = "The id of the user.";

/// Returns the rows.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [users(), sessions_and_devices(), roles(), clients(), keys_and_audit()].into_iter().flatten().collect()
}

fn users() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/admin/users", "list_users", Admin)
            .described_as("List users", "Requires the permission `users:read`.")
            .access(Bearer)
            .query::<ListQuery>()
            .returns::<AccountPage>(200, "A page of the list.")
            .fails_with(&[InsufficientScope, InvalidRequest]),
        Endpoint::new(Post, "/admin/users", "create_user", Admin)
            .described_as("Create a user", "Requires the permission `users:write`.")
            .access(Fresh)
            .json_body::<NewAccount>()
            .example_body("with a password", json!({"username": "grace", "password": PASSWORD}))
            .example_body("to be invited by a link", json!({"username": "linus", "roles": []}))
            .returns::<AccountView>(201, "The new user.")
            .with_header("Location")
            .fails_with(&[InsufficientScope, AlreadyExists, Overloaded]),
        Endpoint::new(Get, "/admin/users/{id}", "get_user", Admin)
            .described_as("Get a user", "Requires the permission `users:read`.")
            .access(Bearer)
            .path_parameter("id", USER)
            .returns::<AccountView>(200, "The user.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Patch, "/admin/users/{id}", "update_user", Admin)
            .described_as(
                "Change a user",
                "Requires the permission `users:write`, and `users:vouch` for claims, the verification of the address, and the \
                 names of somebody else. An absent field is kept. Disabling the user or setting a password ends all sessions of \
                 the user. The last admin can't be disabled or lose the role.",
            )
            .access(Fresh)
            .path_parameter("id", USER)
            .json_body::<UserChange>()
            .example_body("disable", json!({"disabled": true}))
            .example_body("the roles", json!({"roles": ["admin"]}))
            .returns::<AccountView>(200, "The changed user.")
            .fails_with(&[InsufficientScope, AlreadyExists, LastAdmin, Overloaded]),
        Endpoint::new(Delete, "/admin/users/{id}", "remove_user", Admin)
            .described_as(
                "Delete a user",
                "Requires the permission `users:write`. The audit events are kept without personal data of the user.",
            )
            .access(Fresh)
            .path_parameter("id", USER)
            .returns_nothing("The account is deleted.")
            .fails_with(&[InsufficientScope, LastAdmin, PayloadTooLarge]),
        Endpoint::new(Post, "/admin/users/{id}/link", "create", Admin)
            .described_as(
                "Create a link to choose a password",
                "Requires the permission `users:write`. The link works once: an invitation for three days, a reset for an hour. \
                 It does not work any longer after a newer link, or a change of the password, the address or the state of the \
                 account.",
            )
            .access(Fresh)
            .path_parameter("id", USER)
            .json_body::<LinkBody>()
            .example_body("a reset", json!({"purpose": "reset"}))
            .returns::<LinkView>(201, "The link, which is shown once.")
            .fails_with(&[InsufficientScope]),
    ]
}

fn sessions_and_devices() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/admin/users/{id}/sessions", "list_sessions", Admin)
            .described_as("List the sessions of a user", "Requires the permission `sessions:read`.")
            .access(Bearer)
            .path_parameter("id", USER)
            .returns::<SessionList>(200, "The live sessions.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Delete, "/admin/users/{id}/sessions", "revoke_sessions", Admin)
            .described_as("End all sessions of a user", "Requires the permission `sessions:revoke`.")
            .access(Fresh)
            .path_parameter("id", USER)
            .returns::<RevokedSessionsResponse>(200, "The number of live sessions that were ended.")
            .fails_with(&[InsufficientScope, PayloadTooLarge]),
        Endpoint::new(Delete, "/admin/users/{id}/sessions/{session}", "revoke_session", Admin)
            .described_as("End one session of a user", "Requires the permission `sessions:revoke`.")
            .access(Fresh)
            .path_parameter("id", USER)
            .path_parameter("session", "The id of the session.")
            .returns_nothing("The session has ended.")
            .fails_with(&[InsufficientScope, PayloadTooLarge]),
        Endpoint::new(Get, "/admin/users/{id}/devices", "list_devices", Admin)
            .described_as("List the devices of a user", "Requires the permission `sessions:read`.")
            .access(Bearer)
            .path_parameter("id", USER)
            .returns::<DeviceList>(200, "The devices.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Delete, "/admin/users/{id}/devices/{device}", "delete_device", Admin)
            .described_as(
                "Remove a device of a user",
                "Requires the permission `sessions:revoke`. The session on the device ends, and its secret is worth nothing \
                 any longer.",
            )
            .access(Fresh)
            .path_parameter("id", USER)
            .path_parameter("device", "The id of the device in the list.")
            .returns_nothing("The device is removed.")
            .fails_with(&[InsufficientScope, PayloadTooLarge]),
    ]
}

fn roles() -> Vec<Endpoint> {
    const NAME: &str = "The name of the role.";
    vec![
        Endpoint::new(Get, "/admin/roles", "list_roles", Admin)
            .described_as("List the roles", "Requires the permission `roles:read`.")
            .access(Bearer)
            .returns::<RoleList>(200, "The roles.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Get, "/admin/roles/{name}", "get_role", Admin)
            .described_as("Get a role", "Requires the permission `roles:read`.")
            .access(Bearer)
            .path_text("name", NAME)
            .returns::<RoleView>(200, "The role.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Put, "/admin/roles/{name}", "put_role", Admin)
            .described_as(
                "Set the permissions of a role",
                "Requires the permission `roles:write`. The role is created if it is absent. An existing \
                 role is changed only by an admin or by somebody who has it.",
            )
            .access(Fresh)
            .path_text("name", NAME)
            .json_body::<RoleBody>()
            .example_body("two permissions", json!({"permissions": ["posts:read", "posts:write"]}))
            .returns::<RoleView>(200, "The role.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Delete, "/admin/roles/{name}", "delete_role", Admin)
            .described_as(
                "Remove a role",
                "Requires the permission `roles:write`. The members lose the role at once. The role `admin` can't be removed.",
            )
            .access(Fresh)
            .path_text("name", NAME)
            .returns_nothing("The role is removed.")
            .fails_with(&[InsufficientScope, LastAdmin, PayloadTooLarge]),
    ]
}

fn clients() -> Vec<Endpoint> {
    const ID: &str = "The id of the client.";
    vec![
        Endpoint::new(Get, "/admin/clients", "list_clients", Admin)
            .described_as("List the clients", "Requires the permission `clients:read`.")
            .access(Bearer)
            .returns::<ClientList>(200, "The clients.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Post, "/admin/clients", "create_client", Admin)
            .described_as("Add a client", "Requires the permission `clients:write`. The client is in force at once.")
            .access(Fresh)
            .json_body::<NewClientBody>()
            .example_body("a service", json!({"id": "reports", "grants": ["password"], "scopes": ["reports:read"]}))
            .example_body("an application in the browser", json!({"id": "shop", "public": true}))
            .returns::<NewClientView>(201, "The client with its secret, which is shown once.")
            .with_header("Location")
            .fails_with(&[InsufficientScope, AlreadyExists, ConfiguredInFile]),
        Endpoint::new(Get, "/admin/clients/{id}", "get_client", Admin)
            .described_as("Get a client", "Requires the permission `clients:read`.")
            .access(Bearer)
            .path_text("id", ID)
            .returns::<ClientView>(200, "The client.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Patch, "/admin/clients/{id}", "update_client", Admin)
            .described_as(
                "Change a client",
                "Requires the permission `clients:write`. An absent field is kept. A client of the configuration is changed only \
                 there.",
            )
            .access(Fresh)
            .path_text("id", ID)
            .json_body::<ClientChangeBody>()
            .example_body("another name", json!({"name": "The shop"}))
            .returns::<ClientView>(200, "The client.")
            .fails_with(&[InsufficientScope, ConfiguredInFile]),
        Endpoint::new(Delete, "/admin/clients/{id}", "delete_client", Admin)
            .described_as("Remove a client", "Requires the permission `clients:write`. The sessions of the client end.")
            .access(Fresh)
            .path_text("id", ID)
            .returns_nothing("The client is removed.")
            .fails_with(&[InsufficientScope, ConfiguredInFile, PayloadTooLarge]),
        Endpoint::new(Post, "/admin/clients/{id}/secret", "renew_client_secret", Admin)
            .described_as(
                "Give a client a new secret",
                "Requires the permission `clients:write`. The old secret does not count any longer. A public client has no secret.",
            )
            .access(Fresh)
            .path_text("id", ID)
            .returns::<SecretView>(200, "The secret, which is shown once.")
            .fails_with(&[InsufficientScope, InvalidRequest, ConfiguredInFile, PayloadTooLarge]),
    ]
}

fn keys_and_audit() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Get, "/admin/keys", "list_keys", Admin)
            .described_as("List the signing keys", "Requires the permission `keys:read`. Private parts are never shown.")
            .access(Bearer)
            .returns::<KeyList>(200, "The keys.")
            .fails_with(&[InsufficientScope]),
        Endpoint::new(Post, "/admin/keys/rotate", "rotate", Admin)
            .described_as(
                "Rotate the signing key",
                "Requires the permission `keys:write`. A new key is created. It is published for ten minutes before it signs, \
                 unless `now` is true.",
            )
            .access(Fresh)
            .optional_json_body::<RotateBody>()
            .example_body("after a theft", json!({"now": true}))
            .returns::<KeyList>(200, "The keys after the rotation.")
            .fails_with(&[InsufficientScope, ConfiguredInFile]),
        Endpoint::new(Post, "/admin/keys/{kid}/retire", "retire", Admin)
            .described_as(
                "Retire a key",
                "Requires the permission `keys:write`. Deletes a key that does not sign. The tokens that it signed are refused \
                 from now on.",
            )
            .access(Fresh)
            .path_text("kid", "The id of the key.")
            .returns_nothing("The key is deleted.")
            .fails_with(&[InsufficientScope, InvalidRequest, PayloadTooLarge]),
        Endpoint::new(Get, "/admin/audit", "list_events", Admin)
            .described_as("Read the audit log", "Requires the permission `audit:read`. The newest events come first.")
            .access(Bearer)
            .query::<EventQuery>()
            .returns::<EventPage>(200, "A page of the log.")
            .fails_with(&[InsufficientScope, InvalidRequest]),
    ]
}
