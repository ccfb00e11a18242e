//! The command line. Each command has its own file. Like an HTTP handler, it only calls a flow and prints the result.
//!
//! The result of a command is printed on stdout. A failure is printed on stderr: one line with the cause and the remedy, or one
//! line for each problem of the configuration. Exit codes: 0 success, 1 failure, 2 wrong usage, 78 invalid configuration.

mod audit;
mod backup;
mod check;
mod client;
mod completions;
mod config;
mod confirm;
mod demo;
mod dev;
mod failure;
mod globals;
mod health;
mod keys;
mod listen;
mod logging;
mod man;
mod openapi;
mod output;
mod own_files;
mod passwords;
mod printable;
mod restore;
mod rocket_settings;
mod role;
mod serve;
mod session;
mod token;
mod user;
mod user_arg;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};

#[cfg(any(test, fuzzing))]
pub(crate) use self::{dev::check_seed, user::fuzzed};
use self::{failure::Failure, globals::Globals, rocket_settings::rocket_problems};
use crate::{
    clock::Clock,
    config as configuration,
    config::{Config, Database, Loaded, Profile, Sources},
    flows::{
        Vestibule,
        open::{self, Role},
    },
};

/// A login-and-session system in one file.
#[derive(Parser)]
#[command(
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:
  vestibule serve                                     the server, with its data in ./data
  vestibule user add admin --role admin --generate    the first admin
  vestibule dev                                       for prototyping a front end"
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = "Example:
  vestibule serve --address 127.0.0.1 --port 8000")]
    Serve(serve::Serve),
    /// Run the server with a sample user, for prototyping a front end; not for production
    #[command(after_help = "Example:
  vestibule dev --port 8001")]
    Dev(dev::Dev),
    /// Show how the fingerprint of a browser protects a session, step by step
    #[command(after_help = "Example:
  vestibule demo")]
    Demo(demo::Demo),
    /// Add, list, change and delete users
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule user add ada --email ada@example.com --generate"
    )]
    User(Box<user::Command>),
    /// List and revoke sessions
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule session revoke --user ada"
    )]
    Session(session::Command),
    /// List, set and remove roles
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule role set editor posts:read posts:write"
    )]
    Role(role::Command),
    /// List, add and remove the clients, which are the applications through which users log in
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule client secret backend"
    )]
    Client(client::Command),
    /// List and change the keys that sign access tokens
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule keys rotate"
    )]
    Keys(keys::Command),
    /// Decode and check tokens
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule token inspect < token.txt"
    )]
    Token(token::Command),
    /// Print the audit log, newest first
    #[command(after_help = "Examples:
  vestibule audit --user ada --since 7d
  vestibule audit --event login_failed --json")]
    Audit(Box<audit::Audit>),
    /// Ask a running server whether it is alive; the exit code is 0 or 1
    #[command(after_help = "Example:
  vestibule health --port 8000")]
    Health(listen::ListenArgs),
    /// Write a checked copy of the database into a file, while the server runs or not
    #[command(after_help = "Example:
  vestibule backup copy.db")]
    Backup(backup::Backup),
    /// Replace the database by a copy, while no server runs
    #[command(after_help = "Examples:
  vestibule restore copy.db                    into an empty data directory
  vestibule restore copy.db --yes              in place of the present database
  vestibule restore copy.db --keep-sessions    nobody has to sign in again")]
    Restore(restore::Restore),
    /// Check whether the database, or a copy, is sound
    #[command(after_help = "Examples:
  vestibule check
  vestibule check copy.db --json")]
    Check(check::Check),
    /// Print and check the configuration
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:
  vestibule config check"
    )]
    Config(config::Command),
    /// Print the completions for a shell
    #[command(after_help = "Example:
  vestibule completions bash > vestibule.bash")]
    Completions(completions::Completions),
    /// Print the manual page
    #[command(after_help = "Example:
  vestibule man > vestibule.1")]
    Man,
    /// Print the OpenAPI document
    #[command(after_help = "Example:
  vestibule openapi > openapi.json")]
    Openapi,
}

