//! The forms of the administration. Before the flow of a form runs, the form passes these checks, in this order: the access
//! cookie, the origin and the CSRF token, the permission, the fields, the typed name of what can't be brought back, and the
//! freshness of the sign-in. If the access token has expired, the password is asked for before the fields are looked at,
//! because such a token may not see the page on which a refused field is reported.
//!
//! If the sign-in is not fresh, the response is a page that asks for the password. That page contains the form that was sent,
//! so the person loses nothing, and the right password carries the form out. An access token that has expired is enough for
//! this, because the password proves more than the token did.

use std::{marker::PhantomData, sync::Arc};

use rocket::{
    Data, Request,
    data::{FromData, Outcome as DataOutcome},
    http::Status,
};
use serde_json::{Value, json};

use super::{
    desk::Desk,
    refused::{Refused, is_secret},
};
use crate::{
    domain::{AccessClaims, password::Password},
    flows::{
        Vestibule,
        steps::{
            acting::Acting,
            authenticate::{check_validity, verify_signature},
            verify_password::VerifyPasswordError,
        },
        users::reauthenticate::{ReauthenticateError, reauthenticate},
    },
    http::{
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode, fail_data_guard},
        guards::{self, PermissionName},
        pages::{Page, failure::Failure, signed_in, texts},
        request::{
            body::{Fields, Form, FromFields},
            field::{Field, Kind, optional},
        },
    },
    store::sessions,
};

/// The names of the fields that every form has beside its own.
const CSRF_TOKEN: &str = "csrf_token";
const OWN_PASSWORD: &str = "own_password";
const CONFIRM: &str = "confirm";
const PART: &str = "part";

/// What a browser sent: the fields `T` of the form, and what every form has.
#[derive(Debug)]
struct Sent<T> {
    csrf_token: String,
    /// The password of the person at the desk, if the page that asks for it was sent.
    own_password: Option<Password>,
    /// What was typed to confirm something that can't be brought back.
    confirmation: String,
    /// The part of the page, if several forms of the page have one path.
    part: String,
    /// The text of every field, by name. A list has several.
    texts: Vec<(String, String)>,
    fields: Result<T, ApiError>,
}

impl<T: FromFields> FromFields for Sent<T> {
    const FIELDS: &'static [Field] = T::FIELDS;

    const SHARED_FIELDS: &'static [Field] = &[
        optional(CSRF_TOKEN, Kind::Opaque, "The CSRF token of the session."),
        optional(OWN_PASSWORD, Kind::Password, "The password of the person who administers."),
        optional(CONFIRM, Kind::Opaque, "The name of what is to be removed, typed to confirm it."),
        optional(PART, Kind::Opaque, "The part of the page, if several forms have one path."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let parsed = T::read(fields, vestibule);
        let errors = fields.take_errors();
        let texts = fields.declared_as_sent().flat_map(|(name, value)| texts_of(name, value)).collect();
        Some(Self {
            csrf_token: fields.text_as_sent(CSRF_TOKEN).to_owned(),
            // A text that is no password is a wrong password.
            own_password: Password::parse(fields.text_as_sent(OWN_PASSWORD)).ok(),
            confirmation: fields.text_as_sent(CONFIRM).trim().to_owned(),
            part: fields.text_as_sent(PART).to_owned(),
            texts,
            fields: parsed.filter(|_| errors.is_empty()).ok_or_else(|| ApiError::fields(errors)),
        })
    }
}

/// Returns a field as a browser sends it again: one text, or several for a list. The first text of a list is empty, so that an
/// empty list is sent too.
fn texts_of(name: &str, value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let values = match value {
        Value::Array(items) => [String::new()].into_iter().chain(items.iter().map(text)).collect(),
        other => vec![text(other)],
    };
    values.into_iter().map(|value| (name.to_owned(), value)).collect()
}

/// A form with the fields `T`, whose flow requires the permission `P`. It is a data guard: the browser has an access cookie,
/// which may have expired, and a page of this server sent the form.
pub(super) struct AdminForm<'r, P, T> {
    desk: Desk<'r>,
    cookies: Cookies<'r>,
    /// The path to which the form was sent.
    path: String,
    /// Whether the token is valid. Otherwise it has expired.
    is_valid: bool,
    sent: Sent<T>,
    permission: PhantomData<fn() -> P>,
}

