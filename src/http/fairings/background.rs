//! The background tasks of the server. They remove expired data, activate and retire signing keys at their times, reload what
//! another process has changed, copy the database, and check it after an unclean stop.

use std::time::Duration;

use rocket::{
    Orbit, Rocket,
    fairing::{Fairing, Info, Kind},
    tokio::{self, time},
};

use crate::{
    domain::{audit_event::RequestContext, steady_clock::SteadyClock},
    flows::{
        backup::daily::Daily,
        keys::advance_keys::advance_keys,
        open::keys,
        readiness,
        steps::{client_registry, signing::Advanced},
        sweep::{self, Swept},
    },
    http::app_state::AppState,
    store::audit,
};

/// The time between two removals of expired data.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The time between two checks whether a signing key must be activated or deleted. If no key must, the check reads only memory.
const ADVANCE_EVERY: Duration = Duration::from_millis(500);

/// The longest time between two checks whether a copy of the database is due.
const BACK_UP_LOOK_EVERY: Duration = Duration::from_secs(60);

/// The time after which the server tries again to change or reload the keys.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A fairing that starts the background tasks when the server begins to listen, and stops them when the server shuts down.
pub struct Background;

#[rocket::async_trait]
impl Fairing for Background {
    fn info(&self) -> Info {
        Info { name: "background tasks", kind: Kind::Liftoff }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(vestibule) = rocket.state::<AppState>() else { return };
        let [sweeping, advancing, following, of_clients, copying, checking] =
            [(); 6].map(|()| AppState::clone(vestibule));
        spawn(rocket, async move { sweep_periodically(&sweeping).await });
        spawn(rocket, async move { advance_keys_periodically(&advancing).await });
        spawn(rocket, async move { follow_keys(&following).await });
        spawn(rocket, async move { follow_clients(&of_clients).await });
        spawn(rocket, async move { back_up_periodically(&copying).await });
        spawn(rocket, async move {
            let now = checking.clock.now();
            readiness::check_after_unclean_stop(&checking, now).await;
        });
    }
}

/// Runs a task until it ends or the server shuts down.
fn spawn(rocket: &Rocket<Orbit>, task: impl Future<Output = ()> + Send + 'static) {
    let stop = rocket.shutdown();
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            () = stop => {}
        }
    });
}

/// Copies the database when a copy is due. Does not end, unless the copies are switched off.
async fn back_up_periodically(vestibule: &AppState) {
    let Some(schedule) = vestibule.config.storage.backups() else { return };
    let interval = Duration::from_secs(schedule.interval.unsigned_abs());
    let mut tick = time::interval(interval.min(BACK_UP_LOOK_EVERY));
    // A copy costs reading the whole database, so it does not delay the start.
    tick.tick().await;
    let mut daily = Daily::default();
    loop {
        tick.tick().await;
        match daily.run(vestibule, vestibule.clock.now()).await {
            Ok(Some(copied)) => {
                tracing::info!(file = %copied.file.display(), bytes = copied.bytes, "copied the database and checked the copy");
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "can't copy the database; trying again later"
                );
            }
        }
    }
}

/// Returns the clock by which data is removed. Its first expected time is that of the newest event of the audit log, so a
/// machine that starts with a wrong time removes nothing.
async fn steady_clock(vestibule: &AppState) -> SteadyClock {
    let newest = match vestibule.store.read().await {
        Ok(mut reader) => audit::newest(&mut reader).await.ok().flatten(),
        Err(_) => None,
    };
    SteadyClock::new(newest.unwrap_or_else(|| vestibule.clock.now()), vestibule.clock.elapsed())
}

/// Removes expired data at once and then every [`SWEEP_EVERY`]. Does not end.
async fn sweep_periodically(vestibule: &AppState) {
    let mut tick = time::interval(SWEEP_EVERY);
    let (mut clock, mut waits) = (steady_clock(vestibule).await, false);
    loop {
        tick.tick().await;
        let now = vestibule.clock.now();
        if !clock.counts(now, vestibule.clock.elapsed()) {
            if !std::mem::replace(&mut waits, true) {
                tracing::info!(
                    %now,
                    "the clock is more than a day ahead of the newest event, as after a long rest or with a wrong time; expired \
                     data is removed in an hour"
                );
            }
            continue;
        }
        waits = false;
        match sweep::sweep(vestibule, now).await {
            Ok(swept) if swept != Swept::default() => {
                let Swept { sessions, devices, audit_events, changes, links, signing_keys } = swept;
                tracing::info!(sessions, devices, audit_events, changes, links, signing_keys, "removed expired data");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't remove expired data; trying again later"),
        }
    }
}

/// Changes the signing keys when their times have come. Does not end.
async fn advance_keys_periodically(vestibule: &AppState) {
    let mut tick = time::interval(ADVANCE_EVERY);
    loop {
        tick.tick().await;
        // No request causes the change, so its audit event has no address, as for a command.
        match advance_keys(vestibule, &RequestContext::internal(vestibule.clock.now())).await {
            Ok(advanced) if advanced != Advanced::default() => {
                let Advanced { promoted, removed } = advanced;
                tracing::info!(promoted, removed, "the signing keys advanced");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "can't change the signing keys in time; trying again");
                time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Reloads the signing keys after each change of them. Does not end.
async fn follow_keys(vestibule: &AppState) {
    loop {
        match keys::follow_keys(vestibule).await {
            Ok(()) => tracing::debug!("signing keys reloaded"),
            Err(error) => {
                tracing::error!(%error, "can't reload the signing keys; trying again");
                // The change was not processed. This notification makes the next call process it.
                vestibule.keys_changed.notify_one();
                time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Reloads the clients of the database after each change of them. Does not end.
async fn follow_clients(vestibule: &AppState) {
    loop {
        if let Err(error) = client_registry::follow_clients(vestibule).await {
            tracing::error!(%error, "can't reload the clients; trying again");
            // The change was not processed. This notification makes the next call process it.
            vestibule.clients_changed.notify_one();
            time::sleep(RETRY_AFTER).await;
        }
    }
}
