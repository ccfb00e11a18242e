//! What the system says about the disk of a file.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{OFlags, statfs, statvfs};

use crate::domain::backup::DiskSpace;

/// The types of file systems that other machines may use at the same time, or whose locks may not work (statfs(2)), with their
/// names.
const NETWORK: [(u64, &str); 10] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB2"),
    (0xFF53_4D42, "CIFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x5346_414F, "AFS"),
];

/// The flag that opens no symbolic link (open(2)). A command that runs as root opens files in directories of others.
pub const NO_FOLLOW: i32 = OFlags::NOFOLLOW.bits() as i32;

/// Returns the space of the disk of a directory.
pub fn space(directory: &Path) -> io::Result<DiskSpace> {
    let found = statvfs(directory)?;
    Ok(DiskSpace {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

/// Returns whether two paths are on the same file system. `false` if one of them can't be examined.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    device(one).is_some_and(|found| device(other) == Some(found))
}

/// Returns the name of the network file system on which a directory is; `None` for a local one, and if the system does not say.
pub fn network_file_system(directory: &Path) -> Option<&'static str> {
    // The type is signed on some systems, and only its 32 bits count.
    let kind = u64::from(statfs(directory).ok()?.f_type as u32);
    name_of(kind)
}

fn name_of(kind: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_type_and_local_ones_are_not() {
        for (kind, name) in [(0x6969, Some("NFS")), (0xFF53_4D42, Some("CIFS")), (0xEF53, None), (0x0102_1994, None)] {
            assert_eq!(name_of(kind), name, "{kind:x}");
        }
        assert_eq!(network_file_system(Path::new("/proc")), None);
        assert_eq!(network_file_system(Path::new("/no/such/directory")), None);
    }

    #[test]
    fn a_directory_has_less_free_space_than_space() {
        let found = space(Path::new(".")).expect("it can be read");
        assert!(found.free <= found.total && found.total > 0, "{found:?}");
        assert!(is_same(Path::new("."), Path::new("src")) && !is_same(Path::new("."), Path::new("/proc")));
    }
}
