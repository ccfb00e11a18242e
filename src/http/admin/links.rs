//! `/admin/users/<id>/link`: a link with which the user chooses a password.

use rocket::{State, http::Status, post, response::status::Custom, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::user_id;
use crate::{
    domain::{UnixTime, one_time::LinkPurpose},
    flows::{Vestibule, links::create_link::create_link},
    http::{
        app_state::AppState,
        errors::ApiError,
        guards::admin::{Changes, UsersWrite},
        request::{
            body::{Body, Fields, FromFields},
            caller::Caller,
            field::{Field, Kind, required},
        },
    },
};

/// A link. It is shown once, because the server stores only the hash of its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// The URL, which is to be sent to the user.
    url: String,
    /// The time from which the link does not work any longer.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixTime,
}

/// What a link is for.
pub struct LinkBody(pub LinkPurpose);

impl FromFields for LinkBody {
    const FIELDS: &'static [Field] = &[required(
        "purpose",
        Kind::OneOf(&["invite", "reset"]),
        "`invite` to choose the first password, within three days; `reset` to choose a new one, within an hour.",
    )];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let purpose = fields.required("purpose", |text| match text {
            "invite" => Ok(LinkPurpose::Invite),
            "reset" => Ok(LinkPurpose::Reset),
            _ => Err("must be invite or reset"),
        });
        purpose.map(Self)
    }
}

/// Creates a link with which the user chooses a password. Earlier links of the user do not work any longer.
#[post("/users/<id>/link", data = "<body>")]
pub async fn create(
    token: Changes<UsersWrite>,
    id: &str,
    body: Body<LinkBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Custom<Json<LinkView>>, ApiError> {
    let acting = token.acting(caller)?;
    let link = create_link(vestibule, user_id(id)?, body.0.0, &acting).await?;
    Ok(Custom(Status::Created, Json(LinkView { url: link.url, expires_at: link.expires_at })))
}
