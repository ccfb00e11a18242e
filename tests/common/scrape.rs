//! A scraper of the metrics, and the text that it gets.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::support::Server;

/// Returns the address of the metrics in the next line on stdout of a server.
pub(crate) fn place_of_metrics(server: &Server) -> String {
    let line = server.next_line();
    let url = line.strip_prefix("metrics on http://").unwrap_or_else(|| panic!("no line about the metrics: {line}"));
    url.strip_suffix("/metrics").expect("the path of the metrics").to_owned()
}

/// The response to a scrape.
pub(crate) struct Scrape {
    /// The status; 0 if the server closed the connection without a response.
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

/// Requests the metrics at an address.
pub(crate) fn scrape(address: &str) -> Scrape {
    scrape_with(address, "GET", "/metrics", "")
}

/// Sends a request with these headers, each with its line end.
pub(crate) fn scrape_with(address: &str, method: &str, path: &str, headers: &str) -> Scrape {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    // The server may refuse a long head before it has read it.
    stream.write_all(text.as_bytes()).ok();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    let text = String::from_utf8(bytes).expect("a text");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Scrape { status, head: head.to_owned(), body: body.to_owned() }
}

impl Scrape {
    /// Returns the value of a header. The server writes the names of headers in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Returns the name with its labels, and the value, of each series.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&str, f64)> {
        let lines = self.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a series: {line}"));
            (series, value.parse().unwrap_or_else(|_| panic!("not a number: {line}")))
        })
    }

    /// Returns the value of a series; 0 if there is no such series.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.series().find(|(name, _)| *name == series).map_or(0.0, |(_, value)| value)
    }

    /// Returns the names of all labels.
    pub(crate) fn all_labels(&self) -> BTreeSet<String> {
        self.pairs().map(|(name, _)| name).collect()
    }

    /// Returns the values of a label.
    pub(crate) fn labels(&self, name: &str) -> BTreeSet<String> {
        self.pairs().filter(|(label, _)| label == name).map(|(_, value)| value).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let labels = self.series().filter_map(|(series, _)| series.split_once('{')?.1.strip_suffix('}'));
        // No value of a label contains a quotation mark or a comma.
        labels.flat_map(|labels| labels.split(',')).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or_else(|| panic!("not a label: {pair}"));
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
    }
}
