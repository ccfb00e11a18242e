//! What the server does while nobody asks: sweeps, and follows the keys.

use std::time::Duration;

use rocket::{
    Orbit, Rocket,
    fairing::{Fairing, Info, Kind},
    tokio::{self, time},
};

use super::Shared;
use crate::flows::sweep;

/// How often what is over is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How long after a failure the keys are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Starts the tasks once the server listens, and ends them with it.
pub struct Background;

#[rocket::async_trait]
impl Fairing for Background {
    fn info(&self) -> Info {
        Info { name: "background tasks", kind: Kind::Liftoff }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(vestibule) = rocket.state::<Shared>() else { return };
        let (sweeping, following) = (Shared::clone(vestibule), Shared::clone(vestibule));
        let (stop_sweeping, stop_following) = (rocket.shutdown(), rocket.shutdown());
        tokio::spawn(async move {
            tokio::select! {
                () = sweep_now_and_then(&sweeping) => {}
                () = stop_sweeping => {}
            }
        });
        tokio::spawn(async move {
            tokio::select! {
                () = follow_keys(&following) => {}
                () = stop_following => {}
            }
        });
    }
}

async fn sweep_now_and_then(vestibule: &Shared) {
    let mut tick = time::interval(SWEEP_EVERY);
    loop {
        tick.tick().await;
        match sweep::sweep(vestibule, vestibule.clock.now()).await {
            Ok(swept) if swept != sweep::Swept::default() => tracing::info!(?swept, "removed what was over"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't remove what is over; trying again later"),
        }
    }
}

async fn follow_keys(vestibule: &Shared) {
    loop {
        match vestibule.follow_keys().await {
            Ok(()) => tracing::debug!("signing keys reloaded"),
            Err(error) => {
                tracing::error!(%error, "can't reload the signing keys; trying again");
                vestibule.keys_changed.notify_one();
                time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
