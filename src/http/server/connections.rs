//! The open connections: how many there may be, and which one gives way when there are too many.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rocket::tokio::task::AbortHandle;

use super::watch::{Timeouts, Watch};
use crate::memory::{
    metrics::{ConnectionClosed, Metrics},
    throttle::Network,
};

/// The number of connections that may be open at the same time.
#[derive(Clone, Copy, Debug)]
pub struct MaxConnections {
    /// All connections.
    pub total: usize,
    /// The connections of one IPv4 address, or of one IPv6 /64. Trusted proxies and unix sockets have no such limit.
    pub per_address: usize,
}

/// The open connections, by their number. An older connection has a smaller number.
pub struct Connections {
    max: MaxConnections,
    open: Mutex<Open>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Open {
    accepted: u64,
    by_number: BTreeMap<u64, Connection>,
    /// The numbers of the connections of each site.
    by_site: HashMap<Option<Network>, BTreeSet<u64>>,
}

struct Connection {
    origin: Origin,
    watch: Watch,
    /// `None` until the task of the connection was started.
    task: Option<AbortHandle>,
}

/// The origin of a connection, as the limits count it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// A trusted proxy, or a program that connected to the unix socket. It has no limit of its own.
    Proxy,
    /// A client with an address of its own.
    Client {
        /// The IPv4 address, or the IPv6 /64.
        network: Network,
        /// The IPv4 address, or the IPv6 /48, which is the network of one site.
        site: Network,
    },
}

impl Origin {
    /// Returns the origin of a client with this address.
    pub fn of_client(address: IpAddr) -> Self {
        let site = match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => {
                let mut octets = v6.octets();
                octets[6..].fill(0);
                IpAddr::from(octets)
            }
        };
        Self::Client { network: Network::from(address), site: Network::from(site) }
    }

    /// Returns the site by which connections are compared; `None` for proxies, which are compared as one.
    fn site(self) -> Option<Network> {
        match self {
            Self::Proxy => None,
            Self::Client { site, .. } => Some(site),
        }
    }
}

