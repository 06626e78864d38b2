//! The state of a negotiating client.

use arrayvec::ArrayVec;

use crate::message::{CAPACITY, Layer, Mechanism, Piece, Reply};

/// The state of a [`super::Negotiator`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// The input that it waits for.
    pub phase: Phase,
    /// The user's current session, counted from 0.
    pub session: u8,
    /// The current connection of the session, counted from 0.
    pub connection: u8,
    /// Its belief about its connection.
    pub link: Link,
    /// Whether it tries TLS on this connection.
    pub(super) mode: Mode,
    /// Its knowledge, with the layer in which it was received.
    pub(super) known: Knowledge,
    /// Messages received and not processed yet.
    pub(super) buffer: ArrayVec<Cell, CAPACITY>,
    /// An incomplete message.
    pub(super) fragment: Option<(Piece<Reply>, Layer)>,
    /// How the rest of the current segment is treated; [`Rest::Read`] between segments.
    pub(super) rest: Rest,
}

/// The input for which a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The connection is being established.
    Connecting,
    /// The server's first message, in clear.
    Opening,
    /// The answer to its request for the capabilities, before the upgrade.
    Offer,
    /// The answer to the upgrade request.
    Answer,
    /// The end of the handshake.
    Handshake,
    /// The server's first message in the layer of the session.
    FirstWords,
    /// The answer to its request for the capabilities, in the layer of the session.
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

/// A client's belief about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// There is none.
    None,
    /// It is in clear.
    Clear,
    /// It is inside TLS; the peer was not checked, or failed the check.
    Unverified,
    /// It is inside TLS with the peer that the user named.
    Verified,
}

/// Whether a client tries TLS on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mode {
    /// It tries TLS.
    Usual,
    /// It does not: a retry of an opportunistic client, or of a flawed one.
    ClearOnly,
}

/// How the rest of a segment is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Rest {
    /// It is read.
    Read,
    /// TLS begins before it: it is left over, and only a flawed client keeps it.
    Behind,
    /// It is discarded with the connection, or with the buffer.
    Dropped,
}

/// A received message, and the layer in which it, or its beginning, was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) reply: Reply,
    pub(super) layer: Layer,
}

/// The knowledge of a client, with its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Knowledge {
    /// The mechanism that the last list named.
    pub(super) mechanism: Option<(Mechanism, Layer)>,
    /// Whether it holds a challenge that came in clear.
    pub(super) clear_challenge: bool,
    /// Whether a clear-text reply said that it is logged in.
    pub(super) early_success: bool,
    /// Whether it has received the peer's name in clear.
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
    /// How many received messages are in the buffer.
    pub const fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The layer in which it believes the connection to be.
    pub const fn layer(&self) -> Layer {
        match self.link {
            Link::None | Link::Clear => Layer::Clear,
            Link::Unverified | Link::Verified => Layer::Tls,
        }
    }
}
