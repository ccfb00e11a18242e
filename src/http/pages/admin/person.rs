//! `/admin/ui/people/<id>`: everything about one user. The forms of the page are in `person_forms`.

use rocket::get;
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events,
    refused::Refused,
};
use crate::{
    domain::{User, UserId, power::Power, session::Session},
    http::{
        admin::users::find_user,
        errors::ApiError,
        guards::admin::{AuditRead, SessionsRead, UsersRead},
        pages::{Page, humanize},
    },
    store::{
        Conn,
        audit::{self, Filter},
        devices, one_time_tokens, roles, sessions, users,
    },
};

/// The number of events that the page shows.
const EVENTS: usize = 10;

/// The maximum number of devices that the page shows.
const MAX_DEVICES: i64 = 200;

/// Returns the path of the page of a user.
pub(super) fn address(user: UserId) -> String {
    format!("{UI}/people/{user}")
}

/// Returns the page of a user.
#[get("/ui/people/<id>")]
pub(super) async fn person_page(desk: Desk<'_>, id: &str) -> Result<Page, ApiError> {
    page(&desk, id, None).await
}

/// Returns the page of a user. If a form was refused, the page says so.
pub(super) async fn page(desk: &Desk<'_>, id: &str, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<UsersRead>(refused)?;
    let mut conn = desk.vestibule.store.read().await?;
    let user = find_user(&mut conn, id).await?;
    let power = desk.power(&mut conn).await?;
    let is_self = user.id == desk.claims.sub;
    let name = events::name_of(&user);
    let live = match desk.may::<SessionsRead>() {
        true => Some(sessions::list_live_by_user(&mut conn, user.id, desk.caller.context().now).await?),
        false => None,
    };
    let own = json!({
        "address": address(user.id),
        "user": {
            "id": user.id.to_string(),
            "name": name,
            "username": user.username,
            "email": user.email,
            "email_verified": user.email_verified_at.is_some(),
            "disabled_at": user.disabled_at.map(humanize::instant),
            "created_at": humanize::instant(user.created_at),
            "has_password": users::find_password_hash(&mut conn, user.id).await?.is_some(),
            "link_used_at": one_time_tokens::find_last_use(&mut conn, user.id).await?.map(humanize::instant),
            "permissions": user.permissions.iter().map(|held| held.as_str()).collect::<Vec<_>>(),
            "direct_permissions": words(user.direct_permissions.iter().map(|held| held.as_str())),
            "claims": match user.claims.is_empty() {
                true => String::new(),
                false => serde_json::to_string_pretty(&user.claims).unwrap_or_default(),
            },
        },
        "is_self": is_self,
        "covers": power.check_covers(&user).is_ok(),
        "vouches": power.check_vouches().is_ok(),
        "roles": roles_of(&mut conn, &power, &user).await?,
        "sessions": live.as_ref().map(|live| live.iter().map(|session| session_values(desk, session)).collect::<Vec<_>>()),
        "devices": devices(&mut conn, user.id, live.as_deref()).await?,
        "events": events(desk, &mut conn, user.id).await?,
        "activity": format!("{UI}/activity?who={}", user.id),
        "password_min_length": desk.vestibule.config.passwords.min_length,
    });
    Ok(desk.page("admin-person", "people", own, refused))
}

/// Returns the template's values for a session.
pub(super) fn session_values(desk: &Desk<'_>, session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "name": session.device_name,
        "client": session.client_id,
        "is_own": session.id == desk.claims.sid,
        "ip": session.ip,
        "created_at": humanize::instant(session.created_at),
        "last_used_at": humanize::instant(session.last_used_at),
        "bound": session.is_bound(),
        "repeated_at": session.repeated.as_ref().map(|repeat| humanize::instant(repeat.at)),
        "repeated_ip": session.repeated.as_ref().and_then(|repeat| repeat.ip.as_deref()),
    })
}

/// Returns the devices of a user, with the names of those on which a session is live. `None` without the sessions, which the
/// person at the desk may not read then.
async fn devices(conn: &mut Conn, user: UserId, live: Option<&[Session]>) -> Result<Option<Vec<Value>>, ApiError> {
    let Some(live) = live else { return Ok(None) };
    let device = |device: &devices::Device| {
        let session = live.iter().find(|session| session.device == Some(device.id));
        json!({
            "id": device.id.to_string(),
            "name": session.and_then(|session| session.device_name.as_deref()),
            "client": device.client_id,
            "created_at": humanize::instant(device.created_at),
            "last_used_at": humanize::instant(device.last_used_at),
        })
    };
    Ok(Some(devices::page_by_user(conn, user, None, MAX_DEVICES).await?.iter().map(device).collect()))
}

/// Returns the newest events that concern a user; `None` if the person at the desk may not read them.
async fn events(desk: &Desk<'_>, conn: &mut Conn, user: UserId) -> Result<Option<Vec<Value>>, ApiError> {
    if !desk.may::<AuditRead>() {
        return Ok(None);
    }
    let filter = Filter { user: Some(user), ..Filter::default() };
    let (found, _) = audit::search(conn, &filter, None, EVENTS).await?;
    Ok(Some(events::lines(desk, conn, &found).await?))
}

/// Returns the roles that a user has or could get: for each whether the user has it, and whether the person at the desk may
/// change that. A role that is neither held nor could be given is left out.
async fn roles_of(conn: &mut Conn, power: &Power, user: &User) -> Result<Vec<Value>, ApiError> {
    let all = roles::find_all(conn).await?;
    let role = |name: &str| {
        let permissions = all.permissions(name);
        let is_held = user.roles.iter().any(|held| held == name);
        let may_change = match is_held {
            true => power.check_takes_role(name, permissions.iter()).is_ok(),
            false => power.check_gives_role(name, permissions.iter()).is_ok(),
        };
        (is_held || may_change).then(|| json!({"name": name, "held": is_held, "may_change": may_change}))
    };
    Ok(all.names().filter_map(role).collect())
}

/// Returns the roles that the person at the desk may give to a new user.
pub(super) async fn roles_to_give(conn: &mut Conn, power: &Power) -> Result<Vec<Value>, ApiError> {
    let all = roles::find_all(conn).await?;
    let may_give = |name: &&str| power.check_gives_role(name, all.permissions(name).iter()).is_ok();
    Ok(all.names().filter(may_give).map(|name| json!({"name": name})).collect())
}

/// Returns words as the text of a form's field.
pub(super) fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
