//! `vestibule demo`: the story comes to its end, and leaves nothing behind.

use std::fs;

use crate::support::Place;

#[test]
fn the_whole_story_is_told_and_nothing_is_left() {
    let place = Place::new();
    let before = fs::read_dir(place.path("")).expect("a directory").count();
    for arguments in [&["demo"][..], &["demo", "--no-wait"]] {
        let story = place.succeed(arguments);
        for part in [
            "1. What a browser reveals",
            "canvasPrint",
            "Another time zone          1.00   match",
            "A browser update           1.00   match",
            "Another browser            0.24   mismatch, at any score",
            "Another machine            0.00   mismatch",
            "\"gen\": 2",
            "401 device_mismatch, attempt 1 of 3",
            "THE THIEF IS IN",
            "Ada gets 401 refresh_reused",
            "RFC 9700",
            "This server does not have them yet.",
        ] {
            assert!(story.contains(part), "{part} in {story}");
        }
        assert!(story.lines().all(|line| line.chars().count() <= 130), "a line is too long for a terminal");
    }
    assert_eq!(fs::read_dir(place.path("")).expect("a directory").count(), before, "no file was created");
}

#[test]
fn two_people_on_one_machine_have_other_codes() {
    let story = Place::new().succeed(&["demo"]);
    let (_, table) = story.split_once("COMPONENT            ADA       BOB").expect("the table");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(rows.len() >= 5 && rows.iter().all(|row| row.len() == 3 && row[1] != row[2]), "{rows:?}");
}

#[test]
fn a_wrong_configuration_does_not_prevent_the_demonstration() {
    Place::new().set("VESTIBULE_ALGORITHM", "none").succeed(&["demo"]);
}

#[test]
fn every_file_that_the_demonstration_names_is_in_the_repository() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("templates/demo.html")).expect("the page");
    let story = Place::new().succeed(&["demo"]);
    let is_path = |word: &&str| word.starts_with("src/") || word.starts_with("static/");
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| c.is_whitespace() || "\",;".contains(c)).filter(is_path).map(str::to_owned).collect()
    };
    let named = [words(&page), words(&story)].concat();
    assert!(named.len() > 20, "{named:?}");
    for path in named {
        assert!(root.join(&path).exists(), "{path}");
    }
}
