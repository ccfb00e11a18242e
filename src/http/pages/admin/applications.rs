//! `/admin/ui/applications`: the list of the clients. `/admin/ui/application/<id>`: one client with its forms.

use rocket::{get, post};
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    form::{AdminForm, Halt},
    once,
    refused::Refused,
};
use crate::{
    flows::clients::{
        remove_client::remove_client,
        set_client::{add_client, change_client, renew_secret},
    },
    http::{
        admin::{
            client_fields::{ClientChangeBody, NewClientBody},
            clients::{self, ClientView},
        },
        errors::ApiError,
        guards::admin::{ClientsRead, ClientsWrite},
        pages::{Page, PageResponse, SeeOther, humanize, submitted_form::Button},
    },
};

/// Returns the path of the list of applications.
fn list_address() -> String {
    format!("{UI}/applications")
}

/// Returns the path of the page of an application. An id needs no encoding.
pub(super) fn address(id: &str) -> String {
    format!("{UI}/application/{id}")
}

/// Returns the template's values for a client.
fn values(client: &ClientView) -> Result<Value, ApiError> {
    let mut values = serde_json::to_value(client).map_err(|error| ApiError::internal(&error))?;
    let span = |key: &str| humanize::span(values[key].as_u64().unwrap_or_default());
    let (access, refresh) = (span("access_token_lifetime"), span("refresh_token_lifetime"));
    values["access_token_lifetime"] = access.into();
    values["refresh_token_lifetime"] = refresh.into();
    values["address"] = values["id"].as_str().map(address).into();
    Ok(values)
}

/// Returns the list of the applications.
#[get("/ui/applications")]
pub(super) async fn applications_page(desk: Desk<'_>) -> Result<Page, ApiError> {
    list_page(&desk, None).await
}

async fn list_page(desk: &Desk<'_>, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<ClientsRead>(refused)?;
    let all = clients::find_all(desk.vestibule, &mut *desk.vestibule.store.read().await?).await?;
    let rows = all.iter().map(values).collect::<Result<Vec<_>, _>>()?;
    let has_own = rows.iter().any(|client| client["source"] == "database");
    Ok(desk.page("admin-applications", "applications", json!({"applications": rows, "has_own": has_own}), refused))
}

/// Adds an application. The response shows its secret, if it has one.
#[post("/ui/applications/add", data = "<form>")]
pub(super) async fn add_application_form(
    form: AdminForm<'_, ClientsWrite, NewClientBody>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form.carry_out(async |NewClientBody(new), acting| add_client(vestibule, new, &acting).await).await?;
    match outcome.result {
        Ok((client, Some(secret))) => {
            Ok(once::secret_page(&outcome.desk, &client.id, secret.reveal(), &address(&client.id)).into())
        }
        Ok((client, None)) => Ok(outcome.desk.to(&address(&client.id), "application_added")),
        Err(refused) => Ok(list_page(&outcome.desk, Some(&refused)).await?.into()),
    }
}

/// Returns the page of an application.
#[get("/ui/application/<id>")]
pub(super) async fn application_page(desk: Desk<'_>, id: &str) -> Result<Page, ApiError> {
    page(&desk, id, None).await
}

async fn page(desk: &Desk<'_>, id: &str, refused: Option<&Refused>) -> Result<Page, ApiError> {
    desk.check_page::<ClientsRead>(refused)?;
    let client = clients::find(desk.vestibule, &mut *desk.vestibule.store.read().await?, id).await?;
    let web = &desk.vestibule.config.web;
    let server = web.public_url.as_str();
    let own = json!({
        "client": values(&client)?,
        "address": address(id),
        "token_endpoint": format!("{server}{}/token", web.base_path),
        "metadata": format!("{server}/.well-known/oauth-authorization-server"),
    });
    Ok(desk.page("admin-application", "applications", own, refused))
}

/// Changes an application.
#[post("/ui/application/<id>/change", data = "<form>")]
pub(super) async fn change_application_form(
    id: &str,
    form: AdminForm<'_, ClientsWrite, ClientChangeBody>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome = form
        .carry_out(async |ClientChangeBody(change), acting| change_client(vestibule, id, change, &acting).await)
        .await?;
    match outcome.result {
        Ok(_) => Ok(outcome.desk.to(&address(id), "application_saved")),
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}

/// Gives an application a new secret, and shows it. The id must be typed, because the old secret does not come back.
#[post("/ui/application/<id>/secret", data = "<form>")]
pub(super) async fn renew_secret_form(
    id: &str,
    form: AdminForm<'_, ClientsWrite, Button>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome =
        form.require_typed(id).carry_out(async |Button, acting| renew_secret(vestibule, id, &acting).await).await?;
    match outcome.result {
        Ok(secret) => Ok(once::secret_page(&outcome.desk, id, secret.reveal(), &address(id)).into()),
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}

/// Removes an application. Its id must be typed.
#[post("/ui/application/<id>/delete", data = "<form>")]
pub(super) async fn delete_application_form(
    id: &str,
    form: AdminForm<'_, ClientsWrite, Button>,
) -> Result<PageResponse, Halt> {
    let vestibule = form.desk().vestibule;
    let outcome =
        form.require_typed(id).carry_out(async |Button, acting| remove_client(vestibule, id, &acting).await).await?;
    match outcome.result {
        Ok(_) => Ok(SeeOther(format!("{}?notice=application_removed", list_address())).into()),
        Err(refused) => Ok(page(&outcome.desk, id, Some(&refused)).await?.into()),
    }
}
