//! The alphabet that all protocols share: the server's messages, the client's messages, and how both
//! are divided into segments.
//!
//! A message stands for every wire text with its meaning; the texts are data in the protocol's
//! descriptor. Segments are modelled because the bugs occur there. With one message in each segment, an
//! injected reply is invisible. Without fragments, so is a reply that takes effect only when the first
//! protected line completes it.

use std::fmt;

use arrayvec::ArrayVec;

/// The most messages that one segment, buffer or queue can hold; [`Bounds`] sets the number in
/// force.
pub const CAPACITY: usize = 4;

/// How many messages a segment, a receive buffer and a queue hold: the small-scope assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bounds {
    /// Messages a segment, a buffer and a queue; 1 to [`CAPACITY`].
    pub messages: usize,
}

impl Bounds {
    /// Two messages: enough for every attack class that is known.
    pub const STANDARD: Self = Self { messages: 2 };
}

/// In which layer bytes arrived, or go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// No TLS: the attacker reads and writes.
    Clear,
    /// TLS, whether or not the peer was authenticated.
    Tls,
}

/// A login mechanism. The true server accepts the first two: a client that is made to use the weaker
/// one still delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    /// The strongest that the true server offers.
    Own,
    /// A weaker one, which an attacker's list names alone: its use shows that the list was believed.
    Lure,
    /// The strongest, computed over a challenge that the attacker put into the server's first words
    /// ([`Authentication::FromOpening`](crate::protocol::Authentication::FromOpening)): the true server
    /// rejects it, since it compares the answer with its own challenge.
    Salted,
}

/// A message from the server, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reply {
    /// The first words of a server that speaks first.
    Greeting,
    /// A greeting that claims that the client is logged in already (IMAP `PREAUTH`, FTP `230`).
    Welcome,
    /// What the server can do.
    Capabilities {
        /// Whether the upgrade is among it.
        upgrade: bool,
        /// The login mechanism it names.
        mechanism: Mechanism,
    },
    /// The upgrade request is granted: TLS comes next.
    Accept,
    /// An error reply, to whatever was asked.
    Refuse,
    /// What the server can do, where it names neither the upgrade nor any login: an honest server
    /// whose administrator switched logins off.
    Bare,
    /// A reply that is none: unparsable, of a wrong class, or the answer to something else.
    Garbled,
    /// A reply in the right form whose status the protocol does not define: a code of no class or of
    /// the wrong length, an unknown word behind the right tag.
    Unknown,
    /// Data that no command asked for (IMAP `* LIST`, `* 1 EXISTS`).
    Data,
    /// A challenge, or a prompt for the next part of a login.
    Challenge,
    /// The login succeeded.
    LoggedIn,
    /// What was asked is done.
    Done,
    /// Go and ask another server.
    Redirect,
    /// Text for the user that answers nothing.
    Notice,
    /// The server ends the session.
    Bye,
}

impl Reply {
    /// A capability list that names the weaker mechanism alone, with the upgrade or without.
    pub const fn lure(upgrade: bool) -> Self {
        Self::Capabilities { upgrade, mechanism: Mechanism::Lure }
    }

    /// The capability list of an honest server.
    pub const fn offer(upgrade: bool) -> Self {
        Self::Capabilities { upgrade, mechanism: Mechanism::Own }
    }
}

/// A message from the client, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Introduces the client and asks what the server can do.
    Hello,
    /// Asks for TLS.
    Upgrade,
    /// Announces a login without any secret (`AUTH CRAM-MD5`).
    Begin(Mechanism),
    /// A login in one message, secret included (`AUTH PLAIN <initial response>`).
    Login(Mechanism),
    /// The secret, as the answer to a challenge.
    Credential,
    /// Asks for a protected second channel (FTP `PROT P`).
    Protect,
    /// The confidential data themselves.
    Deliver,
    /// Takes leave.
    Goodbye,
    /// Harmless and without effect (`NOOP`).
    Noop,
}

impl Command {
    /// The stable word for it, as in traces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Upgrade => "upgrade",
            Self::Begin(Mechanism::Own) => "begin",
            Self::Begin(Mechanism::Lure) => "begin-lure",
            Self::Begin(Mechanism::Salted) => "begin-salted",
            Self::Login(Mechanism::Own) => "login",
            Self::Login(Mechanism::Lure) => "login-lure",
            Self::Login(Mechanism::Salted) => "login-salted",
            Self::Credential => "credential",
            Self::Protect => "protect",
            Self::Deliver => "deliver",
            Self::Goodbye => "goodbye",
            Self::Noop => "noop",
        }
    }

    /// Whether a secret is inside.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Login(_) | Self::Credential | Self::Deliver)
    }

    /// Whether a client whose policy needs TLS may send it in clear (RFC 8314 section 5.2:
    /// capability discovery, the upgrade request; the goodbye is tolerated).
    pub const fn is_allowed_in_clear(self) -> bool {
        matches!(self, Self::Hello | Self::Upgrade | Self::Goodbye | Self::Noop)
    }
}

