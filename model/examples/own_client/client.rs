//! A client of the manual's protocol, as an author would write it: TLS or nothing.

use upward_model::client::{Client, End, Input, Output, Outputs, Peer, Step, Target, View};
use upward_model::message::{Command, Layer, Piece, Reply};

/// What becomes of clear-text bytes that are in the client's buffer when TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtStart {
    /// They stay there: the classic bug.
    Keep,
    /// They are thrown away.
    Discard,
}

/// The client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnClient {
    pub(crate) buffer: AtStart,
}

/// All that it remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    waits_for: Wait,
    layer: Layer,
    /// Lines that were received and not acted upon.
    lines: Vec<Reply>,
    /// The head of a line that has not ended.
    head: Option<Reply>,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wait {
    Connection,
    Welcome,
    GoAhead,
    Handshake,
    Thanks,
    Nothing,
}

/// How many lines it has room for.
const ROOM: usize = 2;

impl Client for OwnClient {
    type State = Memory;

    fn start(&self) -> Step<Memory> {
        let state = Memory {
            waits_for: Wait::Connection,
            layer: Layer::Clear,
            lines: Vec::new(),
            head: None,
        };
        let mut outputs = Outputs::new();
        outputs.push(Output::Connect(Target::Upgrade));
        Step { state, outputs }
    }

    fn step(&self, state: &Memory, input: &Input) -> Step<Memory> {
        let mut step = Step { state: state.clone(), outputs: Outputs::new() };
        match (state.waits_for, input) {
            (Wait::Nothing, _) => {}
            (Wait::Connection, Input::Connected) => {
                step.outputs.push(Output::Send(Command::Hello));
                step.state.waits_for = Wait::Welcome;
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => {
                step.state.layer = Layer::Tls;
                step.state.waits_for = Wait::Thanks;
                step.outputs.push(Output::Send(Command::Deliver));
                self.read(&mut step);
            }
            (Wait::Welcome | Wait::GoAhead | Wait::Thanks, Input::Segment(segment)) => {
                for &piece in segment.pieces() {
                    receive(&mut step.state, piece);
                }
                self.read(&mut step);
            }
            // Whatever else happens, there is no TLS, or none any more.
            _ => give_up(&mut step),
        }
        step
    }

    fn view(&self, state: &Memory) -> View {
        match state.waits_for {
            Wait::Nothing => View::Ended,
            Wait::Handshake => View::Handshaking,
            _ => View::Open(state.layer),
        }
    }

    fn holds_fragment(&self, state: &Memory) -> bool {
        state.head.is_some()
    }
}

impl OwnClient {
    /// Acts on the lines that have come, one by one.
    fn read(&self, step: &mut Step<Memory>) {
        while !matches!(step.state.waits_for, Wait::Handshake | Wait::Nothing)
            && !step.state.lines.is_empty()
        {
            let reply = step.state.lines.remove(0);
            if reply != Reply::Notice {
                self.act(step, reply);
            }
        }
    }

    fn act(&self, step: &mut Step<Memory>, reply: Reply) {
        match (step.state.waits_for, reply) {
            (Wait::Welcome, Reply::Capabilities { .. }) => {
                step.outputs.push(Output::Send(Command::Upgrade));
                step.state.waits_for = Wait::GoAhead;
            }
            (Wait::GoAhead, Reply::Accept) => {
                if self.buffer == AtStart::Discard {
                    step.state.lines.clear();
                    step.state.head = None;
                }
                step.outputs.push(Output::StartTls);
                step.state.waits_for = Wait::Handshake;
            }
            (Wait::Thanks, Reply::Done) => {
                step.outputs.extend([Output::End(End::Delivered), Output::Close]);
                end(&mut step.state);
            }
            _ => give_up(step),
        }
    }
}

/// Takes a piece into the buffer; a tail is glued to its head.
fn receive(state: &mut Memory, piece: Piece<Reply>) {
    let reply = state.head.take().unwrap_or(piece.message());
    if piece.is_fragment() {
        state.head = Some(reply);
    } else if state.lines.len() < ROOM {
        state.lines.push(reply);
    }
}

fn give_up(step: &mut Step<Memory>) {
    step.outputs.extend([Output::Tell, Output::End(End::Refused), Output::Close]);
    end(&mut step.state);
}

fn end(state: &mut Memory) {
    state.waits_for = Wait::Nothing;
    state.lines.clear();
    state.head = None;
}
