//! Many requests whose last bytes are sent at the same moment. Before that, all other bytes of every request have been sent. So
//! the server completes all requests at almost the same time.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use super::{Answer, Server, raw::parse};

/// A request with a JSON body, as it is sent.
pub struct Raw {
    text: String,
}

impl Raw {
    pub fn new(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Self {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n",
            server.address,
            body.len()
        );
        Self { text: head + &body }
    }

    /// Returns a request with an access token in the header.
    pub fn bearer(server: &Server, token: &str, method: &str, path: &str, body: &Value) -> Self {
        Self::new(server, method, path, &[("Authorization", &format!("Bearer {token}"))], body)
    }
}

/// Sends every byte of all requests except the last ones, and then the last ones. Returns the responses in the order of the
/// requests.
pub fn at_once(server: &Server, requests: &[Raw]) -> Vec<Answer> {
    let mut connections: Vec<TcpStream> = requests
        .iter()
        .map(|request| {
            let mut connection = TcpStream::connect(server.address).expect("the server listens");
            connection.set_nodelay(true).expect("the option is set");
            connection.set_read_timeout(Some(Duration::from_secs(60))).expect("the option is set");
            let bytes = request.text.as_bytes();
            connection.write_all(&bytes[..bytes.len() - 1]).expect("it is sent");
            connection
        })
        .collect();
    for (connection, request) in connections.iter_mut().zip(requests) {
        connection.write_all(&request.text.as_bytes()[request.text.len() - 1..]).expect("it is sent");
    }
    let answers: Vec<Answer> = connections.iter_mut().map(answer).collect();
    requests.iter().zip(&answers).for_each(|(request, answer)| judge(server, &request.text, answer));
    answers
}

/// Sends bytes as they are. Returns the response. The bytes must make the server close the connection, as `Connection: close`
/// does.
pub fn send_bytes(server: &Server, bytes: &[u8]) -> Answer {
    let mut connection = TcpStream::connect(server.address).expect("the server listens");
    connection.set_read_timeout(Some(Duration::from_secs(60))).expect("the option is set");
    connection.write_all(bytes).expect("it is sent");
    let answer = answer(&mut connection);
    judge(server, &String::from_utf8_lossy(bytes), &answer);
    answer
}

/// Compares a response with the API description. Does nothing if the first line of the request has no method or no target.
pub fn judge(server: &Server, request: &str, answer: &Answer) {
    let mut lines = request.lines();
    let mut line = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (line.next(), line.next()) else { return };
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    let mut types =
        headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value.trim());
    server.judge(method, target, types.next(), answer);
}

/// Reads a response until the server closes the connection. Panics if the head of the response is incomplete.
pub fn answer(connection: &mut TcpStream) -> Answer {
    let mut text = String::new();
    connection.read_to_string(&mut text).expect("an answer");
    parse(text.as_bytes()).expect("a whole answer").0
}
