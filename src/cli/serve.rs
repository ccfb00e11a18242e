//! `vestibule serve`: starts the server. It runs until a signal stops it.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
};

use clap::Args;
use rocket::{Build, Rocket, error::ErrorKind, fairing::AdHoc, figment::Figment};
use sd_notify::NotifyState;
use tokio::sync::oneshot;

use crate::{
    cli::{
        Failure, Globals, dev,
        failure::chain,
        listen::{ListenArgs, cant_listen},
        logging, output,
        rocket_settings::problem_of,
        version::{COMMIT, VERSION},
    },
    clock::Clock,
    config::{Config, ListenAddress, Loaded, Profile},
    flows::{
        Vestibule,
        links::set_up::{create_setup_link, needs_admin},
        open::{self, Role},
    },
    http::{self, BindError, Front, MetricsServer, Refill, WorkbenchKey},
    store,
};

/// The arguments of `vestibule serve`.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) listen: ListenArgs,
}

/// Runs the server until it is stopped. `prototype` is for the profile `dev`.
pub(super) async fn run(loaded: Loaded, prototype: Option<dev::Prototype>, globals: &Globals) -> Result<(), Failure> {
    let Loaded { config, figment, .. } = loaded;
    logging::start(config.web.log_format, config.web.log_level);
    if config.profile == Profile::Dev {
        output::note(dev::WARNING);
    }
    let vestibule = Arc::new(open::open(config, Clock::system(), Role::Server).await?);
    let done = match greeting(&vestibule, prototype.as_ref(), globals).await {
        Ok(greeting) => {
            let (workbench, lines) = prototype.map(|prototype| Workbench::of(prototype, &vestibule)).unzip();
            launch(&vestibule, figment, workbench, [greeting, lines.unwrap_or_default()].concat()).await
        }
        Err(failure) => Err(failure),
    };
    vestibule.close().await;
    if done.is_ok() {
        tracing::info!("stopped");
    }
    done
}

/// What the routes of the workbench need from the command line.
struct Workbench {
    refill: Refill,
    key: Option<WorkbenchKey>,
}

impl Workbench {
    /// Returns the workbench of a prototype, and the lines for the operator.
    fn of(prototype: dev::Prototype, vestibule: &Arc<Vestibule>) -> (Self, Vec<String>) {
        let dev::Prototype { users, is_reachable } = prototype;
        let (users, vestibule) = (Arc::new(users), Arc::clone(vestibule));
        let key = is_reachable.then(WorkbenchKey::generate);
        let query = key.as_ref().map(|key| format!("?key={}", key.as_str())).unwrap_or_default();
        let lines = match address_of_workbench(&vestibule.config, is_reachable) {
            Some(url) => vec![format!("workbench: {url}/dev{query}"), format!("demonstration: {url}/demo{query}")],
            None => Vec::new(),
        };
        let refill = Refill(Box::new(move || {
            let (users, vestibule) = (Arc::clone(&users), Arc::clone(&vestibule));
            Box::pin(async move { users.create(&vestibule).await.map(drop).map_err(|failure| format!("{failure:?}")) })
        }));
        (Self { refill, key }, lines)
    }

    /// Adds the state to the application.
    fn manage(self, rocket: Rocket<Build>) -> Rocket<Build> {
        let rocket = rocket.manage(self.refill);
        match self.key {
            Some(key) => rocket.manage(key),
            None => rocket,
        }
    }
}

