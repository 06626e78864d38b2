//! The folder of a run: newly created, limited in size, and written to after the client has ended.
//!
//! The client may have changed it in any way: removed it, replaced it or a file with a link or a pipe,
//! filled it, or removed the right to read it. When Upward writes to it, the client and all processes
//! that it started have ended, so the contents no longer change. No link is followed.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::SubjectError;

/// How much a client may leave in its folder: 64 MiB, and 10,000 files. If it leaves more, the folder
/// is removed.
const LEFT: (u64, u64) = (64 << 20, 10_000);

/// The folder of a run.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Creates the folder. The folder of an earlier run is removed first.
    pub(crate) fn fresh(path: &Path) -> Result<Self, SubjectError> {
        let failed = |error| SubjectError::Write { path: path.to_path_buf(), error };
        if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
            remove(path).map_err(failed)?;
        }
        fs::create_dir_all(path).map_err(failed)?;
        Ok(Self { path: path.canonicalize().map_err(failed)? })
    }

    /// Removes the folder if the client left too much in it. Returns a sentence if it is gone.
    pub(crate) fn bound(&self) -> Option<String> {
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

    /// Writes a file; removes any file, folder or link of the same name first.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if !fs::symlink_metadata(&self.path).is_ok_and(|there| there.is_dir()) {
            let _ = fs::remove_file(&self.path);
            fs::create_dir_all(&self.path)?;
        }
        // The owner may always do that.
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

/// Adds up the size of all files below a folder, until a limit is passed.
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

/// The space used on the disk: a file may have holes.
fn occupied(there: &Metadata) -> u64 {
    there.blocks().saturating_mul(512)
}

/// Removes a folder and its contents, even if the client has removed the right to do so.
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
