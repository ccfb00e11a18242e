//! `/admin/clients`: the clients. Those of the configuration are shown, and are changed only there.

use rocket::{
    State, delete, get, patch, post,
    response::status::{Created, NoContent},
    serde::json::Json,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::client_fields::{ClientChangeBody, NewClientBody};
use crate::{
    config::Client,
    domain::Permission,
    flows::{
        Vestibule,
        clients::{
            remove_client::remove_client,
            set_client::{add_client, change_client, renew_secret},
        },
    },
    http::{
        app_state::AppState,
        db::{Connection, Db},
        errors::{ApiError, of_admin::no_such_client},
        guards::admin::{Changes, ClientsRead, ClientsWrite, Reads},
        request::{
            body::{Body, IgnoredBody},
            caller::Caller,
        },
    },
    store::{
        Conn,
        clients::{self, StoredClient},
    },
};

/// A client: an application through which users sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// The id.
    id: String,
    /// The name for a person; null if it has none.
    #[schema(required)]
    name: Option<String>,
    /// `database`, or `configuration`, where alone such a client is changed.
    source: &'static str,
    /// Whether the client must authenticate with its secret.
    confidential: bool,
    /// The audiences of its access tokens, of which a request may choose one. The first is the default.
    audience: Vec<String>,
    /// The permissions that its tokens can contain; null if all permissions of the user.
    #[schema(required)]
    scopes: Option<Vec<String>>,
    /// The grants that it may use at `/token`.
    grants: Vec<&'static str>,
    /// The lifetime of its access tokens, in seconds.
    access_token_lifetime: i64,
    /// The lifetime of its refresh tokens, in seconds.
    refresh_token_lifetime: i64,
}

/// All clients.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientList {
    /// The clients, sorted by id.
    clients: Vec<ClientView>,
}

/// A client with its secret, which is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewClientView {
    /// The client.
    #[serde(flatten)]
    client: ClientView,
    /// The secret; null for a public client. Only its hash is stored.
    #[schema(required)]
    client_secret: Option<String>,
}

/// The new secret of a client, which is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretView {
    /// The id of the client.
    client_id: String,
    /// The secret. Only its hash is stored.
    client_secret: String,
}

impl ClientView {
    /// Returns the view of a client. `stored` is its row, if it is a client of the database.
    pub(crate) fn new(client: &Client, stored: Option<&StoredClient>) -> Self {
        let grants = [("password", client.grants.password), ("refresh_token", client.grants.refresh_token)];
        Self {
            id: client.id.clone(),
            name: stored.and_then(|stored| stored.name.clone()),
            source: if stored.is_some() { "database" } else { "configuration" },
            confidential: client.is_confidential(),
            audience: client.audience.iter().map(str::to_owned).collect(),
            scopes: client.scopes.as_ref().map(|scopes| scopes.iter().map(Permission::to_string).collect()),
            grants: grants.into_iter().filter_map(|(name, allowed)| allowed.then_some(name)).collect(),
            access_token_lifetime: client.access_token_lifetime.seconds(),
            refresh_token_lifetime: client.refresh_token_lifetime.seconds(),
        }
    }

    /// Returns the view of a client that was just written.
    fn of_stored(vestibule: &Vestibule, stored: &StoredClient) -> Result<Self, ApiError> {
        let client = vestibule.clients.get(&stored.id).ok_or_else(no_such_client)?;
        Ok(Self::new(&client, Some(stored)))
    }
}

/// Returns all clients.
#[get("/clients")]
pub async fn list_clients(
    _token: Reads<ClientsRead>,
    vestibule: &State<AppState>,
    mut db: Connection<Db>,
) -> Result<Json<ClientList>, ApiError> {
    Ok(Json(ClientList { clients: find_all(vestibule, &mut db).await? }))
}

/// Returns the views of all clients, sorted by id.
pub(in crate::http) async fn find_all(vestibule: &Vestibule, conn: &mut Conn) -> Result<Vec<ClientView>, ApiError> {
    let stored = clients::list(conn).await?;
    let is_configured = |id: &str| vestibule.config.clients.get(id).is_some();
    let row = |id: &str| stored.iter().find(|stored| stored.id == id && !is_configured(id));
    let all = vestibule.clients.all();
    Ok(all.values().map(|client| ClientView::new(client, row(&client.id))).collect())
}

/// Returns one client.
#[get("/clients/<id>")]
pub async fn get_client(
    _token: Reads<ClientsRead>,
    id: &str,
    vestibule: &State<AppState>,
    mut db: Connection<Db>,
) -> Result<Json<ClientView>, ApiError> {
    find(vestibule, &mut db, id).await.map(Json)
}

/// Returns the view of a client.
pub(in crate::http) async fn find(vestibule: &Vestibule, conn: &mut Conn, id: &str) -> Result<ClientView, ApiError> {
    let client = vestibule.clients.get(id).ok_or_else(no_such_client)?;
    let stored = match vestibule.config.clients.get(id) {
        Some(_) => None,
        None => clients::find(conn, id).await?,
    };
    Ok(ClientView::new(&client, stored.as_ref()))
}

/// Adds a client, which is in force at once.
#[post("/clients", data = "<body>")]
pub async fn create_client(
    token: Changes<ClientsWrite>,
    body: Body<NewClientBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Created<Json<NewClientView>>, ApiError> {
    let acting = token.acting(caller)?;
    let (stored, secret) = add_client(vestibule, body.0.0, &acting).await?;
    let client = ClientView::of_stored(vestibule, &stored)?;
    let client_secret = secret.map(|secret| secret.reveal().to_owned());
    Ok(Created::new(format!("/admin/clients/{}", stored.id)).body(Json(NewClientView { client, client_secret })))
}

/// Changes a client. An absent field is kept.
#[patch("/clients/<id>", data = "<body>")]
pub async fn update_client(
    token: Changes<ClientsWrite>,
    id: &str,
    body: Body<ClientChangeBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<ClientView>, ApiError> {
    let acting = token.acting(caller)?;
    let stored = change_client(vestibule, id, body.0.0, &acting).await?;
    ClientView::of_stored(vestibule, &stored).map(Json)
}

/// Gives a client a new secret. The old one does not count any longer.
#[post("/clients/<id>/secret", data = "<_body>")]
pub async fn renew_client_secret(
    token: Changes<ClientsWrite>,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<SecretView>, ApiError> {
    let acting = token.acting(caller)?;
    let secret = renew_secret(vestibule, id, &acting).await?;
    Ok(Json(SecretView { client_id: id.to_owned(), client_secret: secret.reveal().to_owned() }))
}

/// Removes a client. Its sessions end.
#[delete("/clients/<id>", data = "<_body>")]
pub async fn delete_client(
    token: Changes<ClientsWrite>,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    remove_client(vestibule, id, &acting).await?;
    Ok(NoContent)
}
