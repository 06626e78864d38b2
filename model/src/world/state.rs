//! Everything that changes during a walk.

use arrayvec::ArrayVec;

use crate::client::Peer;
use crate::machine::StateId;
use crate::message::{CAPACITY, Command, Reply};
use crate::property::{Properties, Property};

/// Everything that changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub(crate) client: StateId,
    pub(crate) server: StateId,
    pub(crate) wire: Wire,
    pub(crate) to_client: ArrayVec<Spoken, { Self::QUEUE }>,
    pub(crate) to_server: ArrayVec<Command, { Self::QUEUE }>,
    pub(crate) ghost: Ghost,
}

impl State {
    /// The room of a queue: a writer is blocked at the bound in force, and one step writes as much
    /// as a full buffer asks for at most.
    pub(crate) const QUEUE: usize = 2 * CAPACITY;

    /// What the connection is.
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// The session under way, counted from 0.
    pub const fn session(&self) -> u8 {
        self.ghost.session
    }

    /// The connection of that session, counted from 0.
    pub const fn connection(&self) -> u8 {
        self.ghost.connection
    }

    /// What the server has said and the client has not been given, in order.
    pub(crate) fn replies_under_way(&self) -> impl Iterator<Item = Reply> {
        self.to_client.iter().map(|spoken| spoken.reply)
    }

    /// What the client has said and the server has not been given, in order.
    pub(crate) fn commands_under_way(&self) -> impl Iterator<Item = Command> {
        self.to_server.iter().copied()
    }

    /// The properties that are broken.
    pub const fn broken(&self) -> Properties {
        self.ghost.broken
    }

    /// Whether every session that has ended was a delivery.
    pub const fn all_delivered(&self) -> bool {
        self.ghost.ended && !self.ghost.refused
    }

    pub(super) fn break_property(&mut self, property: Property) {
        self.ghost.broken.insert(property);
    }
}

/// A reply on its way, and whether it answers a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Spoken {
    pub(crate) reply: Reply,
    pub(crate) answers: bool,
}

/// What the client's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// There is none.
    Down,
    /// In clear.
    Clear,
    /// In clear, with a ClientHello on it.
    Handshake,
    /// TLS with the true server.
    Secure,
    /// TLS with the attacker, who showed this certificate.
    False(Peer),
}

/// What is remembered for the properties alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ghost {
    /// The properties broken so far.
    pub(crate) broken: Properties,
    /// The session under way.
    pub(crate) session: u8,
    /// The connection of that session.
    pub(crate) connection: u8,
    /// Whether the connection goes to the implicit port.
    pub(crate) implicit: bool,
    /// Whether the upgrade request is out and nothing has come since.
    pub(crate) requested: bool,
    /// Whether TLS was taken away from the connection.
    pub(crate) taken: bool,
    /// Commands inside TLS that the server has not answered, as far as the client was told.
    pub(crate) outstanding: u8,
    /// Whether a secret of the session was given away.
    pub(crate) gave_away: bool,
    /// Whether the user of the session was told.
    pub(crate) told: bool,
    /// Whether the session rests on clear-text knowledge that only an attacker can have written.
    pub(crate) lured: bool,
    /// Whether some session was refused.
    pub(crate) refused: bool,
    /// Whether all sessions have ended.
    pub(crate) ended: bool,
    /// Whether the session under way has opened no connection yet.
    pub(crate) fresh: bool,
    /// Whether a capability list came in clear on the connection.
    pub(crate) listed: bool,
}
