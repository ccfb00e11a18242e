//! The build script. It writes a table of the files in `static/`, which `src/http/assets.rs` includes, so that a new file needs
//! no entry in the code. It starts no program and uses no network.

use std::{env, fmt::Write as _, fs, path::Path};

/// The extensions of assets. The server serves no other files of `static/`.
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
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let out = Path::new(&out);
    let mut table = "&[\n".to_owned();
    for name in names {
        let text = fs::read_to_string(folder.join(&name)).expect("assets are text");
        fs::write(out.join(&name), if name.ends_with(".js") { without_comments(&text) } else { text }).expect(WRITABLE);
        // Each row: the name, the whole file, the file for the built-in pages. The table must not contain an absolute path:
        // after a checkout was moved, cargo does not run this script again.
        let whole = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/static/{name}\")");
        writeln!(table, "({name:?}, include_bytes!({whole}), include_bytes!({name:?})),").expect("a String takes text");
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table).expect(WRITABLE);
}

/// The message of the panic if a file can't be written.
const WRITABLE: &str = "the output folder can be written";

/// Returns a script without the lines that contain only a comment. The built-in pages load the scripts in this form; other
/// front ends receive the whole file.
fn without_comments(script: &str) -> String {
    let mut lean = String::new();
    let mut in_comment = false;
    for line in script.lines() {
        let text = line.trim();
        if in_comment {
            in_comment = !text.ends_with("*/");
        } else if text.starts_with("/*") && !text.contains("*/") {
            in_comment = true;
        } else if !(text.starts_with("//") || text.starts_with("/*") && text.ends_with("*/")) {
            lean.push_str(line);
            lean.push('\n');
        }
    }
    lean
}
