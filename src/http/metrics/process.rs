//! The figures of the process, as the kernel tells them in `/proc/self` (proc(5)). Other systems than Linux have none. No other
//! file of `/proc` is read, because a unit of systemd with `ProcSubset=pid` hides them.

use std::fs;

/// The number of clock ticks in a second, in which the kernel tells times. It is 100 on every architecture for which Rust has
/// a standard library (`USER_HZ`, time(7)).
const TICKS: f64 = 100.0;

/// The figures of the process. A figure that can't be read is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessFigures {
    /// The time for which the processors have run the process, in seconds.
    pub cpu_seconds: Option<f64>,
    /// The physical memory of the process, in bytes.
    pub resident_bytes: Option<f64>,
    /// The virtual memory of the process, in bytes.
    pub virtual_bytes: Option<f64>,
    /// The number of open files.
    pub open_files: Option<f64>,
    /// The number of files that may be open at the same time.
    pub max_files: Option<f64>,
    /// The number of threads.
    pub threads: Option<f64>,
}

impl ProcessFigures {
    /// Reads the figures now.
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let (stat, status) = (text("/proc/self/stat"), text("/proc/self/status"));
        let bytes = |key| number_after(&status, key).map(|kib| kib * 1024.0);
        Self {
            cpu_seconds: field(&stat, 14).zip(field(&stat, 15)).map(|(user, system)| (user + system) / TICKS),
            resident_bytes: bytes("VmRSS:"),
            virtual_bytes: bytes("VmSize:"),
            // One of the files is the folder that is being read.
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1) as f64),
            max_files: number_after(&text("/proc/self/limits"), "Max open files"),
            threads: number_after(&status, "Threads:"),
        }
    }
}

/// Returns a field of `/proc/self/stat`, counted from 1 as in proc(5). The second field is the name of the program, which may
/// contain spaces and brackets, so the fields are counted from its end.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// Returns the number after `key` at the beginning of a line; `None` if there is no number, as for `unlimited`.
fn number_after(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name_of_the_program() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 4200 1000 10";
        assert_eq!([14, 15, 22].map(|number| field(stat, number)), [Some(250.0), Some(50.0), Some(4200.0)]);
        assert_eq!((field("", 14), field("7 (a", 14), field(stat, 1)), (None, None, None));
    }

    #[test]
    fn a_limit_that_is_not_a_number_is_absent() {
        let limits =
            "Limit Soft Hard Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024.0));
        assert_eq!(number_after("Max open files unlimited", "Max open files"), None);
    }

    #[test]
    fn the_figures_of_this_process_can_be_read() {
        let figures = ProcessFigures::read();
        let read = [figures.cpu_seconds, figures.resident_bytes, figures.open_files, figures.max_files];
        assert!(read.iter().all(Option::is_some), "{figures:?}");
        assert!(figures.resident_bytes.is_some_and(|bytes| bytes > 1e6) && figures.threads > Some(0.0), "{figures:?}");
    }
}
