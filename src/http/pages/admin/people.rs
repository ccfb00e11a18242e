//! `/admin/ui/people`: the list of users, the search, and the form for a new one.

use rocket::{get, post};
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events::name_of,
    form::{AdminForm, Halt},
    once,
    person::{self, roles_to_give},
    refused::Refused,
};
use crate::{
    domain::{User, one_time::LinkPurpose, user::key_prefix},
    flows::{
        links::create_link::create_link,
        users::add_user::{NewAccount, add_user},
    },
    http::{
        admin::users::{cursor_of, place_of},
        errors::ApiError,
        guards::admin::{UsersRead, UsersWrite},
        pages::{Page, PageResponse, humanize, with_parameters},
    },
    store::{
        Conn, sessions,
        user_search::{self, Search},
        users,
    },
};

/// The number of users on a page.
const PAGE: usize = 50;

/// Returns the users whose name or address begins with `q`, with a role, and in a state (`disabled` or `enabled`).
#[get("/ui/people?<q>&<role>&<state>&<cursor>")]
pub(super) async fn people_page(
    desk: Desk<'_>,
    q: Option<&str>,
    role: Option<&str>,
    state: Option<&str>,
    cursor: Option<&str>,
) -> Result<Page, ApiError> {
    desk.check::<UsersRead>()?;
    let [q, role, state] = [q, role, state].map(|text| text.unwrap_or_default().trim());
    let search = Search {
        prefix: Some(key_prefix(q)).filter(|prefix| !prefix.is_empty()),
        role: (!role.is_empty()).then(|| role.to_owned()),
        disabled: match state {
            "disabled" => Some(true),
            "enabled" => Some(false),
            _ => None,
        },
    };
    let after = cursor.and_then(|text| place_of(text, search.prefix.is_some()));
    let is_first = after.is_none();
    let mut conn = desk.vestibule.store.read().await?;
    let (ids, next) = user_search::search(&mut conn, &search, after, PAGE).await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        // A user who was deleted in the meantime is left out.
        if let Some(user) = users::find(&mut conn, id).await? {
            found.push(row(&desk, &mut conn, &user).await?);
        }
    }
    drop(conn);
    let filters = [("q", q), ("role", role), ("state", state)];
    let further = next.as_ref().map(|place| {
        let cursor = cursor_of(place);
        with_parameters(&format!("{UI}/people"), filters.into_iter().chain([("cursor", cursor.as_str())]))
    });
    let is_filtered = filters.iter().any(|(_, value)| !value.is_empty());
    let first = with_parameters(&format!("{UI}/people"), filters);
    let own = json!({
        "people": found,
        "first": first,
        "further": further,
        "q": q,
        "role": role,
        "state": state,
        "filtered": is_filtered,
        "is_first": is_first,
    });
    Ok(desk.page("admin-people", "people", own, None))
}

/// Returns the values of a row of the list.
async fn row(desk: &Desk<'_>, conn: &mut Conn, user: &User) -> Result<Value, ApiError> {
    let live = match desk.may::<crate::http::guards::admin::SessionsRead>() {
        true => Some(sessions::list_live_by_user(conn, user.id, desk.caller.context().now).await?),
        false => None,
    };
    let last = live.as_ref().and_then(|live| live.first());
    Ok(json!({
        "address": person::address(user.id),
        "name": name_of(user),
        "email": user.email.as_ref().filter(|_| user.username.is_some()),
        "disabled": user.disabled_at.is_some(),
        "invited": users::find_password_hash(conn, user.id).await?.is_none(),
        "roles": user.roles,
        "devices": live.as_ref().map(Vec::len),
        "last_used_at": last.map(|session| humanize::instant(session.last_used_at)),
    }))
}

/// Returns the form for a new user.
#[get("/ui/people/new")]
pub(super) async fn new_person_page(desk: Desk<'_>) -> Result<Page, ApiError> {
    desk.check::<UsersWrite>()?;
    form_page(&desk, None).await
}

async fn form_page(desk: &Desk<'_>, refused: Option<&Refused>) -> Result<Page, ApiError> {
    let mut conn = desk.vestibule.store.read().await?;
    let power = desk.power(&mut conn).await?;
    let own = json!({
        "roles": roles_to_give(&mut conn, &power).await?,
        "username_field": desk.vestibule.config.passwords.username_field.as_str(),
        "password_min_length": desk.vestibule.config.passwords.min_length,
    });
    Ok(desk.page("admin-new-person", "people", own, refused))
}

/// Creates an account. Without a password, the response is a page with the link of an invitation.
#[post("/ui/people/new/add", data = "<form>")]
pub(super) async fn add_person_form(form: AdminForm<'_, UsersWrite, NewAccount>) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let sent = form
        .carry_out(async |account: NewAccount, acting| {
            let is_invited = account.password.is_none() && !account.disabled;
            let user = add_user(vestibule, account, &acting).await.map_err(ApiError::from)?;
            let link = match is_invited {
                true => {
                    Some(create_link(vestibule, user.id, LinkPurpose::Invite, &acting).await.map_err(ApiError::from)?)
                }
                false => None,
            };
            Ok::<_, ApiError>((user, link))
        })
        .await?;
    match sent.result {
        Ok((user, Some(link))) => {
            Ok(once::link_page(&sent.desk, &user, LinkPurpose::Invite, &link, &person::address(user.id)).into())
        }
        Ok((user, None)) => Ok(sent.desk.to(&person::address(user.id), "person_added")),
        Err(refused) => Ok(form_page(&sent.desk, Some(&refused)).await?.into()),
    }
}
