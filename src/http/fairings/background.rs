//! The background tasks of the server. They remove expired data, let signing keys begin and end when their time comes, and
//! reload the keys that another process changed.

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

/// The interval at which expired data is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The interval at which the server checks whether a signing key must begin or end. If no key must, the check reads memory
/// only.
const ADVANCE_EVERY: Duration = Duration::from_millis(500);

/// The time after which a failed change or reload of the keys is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A fairing that starts the background tasks when the server listens, and stops them when it shuts down.
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
            Ok(swept) if swept != sweep::Swept::default() => tracing::info!(?swept, "removed expired data"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't remove expired data; trying again later"),
        }
    }
}

async fn advance_keys_in_time(vestibule: &AppState) {
    let mut tick = time::interval(ADVANCE_EVERY);
    loop {
        tick.tick().await;
        match advance_keys(vestibule, &RequestContext::command_line(vestibule.clock.now())).await {
            Ok(advanced) if advanced != Advanced::default() => tracing::info!(?advanced, "the signing keys advanced"),
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
