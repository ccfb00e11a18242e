//! Tests of the text files: what a line of `.env` is, and how files of other systems are read.

use super::{SourceDirectory, loaded, problem, serve};
use crate::config::Profile;

/// Returns an empty working directory for the profile `serve`.
fn sources_dir() -> SourceDirectory {
    SourceDirectory::new(Profile::Serve)
}

#[test]
fn a_line_of_dotenv_is_read_as_it_stands() {
    for (line, expected) in [
        ("VESTIBULE_ISSUER=a$HOME-b", "a$HOME-b"),
        ("VESTIBULE_ISSUER=a${HOME}b$", "a${HOME}b$"),
        ("VESTIBULE_ISSUER=\"a$b\"", "a$b"),
        ("VESTIBULE_ISSUER='a$b'", "a$b"),
        (r"VESTIBULE_ISSUER=C:\some\where", r"C:\some\where"),
        (r"VESTIBULE_ISSUER='C:\some'", r"C:\some"),
        ("VESTIBULE_ISSUER=a#b", "a#b"),
        ("VESTIBULE_ISSUER=a'b\"c", "a'b\"c"),
        ("\u{feff}VESTIBULE_ISSUER=first", "first"),
        ("  export  VESTIBULE_ISSUER = a  \r\nNEXT=1", "a"),
        ("VESTIBULE_ISSUER=a\nVESTIBULE_ISSUER=b=c", "b=c"),
    ] {
        let sources_dir = sources_dir().file(".env", line);
        assert_eq!(sources_dir.loaded().config.tokens.issuer, expected, "{line}");
    }
    let list = sources_dir().file(".env", "VESTIBULE_TRUSTED_PROXIES=127.0.0.1, ::1\n");
    assert_eq!(list.loaded().config.web.trusted_proxies.len(), 2);
}

#[test]
fn only_lines_of_ours_are_judged_and_a_problem_names_the_line() {
    let others = "GREETING=hello to you\nDATA=C:\\some\\where\nno assignment\nQUOTE=\"open\n=x\nvestibule_port=x\nVESTIBULED=1\n\
                  # VESTIBULE_PORT=x\n\u{1F600}\n";
    sources_dir().file(".env", others).loaded();
    for (line, why) in [
        ("VESTIBULE_PORT", "is not NAME=value"),
        ("VESTIBULE PORT=1", "is not NAME=value"),
        ("VESTIBULE_PORT X=1", "is not NAME=value"),
        ("VESTIBULE_ISSUER=\"hush", "has a quote that is not closed"),
        ("VESTIBULE_ISSUER='hush", "has a quote that is not closed"),
        ("VESTIBULE_ISSUER='hush' # note", "has text after the closing quote"),
        (r#"VESTIBULE_ISSUER="hush\n""#, "has a backslash that programs read differently"),
        (r"VESTIBULE_ISSUER='hush\'s'", "has a backslash that programs read differently"),
    ] {
        let problem = sources_dir().file(".env", format!("{others}{line}\n")).problem();
        assert!(
            problem.starts_with(&format!("line 10 (.env): {why}")) && !problem.contains("hush"),
            "{line}: {problem}"
        );
    }
    let problem = sources_dir().file(".env", "VESTIBULE_PORT=80 # note\n").problem();
    assert!(problem.contains("port = \"80 # note\" (.env, line 1): must be a whole number"), "{problem}");
}

#[test]
fn a_line_that_is_not_utf_8_is_judged_only_if_it_is_ours() {
    let foreign = b"NAME=Jos\xe9\nVESTIBULE_PORT=1\n".to_vec();
    assert_eq!(sources_dir().file(".env", foreign).loaded().config.web.port, 1);
    let own = sources_dir().file(".env", b"A=1\nVESTIBULE_ISSUER=Jos\xe9\n").problem();
    assert_eq!(own, "line 2 (.env): is not UTF-8");
}

#[test]
fn a_byte_order_mark_is_left_out_and_utf_16_is_refused_by_name() {
    let text = "[default.auth]\nissuer = \"a\"\n";
    let secret = "dHlwZS1vZi1hLXNlY3JldC10aGF0LWlzLWxvbmctZW5vdWdo";
    assert_eq!(sources_dir().file("Rocket.toml", format!("\u{feff}{text}")).loaded().config.tokens.issuer, "a");
    let wide = |text: &str, order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(order).collect()
    };
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in [true, false] {
            for (file, text) in [("Rocket.toml", text), (".env", "VESTIBULE_PORT=1\n")] {
                let problem = sources_dir().file(file, wide(text, order, mark)).problem();
                assert!(problem.contains(file) && problem.ends_with("is UTF-16; save it as UTF-8"), "{problem}");
            }
            let sources_dir = sources_dir().file("key", wide(secret, order, mark));
            let path = sources_dir.directory.path().join("key").display().to_string();
            for key in ["root_secret_file", "secret_key_file"] {
                let problem = problem(&serve().set(key, path.clone()));
                assert!(problem.contains(key) && problem.ends_with("is UTF-16; save it as UTF-8"), "{problem}");
            }
        }
    }
    let euro = sources_dir().file("key", wide(&format!("{secret}€{secret}"), u16::to_le_bytes, true));
    let path = euro.directory.path().join("key").display().to_string();
    assert!(problem(&serve().set("secret_key_file", path)).ends_with("is UTF-16; save it as UTF-8"));
    let random: Vec<u8> = (0..64u8).map(|byte| byte.wrapping_mul(37) ^ 0x5a).collect();
    let random = sources_dir().file("key", [&[0xFF, 0xFE], &random[..]].concat());
    let path = random.directory.path().join("key").display().to_string();
    loaded(&serve().set("root_secret_file", path));
    let with_mark = sources_dir().file("key", format!("\u{feff}{secret}\r\n"));
    let path = with_mark.directory.path().join("key").display().to_string();
    let keys = loaded(&serve().set("secret_key_file", path)).config.keys;
    assert_eq!(keys.secret_key().expect("it is set").expose(), secret.as_bytes());
}

#[test]
fn a_file_without_end_is_not_read_into_memory() {
    for name in ["Rocket.toml", ".env"] {
        let sources_dir = sources_dir().file(name, "");
        let file =
            std::fs::File::options().write(true).open(sources_dir.directory.path().join(name)).expect("the file");
        file.set_len(1 << 40).expect("a sparse file");
        assert!(sources_dir.problem().contains("it has more than 4 MiB"), "{name}: {}", sources_dir.problem());
    }
}
