//! Processes that left their group: found by the mark in their environment.
//!
//! Only processes that carry the mark of the run are ended. A process that has cleared its
//! environment and left its group and session is not found this way.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::MARK;

/// How often the list is read again: a process may have forked since.
const ROUNDS: usize = 10;

/// Kills every process with this mark.
pub(super) fn kill(mark: &str) {
    for _ in 0..ROUNDS {
        let found = marked(mark);
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The live processes with this mark.
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            // A process that has ended and was not waited for has no environment any more.
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let has = environment.split(|&byte| byte == 0).any(|one| one == wanted.as_bytes());
            if has { Pid::from_raw(pid) } else { None }
        })
        .collect()
}
