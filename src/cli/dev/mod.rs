//! `vestibule dev`: the server with the profile `dev`, for prototyping a front end. It has sample users, or those of a file.

mod accounts;
mod sample;
mod seed;

#[cfg(any(test, fuzzing))]
pub(crate) use self::seed::check_seed;

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Failure, listen::ListenArgs},
    config::Sources,
    flows::Vestibule,
};

/// The note that is printed at every start.
pub(super) const WARNING: &str =
    "profile dev, not for production: anybody can register, cookies need no https, any local page may call the API";

/// The arguments of `vestibule dev`.
#[derive(Args)]
pub(super) struct Dev {
    #[command(flatten)]
    listen: ListenArgs,
    /// Allow listening on an address that other machines can reach
    #[arg(long)]
    allow_remote: bool,
    /// How long an access token is valid, such as 10s: the setting access_token_lifetime
    #[arg(long, value_name = "DURATION")]
    access_lifetime: Option<String>,
    /// A TOML file of roles and users with passwords, which are created instead of the sample users
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

impl Dev {
    /// Returns `sources` with the values of these arguments.
    pub(super) fn apply_to(&self, mut sources: Sources) -> Sources {
        sources.may_be_remote = self.allow_remote;
        let sources = self.listen.apply_to(sources);
        sources.set_from("--access-lifetime", "access_token_lifetime", self.access_lifetime.as_deref())
    }

    /// Reads the users that the server is to have. Fails if the file can't be read, or has a problem.
    pub(super) fn prepare(self) -> Result<Prototype, Failure> {
        let users = self.seed.map_or(Ok(Users::Samples), |path| seed::Seed::read(&path).map(Users::Seeded))?;
        Ok(Prototype { users, is_reachable: self.allow_remote })
    }
}

/// What a server of the profile `dev` has beyond one of the profile `serve`.
pub(super) struct Prototype {
    /// The users that it has at its start.
    pub(super) users: Users,
    /// Whether other machines may reach it. Its workbench then wants a key.
    pub(super) is_reachable: bool,
}

/// The users that a server of the profile `dev` has at its start.
pub(super) enum Users {
    /// The sample users.
    Samples,
    /// The users of a file.
    Seeded(seed::Seed),
}

impl Users {
    /// Creates the users who do not exist. Returns the lines for the operator.
    pub(super) async fn create(&self, vestibule: &Vestibule) -> Result<Vec<String>, Failure> {
        match self {
            Self::Samples => sample::create(vestibule).await,
            Self::Seeded(seed) => seed.create(vestibule).await,
        }
    }
}
