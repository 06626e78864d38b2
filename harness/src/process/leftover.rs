//! Ends the processes that are left when a stage cannot do its work, because the client has killed or
//! stopped it.
//!
//! Such processes are found in two ways. They carry the mark of the run in their environment, unless
//! they have cleared it. They have become children of this process, if it has made itself their
//! subreaper. Only processes found in one of these ways are killed.

use std::collections::HashSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tokio::process::Child;

use super::{MARK, tree};

/// How often the list is read again: a process may have forked since.
const ROUNDS: usize = 10;

/// The children of this process that are stages; `None` if it has not called [`adopt`].
static STAGES: Mutex<Option<HashSet<Pid>>> = Mutex::new(None);

fn with_stages<R>(change: impl FnOnce(&mut Option<HashSet<Pid>>) -> R) -> R {
    change(&mut STAGES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Makes this process the subreaper of all processes below it. For programs that start no other
/// children: when a stage is lost, all children that are not stages are killed.
pub fn adopt() {
    if rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok() {
        with_stages(|stages| *stages = Some(HashSet::new()));
    }
}

/// Records that a child is a stage.
pub(super) fn keeps(child: &Child) {
    let pid = child.id().and_then(pid);
    with_stages(|stages| {
        if let Some(stages) = stages {
            // Forget stages that have ended: the kernel may reuse their process IDs.
            stages.retain(|stage| rustix::process::test_kill_process(*stage).is_ok());
            stages.extend(pid);
        }
    });
}

/// A process ID in the kernel's type.
pub(super) fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Kills the adopted processes. Call this when everything that this process started has ended: it may
/// have left processes behind.
pub fn end_adopted() {
    end(Vec::new);
}

/// Kills every process with this mark, and all adopted processes.
pub(super) fn kill(mark: &str) {
    end(|| marked(mark));
}

fn end(marked: impl Fn() -> Vec<Pid>) {
    for _ in 0..ROUNDS {
        let (marked, adopted) = (marked(), adopted());
        if marked.is_empty() && adopted.is_empty() {
            return;
        }
        for pid in marked.iter().chain(&adopted) {
            tree::end(*pid);
            let _ = kill_process(*pid, Signal::KILL);
        }
        for pid in adopted {
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}

/// Children of this process that are not stages.
fn adopted() -> Vec<Pid> {
    let Some(stages) = with_stages(|stages| stages.clone()) else { return Vec::new() };
    tree::children(rustix::process::getpid())
        .into_iter()
        .filter(|pid| !stages.contains(pid))
        .collect()
}

/// The live processes with this mark.
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            // A zombie has no environment any more.
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let has = environment.split(|&byte| byte == 0).any(|one| one == wanted.as_bytes());
            if has { Pid::from_raw(pid) } else { None }
        })
        .collect()
}
