//! `vestibule serve`: the server, until a signal stops it.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use clap::Args;
use rocket::{error::ErrorKind, fairing::AdHoc, figment::Figment};

use super::{Failure, Globals, dev, failure::chain, logging, output};
use crate::{
    clock::Clock,
    config::{Flags, Loaded, Profile},
    flows::{
        Vestibule,
        open::{self, Role},
    },
    http,
    store::users,
};

/// The arguments of `vestibule serve`.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) listen: Listen,
}

/// Where to listen.
#[derive(Args)]
pub(super) struct Listen {
    /// The address to listen on, such as 127.0.0.1 or ::1
    #[arg(long)]
    address: Option<IpAddr>,
    /// The port to listen on; 0 picks one
    #[arg(long)]
    port: Option<u16>,
}

impl Listen {
    /// Says so in the flags.
    pub(super) fn add_to(&self, flags: Flags) -> Flags {
        Flags { address: self.address, port: self.port, ..flags }
    }
}

/// Refuses settings of Rocket's own that Rocket would panic over: those of the server, and those of the runtime, which Rocket
/// reads by itself before it knows of ours.
pub(super) fn check_settings(loaded: &Loaded) -> Result<(), Failure> {
    let settings = Figment::from(rocket::Config::release_default()).merge(&loaded.figment);
    let runtime = rocket::Config::figment();
    let errors = [
        rocket::Config::try_from(settings).err(),
        runtime.extract_inner::<NonZeroUsize>("workers").err(),
        runtime.extract_inner::<NonZeroUsize>("max_blocking").err(),
        runtime.extract_inner::<bool>("shutdown.force").err(),
    ];
    // The others may say the same of the same setting.
    match errors.into_iter().flatten().next() {
        None => Ok(()),
        Some(errors) => Err(Failure::Configuration(errors.into_iter().map(|error| error.to_string()).collect())),
    }
}

/// Runs the server of either profile.
pub(super) async fn run(loaded: Loaded, globals: &Globals) -> Result<(), Failure> {
    let Loaded { config, figment, .. } = loaded;
    logging::start(config.web.log_format);
    if config.profile == Profile::Dev {
        output::note(dev::WARNING);
    }
    let vestibule = Arc::new(open::open(config, Clock::system(), Role::Server).await?);
    let done = match greeting(&vestibule, globals).await {
        Ok(greeting) => launch(&vestibule, figment, greeting).await,
        Err(failure) => Err(failure),
    };
    vestibule.close().await;
    done
}

/// What a person should know who has just started the server.
async fn greeting(vestibule: &Vestibule, globals: &Globals) -> Result<Option<String>, Failure> {
    if vestibule.config.profile == Profile::Dev {
        return dev::sample_user(vestibule).await.map(Some);
    }
    let mut reader = vestibule.store.read().await?;
    let first = users::is_empty(&mut reader).await?;
    Ok(first.then(|| format!("no user yet; make the first admin with: {}", add_admin(globals))))
}

/// The command that makes the first admin of the same data.
fn add_admin(globals: &Globals) -> String {
    let mut command = "vestibule user add admin --role admin --generate".to_owned();
    for (flag, path) in [("--data-dir", &globals.data_dir), ("--config", &globals.config)] {
        if let Some(path) = path {
            command = format!("{command} {flag} {}", quoted(path));
        }
    }
    command
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:,%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

async fn launch(vestibule: &Arc<Vestibule>, figment: Figment, greeting: Option<String>) -> Result<(), Failure> {
    let listening = AdHoc::on_liftoff("listening", |rocket| {
        Box::pin(async move {
            let address = SocketAddr::new(rocket.config().address, rocket.config().port);
            let lines = [Some(format!("listening on http://{address}")), greeting];
            let lines: Vec<String> = lines.into_iter().flatten().collect();
            if let Err(failure) = output::print(&lines.join("\n")) {
                tracing::warn!(?failure, "can't write to stdout");
            }
        })
    });
    let Err(error) = http::rocket(Arc::clone(vestibule), figment).attach(listening).launch().await else {
        return Ok(());
    };
    match error.kind() {
        ErrorKind::Bind(cause) | ErrorKind::Io(cause) => {
            let web = &vestibule.config.web;
            let address = SocketAddr::new(web.address, web.port);
            Err(Failure::new(format!("can't listen on {address}: {cause}; choose another --address or --port")))
        }
        // Clients that kept a connection open past the time to finish: they were cut off, and the server did stop.
        ErrorKind::Shutdown(_, None) => {
            tracing::warn!("stopped with connections still open");
            Ok(())
        }
        ErrorKind::Config(error) => {
            Err(Failure::Configuration(error.clone().into_iter().map(|error| error.to_string()).collect()))
        }
        _ => Err(Failure::new(format!("the server can't go on: {}", chain(&error)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_the_same_data() {
        let globals = |data_dir: Option<&str>| Globals { data_dir: data_dir.map(Into::into), config: None };
        let plain = "vestibule user add admin --role admin --generate";
        assert_eq!(add_admin(&globals(None)), plain);
        assert_eq!(add_admin(&globals(Some("/srv/auth"))), format!("{plain} --data-dir /srv/auth"));
        assert_eq!(add_admin(&globals(Some("it's here"))), format!(r"{plain} --data-dir 'it'\''s here'"));
    }
}
