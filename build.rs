//! The build script. It uses no network, and of other programs only Git, in release builds.
//!
//! It compresses the files in `static/` and writes a table of them, which `src/http/assets.rs` includes, so that a new file needs
//! no entry in the code, and the server compresses nothing. It tells `src/cli/version.rs` the commit, and the versions of some
//! dependencies.

use std::{env, fmt::Write as _, fs, path::Path, process::Command};

/// The extensions of assets. The server serves no other files of `static/`.
const KINDS: [&str; 3] = ["css", "js", "svg"];

/// The dependencies whose versions `vestibule --version` prints.
const PRINTED: [&str; 3] = ["rocket", "rustls", "aws-lc-sys"];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let root = Path::new(&root);
    write_assets(&root.join("static"));
    tell_versions(&root.join("Cargo.lock"));
    tell_commit(root);
}

/// Compresses the assets in the folder, and writes them and their table.
fn write_assets(folder: &Path) {
    println!("cargo:rerun-if-changed=static");
    let mut names: Vec<String> = fs::read_dir(folder)
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

/// Sets `VESTIBULE_LOCKED_<NAME>` for each dependency in [`PRINTED`], or `unknown` if the lock file does not have it: an
/// application that embeds the server has a lock file of its own.
fn tell_versions(lock: &Path) {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap_or_default();
    for name in PRINTED {
        let version =
            lock.split_once(&format!("name = \"{name}\"\nversion = \"")).and_then(|(_, rest)| rest.split('"').next());
        let variable = name.to_uppercase().replace('-', "_");
        println!("cargo:rustc-env=VESTIBULE_LOCKED_{variable}={}", version.unwrap_or("unknown"));
    }
}

/// Sets `VESTIBULE_COMMIT` for the code. A development build has no commit, so that a new commit does not cause a new build.
fn tell_commit(root: &Path) {
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if release { commit(root) } else { None };
    println!("cargo:rustc-env=VESTIBULE_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

/// Returns the commit of the source, or `None` if the source is not in a repository or Git is not installed.
fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // The source may lie inside the repository of another project.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    // Git writes to this file at each commit and each change of the branch.
    println!("cargo:rerun-if-changed={}", root.join(git(&["rev-parse", "--git-path", "logs/HEAD"])?).display());
    // A change of these makes the commit `-dirty`. Cargo compiles the program again after it anyway.
    for changed in ["src", "templates", "migrations", "Cargo.toml", "build.rs"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    git(&["describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"])
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