/// A form after its checks.
pub(super) struct Outcome<'r, R> {
    /// The desk, with the claims of the new token if the person has just proved the password.
    pub(super) desk: Desk<'r>,
    /// What the flow returned, or the refusal.
    pub(super) result: Result<R, Refused>,
}

/// The response to a form that is not carried out.
#[derive(rocket::Responder)]
pub(super) enum Halt {
    /// The page that asks for the password.
    Page(Box<Page>),
    /// An error.
    Error(ApiError),
}

impl From<ApiError> for Halt {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl From<crate::store::Error> for Halt {
    fn from(error: crate::store::Error) -> Self {
        Self::Error(error.into())
    }
}

#[rocket::async_trait]
impl<'r, P: PermissionName, T: FromFields> FromData<'r> for AdminForm<'r, P, T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> DataOutcome<'r, Self> {
        let (claims, is_valid) = match token(request) {
            Ok(token) => token,
            Err(error) => {
                signed_in::redirect_to_continue(request);
                return DataOutcome::Error((Status::SeeOther, error));
            }
        };
        let Form(sent) = match Form::<Sent<T>>::from_data(request, data).await {
            DataOutcome::Success(form) => form,
            DataOutcome::Error(error) => return DataOutcome::Error(error),
            DataOutcome::Forward(forward) => return DataOutcome::Forward(forward),
        };
        let read = csrf::check_form(request, claims.sid, &sent.csrf_token).and_then(|()| {
            Ok(Self {
                is_valid,
                desk: Desk::new(request, claims)?,
                cookies: Cookies::of(request)?,
                // Rocket ignores a repeated slash, with which a browser would take the path for a host.
                path: format!("/{}", request.uri().path().as_str().trim_start_matches('/')),
                sent,
                permission: PhantomData,
            })
        });
        match read {
            Ok(form) => DataOutcome::Success(form),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// Returns the claims of the access cookie, and whether the token is valid. If it has expired, the claims prove nothing.
fn token(request: &Request<'_>) -> Result<(Arc<AccessClaims>, bool), ApiError> {
    match guards::in_cookie(request) {
        Ok(token) => Ok((token.shared_claims(), true)),
        Err(error) if error.code() == ErrorCode::TokenExpired => Ok((guards::expired_in_cookie(request)?, false)),
        Err(error) => Err(error),
    }
}

impl<'r, P: PermissionName, T> AdminForm<'r, P, T> {
    /// Returns the part of the page, if several forms of the page have one path. Otherwise it is empty.
    pub(super) fn part(&self) -> &str {
        &self.sent.part
    }

    /// Returns the desk of the person who sent the form.
    pub(super) fn desk(&self) -> &Desk<'r> {
        &self.desk
    }

    /// Returns the text of a field as it was sent; empty if it was not sent.
    pub(super) fn text(&self, field: &str) -> &str {
        self.sent.texts.iter().find(|(name, _)| name == field).map_or("", |(_, text)| text)
    }

    /// Requires that `name` was typed, because the form removes something that can't be brought back.
    pub(super) fn require_typed(mut self, name: &str) -> Self {
        if self.sent.confirmation != name && self.sent.fields.is_ok() {
            let message = texts::error("not_typed").replace("{name}", name);
            self.sent.fields = Err(ApiError::field(CONFIRM, message));
        }
        self
    }

    /// Checks the form, and carries it out by `act`, which gets the fields and the person who acts.
    ///
    /// # Errors
    /// [`Halt`] if the token lacks the permission, or if the person has to prove the password first. Every other refusal is a
    /// part of the outcome, because the page of the form displays it.
    pub(super) async fn carry_out<R, E>(
        self,
        act: impl AsyncFnOnce(T, Acting) -> Result<R, E>,
    ) -> Result<Outcome<'r, R>, Halt>
    where
        ApiError: From<E>,
    {
        let Self { mut desk, cookies, path, is_valid, sent, .. } = self;
        desk.check::<P>()?;
        if !is_valid {
            desk.claims = prove(&desk, cookies, &path, sent.own_password.as_ref(), &sent.texts).await?;
            desk.check::<P>()?;
        }
        let form = match sent.part.as_str() {
            "" => path.rsplit('/').next().unwrap_or_default().to_owned(),
            part => part.to_owned(),
        };
        let refused = |error: ApiError, texts| Refused::new(form, &error, texts);
        let fields = match sent.fields {
            Ok(fields) => fields,
            Err(error) => return Ok(Outcome { result: Err(refused(error, sent.texts)), desk }),
        };
        if !desk.claims.fresh && !has_proved_lately(&desk).await? {
            desk.claims = prove(&desk, cookies, &path, sent.own_password.as_ref(), &sent.texts).await?;
            desk.check::<P>()?;
        }
        let acting = Acting::bearer(&desk.claims, desk.caller.context());
        let result = act(fields, acting).await.map_err(|error| refused(error.into(), sent.texts));
        Ok(Outcome { desk, result })
    }
}

/// Returns whether the person has proved the password in the session within the lifetime of an access token, for which a fresh
/// token would be valid. The token may have been replaced since then, for example because the person took a right from
/// themselves.
async fn has_proved_lately(desk: &Desk<'_>) -> Result<bool, ApiError> {
    let session = sessions::find(&mut *desk.vestibule.store.read().await?, desk.claims.sid).await?;
    let lifetime = desk.vestibule.config.tokens.access_token_lifetime.seconds();
    let now = desk.caller.context().now.seconds();
    // A session that an application created in code has no device, and nobody has proved a password in it.
    let session = session.filter(|session| session.device.is_some());
    Ok(session.is_some_and(|session| now < session.auth_time.seconds() + lifetime))
}

/// Verifies the password of the person at the desk, sets the fresh access token as a cookie, and returns its claims. Without a
/// password or with a wrong one, returns the page that asks for it.
async fn prove(
    desk: &Desk<'_>,
    cookies: Cookies<'_>,
    path: &str,
    password: Option<&Password>,
    sent: &[(String, String)],
) -> Result<Arc<AccessClaims>, Halt> {
    let is_asked = sent.iter().any(|(name, _)| name == OWN_PASSWORD);
    let Some(password) = password else {
        let failure = is_asked.then(wrong_password);
        return Err(Halt::Page(Box::new(password_page(desk, path, sent, failure))));
    };
    match reauthenticate(desk.vestibule, &desk.claims, password, &desk.caller.context()).await {
        Ok(fresh) => {
            let claims = verify_signature(desk.vestibule, &fresh.access_token).map_err(ApiError::from)?;
            check_validity(desk.vestibule, &claims, desk.caller.context().now).map_err(ApiError::from)?;
            cookies.set_fresh(&fresh);
            Ok(claims)
        }
        Err(ReauthenticateError::Proof(VerifyPasswordError::Wrong(_))) => {
            Err(Halt::Page(Box::new(password_page(desk, path, sent, Some(wrong_password())))))
        }
        Err(error) => Err(Halt::Error(error.into())),
    }
}

/// Returns the failure for a wrong password.
fn wrong_password() -> Failure {
    let status = Status::new(ErrorCode::InvalidCredentials.status());
    Failure::field(status, OWN_PASSWORD, texts::error("wrong")).with_sentence("wrong_password")
}

/// Returns the page that asks for the password. Its form contains everything that was sent except passwords, and goes to
/// the same path.
fn password_page(desk: &Desk<'_>, path: &str, sent: &[(String, String)], failure: Option<Failure>) -> Page {
    let kept: Vec<Value> = sent
        .iter()
        .filter(|(name, _)| !is_secret(name))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    // A page contains no password, so a new one for somebody is typed again.
    let asks_again = sent.iter().any(|(name, value)| name == "password" && !value.is_empty());
    let back = path.rsplit_once('/').map_or("/admin", |(page, _)| page);
    let own = json!({"path": path, "back": back, "kept": kept, "asks_again": asks_again});
    let refused = failure.map(Refused::of_failure);
    let page = desk.page("admin-password", "", own, refused.as_ref());
    match refused {
        Some(_) => page,
        None => {
            let code = ErrorCode::FreshTokenRequired;
            page.refused(Status::new(code.status()), None).because(code.as_str())
        }
    }
}
