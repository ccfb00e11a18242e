//! The queries on the clients that were made at run time.

use serde_json::Value;

use super::{
    Conn, Error, Result, instant,
    sql::{Row, sql},
};
use crate::domain::{
    Permission, SessionId, UnixTime, UserId, audience::Audiences, client::ClientSecretHash, policy::Grants,
};

/// A client as stored.
#[derive(Clone, Debug)]
pub struct StoredClient {
    /// The id.
    pub id: String,
    /// The name for a person.
    pub name: Option<String>,
    /// The audiences. `None`: the server's own.
    pub audiences: Option<Audiences>,
    /// The permissions that its tokens can contain. `None`: all permissions of the user.
    pub scopes: Option<Vec<Permission>>,
    /// The grants that it may use at `/token`.
    pub grants: Grants,
    /// The hash of its secret. `None` for a public client.
    pub secret_hash: Option<ClientSecretHash>,
    /// The time at which it was added.
    pub created_at: UnixTime,
}

impl StoredClient {
    /// Returns the names of the fields that differ in `other`, as the audit log names them.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != other.name),
            ("audience", self.audiences != other.audiences),
            ("scopes", self.scopes != other.scopes),
            ("grants", self.grants != other.grants),
            ("secret", self.secret_hash != other.secret_hash),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// Reads all clients, sorted by id.
pub async fn list(conn: &mut Conn) -> Result<Vec<StoredClient>> {
    let rows = sql("select id, name, audiences, scopes, grants, secret_hash, created_at from clients order by id")
        .all(conn)
        .await?;
    rows.iter().map(client).collect()
}

/// Reads a client. Returns `None` if there is no client with this id.
pub async fn find(conn: &mut Conn, id: &str) -> Result<Option<StoredClient>> {
    let row = sql("select id, name, audiences, scopes, grants, secret_hash, created_at from clients where id = $1")
        .bind(id)
        .optional(conn)
        .await?;
    row.as_ref().map(client).transpose()
}

/// Inserts a client, or replaces everything about it but the time of its creation.
pub async fn set(conn: &mut Conn, client: &StoredClient) -> Result<()> {
    let list = |items: Vec<&str>| Value::from(items).to_string();
    let grants = [("password", client.grants.password), ("refresh_token", client.grants.refresh_token)];
    sql("insert into clients (id, name, audiences, scopes, grants, secret_hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set name = excluded.name, audiences = excluded.audiences, scopes = excluded.scopes,
            grants = excluded.grants, secret_hash = excluded.secret_hash")
    .bind(&client.id)
    .bind(client.name.as_deref())
    .bind(list(client.audiences.iter().flat_map(Audiences::iter).collect()))
    .bind(client.scopes.as_ref().map(|scopes| list(scopes.iter().map(Permission::as_str).collect())))
    .bind(list(grants.into_iter().filter_map(|(name, allowed)| allowed.then_some(name)).collect()))
    .bind(client.secret_hash.as_ref().map(ToString::to_string))
    .bind(client.created_at.seconds())
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a client. Returns `false` if there is no client with this id.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(sql("delete from clients where id = $1").bind(id).execute(conn).await? > 0)
}

/// Returns the sessions of a client that were not revoked, with their users. Reads all sessions: a client is removed rarely.
pub async fn list_unrevoked_sessions(conn: &mut Conn, id: &str) -> Result<Vec<(UserId, SessionId)>> {
    let rows =
        sql("select id, user_id from sessions where client_id = $1 and revoked_at is null").bind(id).all(conn).await?;
    rows.iter()
        .map(|row| {
            let (id, user): (&str, &str) = (row.get("id")?, row.get("user_id")?);
            let both = UserId::parse(user).zip(SessionId::parse(id));
            both.ok_or_else(|| Error::inconsistent("sessions", id, "an id is not a UUID"))
        })
        .collect()
}

/// Converts a row. Fails with [`Error::Inconsistent`] if a value is invalid.
fn client(row: &Row) -> Result<StoredClient> {
    let id: String = row.get("id")?;
    let broken = |what: &str| Error::inconsistent("clients", &id, what);
    let list = |text: &str| serde_json::from_str::<Vec<String>>(text).map_err(|_| broken("a list is not one of texts"));
    let scopes = row.get::<Option<&str>>("scopes")?.map(list).transpose()?;
    let scopes =
        scopes.map(|names| names.iter().map(|name| Permission::parse(name)).collect::<std::result::Result<_, _>>());
    let grants = list(row.get("grants")?)?;
    let hash = row.get::<Option<&str>>("secret_hash")?.map(str::parse);
    Ok(StoredClient {
        name: row.get("name")?,
        audiences: Audiences::new(list(row.get("audiences")?)?),
        scopes: scopes.transpose().map_err(|_| broken("a scope is not a permission"))?,
        grants: Grants::from_words(grants.iter().map(String::as_str)).ok_or_else(|| broken("no such grant"))?,
        secret_hash: hash.transpose().map_err(|()| broken("the hash of the secret is malformed"))?,
        created_at: instant(row.get("created_at")?),
        id,
    })
}