impl Connections {
    /// Returns a server without connections. It counts its connections in `metrics`.
    pub fn new(max: MaxConnections, metrics: Arc<Metrics>) -> Self {
        metrics.connections.max.set(i64::try_from(max.total).unwrap_or(i64::MAX));
        Self { max, open: Mutex::default(), metrics }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a new connection. At a limit, the oldest connection that may give way does so: at the limit of an address one
    /// of this address, at the limit of all one of the site that has most connections. Returns the number of the new
    /// connection; `None` if no connection may give way.
    pub fn admit(&self, origin: Origin, watch: &Watch, now: Instant) -> Option<u64> {
        let admitted = self.try_admit(origin, watch, now);
        let counted = &self.metrics.connections;
        if admitted.is_some() {
            counted.accepted.inc()
        } else {
            counted.refused.inc()
        }
        admitted
    }

    fn try_admit(&self, origin: Origin, watch: &Watch, now: Instant) -> Option<u64> {
        let mut open = self.open();
        if let Origin::Client { network, .. } = origin {
            let same: Vec<u64> = open.of_network(origin.site(), network).collect();
            if same.len() >= self.max.per_address {
                open.give_way(&same, now, Watch::is_read)?;
                self.count_closed(ConnectionClosed::AddressLimit);
            }
        }
        if open.by_number.len() >= self.max.total {
            // A connection that was not read yet may have a whole request, so it gives way last.
            let given = open.give_way_of_the_most_frequent(now, Watch::is_read);
            given.or_else(|| open.give_way_of_the_most_frequent(now, |_| true))?;
            self.count_closed(ConnectionClosed::TotalLimit);
        }
        let number = open.accepted;
        open.accepted += 1;
        open.by_number.insert(number, Connection { origin, watch: watch.clone(), task: None });
        open.by_site.entry(origin.site()).or_default().insert(number);
        self.count_open(&open);
        Some(number)
    }

    fn count_closed(&self, reason: ConnectionClosed) {
        self.metrics.connections.closed.count(reason);
    }

    fn count_open(&self, open: &Open) {
        self.metrics.connections.open.set(i64::try_from(open.by_number.len()).unwrap_or(i64::MAX));
    }

    /// Records the task that serves a connection. Does nothing if the connection has ended already.
    pub fn started(&self, number: u64, task: AbortHandle) {
        match self.open().by_number.get_mut(&number) {
            Some(connection) => connection.task = Some(task),
            // It gave way before its task was recorded, or it has ended.
            None => task.abort(),
        }
    }

    /// Removes a connection that has ended.
    pub fn ended(&self, number: u64) {
        let mut open = self.open();
        open.remove(number);
        self.count_open(&open);
    }

    /// Closes the connections that are overdue. Then closes connections with several requests, the one with most of them first,
    /// until there are not more requests than a half of the connections that there may be. So others can send several too.
    pub fn close_overdue(&self, now: Instant, timeouts: &Timeouts) {
        let overdue = self.close_if(|watch| watch.is_overdue(now, timeouts));
        (0..overdue).for_each(|_| self.count_closed(ConnectionClosed::Overdue));
        let mut open = self.open();
        let mut several: Vec<(usize, u64)> =
            open.by_number.iter().map(|(number, of)| (of.watch.requests(), *number)).collect();
        let mut requests: usize = several.iter().map(|(count, _)| count).sum();
        several.retain(|(count, _)| *count > 1);
        several.sort_unstable();
        while requests > self.max.total / 2
            && let Some((count, number)) = several.pop()
        {
            open.end(number);
            self.count_closed(ConnectionClosed::RequestLimit);
            requests -= count;
        }
        self.count_open(&open);
    }

    /// Closes the connections that have had no request for a second, for a server that stops. Most connections end by
    /// themselves before; these are in a TLS handshake.
    pub fn close_idle(&self, now: Instant) {
        self.close_if(|watch| now.checked_sub(Duration::from_secs(1)).is_some_and(|before| watch.may_close(before)));
    }

    /// Closes all connections.
    pub fn close_all(&self) {
        self.close_if(|_| true);
    }

    /// Closes the connections that are wanted. Returns their number.
    fn close_if(&self, is_wanted: impl Fn(&Watch) -> bool) -> usize {
        let mut open = self.open();
        let closed: Vec<u64> =
            open.by_number.iter().filter(|(_, of)| is_wanted(&of.watch)).map(|(number, _)| *number).collect();
        let count = closed.len();
        closed.into_iter().for_each(|number| open.end(number));
        self.count_open(&open);
        count
    }

    /// Returns whether no connection is open.
    pub fn is_empty(&self) -> bool {
        self.open().by_number.is_empty()
    }
}

impl Open {
    /// Returns the connections of a network of a site, the oldest first.
    fn of_network(&self, site: Option<Network>, wanted: Network) -> impl Iterator<Item = u64> {
        let is_wanted = move |number: &&u64| match self.by_number[*number].origin {
            Origin::Proxy => false,
            Origin::Client { network, .. } => network == wanted,
        };
        self.by_site.get(&site).into_iter().flatten().filter(is_wanted).copied()
    }

    /// Ends the connection that gives way: of the sites from the one with most connections on, the first that has such a
    /// connection. Of several sites with equally many, the one with the oldest connection is the first.
    fn give_way_of_the_most_frequent(&mut self, now: Instant, is_wanted: fn(&Watch) -> bool) -> Option<()> {
        let mut tried = BTreeSet::new();
        loop {
            let untried = self.by_site.iter().filter(|(site, _)| !tried.contains(*site));
            let (site, numbers) =
                untried.max_by_key(|(_, numbers)| (numbers.len(), Reverse(numbers.first().copied())))?;
            let (site, numbers): (_, Vec<u64>) = (*site, numbers.iter().copied().collect());
            if self.give_way(&numbers, now, is_wanted).is_some() {
                return Some(());
            }
            tried.insert(site);
        }
    }

    /// Ends the oldest of these connections that is wanted and may give way; `None` if no connection is both.
    fn give_way(&mut self, numbers: &[u64], now: Instant, is_wanted: fn(&Watch) -> bool) -> Option<()> {
        let watch = |number: &u64| &self.by_number[number].watch;
        let oldest = numbers.iter().find(|number| is_wanted(watch(number)) && watch(number).may_give_way(now));
        self.end(*oldest?);
        Some(())
    }

