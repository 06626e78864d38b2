//! The fixed parameters of a walk: the attacker, and the services of the server.

use crate::message::Bounds;
use crate::server::{Hosts, Port};

/// The attacker on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attacker {
    /// It changes nothing: messages arrive in order, and the deadline passes only if nothing else can
    /// happen.
    Passive,
    /// It controls every clear-text wire.
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

/// The services of the server that the user named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offering {
    /// It offers the upgrade, and the implicit port if the protocol has one.
    Both,
    /// It offers the upgrade, and has no implicit port.
    Upgrade,
    /// It has an implicit port, and no port for the upgrade.
    Implicit,
    /// It speaks in clear only.
    Neither,
    /// It grants the upgrade, and then closes the connection.
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
    /// It rejects a handshake whose identifier is not the port's own, so a connection cannot be spliced
    /// from one port to the other.
    Strict,
}

/// Whether a walk distinguishes genuine from forged messages on clear wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pricing {
    /// It does not: actions have no price.
    Free,
    /// It does: the price of an action is its number of forged messages.
    Counted,
}

/// The parameters of a [`World`](crate::world::World) other than its client and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// The attacker on the network.
    pub attacker: Attacker,
    /// The services of the server.
    pub offering: Offering,
    /// How it treats ALPN.
    pub alpn: Alpn,
    /// Its virtual hosts.
    pub hosts: Hosts,
    /// Whether the server's list inside TLS names login mechanisms.
    pub lists_logins: bool,
    /// The server's flaws.
    pub server_flaws: crate::flaw::Flaws,
    /// The bounds of the walk.
    pub bounds: Bounds,
}

impl Setting {
    /// A sound server that offers both ways, with this attacker.
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
