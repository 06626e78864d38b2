//! The files and folders that a run has for itself: name resolution files, and empty folders.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::mount::{mount, mount_bind, mount_change, unmount};

use super::{Failed, Isolation, step};

/// Folders with sockets of services that resolve names or start programs. A Unix socket in a folder can
/// be reached from inside the network namespace.
const SERVICES: [&str; 5] =
    ["/run/nscd", "/run/systemd", "/run/dbus", "/run/avahi-daemon", "/run/docker"];

/// Arranges files and folders, in this process's own mount namespace.
pub(super) fn arrange(isolation: &Isolation) -> Result<(), Failed> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(step("keep its mounts to itself"))?;
    let here = std::env::current_dir().map_err(step("find its folder"))?;
    names(&here, &isolation.names)?;
    for folder in SERVICES.map(Path::new) {
        if folder.is_dir() && !here.starts_with(folder) {
            empty(folder)?;
        }
    }
    isolation.fresh.iter().try_for_each(|folder| empty(folder))
}

/// Replaces the files that configure name resolution.
fn names(here: &Path, names: &[String]) -> Result<(), Failed> {
    let all = names.iter().map(|name| format!(" {name}")).collect::<String>();
    let files = [
        ("hosts", format!("127.0.0.1 localhost{all}\n::1 localhost{all}\n")),
        ("resolv.conf", String::new()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
    ];
    // Cover the run's folder with a temporary file system. The files bound from it stay after it is
    // unmounted.
    mount("tmpfs", here, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0755")
        .map_err(step("mount a file system in memory"))?;
    for (name, text) in files {
        let place = Path::new("/etc").join(name);
        let what = || format!("put a file in place of {}", place.display());
        // A missing file is not read by any program; only `hosts` has to exist, for the names.
        if name == "hosts" || place.exists() {
            let own = here.join(name);
            fs::write(&own, text).map_err(step(what()))?;
            mount_bind(&own, &place).map_err(step(what()))?;
        }
    }
    unmount(here, UnmountFlags::DETACH).map_err(step("take its folder back"))
}

/// Covers a folder with an empty one, with the same owner and mode if possible.
fn empty(folder: &Path) -> Result<(), Failed> {
    let what = || format!("put an empty folder in place of {}", folder.display());
    let there = fs::metadata(folder).map_err(step(what()))?;
    let mode = format!("mode={:o}", there.mode() & 0o7777);
    let mode = std::ffi::CString::new(mode).map_err(step(what()))?;
    mount("tmpfs", folder, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, mode.as_c_str())
        .map_err(step(what()))?;
    // A plain user cannot give it to another owner: then it stays the user's own.
    let _ = chown(folder, Some(there.uid()), Some(there.gid()));
    Ok(())
}

/// Shows the processes of this namespace in place of those outside.
pub(super) fn processes() -> rustix::io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None)
}
