//! The binary as a child process: starting a server, reading its output, and stopping it.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// The maximum duration of a start or a stop. It is long, for busy machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum number of starts of a server that picks its port, if the port is taken each time.
const MOST_STARTS: usize = 4;

/// A running server. It is killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// The lines on stdout that have not been received yet.
    pub(crate) stdout: Receiver<String>,
    /// The lines on stderr that have not been received yet. No line arrives if the command does not pipe stderr.
    pub(crate) stderr: Receiver<String>,
}

impl Running {
    /// Starts the server with the command that `command` returns, and waits until it listens. Returns the server and its
    /// address, `http://host:port`. Panics if the server does not start.
    pub(crate) fn start(command: impl Fn() -> Command) -> (Self, String) {
        Self::start_with_input(|| {
            let mut command = command();
            command.stdin(Stdio::null());
            command
        })
    }

    /// Starts the server like [`Running::start`], with the standard input of the command. Returns the text after "listening
    /// on".
    pub(crate) fn start_with_input(command: impl Fn() -> Command) -> (Self, String) {
        // With `--port 0` the program picks a free port and binds it a moment later, because the URL of the server names the
        // port. In between another test may take the port. In this case only, the server is started again.
        let mut starts_left = if picks_its_port(&command()) { MOST_STARTS } else { 1 };
        loop {
            starts_left -= 1;
            let running = Self::spawn(command());
            match running.address() {
                Ok(address) => return (running, address),
                Err(stderr) if starts_left > 0 && stderr.contains("Address already in use") => {}
                Err(stderr) => panic!("the server does not start: {stderr}"),
            }
        }
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
        let stdout = lines(child.stdout.take());
        let stderr = lines(child.stderr.take());
        Self { child, stdout, stderr }
    }

    /// Returns the address in the first line on stdout. If the server has ended instead, returns what it wrote to stderr.
    /// Panics if neither happens within [`PATIENCE`].
    fn address(&self) -> Result<String, String> {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line.strip_prefix("listening on ").expect(&line).to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err(self.stderr.iter().collect::<Vec<_>>().join("\n")),
            Err(RecvTimeoutError::Timeout) => {
                panic!("no line on stdout; stderr: {:?}", self.stderr.try_iter().collect::<Vec<_>>())
            }
        }
    }

    /// Sends the server a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success(), "{name} was not sent");
    }

    /// Waits until the server has ended. Panics after [`PATIENCE`].
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not stop");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns whether the arguments contain `--port 0`: the program then picks the port.
fn picks_its_port(command: &Command) -> bool {
    let arguments: Vec<_> = command.get_args().collect();
    arguments.windows(2).any(|pair| pair == ["--port", "0"])
}

/// Returns a receiver of the lines of a pipe. It has ended when the other end of the pipe is closed, or if there is no pipe.
fn lines(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Some(pipe) = pipe else { return };
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}