/// One message of a segment, whole or with its tail missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece<M> {
    /// A complete message.
    Whole(M),
    /// The head of a line: it joins whatever comes next, in whatever layer, and the two then
    /// read as this message.
    Line(M),
    /// An open literal or multi-line block: what comes next is swallowed as its content, and the
    /// whole then reads as this message.
    Block(M),
}

impl<M: Copy> Piece<M> {
    /// The message that it is or will read as.
    pub const fn message(self) -> M {
        match self {
            Self::Whole(m) | Self::Line(m) | Self::Block(m) => m,
        }
    }

    /// Whether its tail is missing.
    pub const fn is_fragment(self) -> bool {
        !matches!(self, Self::Whole(_))
    }
}

/// What arrives in one read: messages in order, of which only the last may be a fragment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Segment<M>(ArrayVec<Piece<M>, CAPACITY>);

impl<M: Copy> Segment<M> {
    /// One whole message.
    pub fn one(message: M) -> Self {
        Self::new(&[Piece::Whole(message)])
    }

    /// The pieces in order; those beyond [`CAPACITY`] are dropped.
    pub fn new(pieces: &[Piece<M>]) -> Self {
        Self(pieces.iter().copied().take(CAPACITY).collect())
    }

    /// Whole messages in order; those beyond [`CAPACITY`] are dropped.
    pub fn whole(messages: impl IntoIterator<Item = M>) -> Self {
        Self(messages.into_iter().map(Piece::Whole).take(CAPACITY).collect())
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece<M>] {
        &self.0
    }

    /// The pieces in order, and whether the segment goes on behind each.
    pub(crate) fn reading(&self) -> impl Iterator<Item = (Piece<M>, bool)> {
        let last = self.0.len().saturating_sub(1);
        self.0.iter().enumerate().map(move |(index, &piece)| (piece, index < last))
    }

    /// All segments over an alphabet, shortest first, then in the order of the alphabet.
    pub fn all(alphabet: &[M], fragments: Fragments, bounds: Bounds) -> Vec<Self> {
        let mut heads: Vec<ArrayVec<Piece<M>, CAPACITY>> = vec![ArrayVec::new()];
        let mut segments = Vec::new();
        for _ in 0..bounds.messages.min(CAPACITY) {
            let mut longer = Vec::with_capacity(heads.len() * alphabet.len());
            for head in &heads {
                for &message in alphabet {
                    for piece in fragments.pieces(message) {
                        let mut pieces = head.clone();
                        pieces.push(piece);
                        segments.push(Self(pieces.clone()));
                        if !piece.is_fragment() {
                            longer.push(pieces);
                        }
                    }
                }
            }
            heads = longer;
        }
        segments
    }
}

impl<M: fmt::Debug> fmt::Debug for Segment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// Which fragments a protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fragments {
    /// Every message has a fixed form: nothing can be left open.
    None,
    /// Lines can be cut.
    Lines,
    /// Lines can be cut, and blocks or literals left open.
    LinesAndBlocks,
}

impl Fragments {
    /// The pieces that a message can be: whole, and without its tail.
    pub fn pieces<M: Copy>(self, message: M) -> impl Iterator<Item = Piece<M>> {
        let all = [Piece::Whole(message), Piece::Line(message), Piece::Block(message)];
        let known = match self {
            Self::None => 1,
            Self::Lines => 2,
            Self::LinesAndBlocks => 3,
        };
        all.into_iter().take(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_segments() {
        let alphabet = [Reply::Accept, Reply::Refuse, Reply::Bye];
        let count =
            |fragments, messages| Segment::all(&alphabet, fragments, Bounds { messages }).len();
        assert_eq!(count(Fragments::None, 1), 3);
        assert_eq!(count(Fragments::None, 2), 3 + 9);
        assert_eq!(count(Fragments::Lines, 2), 6 + 18);
        assert_eq!(count(Fragments::LinesAndBlocks, 3), 9 + 27 + 81);
    }

    #[test]
    fn only_the_last_piece_is_a_fragment() {
        let alphabet = [Reply::Accept, Reply::Refuse];
        for segment in Segment::all(&alphabet, Fragments::LinesAndBlocks, Bounds::STANDARD) {
            let (_, init) = segment.pieces().split_last().unwrap();
            assert!(init.iter().all(|piece| !piece.is_fragment()));
        }
    }
}
