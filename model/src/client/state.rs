//! What a negotiating client remembers.

use arrayvec::ArrayVec;

use crate::message::{CAPACITY, Layer, Mechanism, Piece, Reply};

/// All that a [`super::Negotiator`] remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// What it waits for.
    pub phase: Phase,
    /// Which of the user's sessions it serves, counted from 0.
    pub session: u8,
    /// Which connection of the session this is, counted from 0.
    pub connection: u8,
    /// What it believes of the connection that it has.
    pub link: Link,
    /// What its user or its mistakes make it do on this connection.
    pub(super) mode: Mode,
    /// What it learned, and where.
    pub(super) known: Knowledge,
    /// Received and not yet acted upon.
    pub(super) buffer: ArrayVec<Cell, CAPACITY>,
    /// The head of a message whose tail has not come.
    pub(super) fragment: Option<(Piece<Reply>, Layer)>,
    /// What becomes of the rest of the segment that is being read; [`Rest::Read`] between segments.
    pub(super) rest: Rest,
}

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The connection to stand.
    Connecting,
    /// The server's first words, in clear.
    Opening,
    /// The answer to its question for the capabilities, before the upgrade.
    Offer,
    /// The answer to the upgrade request.
    Answer,
    /// The end of the handshake.
    Handshake,
    /// The server's first words in the layer that the session will run in.
    FirstWords,
    /// The answer to its question for the capabilities, in the session's layer.
    Capabilities,
    /// A challenge.
    Challenge,
    /// The answer to its login.
    Login,
    /// The answer to its request for a protected second channel.
    Protection,
    /// The end of the second channel's handshake.
    Channel,
    /// The confirmation of the delivery.
    Delivery,
    /// Nothing: the last session has ended.
    Ended,
}

/// What a client believes of the connection that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// There is none.
    None,
    /// It is in clear.
    Clear,
    /// It is in TLS; the peer was not checked, or failed the check.
    Unverified,
    /// It is in TLS with the peer that the user named.
    Verified,
}

/// What is special on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Nothing.
    Usual,
    /// TLS is not tried: a retry of an opportunistic client, or of a flawed one.
    ClearOnly,
}

/// What becomes of the rest of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Rest {
    /// It is read on.
    Read,
    /// TLS begins before it: it is left over, and kept only by mistake.
    Behind,
    /// It is lost with the connection, or with the buffer.
    Dropped,
}

/// A message that was received, and the layer that it, or its head, came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) reply: Reply,
    pub(super) layer: Layer,
}

/// What a client learned, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Knowledge {
    /// The mechanism that the last list named.
    pub(super) mechanism: Option<(Mechanism, Layer)>,
    /// Whether it holds a challenge that came in clear.
    pub(super) clear_challenge: bool,
    /// Whether a clear-text reply said that it is logged in.
    pub(super) early_success: bool,
    /// Whether a peer in clear said what its name is.
    pub(super) name_from_wire: bool,
}

impl Knowledge {
    pub(super) const NOTHING: Self = Self {
        mechanism: None,
        clear_challenge: false,
        early_success: false,
        name_from_wire: false,
    };
}

impl State {
    /// How many received messages wait in the buffer.
    pub const fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The layer that it believes to be in.
    pub const fn layer(&self) -> Layer {
        match self.link {
            Link::None | Link::Clear => Layer::Clear,
            Link::Unverified | Link::Verified => Layer::Tls,
        }
    }
}
