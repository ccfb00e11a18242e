//! The HTTP server in front of Rocket. It accepts connections and limits them in number and in time; Rocket routes their
//! requests and renders the responses.
//!
//! Rocket's own server waits without a limit for a head and for the first bytes of a body, has no limit of connections, drops a
//! request whose client has closed its side, and keeps idle connections when it stops. An application that embeds Vestibule can
//! be launched by Rocket, or by [`Front`], which has none of these faults.

mod body_table;
mod connection;
mod connections;
mod dispatch;
pub(in crate::http) mod listener;
mod load;
mod probe;
mod reply;
mod signals;
mod stream;
mod tls;
pub(crate) use self::probe::ask_health;
mod watch;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use rocket::{
    Build, Rocket,
    local::asynchronous::Client,
    tokio::{self, select, sync::watch as channel, time},
};

use self::{
    connection::{Protocol, Service},
    connections::{Connections, MaxConnections, Origin},
    dispatch::Dispatcher,
    listener::{Listener, Stream},
    tls::Tls,
    watch::{Timeouts, Watch},
};
pub use self::{
    listener::{HandedOverError, Place},
    tls::TlsError,
};
use crate::{
    config::Config,
    http::{
        app_state::AppState,
        request::{caller, peer::Peer},
    },
};

/// The time between two searches for connections that are overdue.
const SEARCH_EVERY: Duration = Duration::from_millis(250);

/// The time between two checks whether a server that stops has finished its requests.
const STOPPING_EVERY: Duration = Duration::from_millis(5);

/// The time in place of [`Timeouts::body`] while the server stops.
const STOPPING_BODY: Duration = Duration::from_secs(1);

/// The pause after a connection could not be accepted, for example because too many files are open.
pub(in crate::http) const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The HTTP server for a Rocket application.
///
/// ```no_run
/// # use rocket::{get, routes};
/// # #[get("/greeting")]
/// # fn greeting() {}
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use vestibule::{Embed, Front, Vestibule, config::Config};
///
/// let vestibule = Vestibule::open(Config::of_process()?).await?;
/// let front = Front::bind(&vestibule.config)?;
/// front.serve(rocket::build().attach(Embed::new(&vestibule)).mount("/", routes![greeting])).await?;
/// vestibule.close().await;
/// # Ok(())
/// # }
/// ```
///
/// It differs from Rocket's own server in these points:
/// * There are no WebSockets, and no other upgrades of a connection.
/// * The body of a request to a route of the application is read as a whole before the request is routed. It has at most
///   8 MiB.
/// * The settings of [`Config`] count instead of Rocket's `address`, `port`, `tls`, `shutdown.grace` and `shutdown.mercy`.
///   Rocket's `keep_alive` only decides whether a connection may carry several requests. Rocket's `shutdown.ctrlc` and
///   `shutdown.signals` count.
pub struct Front {
    listener: Listener,
    tls: Option<Arc<Tls>>,
    timeouts: Timeouts,
    max: MaxConnections,
    grace: Duration,
    trusted: Vec<ipnet::IpNet>,
}

