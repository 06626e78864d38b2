//! Compiles clients and servers.

use super::segments::Segments;
use super::{Alphabet, Machine};
use crate::client::{self, Client, Close, Input, Output, Peer, Step, View};
use crate::message::{Bounds, Piece, Segment};
use crate::protocol::Protocol;
use crate::server::{self, Port, Server};

/// A compiled client: its states, each with its connection.
pub type ClientMachine<C> = Machine<(<C as Client>::State, Link), Input, client::Outputs>;

/// A server, compiled.
pub type ServerMachine = Machine<server::State, server::Input, server::Outputs>;

impl Alphabet for Input {
    fn merges(&self) -> bool {
        matches!(self, Self::Segment(_))
    }
}

impl Alphabet for server::Input {
    fn merges(&self) -> bool {
        matches!(self, Self::Segment(_))
    }
}

/// The client's connection, which decides the possible inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// There is no connection, or none yet.
    Down,
    /// In clear: the attacker can send anything.
    Clear,
    /// In clear, with a ClientHello on it.
    Handshake,
    /// TLS with the true server: whole messages, one by one.
    Secure,
    /// TLS with the attacker, who can send anything.
    False,
}

impl Link {
    /// The connection after an input and the client's outputs on it.
    #[must_use]
    pub fn after(self, input: &Input, outputs: &client::Outputs) -> Self {
        let mut link = match input {
            Input::Connected => Self::Clear,
            Input::Segment(_) if self == Self::Handshake => Self::Clear,
            Input::Segment(_) | Input::Deadline | Input::Channel(_) | Input::ChannelFailed => self,
            Input::Handshake(Peer::Genuine) => Self::Secure,
            Input::Handshake(_) => Self::False,
            Input::HandshakeFailed | Input::TlsEnded => Self::Clear,
            Input::Closed(_) => Self::Down,
        };
        for output in outputs {
            match output {
                Output::Connect(_) | Output::Close => link = Self::Down,
                Output::StartTls => link = Self::Handshake,
                _ => {}
            }
        }
        link
    }

    /// The possible inputs before segments, in the order of the alphabet.
    fn before_segments(self) -> Vec<Input> {
        match self {
            Self::Down => vec![Input::Connected],
            Self::Handshake => Peer::ALL
                .into_iter()
                .map(Input::Handshake)
                .chain([Input::HandshakeFailed])
                .collect(),
            Self::Clear | Self::Secure | Self::False => Vec::new(),
        }
    }

    /// The possible inputs after segments, in the order of the alphabet.
    fn behind_segments(self) -> Vec<Input> {
        let closed = Input::Closed;
        match self {
            Self::Down => vec![Input::Deadline],
            Self::Clear | Self::Handshake => {
                vec![closed(Close::Orderly), closed(Close::Cut), Input::Deadline]
            }
            Self::Secure => vec![
                Input::TlsEnded,
                closed(Close::Orderly),
                closed(Close::Truncated),
                closed(Close::Cut),
                Input::Deadline,
            ],
            Self::False => vec![
                closed(Close::Orderly),
                closed(Close::Truncated),
                closed(Close::Cut),
                Input::Deadline,
            ],
        }
    }

    /// All possible inputs of a client with this view; `segments` are all segments within the bounds.
    pub(crate) fn inputs(self, view: View, segments: &[Input]) -> Vec<Input> {
        if view == View::Channel {
            return channel_inputs();
        }
        let fits = |input: &&Input| match (self, input) {
            (Self::Down, _) => false,
            // Inside TLS, messages arrive whole and one by one.
            (Self::Secure, Input::Segment(segment)) => {
                matches!(segment.pieces(), [Piece::Whole(_)])
            }
            _ => true,
        };
        self.before_segments()
            .into_iter()
            .chain(segments.iter().filter(fits).cloned())
            .chain(self.behind_segments())
            .collect()
    }
}

/// The possible inputs while a client waits for the second channel. Events of the first connection
/// arrive after that.
fn channel_inputs() -> Vec<Input> {
    let shown = Peer::ALL.into_iter().map(Input::Channel);
    shown.chain([Input::ChannelFailed, Input::Deadline]).collect()
}

/// All segments that a client of a protocol can receive, for [`Link::inputs`].
pub(crate) fn segment_inputs(protocol: &Protocol, bounds: Bounds) -> Vec<Input> {
    Segment::all(&protocol.replies(), protocol.fragments, bounds)
        .into_iter()
        .map(Input::Segment)
        .collect()
}

/// Compiles a client over the alphabet of a protocol.
pub fn compile_client<C: Client>(
    client: &C,
    protocol: &Protocol,
    bounds: Bounds,
) -> ClientMachine<C> {
    compile_client_among(client, protocol, bounds, &[])
}

