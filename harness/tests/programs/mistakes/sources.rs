//! The clients of this folder: small programs in Python, and the diffs that mend them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder of the clients.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/mistakes");

/// The stems of the Python files in a folder of the clients, in order. The stem of a dialogue is the id of
/// its protocol.
pub(crate) fn stems(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(FOLDER).join(folder)).expect("a folder of clients");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let python = paths.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut stems: Vec<String> = python.map(stem).collect();
    stems.sort();
    assert!(!stems.is_empty(), "{folder} holds no client");
    stems
}

/// A copy of the clients, in which some files are mended.
pub(crate) struct Sources {
    folder: TempDir,
}

impl Sources {
    /// Copies the clients, and mends these files: names without the extension, relative to the folder.
    pub(crate) fn mended(files: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        copy(Path::new(FOLDER), folder.path());
        for file in files {
            let source = folder.path().join(format!("{file}.py"));
            let diff = fs::read_to_string(Path::new(FOLDER).join(format!("{file}.diff")));
            let text = fs::read_to_string(&source).expect("a client");
            let mended = patch(&text, &diff.expect("what mends it"));
            fs::write(source, mended.unwrap_or_else(|| panic!("{file}.diff does not fit")))
                .expect("a writable folder");
        }
        Self { folder }
    }

    /// The path of a file, given by its name without the extension.
    pub(crate) fn path(&self, file: &str) -> String {
        self.folder.path().join(format!("{file}.py")).display().to_string()
    }
}

/// Copies all Python files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of clients") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, target).expect("a readable client");
        }
    }
}

/// Applies a diff of one hunk without a header; `None` where its old lines are not in the text exactly
/// once.
fn patch(text: &str, diff: &str) -> Option<String> {
    let side = |other: char| -> String {
        let lines = diff.lines().filter(|line| !line.starts_with(other));
        lines.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    let (old, new) = (side('+'), side('-'));
    (text.matches(&old).count() == 1).then(|| text.replacen(&old, &new, 1))
}

#[test]
fn a_diff_is_applied_where_it_fits_once() {
    assert_eq!(patch("a\nb\nc\n", " a\n-b\n+d\n").as_deref(), Some("a\nd\nc\n"));
    assert_eq!(patch("a\nb\n", " a\n+d\n b\n").as_deref(), Some("a\nd\nb\n"));
    assert_eq!(patch("a\na\n", " a\n+d\n"), None);
    assert_eq!(patch("a\n", "-b\n"), None);
}
