//! Real programs, as tests find and run them.

use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// Runs `upward` in a fresh folder.
pub(crate) fn upward(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::cargo_bin("upward")
        .expect("the program is built")
        .env("UPWARD_CLIENTS", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/clients"))
        .current_dir(folder.path())
        .env_remove("GITHUB_STEP_SUMMARY")
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// Whether a program is there; panics where it was promised.
pub(crate) fn is_there(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    assert!(
        found || std::env::var_os("UPWARD_REQUIRE_CLIENTS").is_none(),
        "{program} was promised, and is not there"
    );
    if !found {
        eprintln!("not run: {program} is not installed");
    }
    found
}