/// Runs the command that the arguments of the process name. Returns the exit code.
pub fn run() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => execute(cli),
        Err(error) => return explain(&error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Prints the help, the version or the error of the usage. Returns the exit code: 0 for the help and the version, 2 for an
/// error.
fn explain(error: &clap::Error) -> ExitCode {
    let answer = match error.kind() {
        // A command line without a command is a request for the help, not an error.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Some(error.render().to_string()),
        ErrorKind::DisplayVersion => Some(version::version()),
        _ => None,
    };
    if let Some(answer) = answer {
        return output::print(answer.trim_end()).map_or_else(Failure::report, |()| ExitCode::SUCCESS);
    }
    // If the output can't be written, the error can't be reported anywhere else.
    error.print().ok();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Loads the configuration and runs the command. Adds the path of the database to a failure of SQLite.
fn execute(cli: Cli) -> Result<(), Failure> {
    // These need no configuration, and a wrong one must not prevent them.
    match cli.command {
        Command::Completions(completions) => return completions.run(Cli::command()),
        Command::Man => return man::print(Cli::command()),
        Command::Demo(demo) => return rocket::execute(demo.run()),
        _ => {}
    }
    let loaded = load(&cli)?;
    let database = loaded.config.storage.database.clone();
    rocket::execute(dispatch(cli, loaded)).map_err(|failure| match database {
        Database::File(path) => failure.in_database(&path),
        Database::Temporary => failure,
    })
}

/// Loads the configuration for the command. Prints its notes if the command starts a server or is about the configuration.
fn load(cli: &Cli) -> Result<Loaded, Failure> {
    let sources = sources(cli);
    let mut loaded = read(cli, &sources)?;
    if matches!(cli.command, Command::Serve(_) | Command::Dev(_)) && loaded.config.web.port == 0 {
        // The default `public_url` contains the port. So the port is chosen here, and the configuration is read again with it.
        let port = listen::free_port(&loaded.config.web.address)?;
        loaded = read(cli, &sources.with_free_port(port))?;
    }
    if matches!(cli.command, Command::Serve(_) | Command::Dev(_) | Command::Config(_)) {
        loaded.config.notes.iter().for_each(|note| output::note(note));
    }
    Ok(loaded)
}

/// The file that the commands of a server for users read if there is no `Rocket.toml` with a table `auth`.
const SYSTEM_FILE: &str = "/etc/vestibule.toml";

/// Returns the sources of the configuration for the command, with the options of its command line.
fn sources(cli: &Cli) -> Sources {
    let of_profile = |profile| {
        let mut sources = Sources::of_process(profile, cli.globals.config.clone());
        sources.system_file = (profile == Profile::Serve).then(|| SYSTEM_FILE.into());
        sources.has_port_of_host = matches!(cli.command, Command::Serve(_) | Command::Health(_));
        sources.set_from("--data-dir", "data_dir", cli.globals.data_dir.as_deref())
    };
    match &cli.command {
        Command::Serve(serve) => serve.listen.apply_to(of_profile(Profile::Serve)),
        Command::Dev(dev) => dev.apply_to(of_profile(Profile::Dev)),
        Command::Config(command) => of_profile(command.profile()),
        Command::Health(listen) => listen.apply_to(of_profile(Profile::Serve)),
        Command::User(_)
        | Command::Session(_)
        | Command::Role(_)
        | Command::Client(_)
        | Command::Keys(_)
        | Command::Token(_)
        | Command::Audit(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Check(_)
        | Command::Completions(_)
        | Command::Demo(_)
        | Command::Man
        | Command::Openapi => of_profile(Profile::Serve),
    }
}

/// Reads the configuration. The failure contains all problems, also the problems of Rocket's own settings.
fn read(cli: &Cli, sources: &Sources) -> Result<Loaded, Failure> {
    let loaded = configuration::load_with(sources, rocket_problems);
    loaded.map_err(|problems| match &cli.command {
        Command::Config(command) => command.refuse(&problems).err().unwrap_or_else(|| problems.into()),
        _ => problems.into(),
    })
}

/// Runs the command.
async fn dispatch(Cli { globals, command }: Cli, loaded: Loaded) -> Result<(), Failure> {
    let config = loaded.config.clone();
    match command {
        Command::Serve(_) => serve::run(loaded, None, &globals).await,
        Command::Dev(dev) => serve::run(loaded, Some(dev.prepare()?), &globals).await,
        Command::Config(command) => command.run(&loaded),
        Command::Openapi => openapi::print(&config),
        Command::Health(_) => health::run(&config).await,
        Command::Completions(_) | Command::Demo(_) | Command::Man => unreachable!("these ran without a configuration"),
        Command::Client(command) if command.works_without_database() && !open::has_database(&config) => {
            command.run_without_database(&config.clients)
        }
        Command::Client(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
        Command::Role(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
        Command::User(command) => {
            let role = if command.creates_database() { Role::FirstCommand } else { Role::Command };
            let mut config = config;
            if command.imports() && !open::has_database(&config) {
                let directory = config.storage.data_dir.display().to_string();
                if command.is_dry_run() {
                    // A dry run creates nothing in the data directory.
                    config.storage.database = Database::Temporary;
                    output::note(&format!(
                        "there is no database in {directory}, so the file is checked as for a new server, without accounts and roles of yours; \
                         name the data of the server with --data-dir or --config"
                    ));
                } else {
                    output::note(&format!("there is no database in {directory}, so a new one is created there"));
                }
            }
            on_database(config, role, async |vestibule| command.run(vestibule).await).await
        }
        Command::Session(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
        Command::Token(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
        Command::Audit(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
        // These commands use the database as a file: it may be damaged, of an earlier version, or absent.
        Command::Backup(backup) => backup.run(&config, Clock::system().now()).await,
        Command::Restore(restore) => restore.run(&config, &Clock::system()).await,
        Command::Check(check) => check.run(&config, Clock::system().now()).await,
        // This command opens the database itself, because `open::open` fails without the right root secret.
        Command::Keys(keys::Command::Recover(recover)) => recover.run(&config, Clock::system().now()).await,
        Command::Keys(command) => {
            on_database(config, Role::Command, async |vestibule| command.run(vestibule).await).await
        }
    }
}

/// Opens the database, runs the command, and closes the database.
async fn on_database(
    config: Config,
    role: Role,
    run: impl AsyncFnOnce(&Vestibule) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let vestibule = open::open(config, Clock::system(), role).await?;
    let done = run(&vestibule).await;
    vestibule.close().await;
    done
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn clap_accepts_the_definition_of_the_commands() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&super::Cli::command());
    }
}
