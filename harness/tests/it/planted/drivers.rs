//! Drivers with one error each, planted between the driver and the client that it drives.

use upward_model::client::{
    Client, Close, Input, Negotiator, Output, Outputs, Peer, State, Step, View,
};
use upward_model::message::Segment;

/// An error of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Every certificate passes for the genuine one.
    ChecksNothing,
    /// No certificate does.
    TrustsNobody,
    /// What was read together is handed over message by message.
    OneByOne,
    /// Only the first message of what was read is handed over.
    OnlyTheFirst,
    /// The end of the connection is not handed over.
    MissesTheEnd,
    /// A handshake that failed passes for a lost connection.
    LosesTheAlert,
    /// The user is told nothing.
    TellsNobody,
    /// The user is not shown what the client shows.
    ShowsNothing,
    /// TLS is never started.
    NeverStartsTls,
    /// A lost connection passes for one that ended in order inside TLS: the client is told that
    /// TLS was ended.
    ConfusesLayers,
}

impl Mishap {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::ChecksNothing,
        Self::TrustsNobody,
        Self::OneByOne,
        Self::OnlyTheFirst,
        Self::MissesTheEnd,
        Self::LosesTheAlert,
        Self::TellsNobody,
        Self::ShowsNothing,
        Self::NeverStartsTls,
        Self::ConfusesLayers,
    ];
}

/// A client that is driven badly.
#[derive(Clone)]
pub(crate) struct Driven {
    /// The client.
    pub(crate) client: Negotiator,
    /// The error, if there is one.
    pub(crate) mishap: Option<Mishap>,
}

impl Driven {
    fn hand_over(&self, state: &State, input: &Input) -> Step<State> {
        let nothing = || Step { state: state.clone(), outputs: Outputs::new() };
        match (self.mishap, input) {
            (Some(Mishap::ChecksNothing), Input::Handshake(_)) => {
                self.client.step(state, &Input::Handshake(Peer::Genuine))
            }
            (Some(Mishap::TrustsNobody), Input::Handshake(_)) => {
                self.client.step(state, &Input::Handshake(Peer::Untrusted))
            }
            (Some(Mishap::OneByOne), Input::Segment(segment)) => {
                let mut step = nothing();
                for &piece in segment.pieces() {
                    let next =
                        self.client.step(&step.state, &Input::Segment(Segment::new(&[piece])));
                    step.state = next.state;
                    for output in next.outputs {
                        let _ = step.outputs.try_push(output);
                    }
                }
                step
            }
            (Some(Mishap::OnlyTheFirst), Input::Segment(segment)) => {
                let first = Segment::new(&segment.pieces()[..1]);
                self.client.step(state, &Input::Segment(first))
            }
            (Some(Mishap::MissesTheEnd), Input::Closed(_)) => nothing(),
            (Some(Mishap::LosesTheAlert), Input::HandshakeFailed) => {
                self.client.step(state, &Input::Closed(Close::Cut))
            }
            (Some(Mishap::ConfusesLayers), Input::Closed(_)) => {
                self.client.step(state, &Input::TlsEnded)
            }
            _ => self.client.step(state, input),
        }
    }
}

impl Client for Driven {
    type State = State;

    fn start(&self) -> Step<State> {
        self.client.start()
    }

    fn step(&self, state: &State, input: &Input) -> Step<State> {
        let mut step = self.hand_over(state, input);
        let lost = match self.mishap {
            Some(Mishap::TellsNobody) => Some(Output::Tell),
            Some(Mishap::ShowsNothing) => Some(Output::Shows),
            Some(Mishap::NeverStartsTls) => Some(Output::StartTls),
            _ => None,
        };
        step.outputs.retain(|output| Some(*output) != lost);
        step
    }

    fn view(&self, state: &State) -> View {
        match self.client.view(state) {
            // Nobody waits for a handshake that was never begun.
            View::Handshaking if self.mishap == Some(Mishap::NeverStartsTls) => {
                View::Open(upward_model::message::Layer::Clear)
            }
            view => view,
        }
    }

    fn holds_fragment(&self, state: &State) -> bool {
        self.client.holds_fragment(state)
    }
}
