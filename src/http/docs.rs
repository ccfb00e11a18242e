//! `GET /docs`: a viewer of the API description, Swagger UI. The crate `utoipa-swagger-ui` contains its files. The routes are
//! mounted only with the setting `docs`. The viewer loads nothing from another host.

use std::sync::{Arc, LazyLock, OnceLock};

use rocket::{
    Request, Response, Route, State, get,
    http::Header,
    response::{self, Responder},
    routes,
};
use serde_json::json;
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use super::{
    app_state::AppState,
    caching::{Cacheable, Document},
    errors::{ApiError, ErrorCode},
    openapi,
    pages::SeeOther,
};
use crate::config::Profile;

/// The policy of the viewer. Its scripts set styles on elements; it draws its icons from `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The maximum time, in seconds, for which caches may keep a file of the viewer.
const MAX_AGE: u32 = 300;

/// The viewer of a prototype: it sends requests, and keeps the token of the user over a reload.
static FOR_DEV: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(viewer().try_it_out_enabled(true).persist_authorization(true)));

/// The viewer of any other server: it only shows the description.
static FOR_READING: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(viewer().supported_submit_methods(Vec::<String>::new())));

/// Returns what both viewers have in common. No parameter of the URL can make the viewer load another description.
fn viewer() -> Config<'static> {
    Config::from("openapi.json").use_base_layout().query_config_enabled(false).validator_url("none").deep_linking(true)
}

/// Returns the routes of the viewer.
pub fn routes() -> Vec<Route> {
    routes![docs, docs_description, docs_file]
}

/// A file of the viewer.
pub struct ViewerFile(SwaggerFile<'static>);

impl<'r> Responder<'r, 'static> for ViewerFile {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let SwaggerFile { bytes, content_type, gzpipped: is_compressed, .. } = self.0;
        let mut response = Response::build();
        response
            .header(Header::new("Content-Type", content_type))
            .header(Header::new("Content-Security-Policy", POLICY))
            .header(Header::new("Cache-Control", format!("public, max-age={MAX_AGE}")));
        // A request without `Accept-Encoding` accepts any coding (RFC 9110 §12.5.3).
        if is_compressed {
            response.header(Header::new("Content-Encoding", "gzip")).header(Header::new("Vary", "Accept-Encoding"));
        }
        response.sized_body(bytes.len(), std::io::Cursor::new(bytes)).ok()
    }
}

/// Redirects to the page. Its files have relative addresses, so the address of the page must name a file too.
#[get("/docs")]
pub fn docs(route: &Route) -> SeeOther {
    SeeOther(format!("{}/index.html", route.uri.path()))
}

/// The description that the viewer shows, as Rocket's managed state. It is built at the first request, because that takes
/// milliseconds.
#[derive(Default)]
pub struct ShownDocument(OnceLock<Arc<Document>>);

/// Returns the description that the viewer shows. It names no origin, so that requests go to the server from which the viewer
/// was loaded. The description at `/openapi.json` names the public URL, which may be another origin, and the policy of the
/// viewer allows no request to it.
#[get("/docs/openapi.json")]
pub fn docs_description(vestibule: &State<AppState>, shown: &State<ShownDocument>) -> Cacheable {
    let build = || {
        let document = openapi::of_config(&vestibule.config);
        let mut document = serde_json::to_value(document).expect("a tree of texts, numbers and booleans is JSON");
        document["servers"] = json!([{"url": ".."}]);
        if let Some(address) = document.pointer_mut("/components/securitySchemes/password/flows/password/tokenUrl") {
            *address = json!("../token");
        }
        Arc::new(Document::new(document.to_string()))
    };
    Cacheable::new(Arc::clone(shown.0.get_or_init(build)), MAX_AGE)
}

/// Serves a file of the viewer. Responds 404 if there is no such file.
#[get("/docs/<name>")]
pub fn docs_file(name: &str, vestibule: &State<AppState>) -> Result<ViewerFile, ApiError> {
    let config = if vestibule.config.profile == Profile::Dev { &*FOR_DEV } else { &*FOR_READING };
    match serve(name, Arc::clone(config)) {
        Ok(Some(file)) => Ok(ViewerFile(file)),
        Ok(None) => Err(ApiError::new(ErrorCode::NotFound, "The viewer of the API description has no such file.")),
        Err(_) => Err(ApiError::new(ErrorCode::InternalError, "The viewer of the API description can't be made.")),
    }
}
