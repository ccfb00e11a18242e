//! Lists the files of `static/`, for `src/http/assets.rs` to embed: a new one needs no row anywhere. It runs nothing and asks
//! nobody.

use std::{env, fmt::Write as _, fs, path::Path};

/// What is an asset; anything else in the folder is not served.
const KINDS: [&str; 3] = ["css", "js", "svg"];

fn main() {
    println!("cargo:rerun-if-changed=static");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("static");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("static/ is there")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("names of assets are ASCII"))
        .filter(|name| Path::new(name).extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)))
        .collect();
    names.sort();
    let mut table = "&[\n".to_owned();
    for name in names {
        let path = folder.join(&name);
        writeln!(table, "({name:?}, include_bytes!({path:?})),").expect("a String takes text");
    }
    table.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("assets.rs"), table).expect("the output folder can be written");
}
