//! The rows of the pages. Browsers request them, so their descriptions are short. The response to a failed request is a page
//! too, with the status that the API would have. If `Accept` does not prefer `text/html`, the response is the common error
//! body.

use utoipa::{
    ToSchema,
    openapi::{
        Content, ContentBuilder, HttpMethod,
        HttpMethod::{Get, Head, Post},
        Object, ObjectBuilder, PathItem, Ref, Required, ResponseBuilder, Type,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
    },
};

use super::{
    headers::{PROBLEM_JSON, REQUEST_ID, header_ref},
    schemas::Problem,
};
use crate::http::api::export::ExportView;

/// Name and description of the tag of the pages.
pub(super) const TAG: (&str, &str) = (
    "Pages",
    "For people in a browser. A submitted form must contain the CSRF token that its page has in a hidden field.",
);

/// The kind of response to a successful request of a page.
#[derive(Clone, Copy)]
enum PageResult {
    /// A page.
    Page,
    /// A page. Or a 303 if the visitor must sign in first, or is signed in already and needs no form.
    PageOrElsewhere,
    /// A file with the user's data. Or a 303 if the visitor must sign in first.
    Download,
    /// A file that a cache may keep.
    Asset,
    /// A 303 to the URL in `Location`.
    Elsewhere,
    /// A 303 to the URL in `Location`, or a 307 to a path to which the browser sends the form again.
    ElsewhereOrAgain,
    /// A 425 without a body.
    Nowhere,
}

