//! Requests and their parts.

use std::{cell::OnceCell, net::IpAddr};

use ipnet::IpNet;

use super::{
    input::{line, text, text_line},
    scratch,
};
use crate::http::fuzzed;

/// Reads a JSON body.
pub fn json(data: &[u8]) {
    fuzzed::json(data);
}

/// Reads a form, or a query.
pub fn form(data: &[u8]) {
    fuzzed::form(data);
}

/// Reads the name of a cookie, and the values of the header `Cookie`, each on a line.
pub fn cookies(data: &[u8]) {
    let (name, rest) = text_line(data);
    let lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    fuzzed::cookies(&name, &lines);
}

/// Reads the address of a peer, the trusted networks between commas, and the values of `X-Forwarded-For`, each on a line. The
/// peer is on a unix socket if the first line is no address.
pub fn forwarded(data: &[u8]) {
    let (peer, rest) = text_line(data);
    let (networks, rest) = text_line(rest);
    let trusted: Vec<IpNet> = networks.split(',').filter_map(|network| network.trim().parse().ok()).collect();
    let rest = text(rest);
    let lines: Vec<&str> = rest.split('\n').collect();
    fuzzed::forwarded(peer.parse::<IpAddr>().ok().map(|peer| peer.to_canonical()), &trusted, &lines);
}

/// Reads a cursor, an entry of `If-None-Match`, or a user agent.
pub fn headers(data: &[u8]) {
    let (first, _) = line(data);
    fuzzed::headers(&text(first));
    fuzzed::headers(&text(data));
}

/// Sends a request to a whole server: its head, an empty line, and the body.
pub fn request(data: &[u8]) {
    thread_local! {
        static SERVER: OnceCell<fuzzed::Server> = const { OnceCell::new() };
    }
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    SERVER.with(|server| {
        server.get_or_init(|| scratch::with(fuzzed::Server::start)).request(&text(head), body);
    });
}
