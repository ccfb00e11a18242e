//! The forms of the page of a user. Each runs the flow of an endpoint of the API.

use rocket::post;

use super::{
    form::{AdminForm, Halt, Outcome},
    once,
    person::{address, page},
};
use crate::{
    domain::{DeviceRowId, SessionId, UserId, user_change::UserChange},
    flows::{
        links::create_link::create_link,
        sessions::revoke_sessions::revoke_of_user,
        users::{change_user::change_user, delete_user::delete_user, remove_device::remove_device},
    },
    http::{
        admin::{
            links::LinkBody,
            users::{find_user, user_id},
        },
        errors::{ApiError, of_admin::no_such_device},
        guards::admin::{SessionsRevoke, UsersWrite},
        pages::{PageResponse, SeeOther, submitted_form::Button},
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, required},
        },
    },
    store::sessions::Selection,
};

/// Returns the notice after a change of a part of the account.
fn notice_of(part: &str) -> &'static str {
    match part {
        "state" => "person_state",
        "password" => "person_password",
        _ => "person_saved",
    }
}

/// Returns the page of the user after a form: the refusal, or what has changed.
async fn respond<R>(outcome: Outcome<'_, R>, id: &str, notice: &str) -> Result<PageResponse, Halt> {
    let user = user_id(id)?;
    match outcome.result {
        Ok(_) => Ok(outcome.desk.to(&address(user), notice)),
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}

/// Changes a part of an account. The forms differ in their fields, and a field that is not sent is kept.
#[post("/ui/people/<id>/change", data = "<form>")]
pub(super) async fn change_person_form(
    id: &str,
    form: AdminForm<'_, UsersWrite, UserChange>,
) -> Result<PageResponse, Halt> {
    let (vestibule, notice) = (form.desk().vestibule, notice_of(form.part()));
    let outcome = form
        .carry_out(async |change, acting| {
            let user = user_id(id)?;
            change_user(vestibule, user, change, &acting).await.map_err(ApiError::from)
        })
        .await?;
    respond(outcome, id, notice).await
}

/// Creates a link with which the user chooses a password. The response shows it.
#[post("/ui/people/<id>/link", data = "<form>")]
pub(super) async fn send_link_form(id: &str, form: AdminForm<'_, UsersWrite, LinkBody>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |LinkBody(purpose), acting| {
            let link = create_link(vestibule, user_id(id)?, purpose, &acting).await.map_err(ApiError::from)?;
            let user = find_user(&mut *vestibule.store.read().await?, id).await?;
            Ok::<_, ApiError>((user, purpose, link))
        })
        .await?;
    match outcome.result {
        Ok((user, purpose, link)) => {
            Ok(once::link_page(&outcome.desk, &user, purpose, &link, &address(user.id)).into())
        }
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}

/// Ends all sessions of a user.
#[post("/ui/people/<id>/sign-out", data = "<form>")]
pub(super) async fn sign_person_out_form(
    id: &str,
    form: AdminForm<'_, SessionsRevoke, Button>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |Button, acting| {
            let user = user_id(id)?;
            revoke_of_user(vestibule, user, Selection::All, &acting).await.map_err(ApiError::from)
        })
        .await?;
    respond(outcome, id, "person_signed_out").await
}

/// The session to end.
pub(super) struct OneSession(SessionId);

impl FromFields for OneSession {
    const FIELDS: &'static [Field] = &[required("session", Kind::Id, "The id of the session.")];

    fn read(fields: &mut Fields, _: &crate::flows::Vestibule) -> Option<Self> {
        fields.required("session", |text| SessionId::parse(text).ok_or("must be the id of a session")).map(Self)
    }
}

/// Ends one session of a user. A session that has ended already is no error.
#[post("/ui/people/<id>/end-session", data = "<form>")]
pub(super) async fn end_session_form(
    id: &str,
    form: AdminForm<'_, SessionsRevoke, OneSession>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |OneSession(session), acting| {
            let user = user_id(id)?;
            revoke_of_user(vestibule, user, Selection::One(session), &acting).await.map_err(ApiError::from)
        })
        .await?;
    let notice = if matches!(outcome.result, Ok(0)) { "session_had_ended" } else { "session_ended" };
    respond(outcome, id, notice).await
}

/// The device to forget.
pub(super) struct OneDevice(DeviceRowId);

impl FromFields for OneDevice {
    const FIELDS: &'static [Field] = &[required("device", Kind::Id, "The id of the device.")];

    fn read(fields: &mut Fields, _: &crate::flows::Vestibule) -> Option<Self> {
        fields.required("device", |text| DeviceRowId::parse(text).ok_or("must be the id of a device")).map(Self)
    }
}

/// Removes a device of a user, and ends its session.
#[post("/ui/people/<id>/forget-device", data = "<form>")]
pub(super) async fn forget_device_form(
    id: &str,
    form: AdminForm<'_, SessionsRevoke, OneDevice>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |OneDevice(device), acting| match UserId::parse(id) {
            Some(user) => remove_device(vestibule, user, device, &acting).await.map_err(ApiError::from),
            None => Err(no_such_device()),
        })
        .await?;
    respond(outcome, id, "device_forgotten").await
}

/// Deletes an account. Its name must be typed.
#[post("/ui/people/<id>/delete", data = "<form>")]
pub(super) async fn delete_person_form(
    id: &str,
    form: AdminForm<'_, UsersWrite, Button>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    // The name is read only for somebody who may send the form.
    form.desk().check::<UsersWrite>()?;
    let user = find_user(&mut *vestibule.store.read().await?, id).await?;
    let outcome = form
        .require_typed(&super::events::name_of(&user))
        .carry_out(async |Button, acting| delete_user(vestibule, user.id, &acting).await)
        .await?;
    match outcome.result {
        Ok(_) => Ok(SeeOther(format!("{}/people?notice=person_deleted", super::desk::UI)).into()),
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}
