//! Finds all processes below a process by their parents, and kills them.
//!
//! No process escapes from below a subreaper (prctl(2), `PR_SET_CHILD_SUBREAPER`): a process that loses
//! its parent, by a double fork or in a session of its own, becomes the subreaper's child.

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// How often the list is read again while the processes are being stopped: one that is not stopped yet
/// may have forked.
const ROUNDS: usize = 100;

/// Kills all live processes below a process; returns their number.
///
/// They are all stopped first, since a stopped process cannot fork.
pub(super) fn end(root: Pid) -> usize {
    let mut stopped = Vec::new();
    for _ in 0..ROUNDS {
        let before = stopped.len();
        for pid in below(root) {
            if !stopped.contains(&pid) {
                let _ = kill_process(pid, Signal::STOP);
                stopped.push(pid);
            }
        }
        if stopped.len() == before {
            break;
        }
    }
    for pid in &stopped {
        let _ = kill_process(*pid, Signal::KILL);
    }
    stopped.len()
}

/// Kills the children of this process, as listed for its main thread (proc(5)). This list is read much
/// faster than all of /proc, so this also catches processes that repeatedly fork and exit.
pub(super) fn end_children() {
    let path = format!("/proc/self/task/{}/children", rustix::process::getpid());
    for pid in fs::read_to_string(path).unwrap_or_default().split_ascii_whitespace() {
        if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The live processes below a process.
pub(super) fn below(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<(Pid, State)>> = HashMap::new();
    for (pid, parent, state) in all() {
        children.entry(parent).or_default().push((pid, state));
    }
    let mut found = Vec::new();
    let mut waiting = vec![root];
    while let Some(parent) = waiting.pop() {
        // Remove the entry: a list that was read while it changed could otherwise contain a cycle.
        for (pid, state) in children.remove(&parent).unwrap_or_default() {
            if state == State::Live {
                found.push(pid);
            }
            waiting.push(pid);
        }
    }
    found
}

/// The children of a process, including zombies.
pub(super) fn children(of: Pid) -> Vec<Pid> {
    all().into_iter().filter(|(_, parent, _)| *parent == of).map(|(pid, ..)| pid).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// A zombie: it has ended, but its parent has not waited for it yet.
    Ended,
}

/// Every process: its ID, its parent's ID, and its state.
fn all() -> Vec<(Pid, Pid, State)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let (parent, state) = parse(&fs::read(entry.path().join("stat")).ok()?)?;
            Some((pid, parent, state))
        })
        .collect()
}

/// Reads parent and state from a `stat` file (proc(5)). The program's name in it may contain any bytes.
fn parse(stat: &[u8]) -> Option<(Pid, State)> {
    let behind = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let mut words = std::str::from_utf8(&stat[behind..]).ok()?.split_ascii_whitespace();
    let state = match words.next()? {
        "Z" | "X" | "x" => State::Ended,
        _ => State::Live,
    };
    Some((Pid::from_raw(words.next()?.parse().ok().filter(|&parent| parent > 0)?)?, state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_names_with_anything_in_them() {
        let parent = Pid::from_raw(7);
        for (text, state) in [
            (&b"12 (sh) S 7 12 12"[..], State::Live),
            (b"12 (a) R 3 (b)) Z 7 1", State::Ended),
            (b"12 (\xff\n) T 7", State::Live),
        ] {
            assert_eq!(parse(text), parent.map(|pid| (pid, state)));
        }
        assert_eq!(parse(b"1 (init) S 0 1 1"), None);
    }

    #[test]
    fn finds_a_child() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(below(rustix::process::getpid()).contains(&pid));
        assert_eq!(below(pid), []);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!below(rustix::process::getpid()).contains(&pid));
    }

    proptest! {
        #[test]
        fn reads_anything(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
