//! The dashboard for Grafana, as a file: that it is complete, and that no panel covers another one.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::deployed;

/// Returns the dashboard.
fn dashboard() -> Value {
    serde_json::from_str(&deployed("grafana.json")).expect("JSON")
}

/// Returns the title and the expression of each query of the dashboard, with values for its variables.
pub(crate) fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let of_panel = |panel: &Value| -> Vec<(String, String)> {
        let targets = panel["targets"].as_array().into_iter().flatten();
        let title = panel["title"].as_str().expect("a title").to_owned();
        targets.map(|target| (title.clone(), target["expr"].as_str().expect("an expression").to_owned())).collect()
    };
    let known = |expression: String| expression.replace("$instance", ".*").replace("$__rate_interval", "30s");
    let all: Vec<_> = panels.iter().flat_map(of_panel).map(|(title, query)| (title, known(query))).collect();
    assert!(all.len() > 30 && all.iter().all(|(_, query)| !query.contains('$')), "{all:?}");
    all
}

#[test]
fn the_dashboard_works_with_any_data_source_and_its_panels_do_not_overlap() {
    let dashboard = dashboard();
    let (mut ids, mut covered) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a position"));
        assert!(x + w <= 24, "{title} is beyond the right edge");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(covered.insert(place), "{title} covers another panel");
        }
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().expect("queries");
        let sources = targets.iter().map(|target| &target["datasource"]).chain([&panel["datasource"]]);
        for source in sources {
            assert_eq!((&source["type"], &source["uid"]), (&"prometheus".into(), &"${datasource}".into()), "{title}");
        }
        let letters: BTreeSet<&str> = targets.iter().filter_map(|target| target["refId"].as_str()).collect();
        assert_eq!(letters.len(), targets.len(), "{title}");
    }
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let names: Vec<&str> = variables.iter().filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(names, ["datasource", "instance"]);
    assert_eq!((&variables[0]["type"], &variables[0]["query"]), (&"datasource".into(), &"prometheus".into()));
    assert!(dashboard.get("id").is_none_or(Value::is_null), "an id belongs to one installation");
}
