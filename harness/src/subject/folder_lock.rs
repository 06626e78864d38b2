//! Locks the folder in which runs leave their files, for one suite at a time: two suites would
//! overwrite each other's files, also the authorities.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::SubjectError;

/// The locked file in the folder. The kernel unlocks it when its owner ends for any reason.
const LOCK: &str = ".lock";

/// A folder that is locked until this is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _lock: File,
}

impl FolderLock {
    /// Creates the folder, and locks it.
    pub(crate) fn hold(folder: &Path) -> Result<Self, SubjectError> {
        let failed = |error| SubjectError::Write { path: folder.to_path_buf(), error };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = folder.join(LOCK);
        let lock = File::options().append(true).create(true).open(lock).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(SubjectError::Held(folder.to_path_buf())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_has_it_until_it_is_let_go() {
        let place = tempfile::TempDir::new().unwrap();
        let [one, other] = ["one", "other"].map(|name| place.path().join(name));
        let held = FolderLock::hold(&one).unwrap();
        let refused = FolderLock::hold(&one).unwrap_err();
        assert!(matches!(refused, SubjectError::Held(folder) if folder == one));
        FolderLock::hold(&other).unwrap();
        drop(held);
        FolderLock::hold(&one).unwrap();
    }
}
