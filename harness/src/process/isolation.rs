//! An isolated run: user, network, mounts, processes and shared memory in separate namespaces
//! (namespaces(7)).
//!
//! The only network inside is a loopback interface, on which the persona listens. Its sockets are
//! created inside and served from outside, since a socket belongs to the namespace in which it was
//! created. All ports are free, and names resolve as the run configures them. When the first process
//! inside ends, the kernel kills all others. A plain user needs no further rights if the system lets
//! plain users create namespaces.

mod loopback;
mod mounts;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Signal, getegid, geteuid, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitySet, capabilities, clear_ambient_capability_set, configure_capability_in_ambient_set,
    set_capabilities,
};
use serde::{Deserialize, Serialize};

use super::control::{Message, hear, tell};
use crate::link::BACKLOG;

/// How a client is isolated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// The port of the persona.
    pub port: u16,
    /// Names beside `localhost` that mean the loopback interface.
    pub names: Vec<String>,
    /// Folders that the run sees empty and has for itself. They must exist.
    pub fresh: Vec<PathBuf>,
}

impl Isolation {
    /// The port of the trap.
    pub fn trap(&self) -> u16 {
        self.port.checked_add(1).unwrap_or(1)
    }
}

/// Whether the persona listens inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// The persona listens.
    There,
    /// Only the trap listens.
    Absent,
}

/// A step of the isolation that failed, and its error.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) step: String,
    pub(super) error: io::Error,
}

fn step<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> Failed {
    move |error| Failed { step: step.into(), error: error.into() }
}

/// Moves this process, which must have only one thread, into new namespaces. Its next child is the
/// first process in them.
pub(super) fn enter(control: &OwnedFd, isolation: &Isolation, peer: Peer) -> Result<(), Failed> {
    let flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC;
    unshare(flags).map_err(step("make namespaces"))?;
    // The parent has to write our uid_map and gid_map: a process cannot map more than itself.
    let said = tell(control, &Message::Unshared, &[]).and_then(|()| hear(control, &mut [0]));
    if said.map_err(step("have its user mapped"))?.0 == 0 {
        return Err(step("have its user mapped")(io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
    loopback::up().map_err(step("set up its loopback interface"))?;
    mounts::arrange(isolation)?;
    let sockets = listen(isolation, peer)?;
    let sockets: Vec<_> = sockets.iter().map(|socket| socket.as_fd()).collect();
    tell(control, &Message::Listening, &sockets).map_err(step("hand over its sockets"))?;
    keep_right_to_mount().map_err(step("keep the right to mount"))
}

/// Opens the listening sockets: first the persona's, then the trap's.
fn listen(isolation: &Isolation, peer: Peer) -> Result<Vec<TcpListener>, Failed> {
    let listener = |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(listener)
    };
    let what = |port| step::<io::Error>(format!("listen on port {port}"));
    let mut listeners = Vec::new();
    if peer == Peer::There {
        listeners.push(listener(isolation.port).map_err(what(isolation.port))?);
        // As without isolation, IPv6 is optional.
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, isolation.port)) {
            rustix::net::listen(&listener, BACKLOG).map_err(step("listen for IPv6"))?;
            listeners.push(listener);
        }
    }
    listeners.push(listener(isolation.trap()).map_err(what(isolation.trap()))?);
    Ok(listeners)
}

/// Keeps the right to mount across exec: a program loses the capabilities of its namespace when it is
/// executed, unless its user is root there. The first process inside needs this capability.
fn keep_right_to_mount() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
}

/// What the first process inside does before it starts the client: it mounts a /proc that shows only
/// the processes inside, and gives up the rights that the user outside does not have.
pub(super) fn begin() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A container may forbid this mount: then processes outside are visible, but cannot be reached.
    let _ = mounts::processes();
    clear_ambient_capability_set()?;
    let mut sets = capabilities(None)?;
    sets.inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, sets)?)
}

/// Maps user and group IDs of a process in new namespaces to themselves: for root all IDs, since a
/// service may need several; for a plain user the user's own.
pub(super) fn map(pid: Pid) -> Result<(), Failed> {
    let place = |name: &str| format!("/proc/{pid}/{name}");
    let write = |name: &str, text: &str| fs::write(place(name), text);
    if geteuid().is_root() {
        let all = |name: &str| -> io::Result<()> {
            let own = fs::read_to_string(format!("/proc/self/{name}"))?;
            write(name, &same(&own))
        };
        if all("uid_map").and_then(|()| all("gid_map")).is_ok() {
            return Ok(());
        }
    }
    let one = |id: u32| format!("{id} {id} 1\n");
    write("setgroups", "deny").map_err(step("map its group"))?;
    write("uid_map", &one(geteuid().as_raw())).map_err(step("map its user"))?;
    write("gid_map", &one(getegid().as_raw())).map_err(step("map its group"))
}

/// The map that maps each ID of the given map to itself.
fn same(map: &str) -> String {
    let mut text = String::new();
    for line in map.lines() {
        let mut words = line.split_ascii_whitespace();
        if let (Some(first), Some(count)) = (words.next(), words.nth(1)) {
            text.push_str(&format!("{first} {first} {count}\n"));
        }
    }
    text
}

/// Which setting of the system forbids namespaces, and how to change it.
pub fn advice() -> String {
    let value = |place: &str| fs::read_to_string(place).map(|text| text.trim().to_owned());
    advice_on(|place| value(&format!("/proc/sys/{}", place.replace('.', "/"))).ok())
}

fn advice_on(value: impl Fn(&str) -> Option<String>) -> String {
    let settings = [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "1000"),
        ("user.max_net_namespaces", "0", "1000"),
        ("user.max_mnt_namespaces", "0", "1000"),
        ("user.max_pid_namespaces", "0", "1000"),
        ("user.max_ipc_namespaces", "0", "1000"),
    ];
    for (name, forbids, allows) in settings {
        if value(name).as_deref() == Some(forbids) {
            return format!("{name} is {forbids} here; to allow it: sysctl -w {name}={allows}");
        }
    }
    "no setting of the kernel forbids it; in a container, the container's own rules may: \
     run it outside, or without --isolate"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_to_themselves_all_who_are_mapped() {
        assert_eq!(same("         0          0 4294967295\n"), "0 0 4294967295\n");
        assert_eq!(same("0 1000 1\n1 100000 65536\n"), "0 0 1\n1 1 65536\n");
    }

    #[test]
    fn names_the_setting_that_forbids_it() {
        let with = |name: &'static str, is: &'static str| {
            advice_on(move |asked| (asked == name).then(|| is.to_owned()))
        };
        assert_eq!(
            with("user.max_user_namespaces", "0"),
            "user.max_user_namespaces is 0 here; to allow it: sysctl -w user.max_user_namespaces=1000"
        );
        assert!(with("kernel.apparmor_restrict_unprivileged_userns", "1").ends_with("userns=0"));
        assert!(with("user.max_user_namespaces", "7").contains("container"));
    }

    #[test]
    fn the_trap_is_never_the_persona() {
        let at = |port| Isolation { port, names: Vec::new(), fresh: Vec::new() };
        assert_eq!((at(25).trap(), at(65535).trap()), (26, 1));
    }
}
