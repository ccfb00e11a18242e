//! The signals that stop the server, as Rocket's settings `shutdown.ctrlc` and `shutdown.signals` name them.

use std::io;

use rocket::{
    config::{Shutdown, Sig},
    tokio::signal::unix::{Signal, SignalKind, signal},
};

/// The signals that stop the server.
pub struct Signals(Vec<Signal>);

impl Signals {
    /// Begins to listen for the signals. A signal that can't be listened for keeps its default effect, which ends the process.
    pub fn of(shutdown: &Shutdown) -> Self {
        let named = shutdown.signals.iter().copied().map(kind);
        let interrupt = shutdown.ctrlc.then(SignalKind::interrupt);
        let signals: Vec<io::Result<Signal>> = named.chain(interrupt).map(signal).collect();
        for error in signals.iter().filter_map(|signal| signal.as_ref().err()) {
            tracing::warn!(%error, "can't listen for a signal");
        }
        Self(signals.into_iter().flatten().collect())
    }

    /// Waits for the next of the signals.
    pub async fn wait(&mut self) {
        std::future::poll_fn(|context| {
            let received = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if received { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

fn kind(signal: Sig) -> SignalKind {
    match signal {
        Sig::Alrm => SignalKind::alarm(),
        Sig::Chld => SignalKind::child(),
        Sig::Hup => SignalKind::hangup(),
        Sig::Int => SignalKind::interrupt(),
        Sig::Io => SignalKind::io(),
        Sig::Pipe => SignalKind::pipe(),
        Sig::Quit => SignalKind::quit(),
        Sig::Term => SignalKind::terminate(),
        Sig::Usr1 => SignalKind::user_defined1(),
        Sig::Usr2 => SignalKind::user_defined2(),
    }
}
