//! The rows of the pages: addresses for a browser, told of briefly. A refusal is a page too, with the status that the API has
//! for it, or the one error body where `Accept` has no `text/html`.

use utoipa::openapi::{
    ContentBuilder, HttpMethod,
    HttpMethod::{Get, Head, Post},
    ObjectBuilder, PathItem, Required, ResponseBuilder, Type,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
};

use super::render::{REQUEST_ID, header};

/// What the pages are listed under.
pub(super) const TAG: (&str, &str) = ("Pages", "For people in a browser. Forms need the token that their page has.");

/// What a page answers.
#[derive(Clone, Copy)]
enum Gives {
    /// A document of this media type.
    Document(&'static str),
    /// 303, to where `Location` says.
    Elsewhere,
    /// 425.
    Nowhere,
}

/// Method, path, handler, what it is, and what it gives.
type Row = (HttpMethod, &'static str, &'static str, &'static str, Gives);

const PAGE: Gives = Gives::Document("text/html");
const FILE: Gives = Gives::Document("*/*");

fn rows() -> Vec<Row> {
    use Gives::{Document, Elsewhere, Nowhere};
    vec![
        (Get, "/", "start", "To the account, or to the form for signing in", Elsewhere),
        (Get, "/login", "login_page", "The form for signing in; `next` says where to go afterwards", PAGE),
        (Post, "/login", "login_form", "Sign in with the form", Elsewhere),
        (Get, "/register", "register_page", "The form for making an account, where that is open", PAGE),
        (Post, "/register", "register_form", "Make an account with the form, and sign in", Elsewhere),
        (Get, "/account", "account_page", "Your account and your devices", PAGE),
        (Get, "/account/export", "export", "Your data as a file", Document("application/json")),
        (Post, "/account/sign-out", "sign_out_form", "Sign out with the form", Elsewhere),
        (Post, "/account/sessions/{id}/revoke", "revoke_form", "Sign one device out with the form", Elsewhere),
        (Post, "/account/sessions/revoke-others", "revoke_others_form", "Sign every other device out", Elsewhere),
        (Post, "/account/password", "change_password_form", "Change the password with the form", Elsewhere),
        (Post, "/account/delete", "delete_form", "Delete the account with the form", Elsewhere),
        (Get, "/privacy", "privacy_page", "What is read and kept, why, and how long", PAGE),
        (
            Get,
            "{base}/continue",
            "go_on",
            "Where a browser goes whose access cookie is over: back to `next` with a new one, or to sign in",
            Elsewhere,
        ),
        (Head, "{base}/continue", "look", "Nothing: who only looks is not sent on", Nowhere),
        (Get, "/static/{name}", "asset", "Style, script or icon, for other front ends", FILE),
        (Get, "/static/{hash}/{name}", "asset_of_version", "The same of one version, which never changes", FILE),
    ]
}

/// Path, with `{base}` still in it, and operation of each.
pub(super) fn items() -> impl Iterator<Item = (&'static str, PathItem)> {
    rows().into_iter().map(|row| {
        let (method, path) = (row.0.clone(), row.1);
        (path, PathItem::new(method, operation(row)))
    })
}

fn operation((method, path, id, summary, gives): Row) -> Operation {
    let success = match gives {
        Gives::Document(kind) => {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let content = ContentBuilder::new().schema(Some(text)).build();
            ("200", ResponseBuilder::new().description("It.").content(kind, content))
        }
        Gives::Elsewhere => {
            ("303", ResponseBuilder::new().description("Done.").header_ref("Location", header("Location")))
        }
        Gives::Nowhere => ("425", ResponseBuilder::new().description("Too early.")),
    };
    let refused = ResponseBuilder::new().description("A page that says what was wrong.");
    let mut operation = OperationBuilder::new()
        .tag(TAG.0)
        .summary(Some(summary))
        .operation_id(Some(id))
        .response(success.0, success.1.header_ref(REQUEST_ID, header(REQUEST_ID)))
        .response("default", refused.header_ref(REQUEST_ID, header(REQUEST_ID)));
    if method == Post {
        let form = ObjectBuilder::new().schema_type(Type::Object);
        let content = ContentBuilder::new().schema(Some(form)).build();
        let body = RequestBodyBuilder::new().content("application/x-www-form-urlencoded", content);
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
        if format!("{{{name}}}") != super::endpoint::BASE {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            operation = operation.parameter(parameter.required(Required::True).schema(Some(text)));
        }
    }
    operation.build()
}
