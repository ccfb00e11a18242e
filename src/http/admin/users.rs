//! `/admin/users`: the accounts of all users.

use rocket::{
    State, delete, get, patch, post,
    response::status::{Created, NoContent},
    serde::json::Json,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor;
use crate::{
    domain::{Permission, User, UserId, user::key_prefix, user_change::UserChange},
    flows::users::{
        add_user::{NewAccount, add_user},
        change_user::change_user,
        delete_user::delete_user,
    },
    http::{
        api::users::UserView,
        app_state::AppState,
        db::{Connection, Db},
        errors::{ApiError, of_admin::no_such_user},
        guards::admin::{Changes, Reads, UsersRead, UsersWrite},
        request::{
            body::{Body, Fields, FromFields, IgnoredBody},
            caller::Caller,
            field::{Field, Kind, optional},
            query::Query,
        },
    },
    store::{
        Conn,
        user_search::{self, Place, Search},
        users,
    },
};

/// The number of users of a page, unless the request names another.
const PAGE: u32 = 50;
/// The maximum number of users of a page.
const MAX_PAGE: u32 = 200;

/// An account as somebody who administers sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The account as its user sees it.
    #[serde(flatten)]
    user: UserView,
    /// The permissions that the user has directly, beside those of the roles, sorted.
    direct_permissions: Vec<String>,
    /// Whether the account has a password. An invited user has none before they choose one.
    has_password: bool,
}

impl AccountView {
    /// Returns the view of a user. Reads whether the user has a password.
    async fn read(conn: &mut Conn, user: User) -> Result<Self, ApiError> {
        let has_password = users::find_password_hash(conn, user.id).await?.is_some();
        let direct_permissions = user.direct_permissions.iter().map(Permission::to_string).collect();
        Ok(Self { user: user.into(), direct_permissions, has_password })
    }
}

/// A page of the list of users.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountPage {
    /// The users. Without `q` they are in the order of their ids, which is that of their creation except for imported ids. With
    /// `q`, the users come first whose username begins with it, in the order of the usernames. After them come the others whose
    /// address begins with it, in the order of the addresses. The list may be shorter than `limit` although there are more
    /// users.
    users: Vec<AccountView>,
    /// The value of `cursor` for the next page; null after the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The query of the list of users.
pub struct ListQuery {
    search: Search,
    after: Option<Place>,
    limit: u32,
}

impl FromFields for ListQuery {
    const FIELDS: &'static [Field] = &[
        optional("q", Kind::Opaque, "The beginning of the username or of the email address, without regard to case."),
        optional("role", Kind::Opaque, "Only users with this role."),
        optional("disabled", Kind::Boolean, "Only users who are disabled, or who are not."),
        optional("limit", Kind::Number(MAX_PAGE), "The maximum number of users of the page. By default 50."),
        optional("cursor", Kind::Opaque, "The `next_cursor` of the page before."),
    ];

    fn read(fields: &mut Fields, _: &crate::flows::Vestibule) -> Option<Self> {
        let text = |text: &str| Ok::<_, &str>(text.to_owned());
        let search = Search {
            prefix: fields.optional("q", |typed| Ok::<_, &str>(key_prefix(typed))).filter(|prefix| !prefix.is_empty()),
            role: fields.optional("role", text),
            disabled: fields.boolean("disabled"),
        };
        let by_name = search.prefix.is_some();
        let after = fields.optional("cursor", |text| place_of(text, by_name).ok_or(cursor::WRONG));
        let limit = fields.number("limit", MAX_PAGE).unwrap_or(PAGE);
        Some(Self { search, after, limit })
    }
}

/// Returns the place of a cursor; `None` if it is no cursor of a list of the same order. `by_name` is whether the list has a
/// prefix, and so is in the order of the names.
pub(in crate::http) fn place_of(cursor: &str, by_name: bool) -> Option<Place> {
    let (kind, key) = cursor::decode(cursor)?;
    match (kind, by_name) {
        ('i', false) => Some(Place::Id(key)),
        ('u', true) => Some(Place::Username(key)),
        ('e', true) => Some(Place::Email(key)),
        _ => None,
    }
}

/// Returns the cursor of a place.
pub(in crate::http) fn cursor_of(place: &Place) -> String {
    match place {
        Place::Id(key) => cursor::encode('i', key),
        Place::Username(key) => cursor::encode('u', key),
        Place::Email(key) => cursor::encode('e', key),
    }
}

/// Returns a page of the list of users.
#[get("/users")]
pub async fn list_users(
    _token: Reads<UsersRead>,
    query: Query<ListQuery>,
    mut db: Connection<Db>,
) -> Result<Json<AccountPage>, ApiError> {
    let ListQuery { search, after, limit } = query.0;
    let (ids, next) = user_search::search(&mut db, &search, after, limit as usize).await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        // A user who was deleted in the meantime is left out.
        if let Some(user) = users::find(&mut db, id).await? {
            found.push(AccountView::read(&mut db, user).await?);
        }
    }
    Ok(Json(AccountPage { users: found, next_cursor: next.as_ref().map(cursor_of) }))
}

/// Creates an account.
#[post("/users", data = "<body>")]
pub async fn create_user(
    token: Changes<UsersWrite>,
    body: Body<NewAccount>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Created<Json<AccountView>>, ApiError> {
    let user = add_user(vestibule, body.0, &token.acting(caller)?).await?;
    let place = format!("/admin/users/{}", user.id);
    Ok(Created::new(place).body(Json(AccountView::read(&mut *vestibule.store.read().await?, user).await?)))
}

/// Returns one account.
#[get("/users/<id>")]
pub async fn get_user(
    _token: Reads<UsersRead>,
    id: &str,
    mut db: Connection<Db>,
) -> Result<Json<AccountView>, ApiError> {
    let user = find_user(&mut db, id).await?;
    Ok(Json(AccountView::read(&mut db, user).await?))
}

/// Changes an account. An absent field is kept.
#[patch("/users/<id>", data = "<body>")]
pub async fn update_user(
    token: Changes<UsersWrite>,
    id: &str,
    body: Body<UserChange>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<AccountView>, ApiError> {
    let acting = token.acting(caller)?;
    let user = change_user(vestibule, user_id(id)?, body.0, &acting).await?;
    Ok(Json(AccountView::read(&mut *vestibule.store.read().await?, user).await?))
}

/// Deletes an account.
#[delete("/users/<id>", data = "<_body>")]
pub async fn remove_user(
    token: Changes<UsersWrite>,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    delete_user(vestibule, user_id(id)?, &acting).await?;
    Ok(NoContent)
}

/// Reads the id of a user in a path. A text that is not an id is the id of no user.
pub(in crate::http) fn user_id(text: &str) -> Result<UserId, ApiError> {
    UserId::parse(text).ok_or_else(no_such_user)
}

/// Returns the user with this id.
pub(in crate::http) async fn find_user(conn: &mut Conn, id: &str) -> Result<User, ApiError> {
    users::find(conn, user_id(id)?).await?.ok_or_else(no_such_user)
}
