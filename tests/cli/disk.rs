//! A disk of its own for a test: a file system in memory, of any size. It needs root, as `tests/run` has.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A mounted file system. It is unmounted when the value is dropped.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// Mounts a file system of this many KiB.
    pub(crate) fn new(kib: u32) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=700"), "tmpfs"])
            .arg(directory.path())
            .status()
            .expect("mount runs");
        assert!(mounted.success(), "a test of a full disk mounts a file system, which needs root");
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Makes the file system read-only, or writable again.
    pub(crate) fn set_writable(&self, is_writable: bool) {
        let option = if is_writable { "remount,rw" } else { "remount,ro" };
        let done = Command::new("mount").args(["-o", option]).arg(self.0.path()).status().expect("mount runs");
        assert!(done.success(), "{option}");
    }

    /// Fills the disk to the last byte. Returns the path of the file that fills it.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.path("ballast");
        let mut ballast = File::create(&path).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

/// Files that nobody can write until the value is dropped, as on a disk that has become read-only. The system refuses to make a
/// disk read-only while one of its files is open for writing, but not a file (chattr(1)).
pub(crate) struct ReadOnly(Vec<PathBuf>);

impl ReadOnly {
    /// Panics if the file system does not refuse writes in this way. ext4 does.
    pub(crate) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let files: Vec<PathBuf> = files.into_iter().collect();
        let path = files[0].with_file_name("probe");
        let mut file = File::create(&path).expect("a file");
        let probe = Self(vec![path.clone()]);
        let refuses = probe.chattr("+i") && file.write_all(b"x").is_err();
        drop(probe);
        fs::remove_file(path).expect("it is ours");
        assert!(refuses, "this test needs root, and target/ on a file system such as ext4: set CARGO_TARGET_DIR");
        let read_only = Self(files);
        assert!(read_only.chattr("+i"), "chattr fails");
        read_only
    }

    fn chattr(&self, change: &str) -> bool {
        Command::new("chattr").arg(change).args(&self.0).status().is_ok_and(|status| status.success())
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        self.chattr("-i");
    }
}

/// Returns the names in a directory, in order.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}
