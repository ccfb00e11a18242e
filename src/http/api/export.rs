//! `GET /users/me/export`: all data about the user, written page by page.
//!
//! An export can be long, and a client can read slowly. So the response is written from pages: a page is read when the client
//! has taken the page before it, and while the client reads, neither a database connection nor a snapshot is held. If a page
//! can't be read, the connection is aborted, because the status has been sent already.

use std::{
    io::{self, Cursor},
    pin::Pin,
    task::{Context, Poll},
};

use rocket::{
    State, get,
    http::ContentType,
    response::stream::ReaderStream,
    tokio::io::{AsyncRead, ReadBuf},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    sessions::SessionView,
    users::{UserView, account_deleted},
};
use crate::{
    domain::{SessionId, UnixTime, User, device::SealedFingerprint, scope, session::Session},
    flows::{
        Vestibule,
        users::export_user::{Page, Position, begin_export, read_page},
    },
    http::{
        app_state::AppState,
        errors::ApiError,
        guards::{AccessToken, OnAccount},
        request::caller::Caller,
    },
    store::{audit::StoredEvent, devices::Device},
};

/// All data that the server stores about the user, as `/openapi.json` describes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// The user's account.
    user: UserView,
    /// The user's sessions. A session that has ended is included until the server deletes it.
    sessions: Vec<ExportedSession>,
    /// The devices on which the user has signed in.
    devices: Vec<DeviceView>,
    /// The events of the audit log about the user, newest first.
    audit_events: Vec<AuditEventView>,
}

/// A session with all data that the server stores about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedSession {
    /// The fields of the session in the list of sessions.
    #[serde(flatten)]
    session: SessionView,
    /// The `id` of the session's device; null if the session has no device, or if the server has deleted it.
    #[schema(required)]
    device: Option<String>,
    /// The time at which the session ends even if it is used. A refresh does not move this time.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UnixTime,
    /// When the user last proved the password in the session.
    #[schema(value_type = String, format = DateTime)]
    auth_time: UnixTime,
    /// The number of consecutive wrong passwords in the session. A correct password resets it.
    failed_proofs: u32,
    /// The number of consecutive refreshes with the fingerprint of another device.
    mismatches: u32,
    /// When refreshes with the fingerprint of another device came, of the last day before the last one.
    #[schema(value_type = Vec<String>)]
    mismatched_at: Vec<UnixTime>,
    /// The permissions to which the session's tokens are limited, separated by spaces; null if they are not limited.
    #[schema(required)]
    scope: Option<String>,
    /// The names of the browser's properties of which the server stores a keyed hash.
    fingerprint: Vec<&'static str>,
    /// When the session was revoked; null if it was not revoked.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    revoked_at: Option<UnixTime>,
    /// The reason for which the session was revoked; null if it was not revoked.
    #[schema(required)]
    revoked_reason: Option<String>,
}

impl ExportedSession {
    fn new(vestibule: &Vestibule, session: &Session, current: SessionId) -> Self {
        Self {
            session: SessionView::new(vestibule, session, current),
            device: session.device.map(|device| device.to_string()),
            ends_at: session.expires_at,
            auth_time: session.auth_time,
            failed_proofs: session.failed_proofs,
            mismatches: session.mismatches.in_a_row,
            mismatched_at: session.mismatches.within_a_day.clone(),
            scope: session.scope.as_ref().map(|granted| scope::text(granted.permissions())),
            fingerprint: session.fingerprint.iter().flat_map(SealedFingerprint::components).collect(),
            revoked_at: session.revoked_at,
            revoked_reason: session.revoked_reason.clone(),
        }
    }
}