/// The reason for which a server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refused the address.
    #[error("can't listen: {0}")]
    Listen(#[from] io::Error),
    /// What systemd handed over can't be used.
    #[error(transparent)]
    HandedOver(#[from] HandedOverError),
    /// The files of the TLS certificate can't be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

/// The reason for which a server could not start.
#[derive(Debug, thiserror::Error)]
#[error("the application can't be launched: {0}")]
pub struct LaunchError(#[from] Box<rocket::Error>);

impl LaunchError {
    /// Returns the kind of the error of Rocket.
    pub fn kind(&self) -> &rocket::error::ErrorKind {
        self.0.kind()
    }
}

impl Front {
    /// Listens where the configuration says, or on the socket that systemd has handed over. Raises the limit of open files
    /// of the process as far as the system permits.
    ///
    /// # Errors
    /// [`BindError`] if it can't listen there, or if the TLS certificate can't be used.
    ///
    /// # Panics
    /// If it is called outside of a Tokio runtime, such as Rocket's.
    pub fn bind(config: &Config) -> Result<Self, BindError> {
        let connections = &config.connections;
        let tls = connections.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let listener = match Listener::inherited()? {
            Some(listener) => listener,
            None => Listener::bind(&config.web.address, config.web.port)?,
        };
        Ok(Self {
            listener,
            tls,
            timeouts: Timeouts {
                head: connections.header_timeout.into(),
                body: connections.body_timeout.into(),
                idle: connections.idle_timeout.into(),
            },
            max: MaxConnections {
                total: connections.max.min(open_files().saturating_sub(RESERVED_FILES).max(1)),
                per_address: connections.max_per_ip.max(1),
            },
            grace: connections.shutdown_grace.into(),
            trusted: config.web.trusted_proxies.clone(),
        })
    }

    /// Returns where the server listens.
    pub fn place(&self) -> &Place {
        self.listener.place()
    }

    /// Returns whether clients connect with https.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Launches the application, and serves it until a signal or Rocket's [`Shutdown`](rocket::Shutdown) stops it. Then it
    /// closes idle connections, and the others after their current response. After `shutdown_grace`, or at a second signal, it
    /// closes all connections.
    ///
    /// # Errors
    /// The application can't be launched.
    pub async fn serve(self, rocket: Rocket<Build>) -> Result<(), LaunchError> {
        let mut figment = rocket.figment().clone();
        if let Some(address) = self.place().address() {
            figment = figment.merge(("address", address.ip())).merge(("port", address.port()));
        }
        let rocket = rocket.configure(figment);
        // Before the application begins to listen, so that no signal ends the process without closing the database.
        let mut signals = signals::Signals::of(&rocket::Config::from(rocket.figment()).shutdown);
        let client = Client::untracked(rocket).await.map_err(|error| LaunchError(Box::new(error)))?;
        let metrics = client.rocket().state::<AppState>().map(|vestibule| Arc::clone(&vestibule.metrics));
        let shutdown = client.rocket().shutdown();
        let keep_alive = client.rocket().config().keep_alive != 0;
        let (stop, stopped) = channel::channel(false);
        let dispatcher = Arc::new(Dispatcher::new(client, self.max.total));
        let service = Service { dispatcher: Arc::clone(&dispatcher), keep_alive, stop: stopped };
        let running = Running {
            connections: Arc::new(Connections::new(self.max, metrics.unwrap_or_default())),
            service,
            front: self,
        };
        select! {
            () = running.accept() => {}
            () = running.close_overdue() => {}
            () = running.follow_tls() => {}
            () = signals.wait() => {}
            () = shutdown => {}
        }
        dispatcher.client().rocket().shutdown().notify();
        let Running { connections, service, front } = running.take_waiting().await;
        // The receivers are gone if no connection is open.
        stop.send_replace(true);
        drop(service);
        let Front { listener, timeouts, grace, .. } = front;
        drop(listener);
        select! {
            () = finish(&connections, &dispatcher, timeouts, grace) => {}
            // A person who sends a second signal does not want to wait.
            () = signals.wait() => {}
        }
        close(&connections).await;
        match Arc::into_inner(dispatcher) {
            Some(dispatcher) => drop(dispatcher.into_client().terminate().await),
            None => tracing::warn!("stopped with requests still running"),
        }
        Ok(())
    }
}

/// The files that the server needs besides its connections: the database, the log, and what the system opens.
const RESERVED_FILES: usize = 64;

/// Raises the limit of open files as far as the system permits. Returns the limit.
fn open_files() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    limit.current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// A server that accepts connections.
struct Running {
    connections: Arc<Connections>,
    service: Service,
    front: Front,
}

impl Running {
    /// Accepts connections. Does not end.
    async fn accept(&self) {
        loop {
            match self.front.listener.accept().await {
                Ok((stream, peer)) => self.start(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    /// Starts to serve a connection. Closes it at once if there are too many.
    fn start(&self, stream: Stream, peer: Peer) {
        let watch = Watch::new(Instant::now());
        let Some(number) = self.connections.admit(self.origin(peer), &watch, Instant::now()) else { return };
        let (connections, service) = (Arc::clone(&self.connections), self.service.clone());
        let acceptor = self.front.tls.as_ref().map(|tls| tls.acceptor());
        let task = tokio::spawn(async move {
            let open = OpenConnection { connections, number };
            match acceptor {
                None => service.serve(stream, peer, watch, Protocol::Http1).await,
                // A handshake that fails or does not end is closed as a connection without a request.
                Some(acceptor) => {
                    watch.read();
                    if let Ok(stream) = Box::pin(acceptor.accept(stream)).await {
                        let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP_2);
                        let protocol = if is_http_2 { Protocol::Http2 } else { Protocol::Http1 };
                        Box::pin(service.serve(stream, peer, watch, protocol)).await;
                    }
                }
            }
            drop(open);
        });
        self.connections.started(number, task.abort_handle());
    }

    /// Returns the origin of a connection, as the limits count it.
    fn origin(&self, peer: Peer) -> Origin {
        match peer.ip() {
            Some(address) if !caller::is_trusted(&self.front.trusted, address) => Origin::of_client(address),
            _ => Origin::Proxy,
        }
    }

    /// Closes connections that are overdue. Does not end.
    async fn close_overdue(&self) {
        let mut tick = time::interval(SEARCH_EVERY);
        loop {
            tick.tick().await;
            self.connections.close_overdue(Instant::now(), &self.front.timeouts);
        }
    }

    /// Reads the TLS certificate again when it changes. Does not end.
    async fn follow_tls(&self) {
        match &self.front.tls {
            Some(tls) => tls.follow().await,
            None => std::future::pending().await,
        }
    }

    /// Starts the connections that the system has accepted before the server stops. Otherwise their requests would be lost. If
    /// systemd keeps the socket, they wait for the next server instead.
    async fn take_waiting(self) -> Self {
        if !self.front.listener.place().is_inherited() {
            for (stream, peer) in self.front.listener.accepted().await {
                self.start(stream, peer);
            }
        }
        self
    }
}

/// Removes the connection from the open ones at its end, also if its task is aborted.
struct OpenConnection {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.ended(self.number);
    }
}

/// Waits until all connections and requests have ended, at most for `grace`. A client that sends a body or reads a response has
/// only a short time, so that it can't delay a restart.
async fn finish(connections: &Connections, dispatcher: &Dispatcher, timeouts: Timeouts, grace: Duration) {
    let timeouts = Timeouts { body: timeouts.body.min(STOPPING_BODY), ..timeouts };
    let deadline = Instant::now() + grace;
    while !(connections.is_empty() && dispatcher.is_quiet()) && Instant::now() < deadline {
        connections.close_overdue(Instant::now(), &timeouts);
        connections.close_idle(Instant::now());
        time::sleep(STOPPING_EVERY).await;
    }
}

/// Closes the connections that are still open.
async fn close(connections: &Connections) {
    if !connections.is_empty() {
        tracing::warn!("stopped with connections still open");
        connections.close_all();
        time::sleep(STOPPING_EVERY).await;
    }
}
