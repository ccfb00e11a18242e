//! The fields of an account that somebody who administers sends.

use serde_json::{Map, Value};

use crate::{
    domain::{
        Email, Permission, RoleName, Username,
        user_change::{ClaimsChange, ListChange, UserChange},
    },
    flows::{Vestibule, steps::names::check_names, users::add_user::NewAccount},
    http::{
        api::users::{EMAIL, USERNAME, new_password},
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, optional},
        },
    },
};

const EMAIL_VERIFIED: Field = optional(
    "email_verified",
    Kind::Boolean,
    "Whether the email address belongs to the user. Requires the permission users:vouch.",
);
const ROLES: Field =
    optional("roles", Kind::Texts, "The names of the roles. You can give and take a role that you have yourself.");
const PERMISSIONS: Field = optional(
    "permissions",
    Kind::Texts,
    "The permissions that the user has directly, beside those of the roles. You can give and take those that you hold.",
);
const CLAIMS: Field = optional(
    "claims",
    Kind::Object,
    "The custom claims of the user's access tokens. Requires the permission users:vouch.",
);
const DISABLED: Field = optional("disabled", Kind::Boolean, "Whether the account is disabled.");

/// The claims, roles and permissions of a body, each of which may be absent.
struct Rights {
    roles: Option<Vec<RoleName>>,
    permissions: Option<Vec<Permission>>,
    claims: Option<Map<String, Value>>,
}

impl Rights {
    fn read(fields: &mut Fields) -> Self {
        Self {
            roles: fields.texts("roles", RoleName::parse),
            permissions: fields.texts("permissions", Permission::parse),
            claims: fields.object("claims"),
        }
    }
}

impl FromFields for NewAccount {
    const FIELDS: &'static [Field] = &[
        optional("username", USERNAME, "A name without `@`, unique without regard to case."),
        optional("email", EMAIL, "The email address, unique without regard to case."),
        optional(
            "password",
            Kind::NewPassword,
            "The password. Without it, the user chooses one by means of a link (`POST /admin/users/{id}/link`).",
        ),
        EMAIL_VERIFIED,
        DISABLED,
        ROLES,
        PERMISSIONS,
        CLAIMS,
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let username = fields.optional("username", Username::parse);
        let email = fields.optional("email", Email::parse);
        let field = vestibule.config.passwords.username_field;
        if let Err((field, message)) = check_names(field, !fields.is_absent("username"), !fields.is_absent("email")) {
            fields.refuse(field, message);
        }
        let rights = Rights::read(fields);
        let email_verified = fields.boolean("email_verified").unwrap_or_default();
        if email_verified && fields.is_absent("email") {
            fields.refuse("email_verified", "can't be true without an email address");
        }
        Some(Self {
            username,
            email,
            email_verified,
            roles: rights.roles.unwrap_or_default(),
            permissions: rights.permissions.unwrap_or_default(),
            claims: rights.claims.unwrap_or_default(),
            password: fields.optional("password", new_password(vestibule)),
            disabled: fields.boolean("disabled").unwrap_or_default(),
        })
    }
}

impl FromFields for UserChange {
    const FIELDS: &'static [Field] = &[
        DISABLED,
        EMAIL_VERIFIED,
        ROLES,
        PERMISSIONS,
        CLAIMS,
        optional("password", Kind::NewPassword, "A new password. Every session of the user ends."),
        optional(
            "username",
            USERNAME,
            "A new username; null removes it. For another user's, the permission users:vouch is required.",
        ),
        optional(
            "email",
            EMAIL,
            "A new email address; null removes it. For another user's, the permission users:vouch is required.",
        ),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let rights = Rights::read(fields);
        Some(Self {
            username: fields.nullable("username", Username::parse),
            email: fields.nullable("email", Email::parse),
            disabled: fields.boolean("disabled"),
            email_verified: fields.boolean("email_verified"),
            roles: rights.roles.map(ListChange::Set).unwrap_or_default(),
            permissions: rights.permissions.map(ListChange::Set).unwrap_or_default(),
            claims: rights.claims.map(ClaimsChange::Set).unwrap_or_default(),
            password: fields.optional("password", new_password(vestibule)),
        })
    }
}
