//! The routes: a route with a body holds no connection of the database while the body arrives.

use super::files_below;

#[test]
fn no_route_with_a_body_takes_a_connection() {
    let files = files_below("src/http");
    let taking: Vec<_> = files
        .iter()
        .flat_map(|(file, source)| holding(source).into_iter().map(move |name| format!("{file}: {name}")))
        .collect();
    assert!(taking.is_empty(), "a body that never comes would keep a connection: {}", taking.join(", "));
    let with_body = files.iter().flat_map(|(_, source)| routes_with_body(source)).count();
    assert!(with_body > 40, "the routes were read: {with_body}");
}

#[test]
fn a_route_that_takes_a_connection_is_caught() {
    let source =
        |attribute: &str| format!("#[{attribute}]\npub async fn f(\n    mut db: Connection<Db>,\n) -> X {{\n}}\n");
    assert_eq!(holding(&source("post(\"/x\", data = \"<body>\")")), ["f"]);
    assert!(holding(&source("get(\"/x\")")).is_empty());
}

/// Returns the signatures of the routes with a body.
fn routes_with_body(source: &str) -> impl Iterator<Item = &str> {
    let with_body = source
        .split("\n#[")
        .filter(|text| text.lines().next().is_some_and(|attribute| attribute.contains(", data = ")));
    with_body.filter_map(|text| text.split_once("fn ")?.1.split_once("\n}").map(|(route, _)| route))
}

/// Returns the names of the routes with a body that take a connection.
fn holding(source: &str) -> Vec<&str> {
    let signatures =
        routes_with_body(source).map(|route| route.split_once(") ->").map_or(route, |(signature, _)| signature));
    let holding = signatures.filter(|signature| signature.contains("Connection<"));
    holding.filter_map(|signature| signature.split_once('(').map(|(name, _)| name)).collect()
}
