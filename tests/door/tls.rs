//! TLS: HTTP/1.1 and HTTP/2 over it, and a certificate that changes while the server runs.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::sleep,
};
use tokio_rustls::TlsConnector;

use crate::{
    attackers::{PREFACE, frame},
    server::{Door, certify, runtime},
};

/// The time within which the server reads changed files.
const READ_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn http_2_is_spoken_if_the_client_chooses_it() {
    let door = Door::with_tls();
    runtime().block_on(async {
        door.health().await;
        let mut stream = door.encrypt_as(&[b"h2"]).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        // `GET /health` with an authority, from the static table of HPACK (RFC 7541, appendix A).
        let request = frame(1, 5, 1, b"\x82\x87\x04\x07/health\x41\x09localhost");
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &request].concat()).await.expect("it is sent");
        let mut bytes = Vec::new();
        while !has_response(&bytes) {
            assert!(stream.read_buf(&mut bytes).await.expect("a response") > 0, "{bytes:?}");
        }
    });
}

/// Returns whether the frames contain the headers of a response with the status 200, which is one byte in HPACK.
fn has_response(mut bytes: &[u8]) -> bool {
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if *kind == 1 {
            return rest.first() == Some(&0x88);
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    false
}

#[test]
fn a_certificate_is_read_again_and_a_broken_pair_leaves_the_last_one_in_use() {
    let door = Door::with_tls();
    runtime().block_on(async {
        let new = certify(door.directory.path());
        assert!(becomes(&door, &new, true).await, "the new certificate is used");
        fs::write(door.directory.path().join("key.pem"), "not a key").expect("a file");
        assert!(wait_for_log(&door, "key.pem").await, "the log names the broken file");
        assert!(works(&door, &new).await, "the last certificate stays in use");
        let newest = certify(door.directory.path());
        assert!(becomes(&door, &newest, true).await, "a later pair is used");
    });
}

/// Returns whether the server presents a certificate that the connector trusts.
async fn works(door: &Door, connector: &TlsConnector) -> bool {
    door.encrypt_with(connector).await.is_ok()
}

/// Waits until the connector trusts the certificate of the server, or does not.
async fn becomes(door: &Door, connector: &TlsConnector, expected: bool) -> bool {
    for _ in 0..READ_WITHIN.as_millis() / 50 {
        if works(door, connector).await == expected {
            return true;
        }
        sleep(Duration::from_millis(50)).await;
    }
    false
}

/// Waits until the log has a line about the TLS files with this text.
async fn wait_for_log(door: &Door, text: &str) -> bool {
    for _ in 0..READ_WITHIN.as_millis() / 50 {
        let is_told = |line: String| line.contains("TLS files can't be used") && line.contains(text);
        if door.running.stderr.try_iter().any(is_told) {
            return true;
        }
        sleep(Duration::from_millis(50)).await;
    }
    false
}

#[test]
fn rapid_resets_and_headers_without_an_end_close_the_connection() {
    let door = Door::with_tls();
    runtime().block_on(async {
        let reset = |number: u32| {
            let stream = number * 2 + 1;
            let request = frame(1, 5, stream, b"\x82\x87\x04\x07/health\x41\x09localhost");
            [request, frame(3, 0, stream, &[0, 0, 0, 8])].concat()
        };
        assert!(closes_within(&door, &[], reset, 1_000).await, "1,000 requests that are reset at once");
        // A header that is not indexed, again and again, without END_HEADERS.
        let more = |_| frame(9, 0, 1, &b"\x00\x01a\x01a".repeat(200));
        let request = frame(1, 1, 1, b"\x82\x87\x04\x07/health\x41\x09localhost");
        assert!(closes_within(&door, &request, more, 1_000).await, "a megabyte of CONTINUATION");
        door.health().await;
    });
}

/// Sends `first`, and then up to `most` frames. Returns whether the server closes the connection.
async fn closes_within(door: &Door, first: &[u8], next: impl Fn(u32) -> Vec<u8>, most: u32) -> bool {
    let mut stream = door.encrypt_as(&[b"h2"]).await.expect("TLS");
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), first].concat()).await.expect("it is sent");
    for number in 0..most {
        if stream.write_all(&next(number)).await.is_err() || stream.flush().await.is_err() {
            return true;
        }
        sleep(Duration::from_millis(1)).await;
    }
    // What the server sent before it closed the connection may still be there.
    let read = tokio::time::timeout(READ_WITHIN, async {
        let mut bytes = [0; 4096];
        while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
    });
    read.await.is_ok()
}