/// Returns the address under which a browser reaches the workbench. A server that other machines may reach has its public URL.
/// Another one has `localhost` or its loopback address, because the workbench answers to nothing else. `None` on a unix socket,
/// where no browser can reach it.
fn address_of_workbench(config: &Config, is_reachable: bool) -> Option<String> {
    let ListenAddress::Ip(ip) = &config.web.address else { return None };
    if is_reachable {
        return Some(config.web.public_url.as_str().to_owned());
    }
    let scheme = if config.connections.tls.is_some() { "https" } else { "http" };
    let usual = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let host = match ip {
        ip if usual.contains(ip) => "localhost".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    Some(format!("{scheme}://{host}:{}", config.web.port))
}

/// Returns the lines that are printed after the start. For the profile `dev`: its users. While there is no admin: the
/// command that creates the first one, and a link that does it in the browser. The link is printed here and not logged, because
/// everybody who has it can use it.
async fn greeting(
    vestibule: &Vestibule,
    prototype: Option<&dev::Prototype>,
    globals: &Globals,
) -> Result<Vec<String>, Failure> {
    let mut lines = match prototype {
        Some(prototype) => prototype.users.create(vestibule).await?,
        None => Vec::new(),
    };
    if needs_admin(vestibule).await? {
        if vestibule.config.profile == Profile::Serve {
            let nobody = store::users::is_empty(&mut *vestibule.store.read().await?).await?;
            let missing = if nobody { "user" } else { "admin" };
            lines.push(format!("no {missing} yet; create the first admin with: {}", add_admin(globals)));
        }
        let link = create_setup_link(vestibule).await?;
        let or = if lines.is_empty() || vestibule.config.profile == Profile::Dev { "for an admin," } else { "or" };
        lines.push(format!("{or} open this link, which works once and for an hour: {link}"));
    }
    Ok(lines)
}

/// Returns the command line that creates the first admin in the same data directory and with the same configuration file.
fn add_admin(globals: &Globals) -> String {
    let mut command = format!("{}vestibule user add admin --role admin --generate", as_user_of_server());
    let data_dir = globals.data_dir.as_ref().map(Path::new);
    for (flag, path) in [("--data-dir", data_dir), ("--config", globals.config.as_deref())] {
        if let Some(path) = path {
            command = format!("{command} {flag} {}", quoted(path));
        }
    }
    command
}

/// Returns the beginning of a command line that runs as the user of this server. Empty unless the systemd of the machine, and
/// not that of a user, started the server as another user than root: a file that root creates in the data directory would stop
/// the next start.
fn as_user_of_server() -> String {
    let is_set = |name| env::var_os(name).is_some();
    match env::var("USER") {
        Ok(user) if is_set("NOTIFY_SOCKET") && !is_set("MANAGERPID") && user != "root" => {
            format!("runuser -u {} -- ", quoted(Path::new(&user)))
        }
        _ => String::new(),
    }
}

/// Returns the path as an argument for a shell: in single quotes if it contains a special character.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:,%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Serves until a signal stops the server. Prints the place where it listens and `greeting` when it accepts connections.
/// Fails if the server can't listen, or if the thread that writes to the database fails.
async fn launch(
    vestibule: &Arc<Vestibule>,
    figment: Figment,
    workbench: Option<Workbench>,
    greeting: Vec<String>,
) -> Result<(), Failure> {
    let web = &vestibule.config.web;
    let front = Front::bind(&vestibule.config).map_err(|error| match error {
        BindError::Listen(cause) => cant_listen(&web.address, web.port, &cause),
        other => Failure::new(other.to_string()),
    })?;
    let scraped = MetricsServer::bind(&vestibule.config.metrics).map_err(|cause| {
        let address = vestibule.config.metrics.address.as_ref().map(ToString::to_string).unwrap_or_default();
        Failure::new(format!("can't listen on {address} for the metrics: {cause}; choose another metrics_address"))
    })?;
    let place = front.place().describe(if front.is_encrypted() { "https" } else { "http" });
    let metrics = scraped.as_ref().map(|server| format!("metrics on {}", server.describe()));
    let (send, stopping) = oneshot::channel();
    let listening = AdHoc::on_liftoff("listening", |rocket| {
        let shutdown = rocket.shutdown();
        Box::pin(async move {
            tracing::info!(version = VERSION, commit = COMMIT, %place, "started");
            let lines = [vec![format!("listening on {place}")], Vec::from_iter(metrics), greeting].concat();
            if let Err(failure) = output::print(&lines.join("\n")) {
                tracing::warn!(?failure, "can't write to stdout");
            }
            notify_supervisor(NotifyState::Ready);
            let stopping = tokio::spawn(async move {
                shutdown.await;
                tracing::info!("stopping");
                notify_supervisor(NotifyState::Stopping);
            });
            // The receiver waits for this task.
            drop(send.send(stopping));
        })
    });
    let settings = figment.clone();
    let rocket = http::rocket(vestibule, figment).attach(listening);
    let rocket = match workbench {
        Some(workbench) => workbench.manage(rocket),
        None => rocket,
    };
    let scraping = async {
        match scraped {
            Some(server) => server.serve(vestibule).await,
            None => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = front.serve(rocket) => served,
        never = scraping => match never {},
        // The server stops at once: the failed thread may have committed a revocation that this process has not applied in
        // memory.
        () = vestibule.writer_failed() => return Err(Failure::new(
            "the thread that writes to the database has failed (the log has the cause); start the server again",
        )),
    };
    let Err(error) = served else {
        if let Ok(stopping) = stopping.await {
            stopping.await.ok();
        }
        return Ok(());
    };
    match error.kind() {
        ErrorKind::Config(error) => Err(Failure::Configuration(vec![problem_of(&settings, "", error)])),
        _ => Err(Failure::new(format!("the server has failed: {}", chain(&error)))),
    }
}

/// Tells systemd the state of the server, if systemd started it with `Type=notify` (sd_notify(3)).
fn notify_supervisor(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "can't notify the supervisor");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Sources};

    /// A value that panics when the writer drops it.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("outside of every job");
        }
    }

    #[test]
    fn the_server_stops_with_a_failure_if_the_writer_fails() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().display().to_string();
        let sources = Sources::isolated(Profile::Serve).set("data_dir", data_dir).set("port", 0);
        let Loaded { config, .. } = config::load(&sources).expect("it is valid");
        let failure = rocket::execute(async move {
            let vestibule = Arc::new(open::open(config, Clock::system(), Role::Server).await.expect("it opens"));
            let left = Arc::new(tokio::sync::Notify::new());
            let caller_left = Arc::clone(&left);
            // The writer drops the result of a job for which no caller waits any longer.
            let job = vestibule.store.write(async move |_| {
                caller_left.notified().await;
                Ok(Bomb)
            });
            tokio::time::timeout(std::time::Duration::from_millis(20), job).await.map(drop).expect_err("it waits");
            let served = tokio::spawn({
                let (vestibule, figment) = (Arc::clone(&vestibule), Figment::new().merge(("port", 0)));
                async move { launch(&vestibule, figment, None, Vec::new()).await }
            });
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            assert!(!served.is_finished(), "it serves");
            left.notify_one();
            let ended = tokio::time::timeout(std::time::Duration::from_secs(20), served).await;
            vestibule.close().await;
            ended.expect("it ends").expect("it does not panic").expect_err("it failed")
        });
        assert!(matches!(&failure, Failure::Failed(text) if text.contains("thread that writes")), "{failure:?}");
        assert_eq!(format!("{:?}", failure.report()), format!("{:?}", std::process::ExitCode::FAILURE));
    }

    #[test]
    fn the_command_for_the_first_admin_has_the_same_options() {
        let globals = |data_dir: Option<&str>| Globals { data_dir: data_dir.map(Into::into), config: None };
        let plain = "vestibule user add admin --role admin --generate";
        assert_eq!(add_admin(&globals(None)), plain);
        assert_eq!(add_admin(&globals(Some("/srv/auth"))), format!("{plain} --data-dir /srv/auth"));
        assert_eq!(add_admin(&globals(Some("it's here"))), format!(r"{plain} --data-dir 'it'\''s here'"));
    }
}
