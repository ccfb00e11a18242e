//! Requests as bytes, each on a connection of its own. The response may be incomplete or absent.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use super::{Answer, Server, at_once::judge, sockets::uninterrupted};

/// Sends bytes as they are, and returns the response as [`answer_on`] does.
#[track_caller]
pub fn raw(server: &Server, request: impl AsRef<[u8]>) -> Option<Answer> {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    // The server may respond and close the connection before it has read everything.
    stream.write_all(request.as_ref()).ok();
    let answer = answer_on(&mut stream);
    answer.iter().for_each(|answer| judge(server, &String::from_utf8_lossy(request.as_ref()), answer));
    answer
}

/// Reads one response, which may lack a part of its body. Returns `None` if the connection ends before the head is complete.
/// Panics if the server sends nothing for ten seconds.
#[track_caller]
pub fn answer_on(stream: &mut TcpStream) -> Option<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let answer = parse(&bytes);
        if let Some((answer, true)) = answer {
            return Some(answer);
        }
        match uninterrupted(|| stream.read(&mut chunk)) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("no answer: {error}"),
            Ok(_) | Err(_) => return answer.map(|(answer, _)| answer),
        }
    }
}

/// Returns the response as far as it has arrived, and whether its body has the length that `Content-Length` states. Returns
/// `None` if the head is not complete.
pub fn parse(bytes: &[u8]) -> Option<(Answer, bool)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let answer = Answer {
        status: status.expect("a status"),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        text: body.to_owned(),
    };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    let is_whole = length == Some(body.len());
    Some((answer, is_whole))
}
