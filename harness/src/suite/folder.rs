//! The folder of a run: made fresh, bounded, and written to after the client.
//!
//! The client may have done anything to it: removed it, put a link or a pipe in its place or in that
//! of a file, filled it, taken away the right to read it. When it is written to, the client and all
//! that it started are gone, so what is found does not change any more. No link is followed.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::suite::SuiteError;

/// How much a client may leave in its folder: 64 MiB, and 10,000 files. Of one that leaves more,
/// nothing is kept.
const LEFT: (u64, u64) = (64 << 20, 10_000);

/// The folder of a run.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// Makes a fresh one, in place of what an earlier run left.
    pub(super) fn fresh(path: &Path) -> Result<Self, SuiteError> {
        let failed = |error| SuiteError::Write { path: path.to_path_buf(), error };
        if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
            remove(path).map_err(failed)?;
        }
        fs::create_dir_all(path).map_err(failed)?;
        Ok(Self { path: path.canonicalize().map_err(failed)? })
    }

    /// Removes what a client left beyond measure; what that was.
    pub(super) fn bound(&self) -> Option<String> {
        if !fs::symlink_metadata(&self.path).is_ok_and(|there| there.is_dir()) {
            return Some("the client removed its folder".to_owned());
        }
        let (mut bytes, mut files) = (0, 0);
        measure(&self.path, &mut bytes, &mut files);
        if bytes <= LEFT.0 && files <= LEFT.1 {
            return None;
        }
        let _ = remove(&self.path);
        let at_least = if bytes > LEFT.0 {
            format!("more than {} MiB", LEFT.0 >> 20)
        } else {
            format!("more than {} files", LEFT.1)
        };
        Some(format!("the client left {at_least} in its folder, which was removed"))
    }

    /// Writes a file of ours, in place of whatever has its name.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if !fs::symlink_metadata(&self.path).is_ok_and(|there| there.is_dir()) {
            let _ = fs::remove_file(&self.path);
            fs::create_dir_all(&self.path)?;
        }
        // Its owner may always do that.
        let _ = fs::set_permissions(&self.path, Permissions::from_mode(0o755));
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => remove(&path)?,
            Ok(_) => fs::remove_file(&path)?,
            Err(_) => {}
        }
        File::create_new(&path)?.write_all(bytes)
    }
}

/// Adds up what is below a folder, until it is beyond measure.
fn measure(folder: &Path, bytes: &mut u64, files: &mut u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if *bytes > LEFT.0 || *files > LEFT.1 {
            return;
        }
        let Ok(there) = entry.metadata() else { continue };
        *files += 1;
        *bytes += occupied(&there);
        if there.is_dir() {
            measure(&entry.path(), bytes, files);
        }
    }
}

/// What it takes on the disk: a file may have holes.
fn occupied(there: &Metadata) -> u64 {
    there.blocks().saturating_mul(512)
}

/// Removes a folder and all in it, also where the right to do so was taken away.
fn remove(folder: &Path) -> io::Result<()> {
    if fs::remove_dir_all(folder).is_ok() {
        return Ok(());
    }
    allow(folder);
    fs::remove_dir_all(folder)
}

fn allow(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            allow(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::TempDir::new().unwrap();
        let folder = Folder::fresh(&place.path().join("run")).unwrap();
        (place, folder)
    }

    #[test]
    fn writes_whatever_was_done_to_the_folder() {
        let (place, folder) = folder();
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "kept").unwrap();
        let done: [&dyn Fn(); 6] = [
            &|| fs::remove_dir_all(&folder.path).unwrap(),
            &|| symlink(other.join("kept"), folder.path.join("wire.txt")).unwrap(),
            &|| fs::create_dir_all(folder.path.join("wire.txt/deep/er")).unwrap(),
            &|| {
                let pipe = folder.path.join("wire.txt");
                let made = std::process::Command::new("mkfifo").arg(pipe).status();
                assert!(made.unwrap().success());
            },
            &|| {
                fs::remove_dir_all(&folder.path).unwrap();
                symlink(&other, &folder.path).unwrap();
            },
            &|| fs::set_permissions(&folder.path, Permissions::from_mode(0o000)).unwrap(),
        ];
        for change in done {
            change();
            folder.write("wire.txt", b"ours").unwrap();
            let path = folder.path.join("wire.txt");
            assert_eq!(fs::read(&path).unwrap(), b"ours");
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(fs::read(other.join("kept")).unwrap(), b"kept");
            assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_fresh_one_is_empty_whatever_was_there() {
        let (_place, folder) = folder();
        fs::create_dir(folder.path.join("closed")).unwrap();
        fs::write(folder.path.join("closed/file"), "").unwrap();
        fs::set_permissions(folder.path.join("closed"), Permissions::from_mode(0o000)).unwrap();
        let fresh = Folder::fresh(&folder.path).unwrap();
        assert_eq!(fs::read_dir(fresh.path).unwrap().count(), 0);
    }

    #[test]
    fn removes_what_is_beyond_measure() {
        let (_place, folder) = folder();
        fs::write(folder.path.join("file"), "small").unwrap();
        // Holes take no room.
        File::create(folder.path.join("holes")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(folder.bound(), None);
        for count in 0..=LEFT.1 {
            File::create(folder.path.join(count.to_string())).unwrap();
        }
        assert!(folder.bound().unwrap().contains("more than 10000 files"));
        assert!(!folder.path.exists());
        assert!(folder.bound().unwrap().contains("removed its folder"));
    }
}
