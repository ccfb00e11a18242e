//! Files that a person wrote or chose: settings, secrets, and what a command is told to read. The functions that read have a
//! limit, because a path such as `/dev/zero` has no end. A caller of [`open`] sets its own limit.

pub mod dotenv;
mod planted;
mod secret;
mod text;

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    os::fd::AsFd as _,
    path::Path,
};

use zeroize::Zeroizing;

pub use self::{
    planted::{PLANTED, is_planted},
    secret::{SecretFile, read_root_secret},
    text::{plain, read_bytes, read_text},
};

/// Opens a file for reading from its beginning. For `/dev/stdin`, `/dev/fd/0` and `/proc/self/fd/0`, returns the standard input
/// of this process instead of opening the path: a process that `runuser` started may not open it again, and a socket can't be
/// opened by a path. Bytes that were read from a pipe or a socket before are lost.
///
/// # Errors
/// The error of the system, if the file can't be opened.
pub fn open(path: &Path) -> io::Result<File> {
    match path.to_str() {
        Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => {
            let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            // A pipe has no beginning to which one can return.
            file.rewind().ok();
            Ok(file)
        }
        _ => File::open(path),
    }
}

/// Returns the first bytes of a file, at most `most`. They are overwritten when they are dropped. A caller that refuses long
/// files asks for one byte more than it allows.
///
/// # Errors
/// The end of a sentence about the file, if it can't be read.
pub fn read_first(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = open(path).and_then(|file| file.take(most as u64).read_to_end(&mut bytes));
    read.map_err(|error| format!("can't be read: {error}"))?;
    Ok(bytes)
}
