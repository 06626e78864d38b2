//! What is fixed during a walk: the attacker, and what the server offers.

use crate::message::Bounds;
use crate::server::{Hosts, Port};

/// Who is on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attacker {
    /// Nobody who changes anything: messages arrive in order, and the deadline passes only where
    /// nothing else can happen.
    Passive,
    /// The owner of the wire.
    Active,
}

impl Attacker {
    /// The stable name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
        }
    }
}

/// What kind of server the user named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offering {
    /// It offers the upgrade, and the implicit port where the protocol has one.
    Both,
    /// It offers the upgrade, and has no implicit port.
    Upgrade,
    /// It has an implicit port, and none for the upgrade.
    Implicit,
    /// It speaks in clear only.
    Neither,
    /// It grants the upgrade, and breaks off.
    Breaks,
}

impl Offering {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Both, Self::Upgrade, Self::Implicit, Self::Neither, Self::Breaks];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "offers both",
            Self::Upgrade => "offers upgrade",
            Self::Implicit => "offers implicit",
            Self::Neither => "offers neither",
            Self::Breaks => "breaks off",
        }
    }

    pub(crate) const fn has(self, port: Port) -> bool {
        match port {
            Port::Upgrade => !matches!(self, Self::Implicit),
            Port::Implicit => matches!(self, Self::Both | Self::Implicit),
        }
    }
}

/// How the server treats ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alpn {
    /// It ignores it.
    Off,
    /// It fails a handshake whose identifier is not the port's own, so that a connection cannot be
    /// spliced from one port to the other.
    Strict,
}

/// Whether a walk keeps the genuine messages of clear wires apart from forged ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pricing {
    /// It does not: all that can happen does.
    Free,
    /// It does: each action has the number of forged messages as its price.
    Counted,
}

/// What can be chosen about a [`World`](crate::world::World) beside its client and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Who is on the network.
    pub attacker: Attacker,
    /// What the server offers.
    pub offering: Offering,
    /// How it treats ALPN.
    pub alpn: Alpn,
    /// Its virtual hosts.
    pub hosts: Hosts,
    /// Whether the server's list inside TLS names login mechanisms.
    pub lists_logins: bool,
    /// The server's mistakes.
    pub server_flaws: crate::flaw::Flaws,
    /// The bounds of the walk.
    pub bounds: Bounds,
}

impl Setting {
    /// A sound server that offers both ways, and this attacker.
    pub const fn of(attacker: Attacker) -> Self {
        Self {
            attacker,
            offering: Offering::Both,
            alpn: Alpn::Off,
            hosts: Hosts::One,
            lists_logins: true,
            server_flaws: crate::flaw::Flaws::NONE,
            bounds: Bounds::STANDARD,
        }
    }
}
