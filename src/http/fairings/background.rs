//! What the server does while nobody asks: sweeps, has keys sign and leave when their time comes, and follows those that
//! others changed.

use std::time::Duration;

use rocket::{
    Orbit, Rocket,
    fairing::{Fairing, Info, Kind},
    tokio::{self, time},
};

use crate::{
    domain::audit_event::RequestContext,
    flows::{keys::advance_keys::advance_keys, open::keys, steps::signing::Advanced, sweep},
    http::app_state::AppState,
};

/// How often what is over is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How often it is looked whether a key signs or leaves. Where nothing is due, that reads memory only.
const ADVANCE_EVERY: Duration = Duration::from_millis(500);

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
        let Some(vestibule) = rocket.state::<AppState>() else { return };
        let [sweeping, advancing, following] = [(); 3].map(|()| AppState::clone(vestibule));
        let [stop_sweeping, stop_advancing, stop_following] = [(); 3].map(|()| rocket.shutdown());
        tokio::spawn(async move {
            tokio::select! {
                () = sweep_now_and_then(&sweeping) => {}
                () = stop_sweeping => {}
            }
        });
        tokio::spawn(async move {
            tokio::select! {
                () = advance_keys_in_time(&advancing) => {}
                () = stop_advancing => {}
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

async fn sweep_now_and_then(vestibule: &AppState) {
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

async fn advance_keys_in_time(vestibule: &AppState) {
    let mut tick = time::interval(ADVANCE_EVERY);
    loop {
        tick.tick().await;
        match advance_keys(vestibule, &RequestContext::command_line(vestibule.clock.now())).await {
            Ok(advanced) if advanced != Advanced::default() => tracing::info!(?advanced, "the signing keys went on"),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "can't change the signing keys in time; trying again");
                time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

async fn follow_keys(vestibule: &AppState) {
    loop {
        match keys::follow_keys(vestibule).await {
            Ok(()) => tracing::debug!("signing keys reloaded"),
            Err(error) => {
                tracing::error!(%error, "can't reload the signing keys; trying again");
                vestibule.keys_changed.notify_one();
                time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
