//! A client that does not hear what ends its handshake: it answers clear text as it answers a good
//! certificate. It sends its data, closes and ends well.

use upward_model::client::{Client, End, Input, Output, Outputs, Peer, Step, Target, View};
use upward_model::message::{Command, Layer, Piece, Reply};

/// The client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deaf;

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    Connection,
    Welcome,
    GoAhead,
    Handshake,
    Nothing,
}

impl Client for Deaf {
    type State = Wait;

    fn start(&self) -> Step<Wait> {
        step(Wait::Connection, &[Output::Connect(Target::Upgrade)])
    }

    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        let delivers = [Output::Send(Command::Deliver), Output::End(End::Delivered), Output::Close];
        let gives_up = [Output::Tell, Output::End(End::Refused), Output::Close];
        match (state, input) {
            (Wait::Nothing, _) => step(Wait::Nothing, &[]),
            (Wait::Connection, Input::Connected) => {
                step(Wait::Welcome, &[Output::Send(Command::Hello)])
            }
            (Wait::Welcome, Input::Segment(said)) => match said.pieces() {
                [Piece::Whole(Reply::Capabilities { .. })] => {
                    step(Wait::GoAhead, &[Output::Send(Command::Upgrade)])
                }
                _ => step(Wait::Nothing, &gives_up),
            },
            (Wait::GoAhead, Input::Segment(said)) => match said.pieces() {
                [Piece::Whole(Reply::Accept)] => step(Wait::Handshake, &[Output::StartTls]),
                _ => step(Wait::Nothing, &gives_up),
            },
            (Wait::Handshake, Input::Handshake(Peer::Genuine) | Input::Segment(_)) => {
                step(Wait::Nothing, &delivers)
            }
            _ => step(Wait::Nothing, &gives_up),
        }
    }

    fn view(&self, state: &Wait) -> View {
        match state {
            Wait::Nothing => View::Ended,
            Wait::Handshake => View::Handshaking,
            _ => View::Open(Layer::Clear),
        }
    }
}

fn step(state: Wait, outputs: &[Output]) -> Step<Wait> {
    Step { state, outputs: outputs.iter().copied().collect::<Outputs>() }
}

/// The same client with a wrong view.
pub(crate) struct Viewed(pub(crate) fn(Wait) -> View);

impl Client for Viewed {
    type State = Wait;

    fn start(&self) -> Step<Wait> {
        Deaf.start()
    }

    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        Deaf.step(state, input)
    }

    fn view(&self, state: &Wait) -> View {
        self.0(*state)
    }
}
