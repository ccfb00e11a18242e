//! The rows of the pages: addresses for a browser, told of briefly. A refusal is a page too, with the status that the API has
//! for it, or the one error body where `Accept` has no `text/html`.

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
    headers::{PROBLEM, REQUEST_ID, header},
    schemas::Problem,
};
use crate::http::api::users::ExportView;

/// What the pages are listed under.
pub(super) const TAG: (&str, &str) = ("Pages", "For people in a browser. Forms need the token that their page has.");

/// What a page answers.
#[derive(Clone, Copy)]
enum Gives {
    /// A page.
    Page,
    /// A page; or 303 where a visitor must sign in first, or is signed in already.
    PageOrElsewhere,
    /// A file with the user's data; or 303 where a visitor must sign in first.
    Download,
    /// A file that a cache may keep.
    Asset,
    /// 303, to where `Location` says.
    Elsewhere,
    /// 425.
    Nowhere,
}

/// Method, path, handler, what it is, and what it gives.
type Row = (HttpMethod, &'static str, &'static str, &'static str, Gives);

const HTML: &str = "text/html";
const ASSETS: [&str; 3] = ["text/css", "text/javascript", "image/svg+xml"];

fn rows() -> Vec<Row> {
    use Gives::{Asset, Download, Elsewhere, Nowhere, Page, PageOrElsewhere};
    vec![
        (Get, "/", "start", "To the account, or to the form for signing in", Elsewhere),
        (Get, "/login", "login_page", "The form for signing in; `next` says where to go afterwards", PageOrElsewhere),
        (Post, "/login", "login_form", "Sign in with the form", Elsewhere),
        (Get, "/register", "register_page", "The form for making an account, where that is open", PageOrElsewhere),
        (Post, "/register", "register_form", "Make an account with the form, and sign in", Elsewhere),
        (Get, "/account", "account_page", "Your account and your devices", PageOrElsewhere),
        (Get, "/account/export", "export", "Your data as a file", Download),
        (Post, "/account/sign-out", "sign_out_form", "Sign out with the form", Elsewhere),
        (Post, "/account/sessions/{id}/revoke", "revoke_form", "Sign one device out with the form", Elsewhere),
        (Post, "/account/sessions/revoke-others", "revoke_others_form", "Sign every other device out", Elsewhere),
        (Post, "/account/password", "change_password_form", "Change the password with the form", Elsewhere),
        (Post, "/account/delete", "delete_form", "Delete the account with the form", Elsewhere),
        (Get, "/privacy", "privacy_page", "What is read and kept, why, and how long", Page),
        (
            Get,
            "{base}/continue",
            "continue_to_next",
            "Where a browser goes whose access cookie is over: back to `next` with a new one, or to sign in",
            PageOrElsewhere,
        ),
        (Head, "{base}/continue", "continue_head", "Nothing: who only looks is not sent on", Nowhere),
        (Get, "/static/{name}", "asset", "Style, script or icon, for other front ends", Asset),
        (Get, "/static/{hash}/{name}", "asset_of_version", "The same of one version, which never changes", Asset),
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
    let operation = OperationBuilder::new().tag(TAG.0).summary(Some(summary)).operation_id(Some(id));
    let mut operation = successes(gives).into_iter().fold(operation, |operation, (status, response)| {
        operation.response(status, response.header_ref(REQUEST_ID, header(REQUEST_ID)))
    });
    operation = operation.response("default", refused(gives).header_ref(REQUEST_ID, header(REQUEST_ID)));
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

fn successes(gives: Gives) -> Vec<(&'static str, ResponseBuilder)> {
    let response = |description: &str| ResponseBuilder::new().description(description);
    let page = || ("200", response("The page.").content(HTML, text()));
    let elsewhere =
        || ("303", response("The browser goes on to another page.").header_ref("Location", header("Location")));
    match gives {
        Gives::Page => vec![page()],
        Gives::PageOrElsewhere => vec![page(), elsewhere()],
        Gives::Download => {
            let export = ContentBuilder::new().schema(Some(Ref::from_schema_name(ExportView::name()))).build();
            vec![("200", response("The file.").content("application/json", export)), elsewhere()]
        }
        Gives::Asset => {
            let cached = |description: &str| {
                let response = response(description).header_ref("ETag", header("ETag"));
                response.header_ref("Cache-Control", header("Cache-Control"))
            };
            let file = ASSETS.iter().fold(cached("The file."), |response, kind| response.content(*kind, text()));
            vec![("200", file), ("304", cached("The file is still what `If-None-Match` names."))]
        }
        Gives::Elsewhere => vec![elsewhere()],
        Gives::Nowhere => vec![("425", response("Nothing was done."))],
    }
}

/// A refusal is a page for a browser, and the one error body for everybody else.
fn refused(gives: Gives) -> ResponseBuilder {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let response = ResponseBuilder::new().content(PROBLEM, problem);
    match gives {
        Gives::Asset => response.description("An error says what was wrong."),
        _ => response
            .description("A page, or an error where `Accept` has no `text/html`, says what was wrong.")
            .content(HTML, text()),
    }
}

fn text() -> Content {
    ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build()
}
