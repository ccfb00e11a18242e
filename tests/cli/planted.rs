//! Settings that another user may have put into a directory where everybody can write, such as `/tmp`, are not read.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown, symlink},
};

use crate::support::Place;

/// Another user. The tests run as root.
const OTHER: u32 = 65_534;

/// Returns a place in which everybody can write.
fn open_place() -> Place {
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o777)).expect("it is ours");
    place
}

#[test]
fn a_file_of_another_user_in_an_open_directory_is_refused() {
    for (name, text) in
        [("Rocket.toml", "[default.auth]\nissuer = \"planted\"\n"), (".env", "VESTIBULE_ISSUER=planted\n")]
    {
        let place = open_place();
        place.write(name, text);
        assert!(place.succeed(&["config", "show"]).contains("planted"), "{name}: it is ours");
        chown(place.path(name), Some(OTHER), None).expect("root can do it");
        let refused = place.run(&["config", "show"]);
        assert_eq!(refused.code, Some(78), "{name}: {refused:?}");
        assert!(refused.stderr.contains(name) && refused.stderr.contains("belongs to another user"), "{refused:?}");
        assert_eq!(place.run(&["user", "add", "ada", "--generate"]).code, Some(78), "{name}");
        // In a directory of which somebody decides who can write, the file is meant, as in a volume of a container.
        fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("it is ours");
        assert!(place.succeed(&["config", "show"]).contains("planted"), "{name}");
    }
}

#[test]
fn a_data_directory_of_another_user_in_an_open_directory_is_refused() {
    let place = open_place();
    place.add_user(&["ada"]);
    chown(place.path("data"), Some(OTHER), None).expect("root can do it");
    for command in
        [&["serve", "--port", "0"][..], &["user", "add", "eve", "--role", "admin", "--generate"], &["user", "list"]]
    {
        let refused = place.run(command).failed();
        assert!(refused.contains("data belongs to another user"), "{refused}");
    }
    let named = place.path("data").display().to_string();
    assert!(place.succeed(&["user", "list", "--data-dir", &named]).contains("ada"), "who names it has chosen it");
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("it is ours");
    assert!(place.succeed(&["user", "list"]).contains("ada"));
}

#[test]
fn a_link_of_another_user_and_a_file_in_a_directory_above_are_refused_too() {
    let place = open_place();
    place.write("real.toml", "[default.auth]\nissuer = \"planted\"\n");
    symlink(place.path("real.toml"), place.path("Rocket.toml")).expect("a link");
    std::os::unix::fs::lchown(place.path("Rocket.toml"), Some(OTHER), None).expect("root can do it");
    assert_eq!(place.run(&["config", "show"]).code, Some(78));
    fs::create_dir(place.path("below")).expect("a directory");
    let below = |arguments: &[&str]| place.run_under("sh", &["-c", "cd below; exec \"$@\"", "sh"], arguments);
    assert_eq!(below(&["config", "show"]).code, Some(78));
    // A file that is named is read, because the operator has chosen it.
    assert!(below(&["config", "show", "--config", "../Rocket.toml"]).succeeded().contains("planted"));
}