    /// Removes a connection, and returns it.
    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.by_number.remove(&number)?;
        let site = connection.origin.site();
        if let Some(numbers) = self.by_site.get_mut(&site) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_site.remove(&site);
            }
        }
        Some(connection)
    }

    /// Ends a connection. A request that it carries is still carried out.
    fn end(&mut self, number: u64) {
        if let Some(task) = self.remove(number).and_then(|connection| connection.task) {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Origin {
        Origin::of_client(address.parse().expect("an address"))
    }

    fn connections(total: usize, per_address: usize) -> Connections {
        Connections::new(MaxConnections { total, per_address }, Arc::default())
    }

    fn admitted(connections: &Connections, origin: Origin, watch: &Watch) -> u64 {
        connections.admit(origin, watch, Instant::now()).expect("it is admitted")
    }

    fn numbers(connections: &Connections) -> Vec<u64> {
        connections.open().by_number.keys().copied().collect()
    }

    #[test]
    fn at_the_limit_of_an_address_its_oldest_connection_without_a_whole_request_gives_way() {
        let connections = connections(100, 2);
        let watches = [(); 5].map(|()| Watch::new(Instant::now()));
        let _request = watches[0].begin(Instant::now(), true);
        let origins = ["10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "10.0.0.1"].map(client);
        watches.iter().for_each(Watch::read);
        for (origin, watch) in origins.into_iter().zip(&watches).take(4) {
            admitted(&connections, origin, watch);
        }
        assert_eq!(numbers(&connections), [0, 2, 3], "the first has a whole request, so the second gave way");
        let _second = watches[2].begin(Instant::now(), true);
        assert_eq!(connections.admit(origins[4], &watches[4], Instant::now()), None, "both have a whole request");
        for watch in &watches {
            admitted(&connections, Origin::Proxy, watch);
        }
    }

    #[test]
    fn a_connection_that_was_not_read_gives_way_last() {
        let connections = connections(2, 1);
        let [first, second] = [(); 2].map(|()| Watch::new(Instant::now()));
        admitted(&connections, client("10.0.0.1"), &first);
        assert_eq!(connections.admit(client("10.0.0.1"), &second, Instant::now()), None);
        admitted(&connections, client("10.0.0.2"), &second);
        second.read();
        admitted(&connections, client("10.0.0.3"), &first);
        assert_eq!(numbers(&connections), [0, 2], "the second was read");
        admitted(&connections, client("10.0.0.4"), &first);
        assert_eq!(numbers(&connections), [2, 3], "none was read, so the oldest gave way");
    }

    #[test]
    fn at_the_limit_of_all_the_site_with_most_connections_gives_way() {
        let connections = connections(6, 100);
        let watch = Watch::new(Instant::now());
        watch.read();
        for address in ["192.0.2.1", "2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1", "192.0.2.2", "192.0.2.2"]
        {
            admitted(&connections, client(address), &watch);
        }
        admitted(&connections, client("192.0.2.3"), &watch);
        assert_eq!(numbers(&connections), [0, 2, 3, 4, 5, 6], "the /48 had three, in three networks");
    }

    #[test]
    fn of_too_many_requests_those_of_the_connection_with_most_end() {
        const TIMEOUTS: Timeouts =
            Timeouts { head: Duration::from_secs(9), body: Duration::from_secs(9), idle: Duration::from_secs(9) };
        let connections = connections(10, 5);
        let watches = [(); 3].map(|()| Watch::new(Instant::now()));
        for watch in &watches {
            admitted(&connections, Origin::Proxy, watch);
        }
        let begin = |watch: &Watch, count| (0..count).map(|_| watch.begin(Instant::now(), true)).collect::<Vec<_>>();
        let _requests = [begin(&watches[0], 1), begin(&watches[1], 3), begin(&watches[2], 1)];
        connections.close_overdue(Instant::now(), &TIMEOUTS);
        assert_eq!(numbers(&connections), [0, 1, 2]);
        let _more = begin(&watches[2], 1);
        connections.close_overdue(Instant::now(), &TIMEOUTS);
        assert_eq!(numbers(&connections), [0, 2]);
    }

    #[test]
    fn a_connection_that_gave_way_before_it_was_started_is_not_started() {
        let connections = connections(1, 1);
        let watch = Watch::new(Instant::now());
        watch.read();
        let runtime = rocket::tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let first = admitted(&connections, client("10.0.0.1"), &watch);
            let second = admitted(&connections, client("10.0.0.1"), &watch);
            let task = rocket::tokio::spawn(std::future::pending::<()>());
            connections.started(first, task.abort_handle());
            assert!(task.await.expect_err("it was ended").is_cancelled());
            let task = rocket::tokio::spawn(std::future::pending::<()>());
            connections.started(second, task.abort_handle());
            connections.close_idle(Instant::now() + Duration::from_secs(2));
            assert!(task.await.expect_err("it was ended").is_cancelled());
            assert!(connections.is_empty());
        });
    }
}
