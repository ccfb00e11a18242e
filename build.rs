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
        let content = if name.ends_with(".js") { minified(&text) } else { text };
        fs::write(out.join(format!("{name}.gz")), gzip(&content)).expect(WRITABLE);
        fs::write(out.join(format!("{name}.br")), brotli(&content)).expect(WRITABLE);
        fs::write(out.join(&name), content).expect(WRITABLE);
        let files = ["", ".gz", ".br"].map(|end| format!("include_bytes!(\"{name}{end}\")")).join(", ");
        writeln!(table, "({name:?}, {files}),").expect("a String takes text");
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table).expect(WRITABLE);
}

/// The message of the panic if a file can't be written.
const WRITABLE: &str = "the output folder can be written";

/// Returns a script without comments and superfluous spaces.
fn minified(script: &str) -> String {
    minifier::js::minify(script).expect("the scripts are JavaScript").to_string()
}

/// Returns the text in the format gzip.
fn gzip(text: &str) -> Vec<u8> {
    let mut compressed = Vec::new();
    let done = zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, text.as_bytes(), &mut compressed);
    done.expect("a Vec takes it");
    compressed
}

/// Returns the text in the format Brotli, with the greatest effort and the window of browsers.
fn brotli(text: &str) -> Vec<u8> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut text.as_bytes(), &mut compressed, &parameters).expect("a Vec takes it");
    compressed
}
