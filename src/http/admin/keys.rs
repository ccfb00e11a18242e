//! `/admin/keys`: the keys that sign access tokens. A key is imported only on the command line.

use rocket::{State, get, post, response::status::NoContent, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Algorithm,
    domain::{UnixTime, signing_key::SigningKey},
    flows::{
        Vestibule,
        keys::{
            retire_key::retire_key,
            rotate_keys::{RotateError, When, rotate_keys},
        },
        steps::{acting::Acting, signing},
    },
    http::{
        app_state::AppState,
        db::{Connection, Db},
        errors::ApiError,
        guards::admin::{Changes, KeysRead, KeysWrite, Reads},
        request::{
            body::{Fields, FromFields, IgnoredBody, OptionalBody},
            caller::Caller,
            field::{Field, Kind, optional},
        },
    },
    store::signing_keys::{self, KeyStatus, StoredKey},
};

/// A key that signs or verifies access tokens. Its private part is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// The id of the key, as in the header of its tokens.
    pub(crate) kid: String,
    /// The algorithm, such as `ES256`.
    pub(crate) algorithm: &'static str,
    /// `next` (published, and signs later), `current` (signs) or `retiring` (only verifies).
    pub(crate) status: &'static str,
    /// `database`, or `secret_key` for the key of the configuration.
    pub(crate) source: &'static str,
    /// When the key was created; null for the key of the configuration.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(crate) created_at: Option<UnixTime>,
    /// The time from which the key signs; null for the key of the configuration.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(crate) signs_from: Option<UnixTime>,
    /// The time at which the key is deleted; null if it is not retiring.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(crate) retires_at: Option<UnixTime>,
}

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    /// The keys: the one of the configuration, then the next, the current and the retiring ones.
    keys: Vec<KeyView>,
}

impl KeyView {
    /// Returns the views of all keys.
    pub(crate) fn all(vestibule: &Vestibule, stored: Vec<StoredKey>) -> Vec<Self> {
        let algorithm = vestibule.config.keys.algorithm;
        let configured = vestibule.config.keys.secret_key().map(|secret| Self {
            kid: SigningKey::shared_secret(algorithm, secret.expose()).kid,
            algorithm: algorithm.as_str(),
            status: "current",
            source: "secret_key",
            created_at: None,
            signs_from: None,
            retires_at: None,
        });
        configured.into_iter().chain(stored.into_iter().map(Self::of)).collect()
    }

    fn of(stored: StoredKey) -> Self {
        Self {
            kid: stored.kid,
            algorithm: stored.algorithm.as_str(),
            status: stored.status.as_str(),
            source: "database",
            created_at: Some(stored.created_at),
            signs_from: Some(stored.signs_from),
            retires_at: match stored.status {
                KeyStatus::Retiring(at) => Some(at),
                KeyStatus::Next | KeyStatus::Current => None,
            },
        }
    }
}

/// Returns the signing keys.
#[get("/keys")]
pub async fn list_keys(
    _token: Reads<KeysRead>,
    vestibule: &State<AppState>,
    mut db: Connection<Db>,
) -> Result<Json<KeyList>, ApiError> {
    Ok(Json(KeyList { keys: KeyView::all(vestibule, signing_keys::list(&mut db).await?) }))
}

/// The options of a rotation.
#[derive(Default)]
pub struct RotateBody {
    /// The algorithm of the new key; `None` for the setting.
    pub algorithm: Option<Algorithm>,
    /// Whether the new key signs at once.
    pub at_once: bool,
}

impl FromFields for RotateBody {
    const FIELDS: &'static [Field] = &[
        optional(
            "algorithm",
            Kind::OneOf(Algorithm::WORDS),
            "The algorithm of the new key. By default the setting `algorithm`.",
        ),
        optional(
            "now",
            Kind::Boolean,
            "Whether the new key signs at once, because the current one was compromised. By default it is published for ten \
             minutes before.",
        ),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let wrong = |()| format!("must be one of {}", Algorithm::WORDS.join(", "));
        let algorithm = fields.optional("algorithm", |text| text.parse().map_err(wrong));
        Some(Self { algorithm, at_once: fields.boolean("now").unwrap_or_default() })
    }
}

/// Creates a key that replaces the current one.
#[post("/keys/rotate", data = "<body>")]
pub async fn rotate(
    token: Changes<KeysWrite>,
    body: OptionalBody<RotateBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<KeyList>, ApiError> {
    let acting = token.acting(caller)?;
    replace_key(vestibule, body.0.unwrap_or_default(), &acting).await?;
    let stored = signing_keys::list(&mut *vestibule.store.read().await?).await?;
    Ok(Json(KeyList { keys: KeyView::all(vestibule, stored) }))
}

/// Generates a key and replaces the current one by it.
pub(in crate::http) async fn replace_key(
    vestibule: &Vestibule,
    RotateBody { algorithm, at_once }: RotateBody,
    acting: &Acting,
) -> Result<(), RotateError> {
    if vestibule.config.keys.secret_key().is_some() {
        // No key is generated in vain, which can take a second.
        return Err(RotateError::SecretKey);
    }
    let algorithm = algorithm.unwrap_or(vestibule.config.keys.algorithm);
    let when = if at_once { When::Now } else { When::Published };
    rotate_keys(vestibule, signing::generate(algorithm).await, when, acting).await.map(drop)
}

/// Deletes a key. Tokens that it signed are refused from now on.
#[post("/keys/<kid>/retire", data = "<_body>")]
pub async fn retire(
    token: Changes<KeysWrite>,
    kid: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let acting = token.acting(caller)?;
    retire_key(vestibule, kid, &acting).await?;
    Ok(NoContent)
}
