//! The form of `/account` that changes the username and the email address. It does what `PATCH /users/me` does, which requires
//! a fresh sign-in. So the form has the password, and the browser gets a fresh access token.

use rocket::{State, post};

use super::{
    PageResponse,
    account::{Shown, page},
    account_forms::{to_account, wrong_password},
    failure::Failure,
    signed_in::Posted,
};
use crate::{
    domain::{AccessClaims, password::Password},
    flows::{
        Vestibule,
        steps::{names::check_names, verify_password::VerifyPasswordError},
        users::{
            change_names::{NewNames, change_names},
            reauthenticate::{ReauthenticateError, reauthenticate},
        },
    },
    http::{
        api::users::{EMAIL, USERNAME},
        app_state::AppState,
        browser::cookies::Cookies,
        errors::ApiError,
        request::{
            body::{Fields, FromFields},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
};

/// The field with the password. The name differs from that of the other forms, because the page marks a field by its name.
const PASSWORD: &str = "names_password";

/// The new names, and the password that permits the change.
#[derive(Debug)]
pub struct ChangedNames {
    names: NewNames,
    password: Password,
}

impl FromFields for ChangedNames {
    const FIELDS: &'static [Field] = &[
        optional("username", USERNAME, "The new username; empty removes it."),
        optional("email", EMAIL, "The new email address; empty removes it."),
        required(PASSWORD, Kind::Password, "The password of the account."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let names = NewNames::read(fields, vestibule);
        let (has_username, has_email) = (!fields.is_absent("username"), !fields.is_absent("email"));
        if let Err((field, message)) = check_names(vestibule.config.passwords.username_field, has_username, has_email) {
            fields.refuse(field, message);
        }
        let password = fields.required(PASSWORD, Password::parse);
        Some(Self { names: names?, password: password? })
    }
}

/// Changes the names of the account, after the password was proved. A refusal returns the page with the typed names.
#[post("/account/names", data = "<form>")]
pub async fn change_names_form(
    form: Posted<ChangedNames>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    let claims = form.token.claims();
    let changed = match form.fields {
        Ok(ChangedNames { names, password }) => change(vestibule, claims, names, &password, caller, cookies).await,
        Err(error) => Err(error.into()),
    };
    match changed {
        Ok(()) => Ok(to_account("names_changed")),
        Err(failure) => {
            let shown = Shown { typed: Some((form.username, form.email)), ..Shown::from(failure) };
            Ok(page(vestibule, claims, caller, cookies, shown).await?.into())
        }
    }
}

/// Verifies the password, sets the fresh access token as a cookie, and changes the names.
async fn change(
    vestibule: &Vestibule,
    claims: &AccessClaims,
    names: NewNames,
    password: &Password,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<(), Failure> {
    let fresh = reauthenticate(vestibule, claims, password, &caller.context()).await;
    let fresh = fresh.map_err(|error| match error {
        ReauthenticateError::Proof(VerifyPasswordError::Wrong(_)) => wrong_password(PASSWORD),
        error => ApiError::from(error).into(),
    })?;
    cookies.set_fresh(&fresh);
    change_names(vestibule, claims, names, caller.network, &caller.context()).await.map_err(ApiError::from)?;
    Ok(())
}
