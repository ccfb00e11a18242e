//! The description at `/openapi.json`: it has the address and the cookie names of the server, and an API browser can sign in
//! with it.

use serde_json::{Value, json};
use vestibule::http::openapi;

use crate::support::{PASSWORD, Server};

/// Returns the description that the server serves.
fn served(server: &Server) -> Value {
    server.call("GET", "/openapi.json").send().expect(200).body
}

#[test]
fn the_served_description_has_the_address_and_the_cookies_of_the_server() {
    for (settings, access, refresh, csrf) in [
        (vec![], "access_token", "refresh_token", "`csrf_token`"),
        (
            vec![("public_url", json!("https://auth.test")), ("cookie_secure", json!(true))],
            "__Host-access_token",
            "__Secure-refresh_token",
            "`__Host-csrf_token`",
        ),
    ] {
        let server = Server::with(settings);
        let document = served(&server);
        let public_url = server.vestibule.config.web.public_url.as_str();
        assert_eq!(document["servers"], json!([{"url": public_url}]));
        let components = &document["components"];
        let schemes = &components["securitySchemes"];
        assert_eq!(schemes["password"]["flows"]["password"]["tokenUrl"], format!("{public_url}/token"));
        let name = |scheme: &str| schemes[scheme]["name"].as_str().expect("a name").to_owned();
        assert_eq!((name("accessCookie"), name("refreshCookie")), (access.to_owned(), refresh.to_owned()));
        assert!(components["parameters"]["csrf"]["description"].as_str().expect("a text").contains(csrf));
        assert_eq!(components["parameters"]["csrf"]["name"], *server.vestibule.config.cookies.csrf_header);
        // A login sets cookies of these names.
        server.user("ada");
        let login = server.post("/auth/login", json!({"username": "ada", "password": PASSWORD, "transport": "cookie"}));
        let login = login.expect(200);
        assert!(login.cookie(access).is_some() && login.cookie(refresh).is_some(), "{:?}", login.headers);
    }
}

#[test]
fn its_paths_and_schemas_are_those_with_which_responses_are_compared() {
    let server = Server::with(vec![("base_path", json!("/api/auth")), ("password_min_length", json!(10))]);
    let compared = serde_json::to_value(openapi::document("/api/auth")).expect("JSON");
    assert_eq!(served(&server)["paths"], compared["paths"]);
    assert_eq!(served(&server)["components"]["schemas"], compared["components"]["schemas"]);
}

#[test]
fn a_new_password_has_the_least_length_of_the_settings() {
    let server = Server::with(vec![("password_min_length", json!(12))]);
    let document = served(&server);
    let least = |path: &str, method: &str, field: &str| {
        let body = &document["paths"][path][method]["requestBody"]["content"]["application/json"];
        body["schema"]["properties"][field]["minLength"].clone()
    };
    assert_eq!(least("/auth/register", "post", "password"), 12);
    assert_eq!(least("/users/me/password", "post", "new_password"), 12);
    assert_eq!(least("/admin/users/{id}", "patch", "password"), 12);
    assert_eq!(least("/users/me/password", "post", "current_password"), 1);
}

#[test]
fn a_list_has_texts_as_items_and_a_required_text_of_a_form_is_not_empty() {
    let document = served(&Server::start());
    let schema = |path: &str, kind: &str| {
        let of = |method: &str| document["paths"][path][method]["requestBody"]["content"][kind]["schema"].clone();
        of("post")["properties"].clone()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(schema("/admin/clients", "application/json")["scopes"]["items"], json!({"type": "string"}));
    assert_eq!(schema("/auth/introspect", form)["token"]["minLength"], 1);
    assert_eq!(schema("/auth/revoke", form)["token"]["minLength"], 1);
}

#[test]
fn an_api_browser_signs_in_at_the_address_that_the_description_names() {
    let server = Server::start();
    server.user("ada");
    let document = served(&server);
    let flow = &document["components"]["securitySchemes"]["password"]["flows"]["password"];
    let address = flow["tokenUrl"].as_str().expect("an address");
    let path = address.strip_prefix(document["servers"][0]["url"].as_str().expect("an address")).expect("it is ours");
    // Swagger UI sends this header if its fields for the client are empty.
    let call = server.call("POST", path).header("Authorization", "Basic Og==");
    let tokens =
        call.form(&[("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)]).send().expect(200);
    server.call("GET", "/users/me").bearer(tokens.text_at("access_token")).send().expect(200);
}
