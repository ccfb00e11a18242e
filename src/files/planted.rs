//! Files and directories that another user may have put where a command looks for its settings or its data.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// The bit of a mode by which everybody can write.
const BY_OTHERS: u32 = 0o002;

/// Returns whether a file or directory was possibly put there by another user: everybody can write to the directory that
/// contains it, such as `/tmp`, and it belongs neither to root nor to the user of this process.
pub fn is_planted(path: &Path) -> bool {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let is_open = fs::metadata(directory).is_ok_and(|directory| directory.mode() & BY_OTHERS != 0);
    let trusted = [0, rustix::process::geteuid().as_raw()];
    is_open && fs::symlink_metadata(path).is_ok_and(|file| !trusted.contains(&file.uid()))
}

/// What is said about a planted file, after its name.
pub const PLANTED: &str = "belongs to another user, in a directory where everybody can write; if you trust it, name it with \
                           --config, otherwise run the command in another directory";
