//! The build script. It compresses the files in `static/` and writes a table of them, which `src/http/assets.rs` includes, so
//! that a new file needs no entry in the code, and the server compresses nothing. It starts no program and uses no network.

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
        let content = if name.ends_with(".js") { lean(&text) } else { text };
        let mut gzip = Vec::new();
        zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, content.as_bytes(), &mut gzip)
            .expect("a Vec takes it");
        fs::write(out.join(&name), content).expect(WRITABLE);
        fs::write(out.join(format!("{name}.gz")), gzip).expect(WRITABLE);
        writeln!(table, "({name:?}, include_bytes!({name:?}), include_bytes!(\"{name}.gz\")),")
            .expect("a String takes text");
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table).expect(WRITABLE);
}

/// The message of the panic if a file can't be written.
const WRITABLE: &str = "the output folder can be written";

/// Returns a script without empty lines, indentation, and the lines that contain only a comment.
fn lean(script: &str) -> String {
    let mut lean = String::new();
    let mut in_comment = false;
    for line in script.lines() {
        let text = line.trim();
        if in_comment {
            in_comment = !text.ends_with("*/");
        } else if text.starts_with("/*") && !text.contains("*/") {
            in_comment = true;
        } else if !(text.is_empty() || text.starts_with("//") || text.starts_with("/*") && text.ends_with("*/")) {
            lean.push_str(text);
            lean.push('\n');
        }
    }
    lean
}