/// The same for a client that other clients can also put into these states.
pub(crate) fn compile_client_among<C: Client>(
    client: &C,
    protocol: &Protocol,
    bounds: Bounds,
    others: &[(C::State, Link)],
) -> ClientMachine<C> {
    let segments = Segments::new(protocol.replies(), protocol.fragments, bounds);
    let start = client.start();
    let first = [((start.state, Link::Down), start.outputs)];
    let others = others.iter().map(|state| (state.clone(), client::Outputs::new()));
    Machine::compile(first.into_iter().chain(others), |(state, link), found| {
        let view = client.view(state);
        if view == View::Ended {
            return;
        }
        let mut give = |input: Input, members, step: Step<C::State>| {
            let link = link.after(&input, &step.outputs);
            found(input, members, ((step.state, link), step.outputs));
        };
        if view == View::Channel {
            for input in channel_inputs() {
                give(input.clone(), 1, client.step(state, &input));
            }
            return;
        }
        for input in link.before_segments() {
            give(input.clone(), 1, client.step(state, &input));
        }
        match link {
            Link::Down => {}
            Link::Secure => {
                for &reply in &segments.alphabet {
                    let input = Input::Segment(Segment::one(reply));
                    give(input.clone(), 1, client.step(state, &input));
                }
            }
            Link::Clear | Link::Handshake | Link::False => segments.classes(
                state,
                |state, piece, more| client.read(state, piece, more).map(|s| (s.state, s.outputs)),
                |state, segment| {
                    let step = client.step(state, &Input::Segment(segment.clone()));
                    (step.state, step.outputs)
                },
                |segment, members, (state, outputs)| {
                    give(Input::Segment(segment), members, Step { state, outputs });
                },
            ),
        }
        for input in link.behind_segments() {
            give(input.clone(), 1, client.step(state, &input));
        }
    })
}

/// Compiles a server over the alphabet of its protocol, from both of its ports.
pub fn compile_server(server: &Server, bounds: Bounds) -> ServerMachine {
    let segments = Segments::new(server.protocol.commands(), server.protocol.fragments, bounds);
    let first = [server.start(Port::Upgrade), server.start(Port::Implicit)];
    Machine::compile(first, |state, found| {
        match state.phase {
            server::Phase::Closed => return,
            server::Phase::AwaitsTls => {
                let input = server::Input::TlsStarted;
                let next = server.step(state, &input);
                found(input, 1, next);
            }
            server::Phase::Ready => {
                if server.takes_host_name(state) {
                    let input = server::Input::OtherHostNamed;
                    let next = server.step(state, &input);
                    found(input, 1, next);
                }
                segments.classes(
                    state,
                    |state, piece, more| Some(server.read(state, piece, more)),
                    |state, segment| server.step(state, &server::Input::Segment(segment.clone())),
                    |segment, members, next| found(server::Input::Segment(segment), members, next),
                );
            }
        }
        let input = server::Input::Closed;
        let next = server.step(state, &input);
        found(input, 1, next);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flaw::{Flaw, Flaws, Side};
    use crate::protocol::PROTOCOLS;
    use crate::server::{Phase, State};

    /// The same, from whole segments only.
    fn compile_whole(server: &Server, bounds: Bounds) -> ServerMachine {
        let protocol = server.protocol;
        let segments = Segment::all(&protocol.commands(), protocol.fragments, bounds);
        let first = [server.start(Port::Upgrade), server.start(Port::Implicit)];
        Machine::compile(first, |state: &State, found| {
            let segments = segments.iter().cloned().map(server::Input::Segment);
            let inputs: Vec<server::Input> = match state.phase {
                Phase::Closed => Vec::new(),
                Phase::AwaitsTls => vec![server::Input::TlsStarted, server::Input::Closed],
                Phase::Ready => segments.chain([server::Input::Closed]).collect(),
            };
            for input in inputs {
                let next = server.step(state, &input);
                found(input, 1, next);
            }
        })
    }

    #[test]
    fn a_server_that_reads_by_pieces_reads_as_a_whole() {
        for protocol in PROTOCOLS {
            let flaws = Flaw::of(Side::Server).map(Flaws::from);
            for flaws in flaws.chain([Flaws::NONE]) {
                let server = Server { flaws, ..Server::honest(protocol) };
                let shared = compile_server(&server, Bounds::STANDARD);
                let whole = compile_whole(&server, Bounds::STANDARD);
                assert!(shared.behaves_like(&whole), "{} {flaws:?}", protocol.name);
                let longest = shared.all_outputs().iter().map(|outputs| outputs.len()).max();
                assert!(longest < Some(server::MAX_OUTPUTS), "a step may have lost a part");
            }
        }
    }
}