/// Method, path, handler, summary, and kind of response.
type Row = (HttpMethod, &'static str, &'static str, &'static str, PageResult);

const HTML: &str = "text/html";
const ASSETS: [&str; 6] = ["text/css", "text/javascript", "image/svg+xml", "image/png", "image/webp", "image/jpeg"];

/// Returns the rows of the administration.
fn admin_rows() -> Vec<Row> {
    use PageResult::{Elsewhere, PageOrElsewhere};
    vec![
        (Get, "/admin", "overview_page", "The first page of the administration", PageOrElsewhere),
        (Get, "/admin/ui/people", "people_page", "The list of users", PageOrElsewhere),
        (Get, "/admin/ui/people/new", "new_person_page", "The form for a new user", PageOrElsewhere),
        (
            Post,
            "/admin/ui/people/new/add",
            "add_person_form",
            "Create an account with the form; without a password, the page has the link of an invitation",
            PageOrElsewhere,
        ),
        (
            Get,
            "/admin/ui/people/{id}",
            "person_page",
            "One user, with the forms that change the account",
            PageOrElsewhere,
        ),
        (Post, "/admin/ui/people/{id}/change", "change_person_form", "Change an account with the form", Elsewhere),
        (
            Post,
            "/admin/ui/people/{id}/link",
            "send_link_form",
            "Create a link with the form; the page has it",
            PageOrElsewhere,
        ),
        (
            Post,
            "/admin/ui/people/{id}/sign-out",
            "sign_person_out_form",
            "End all sessions of a user with the form",
            Elsewhere,
        ),
        (
            Post,
            "/admin/ui/people/{id}/end-session",
            "end_session_form",
            "End one session of a user with the form",
            Elsewhere,
        ),
        (
            Post,
            "/admin/ui/people/{id}/forget-device",
            "forget_device_form",
            "Remove a device of a user with the form",
            Elsewhere,
        ),
        (Post, "/admin/ui/people/{id}/delete", "delete_person_form", "Delete an account with the form", Elsewhere),
        (Get, "/admin/ui/signed-in", "signed_in_page", "Who is signed in, and where", PageOrElsewhere),
        (Get, "/admin/ui/roles", "roles_page", "The roles", PageOrElsewhere),
        (Post, "/admin/ui/roles/add", "add_role_form", "Create a role with the form", Elsewhere),
        (Get, "/admin/ui/role/{name}", "role_page", "One role, with the forms that change it", PageOrElsewhere),
        (
            Post,
            "/admin/ui/role/{name}/permissions",
            "change_role_form",
            "Set the permissions of a role with the form",
            Elsewhere,
        ),
        (Post, "/admin/ui/role/{name}/delete", "delete_role_form", "Remove a role with the form", Elsewhere),
        (Get, "/admin/ui/applications", "applications_page", "The clients", PageOrElsewhere),
        (
            Post,
            "/admin/ui/applications/add",
            "add_application_form",
            "Add a client with the form; the page has its secret",
            PageOrElsewhere,
        ),
        (
            Get,
            "/admin/ui/application/{id}",
            "application_page",
            "One client, with the forms that change it",
            PageOrElsewhere,
        ),
        (
            Post,
            "/admin/ui/application/{id}/change",
            "change_application_form",
            "Change a client with the form",
            Elsewhere,
        ),
        (
            Post,
            "/admin/ui/application/{id}/secret",
            "renew_secret_form",
            "Give a client a new secret with the form; the page has it",
            PageOrElsewhere,
        ),
        (
            Post,
            "/admin/ui/application/{id}/delete",
            "delete_application_form",
            "Remove a client with the form",
            Elsewhere,
        ),
        (Get, "/admin/ui/activity", "activity_page", "The audit log", PageOrElsewhere),
        (Get, "/admin/ui/server", "server_page", "The signing keys, and the settings", PageOrElsewhere),
        (Post, "/admin/ui/server/replace-key", "replace_key_form", "Replace the signing key with the form", Elsewhere),
        (
            Post,
            "/admin/ui/server/replace-key-at-once",
            "replace_key_at_once_form",
            "Replace the signing key at once with the form",
            Elsewhere,
        ),
        (Post, "/admin/ui/server/remove-key", "remove_key_form", "Remove a signing key with the form", Elsewhere),
    ]
}

/// Returns every row except those of the administration. A path may contain `{base}`.
fn rows() -> Vec<Row> {
    use PageResult::{Asset, Download, Elsewhere, ElsewhereOrAgain, Nowhere, Page, PageOrElsewhere};
    vec![
        (Get, "/", "start", "Redirect to the account page, or to the sign-in form", Elsewhere),
        (
            Get,
            "/login",
            "login_page",
            "The sign-in form; `next` is the address to which the browser is redirected afterwards",
            PageOrElsewhere,
        ),
        (Post, "/login", "login_form", "Sign in with the form", Elsewhere),
        (Get, "/register", "register_page", "The registration form, if registration is open", PageOrElsewhere),
        (Post, "/register", "register_form", "Create an account with the form, and sign in", Elsewhere),
        (Get, "/account", "account_page", "Your account and your devices", PageOrElsewhere),
        (Get, "/account/export", "export", "Your data as a file", Download),
        (Get, "/logout", "logout_page", "A page with a button that signs out and then leads to `next`", Page),
        (Post, "/logout", "logout_form", "Sign out with the form", ElsewhereOrAgain),
        (
            Post,
            "{base}/sign-out",
            "logout_form_with_refresh_cookie",
            "Sign out with the form of `/logout`, which redirects here (307) if only the refresh cookie names the session",
            Elsewhere,
        ),
        (
            Get,
            "/.well-known/change-password",
            "change_password_address",
            "Redirect to the page with the form for a new password",
            Elsewhere,
        ),
        (Post, "/account/sign-out", "sign_out_form", "Sign out with the form", Elsewhere),
        (Post, "/account/sessions/{id}/revoke", "revoke_form", "Sign one device out with the form", Elsewhere),
        (
            Post,
            "/account/sessions/revoke-others",
            "revoke_others_form",
            "Sign all other devices out with the form",
            Elsewhere,
        ),
        (
            Post,
            "/account/names",
            "change_names_form",
            "Change the username and the email address with the form, which has the password",
            Elsewhere,
        ),
        (Post, "/account/password", "change_password_form", "Change the password with the form", Elsewhere),
        (Post, "/account/delete", "delete_form", "Delete the account with the form", Elsewhere),
        (Get, "/link", "link_page", "The form for a password, for the holder of a link that works once", Page),
        (Post, "/link", "link_form", "Choose a password with the form", Elsewhere),
        (
            Get,
            "/setup",
            "setup_page",
            "The form for the first admin, for the holder of the set-up link; for an admin, what to check",
            PageOrElsewhere,
        ),
        (Post, "/setup", "setup_form", "Create the first admin with the form, and sign in", Elsewhere),
        (Get, "/privacy", "privacy_page", "Which data is read and stored, why, and for how long", Page),
        (
            Get,
            "{base}/continue",
            "continue_to_next",
            "Renew the access cookie and redirect to `next`; without a session, redirect to the sign-in form",
            PageOrElsewhere,
        ),
        (
            Head,
            "{base}/continue",
            "continue_head",
            "Always 425: a `HEAD` request changes nothing and is never redirected",
            Nowhere,
        ),
        (Get, "/static/{name}", "asset", "A style sheet, script or icon, for other front ends", Asset),
        (
            Get,
            "/static/{hash}/{name}",
            "asset_of_version",
            "A style sheet, script or icon of one version, or the logo of the site; it never changes",
            Asset,
        ),
    ]
}

/// Returns the path and the operation of each page. A path may contain `{base}`.
pub(super) fn items() -> impl Iterator<Item = (&'static str, PathItem)> {
    rows().into_iter().chain(admin_rows()).map(|row| {
        let (method, path) = (row.0.clone(), row.1);
        (path, PathItem::new(method, operation(row)))
    })
}

fn operation((method, path, id, summary, gives): Row) -> Operation {
    let operation = OperationBuilder::new().tag(TAG.0).summary(Some(summary)).operation_id(Some(id));
    let mut operation = successes(gives).into_iter().fold(operation, |operation, (status, response)| {
        operation.response(status, response.header_ref(REQUEST_ID, header_ref(REQUEST_ID)))
    });
    operation = operation.response("default", error_response().header_ref(REQUEST_ID, header_ref(REQUEST_ID)));
    if method == Post {
        let form = ObjectBuilder::new().schema_type(Type::Object);
        let content = ContentBuilder::new().schema(Some(form)).build();
        let body = RequestBodyBuilder::new().content("application/x-www-form-urlencoded", content);
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
        // `{base}` is replaced by the setting `base_path`; it is not a parameter.
        if format!("{{{name}}}") != super::endpoint::BASE {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            operation = operation.parameter(parameter.required(Required::True).schema(Some(text)));
        }
    }
    operation.build()
}

/// Returns the responses to a successful request, by their status.
fn successes(gives: PageResult) -> Vec<(&'static str, ResponseBuilder)> {
    let response = |description: &str| ResponseBuilder::new().description(description);
    let page = || ("200", response("The page.").content(HTML, text()));
    let elsewhere =
        || ("303", response("Redirects the browser to another page.").header_ref("Location", header_ref("Location")));
    match gives {
        PageResult::Page => vec![page()],
        PageResult::PageOrElsewhere => vec![page(), elsewhere()],
        PageResult::Download => {
            let export = ContentBuilder::new().schema(Some(Ref::from_schema_name(ExportView::name()))).build();
            vec![("200", response("The file.").content("application/json", export)), elsewhere()]
        }
        PageResult::Asset => {
            let cached = |description: &str| {
                let response = response(description).header_ref("ETag", header_ref("ETag"));
                response.header_ref("Cache-Control", header_ref("Cache-Control"))
            };
            let file = ASSETS.iter().fold(cached("The file."), |response, kind| response.content(*kind, text()));
            vec![("200", file), ("304", cached("The file still has the `ETag` that the request names."))]
        }
        PageResult::Elsewhere => vec![elsewhere()],
        PageResult::ElsewhereOrAgain => {
            let again = response("The browser sends the form again, to the path in `Location`.");
            vec![elsewhere(), ("307", again.header_ref("Location", header_ref("Location")))]
        }
        PageResult::Nowhere => vec![("425", response("Nothing was changed."))],
    }
}

/// Returns the response to a failed request. It is a page for a browser, and the common error body for every other client.
fn error_response() -> ResponseBuilder {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new()
        .content(PROBLEM_JSON, problem)
        .description(
            "A page that describes the error, or the common error body if `Accept` does not prefer `text/html`.",
        )
        .content(HTML, text())
}

fn text() -> Content {
    ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build()
}