/// A device on which the user has signed in. The secret `device_id` of the device is not included, because the server stores
/// only its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The id of the device. It is not the secret `device_id`.
    id: String,
    /// The id of the client through which the user signs in on the device.
    client_id: String,
    /// When the user first signed in on the device.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
    /// When the user last signed in on the device. After the server has deleted a session of the device: the end of that
    /// session, if it is later.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixTime,
}

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventView {
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: UnixTime,
    /// The kind of the event.
    event: String,
    /// The id of the session in which the event happened; null if the event belongs to no session.
    #[schema(required)]
    session_id: Option<String>,
    /// The IP address of the client that caused the event; null if it is unknown.
    #[schema(required)]
    ip: Option<String>,
    /// Further data. The fields depend on the kind of the event.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        Self {
            id: device.id.to_string(),
            client_id: device.client_id,
            created_at: device.created_at,
            last_used_at: device.last_used_at,
        }
    }
}

impl From<StoredEvent> for AuditEventView {
    fn from(event: StoredEvent) -> Self {
        Self { at: event.at, event: event.event, session_id: event.session_id, ip: event.ip, detail: event.detail }
    }
}

/// Returns all data that the server stores about the bearer.
#[get("/me/export")]
pub async fn export_me(
    token: OnAccount<AccessToken>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<ExportResponse, ApiError> {
    export_of(&token, vestibule, caller).await
}

/// Returns all data that the server stores about the bearer of a token that a guard has accepted.
pub(in crate::http) async fn export_of(
    token: &AccessToken,
    vestibule: &AppState,
    caller: &Caller,
) -> Result<ExportResponse, ApiError> {
    let user = begin_export(vestibule, token.claims(), &caller.context()).await?.ok_or_else(account_deleted)?;
    Ok(ExportResponse { vestibule: AppState::clone(vestibule), user: Box::new(user), current: token.claims().sid })
}

/// The response with an export, which is written while the client reads it.
pub struct ExportResponse {
    vestibule: AppState,
    user: Box<User>,
    current: SessionId,
}

impl<'r> rocket::response::Responder<'r, 'r> for ExportResponse {
    fn respond_to(self, request: &'r rocket::Request<'_>) -> rocket::response::Result<'r> {
        let Self { vestibule, user, current } = self;
        let id = user.id;
        let start = format!("{{\"user\":{}", json_text(&UserView::from(*user)));
        let parts = ReaderStream! {
            yield Part::text(start);
            let mut position = Some(Position::first());
            while let Some(from) = position {
                match read_page(&vestibule, id, from).await {
                    Ok(page) => {
                        yield Part::text(page_text(&vestibule, from, page.0, current));
                        position = page.1;
                    }
                    Err(error) => {
                        tracing::error!(%error, "an export was aborted");
                        yield Part::Failed;
                        return;
                    }
                }
            }
            yield Part::text("]}".to_owned());
        };
        (ContentType::JSON, parts).respond_to(request)
    }
}

/// Returns the text of a page. The first page of a list begins the list, and ends the list before it.
fn page_text(vestibule: &Vestibule, from: Position, page: Page, current: SessionId) -> String {
    let (name, items) = match page {
        Page::Sessions(sessions) => {
            let view = |session: &Session| json_text(&ExportedSession::new(vestibule, session, current));
            ("sessions", sessions.iter().map(view).collect::<Vec<_>>())
        }
        Page::Devices(devices) => {
            ("devices", devices.into_iter().map(|device| json_text(&DeviceView::from(device))).collect())
        }
        Page::AuditEvents(events) => {
            ("audit_events", events.into_iter().map(|event| json_text(&AuditEventView::from(event))).collect())
        }
    };
    let items = items.join(",");
    match from.is_start_of_list() {
        true if name == "sessions" => format!(",\"{name}\":[{items}"),
        true => format!("],\"{name}\":[{items}"),
        false if items.is_empty() => items,
        false => format!(",{items}"),
    }
}

/// Returns the JSON of a view.
fn json_text(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("a view of texts, numbers and lists is JSON")
}

/// A part of the body, or the failure that ends it.
enum Part {
    Text(Cursor<Vec<u8>>),
    Failed,
}

impl Part {
    fn text(text: String) -> Self {
        Self::Text(Cursor::new(text.into_bytes()))
    }
}

impl AsyncRead for Part {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Text(text) => Pin::new(text).poll_read(context, buffer),
            Self::Failed => Poll::Ready(Err(io::Error::other("the rest of the export can't be read"))),
        }
    }
}
