//! The client as a step function: the trait, its inputs and its outputs.
//!
//! The same function is checked against the attacker and run over sockets. It takes segments as
//! received, and contains the receive buffer, the unfinished fragment and the switch of layers, since
//! that is where the bugs are. It does no I/O and has no clock.

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
/// Implement it for a state machine of your own in place of [`Negotiator`] to prove it against the same
/// attacker. It must be deterministic, with finitely many reachable states.
pub trait Client {
    /// All that it remembers.
    type State: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// The initial state, and the first outputs: connect.
    fn start(&self) -> Step<Self::State>;

    /// The client's step on an input.
    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State>;

    /// The client's step on one piece of a segment; `more` says whether more pieces follow in the
    /// segment.
    ///
    /// Reading a segment piece by piece must have the same result as [`step`](Self::step) on the whole.
    /// With this method, segments with the same beginning are walked once, and larger bounds are cheap.
    /// `None`: the client gets each segment as a whole.
    fn read(
        &self,
        state: &Self::State,
        piece: Piece<Reply>,
        more: bool,
    ) -> Option<Step<Self::State>> {
        let _ = (state, piece, more);
        None
    }

    /// The environment's view of a state.
    fn view(&self, state: &Self::State) -> View;

    /// The state without the parts written by other clients ([`Pooled`]); unchanged for a client that
    /// shares nothing.
    fn by_itself(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// Whether it holds an incomplete message. A driver over sockets keeps the bytes of that message
    /// exactly as long.
    fn holds_fragment(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }
}

/// A new state, and the outputs on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<S> {
    /// The new state.
    pub state: S,
    /// The outputs, in order.
    pub outputs: Outputs,
}

/// The outputs of one step, in order.
pub type Outputs = ArrayVec<Output, MAX_OUTPUTS>;

/// The environment's view of a client's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// It waits for messages, in the layer in which it believes the connection to be.
    Open(Layer),
    /// It has sent its ClientHello and waits for the end of the handshake.
    Handshaking,
    /// It has opened the second channel and waits for the end of that channel's handshake.
    Channel,
    /// It has ended.
    Ended,
}

/// An input of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// The connection is established.
    Connected,
    /// Bytes were received in the connection's layer; clear bytes during a handshake are such a
    /// segment, too.
    Segment(Segment<Reply>),
    /// The handshake ended; the peer presented this certificate.
    Handshake(Peer),
    /// The handshake failed.
    HandshakeFailed,
    /// TLS was ended with a close_notify, and the connection is still open.
    TlsEnded,
    /// The handshake of the second channel ended; the peer presented this certificate.
    Channel(Peer),
    /// The second channel could not be opened, or its handshake failed.
    ChannelFailed,
    /// The connection has ended.
    Closed(Close),
    /// The deadline passed.
    Deadline,
}

/// The peer of a handshake, as shown by its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// The server that the user named.
    Genuine,
    /// The attacker, with a certificate that no trusted authority signed.
    Untrusted,
    /// The attacker, with a trusted certificate for another name.
    WrongName,
    /// The attacker, with an expired certificate for the right name.
    Expired,
    /// Another virtual host of the true server, with its own name in the certificate.
    OtherHost,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Genuine, Self::Untrusted, Self::WrongName, Self::Expired, Self::OtherHost];

    /// The certificates that an attacker can present.
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
    /// In order: FIN, inside TLS after a close_notify.
    Orderly,
    /// FIN inside TLS without a close_notify: the TLS session is truncated.
    Truncated,
    /// RST.
    Cut,
}

/// An output of a client: an act or a mark.
///
/// The world judges only the acts. The marks - [`Took`](Self::Took),
/// [`UsedClearKnowledge`](Self::UsedClearKnowledge), [`Skipped`](Self::Skipped),
/// [`UsedNameFromWire`](Self::UsedNameFromWire), [`TookTruncation`](Self::TookTruncation) - name a flaw
/// in the client's own behaviour. No property depends on a mark, and a client of your own sets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// Opens a connection, leaving the one it had.
    Connect(Target),
    /// Sends a message in the layer in which it believes the connection to be; consecutive messages of
    /// one step share a segment.
    Send(Command),
    /// Sends a ClientHello.
    StartTls,
    /// Closes the connection.
    Close,
    /// Opens the second channel: in clear, or with a handshake that ends with an [`Input::Channel`].
    OpenChannel(Layer),
    /// Moves the confidential data over the second channel.
    MoveData,
    /// Mark: went on because of a message received in this layer, while it believed to be inside TLS.
    /// Giving up does not count as going on.
    Took(Layer),
    /// Mark: used knowledge from clear text inside TLS; for a login mechanism, which one.
    UsedClearKnowledge(Option<Mechanism>),
    /// Mark: skipped a step of the session because a clear-text reply said so.
    Skipped,
    /// Mark: compared the certificate with a name from the wire.
    UsedNameFromWire,
    /// Mark: accepted the end of the connection as a confirmation.
    TookTruncation,
    /// Shows its user the text of a notice as if it came from the server.
    Shows,
    /// Passes data that answer no request to the application as the server's data.
    HandsOver,
    /// Told the user that the session failed.
    Tell,
    /// Ended a session.
    End(End),
}

impl Output {
    /// Whether it is a mark, which is invisible to the peer and the user.
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

/// The acts among the outputs, which are visible to the peer or the user.
pub(crate) fn visible(outputs: &Outputs) -> Outputs {
    outputs.iter().filter(|output| !output.is_mark()).copied().collect()
}

/// Where a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The user's host, at the port where TLS is negotiated in band.
    Upgrade,
    /// The user's host, at the port for implicit TLS.
    Implicit,
    /// A host named by a redirection in clear.
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
