//! The client as a step function: the trait, and what goes in and out.
//!
//! The same function is checked against the attacker and driven over sockets. It takes segments as
//! they come off the wire and owns the receive buffer, the unfinished fragment and the switch of
//! layers, since that is where the bugs are. It does no I/O and knows no time.

mod negotiator;
mod pool;
mod state;

use std::fmt::Debug;
use std::hash::Hash;

use arrayvec::ArrayVec;

use crate::message::{Command, Layer, Mechanism, Piece, Reply, Segment};

pub use self::negotiator::{Asked, Negotiator};
pub use self::pool::{Member, Memory, Pooled, Sharing};
pub use self::state::{Link, Phase, State};

/// The most outputs of one step.
pub const MAX_OUTPUTS: usize = 12;

/// A client under proof.
///
/// Put a state machine of your own in place of [`Negotiator`] and the same attacker is let loose
/// on it. It must be deterministic and its reachable states finite.
pub trait Client {
    /// All that it remembers.
    type State: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// The state before anything has happened, and what it does first: connect.
    fn start(&self) -> Step<Self::State>;

    /// What it does on an input.
    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State>;

    /// What it does on one piece of a segment; `more` says whether the segment goes on behind it.
    ///
    /// Reading a segment piece by piece must do what [`step`](Self::step) does on the whole. Where
    /// this is given, segments that begin alike are walked once, and larger bounds are cheap;
    /// `None`: each segment is given to it as a whole.
    fn read(
        &self,
        state: &Self::State,
        piece: Piece<Reply>,
        more: bool,
    ) -> Option<Step<Self::State>> {
        let _ = (state, piece, more);
        None
    }

    /// What the environment has to know of a state.
    fn view(&self, state: &Self::State) -> View;

    /// The state without what others have written into it ([`Pooled`]): a client that shares nothing has none.
    fn by_itself(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// Whether it holds the head of a message whose tail has not come. Who drives it over sockets
    /// keeps the bytes of that head exactly as long.
    fn holds_fragment(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }
}

/// A new state and what the client does on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<S> {
    /// The new state.
    pub state: S,
    /// What it does, in order.
    pub outputs: Outputs,
}

/// What a client does in one step, in order.
pub type Outputs = ArrayVec<Output, MAX_OUTPUTS>;

/// What the environment has to know of a client's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// It waits for messages; the layer is the one it believes to be in.
    Open(Layer),
    /// It has sent its ClientHello and waits for the end of the handshake.
    Handshaking,
    /// It has opened the second channel and waits for the end of that channel's handshake.
    Channel,
    /// It has ended.
    Ended,
}

/// What happens to a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// The connection stands.
    Connected,
    /// Bytes came in the layer that the connection is in; clear bytes during a handshake are such
    /// a segment, too.
    Segment(Segment<Reply>),
    /// The handshake ended and the peer showed this certificate.
    Handshake(Peer),
    /// The handshake failed.
    HandshakeFailed,
    /// TLS was ended with a close_notify and the connection stays.
    TlsEnded,
    /// The handshake of the second channel ended and the peer showed this certificate.
    Channel(Peer),
    /// The second channel could not be had, or its handshake failed.
    ChannelFailed,
    /// The connection is at its end.
    Closed(Close),
    /// The deadline passed.
    Deadline,
}

/// Whom a handshake was done with, by the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// The server that the user named.
    Genuine,
    /// The attacker, with a certificate that no trusted authority signed.
    Untrusted,
    /// The attacker, with a trusted certificate for another name.
    WrongName,
    /// The attacker, with a certificate of the right name whose time is over.
    Expired,
    /// Another virtual host of the true server, with its own name in the certificate.
    OtherHost,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Genuine, Self::Untrusted, Self::WrongName, Self::Expired, Self::OtherHost];

    /// The certificates that an attacker can show.
    pub const FALSE: [Self; 4] = [Self::Untrusted, Self::WrongName, Self::Expired, Self::OtherHost];

    /// The stable name, as in vectors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Untrusted => "untrusted",
            Self::WrongName => "wrong-name",
            Self::Expired => "expired",
            Self::OtherHost => "other-host",
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Close {
    /// In order: FIN, after a close_notify where there was TLS.
    Orderly,
    /// FIN inside TLS without a close_notify: the TLS session is truncated.
    Truncated,
    /// RST.
    Cut,
}

/// What a client does.
///
/// The world judges the acts. The marks - [`Took`](Self::Took),
/// [`UsedClearKnowledge`](Self::UsedClearKnowledge), [`Skipped`](Self::Skipped),
/// [`UsedNameFromWire`](Self::UsedNameFromWire), [`TookTruncation`](Self::TookTruncation) - name a
/// mistake that the client knows of. No property depends on a mark, and a client of your own sets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// Opens a connection, leaving the one it had.
    Connect(Target),
    /// Sends a message in the layer that it believes to be in; messages of one step share a
    /// segment where they follow each other.
    Send(Command),
    /// Sends a ClientHello.
    StartTls,
    /// Closes the connection.
    Close,
    /// Opens the second channel: in clear, or with a handshake whose end is an
    /// [`Input::Channel`].
    OpenChannel(Layer),
    /// Moves the confidential data over the second channel.
    MoveData,
    /// Mark: went on because of a message that had come in this layer, while it believed to be in TLS.
    /// Giving up is not going on.
    Took(Layer),
    /// Mark: used inside TLS what it had learned in clear; for a mechanism, which.
    UsedClearKnowledge(Option<Mechanism>),
    /// Mark: skipped a step of the session because a clear-text reply said so.
    Skipped,
    /// Mark: compared the certificate with a name from the wire.
    UsedNameFromWire,
    /// Mark: took the end of the connection for a confirmation.
    TookTruncation,
    /// Shows its user the text of a notice as the server's word.
    Shows,
    /// Hands data that answer nothing to the application as the server's.
    HandsOver,
    /// Told the user that the session failed.
    Tell,
    /// Ended a session.
    End(End),
}

impl Output {
    /// Whether it is a mark, which neither the peer nor the user can see.
    pub const fn is_mark(self) -> bool {
        matches!(
            self,
            Self::Took(_)
                | Self::UsedClearKnowledge(_)
                | Self::Skipped
                | Self::UsedNameFromWire
                | Self::TookTruncation
        )
    }
}

/// The acts among the outputs: what the peer or the user can see.
pub(crate) fn visible(outputs: &Outputs) -> Outputs {
    outputs.iter().filter(|output| !output.is_mark()).copied().collect()
}

/// Where a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The user's host, at the port where TLS is negotiated in band.
    Upgrade,
    /// The user's host, at the port where TLS comes first.
    Implicit,
    /// A host that came from a redirection in clear.
    Redirected,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// The data were delivered and confirmed, as far as the client can tell.
    Delivered,
    /// The client gave up.
    Refused,
}
