//! Blocking reads of sockets.

use std::io::{self, ErrorKind};

/// Makes a call again as long as a signal interrupts it, and returns its result.
///
/// A read of a socket that has a timeout is interrupted when the process is stopped and continued, although it handles no
/// signal (signal(7), "Interruption of system calls and library functions by stop signals").
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
