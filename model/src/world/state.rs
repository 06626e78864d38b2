//! The part of a world that changes during a walk.

use std::hash::{Hash, Hasher};

use arrayvec::ArrayVec;

use crate::client::Peer;
use crate::machine::StateId;
use crate::message::{CAPACITY, Command, Reply};
use crate::property::{Properties, Property};
use crate::world::Context;

/// A state of a world.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub(crate) client: StateId,
    pub(crate) server: StateId,
    pub(crate) wire: Wire,
    pub(crate) channel: Channel,
    pub(crate) to_client: ArrayVec<Spoken, { Self::QUEUE }>,
    pub(crate) to_server: ArrayVec<Command, { Self::QUEUE }>,
    pub(crate) ghost: Ghost,
}

impl State {
    /// The capacity of a queue: a writer is blocked at the current bound, and one step writes at most
    /// as much as a full buffer requires.
    pub(crate) const QUEUE: usize = 2 * CAPACITY;

    /// The state of the connection.
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// The current session, counted from 0.
    pub const fn session(&self) -> u8 {
        self.ghost.session
    }

    /// The connection of that session, counted from 0.
    pub const fn connection(&self) -> u8 {
        self.ghost.connection
    }

    /// The server's messages that the client has not received yet, in order.
    pub(crate) fn replies_under_way(&self) -> impl Iterator<Item = Reply> {
        self.to_client.iter().map(|spoken| spoken.reply)
    }

    /// The client's messages that the server has not received yet, in order.
    pub(crate) fn commands_under_way(&self) -> impl Iterator<Item = Command> {
        self.to_server.iter().copied()
    }

    /// The session and connection.
    pub(crate) const fn context(&self) -> Context {
        Context {
            session: self.ghost.session,
            connection: self.ghost.connection,
            implicit: self.ghost.implicit,
        }
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

/// A reply in transit, and the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Spoken {
    pub(crate) reply: Reply,
    pub(crate) answers: Answers,
}

/// The request that a reply of the true server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answers {
    /// Nothing.
    Nothing,
    /// A command other than a delivery.
    Command,
    /// The delivery of the client on this connection.
    Delivery,
}

/// The state of the second channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// There is none.
    None,
    /// In clear.
    Clear,
    /// Its handshake is in progress.
    Handshake,
    /// TLS with the true server.
    Secure,
    /// TLS with the attacker, who presented this certificate.
    False(Peer),
}

/// The clean client, which gets the same inputs inside TLS as the client under proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Shadow {
    /// Both are in the same state, or differ already: there is nothing to compare.
    None,
    /// It is in this state of the client's machine, and has had the same outputs so far.
    At(StateId),
    /// The client stopped, and the clean one went on. The client's further outputs are its own.
    Stalled,
}

/// The state of the client's connection.
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
    /// TLS with the attacker, who presented this certificate.
    False(Peer),
}

/// The record of past events, which only the properties need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ghost {
    /// The properties broken so far.
    pub(crate) broken: Properties,
    /// The current session.
    pub(crate) session: u8,
    /// The connection of that session.
    pub(crate) connection: u8,
    /// Whether the connection goes to the implicit port.
    pub(crate) implicit: bool,
    /// Whether the upgrade request was sent and nothing was received since.
    pub(crate) requested: bool,
    /// Whether TLS was taken away from the connection.
    pub(crate) taken: bool,
    /// Commands inside TLS without an answer, as far as the client knows.
    pub(crate) outstanding: u8,
    /// Whether a secret of the session was leaked.
    pub(crate) gave_away: bool,
    /// Whether the user of the session was told.
    pub(crate) told: bool,
    /// How often the true server executed the session's delivery inside TLS; 2 stands for more.
    pub(crate) executed: u8,
    /// Whether the client received the true server's confirmation of it.
    pub(crate) confirmed: bool,
    /// Whether the other virtual host executed the delivery.
    pub(crate) elsewhere: bool,
    /// Whether the data were sent over the second channel, to a place where the server receives them.
    pub(crate) moved: bool,
    /// Whether the client has sent a login in the layer that the connection is in.
    pub(crate) logged_in: bool,
    /// The state of a client after a clean clear-text phase.
    pub(crate) shadow: Shadow,
    /// Whether no clean clear-text phase leads to the client's state when TLS began.
    pub(crate) unclean: bool,
    /// Whether the client differed inside TLS from a clean one, because of plaintext.
    pub(crate) lured: bool,
    /// Whether some session was refused.
    pub(crate) refused: bool,
    /// Whether all sessions have ended.
    pub(crate) ended: bool,
    /// Whether the current session has opened no connection yet.
    pub(crate) fresh: bool,
}

/// Hashes two words: a walk hashes each state that it finds, and this is most of a state.
impl Hash for Ghost {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let numbers = [self.session, self.connection, self.outstanding, self.executed];
        let marks = [
            self.implicit,
            self.requested,
            self.taken,
            self.gave_away,
            self.told,
            self.confirmed,
            self.elsewhere,
            self.moved,
            self.logged_in,
            self.unclean,
            self.lured,
            self.refused,
            self.ended,
            self.fresh,
        ];
        let shadow = match self.shadow {
            Shadow::None => 0,
            Shadow::Stalled => 1,
            Shadow::At(state) => 2 + u64::from(state),
        };
        let numbers = u64::from(u32::from_le_bytes(numbers));
        let marks = marks.into_iter().fold(0, |word, mark| word << 1 | u64::from(mark));
        self.broken.hash(hasher);
        // 17 bits of a shadow, 14 marks, and 32 bits of numbers.
        hasher.write_u64(shadow << 46 | marks << 32 | numbers);
    }
}
