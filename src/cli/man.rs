//! `vestibule man`: prints the manual page.

use clap::Command;

use super::{Failure, output};

/// Prints one manual page with all commands, in the format roff. Each command has a section with its help.
pub(super) fn print(mut command: Command) -> Result<(), Failure> {
    command.build();
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_version_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    add_overview(&command, &mut page);
    add_sections(&mut command, "vestibule", &mut page);
    output::print(page.trim_end())
}

/// Adds the list of the commands. That of clap_mangen names pages that do not exist, such as vestibule-serve(1).
fn add_overview(command: &Command, page: &mut String) {
    page.push_str("\n.SH COMMANDS\n");
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        page.push_str(&format!(".TP\n\\fBvestibule {}\\fR\n{}\n", command.get_name(), escaped(&about)));
    }
}

/// Adds a section for each command below `command`, which `path` names.
fn add_sections(command: &mut Command, path: &str, page: &mut String) {
    let mut commands: Vec<Command> =
        command.get_subcommands().filter(|command| command.get_name() != "help").cloned().collect();
    for command in &mut commands {
        let path = format!("{path} {}", command.get_name());
        page.push_str(&format!("\n.SH {}\n.nf\n", path.to_uppercase()));
        for line in command.render_long_help().to_string().lines() {
            page.push_str(&escaped(line));
            page.push('\n');
        }
        page.push_str(".fi\n");
        add_sections(command, &path, page);
    }
}

/// Returns a line of text as roff: a backslash and a leading dot or quote have a meaning there.
fn escaped(line: &str) -> String {
    let line = line.trim_end().replace('\\', "\\\\").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}
