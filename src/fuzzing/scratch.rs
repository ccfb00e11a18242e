//! A temporary directory for the targets that read files.

use std::{env, fs, path::Path, path::PathBuf, process, thread};

/// A directory that is removed with its files when its thread ends.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Calls a function with the directory of this thread.
pub fn with<T>(call: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static DIRECTORY: Directory = {
            let name = format!("vestibule-fuzz-{}-{:?}", process::id(), thread::current().id());
            let path = env::temp_dir().join(name);
            fs::create_dir_all(&path).expect("a temporary directory");
            Directory(path)
        };
    }
    DIRECTORY.with(|directory| call(&directory.0))
}
