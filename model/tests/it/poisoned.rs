//! Clients that let what was left over in clear choose what they do on a later connection, or in a later
//! session.

use upward_model::client::{Client, End, Input, Output, Outputs, Peer, Step, Target, View};
use upward_model::message::{Command, Mechanism, Piece, Reply};

use crate::wrong_clients::{Wait, give_up, negotiate, start, step};

/// Gives up its first session because of a leftover, keeps the connection, and lets the leftover choose
/// what it does in the second.
pub(crate) struct KeepsPoisonedConnection;

impl Client for KeepsPoisonedConnection {
    /// What it waits for, whether something was left over, and the session.
    type State = (Wait, bool, u8);

    fn start(&self) -> Step<Self::State> {
        let step = start();
        Step { state: (step.state, false, 0), outputs: step.outputs }
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let (wait, left, session) = *state;
        let mut outputs = Outputs::new();
        let next = match (wait, input) {
            (Wait::GoAhead, Input::Segment(it)) => {
                let next = negotiate(wait, input);
                let left = session == 0 && it.pieces().len() > 1 && next.state == Wait::Handshake;
                outputs = next.outputs;
                (next.state, left, session)
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) if left && session == 0 => {
                // The first session fails; the second one begins on the same connection.
                outputs.extend([Output::Tell, Output::End(End::Refused)]);
                outputs.extend([Output::Send(Command::Deliver)]);
                (Wait::Thanks, true, 1)
            }
            (Wait::Handshake, Input::Handshake(Peer::Genuine)) => {
                outputs.push(Output::Send(Command::Deliver));
                (Wait::Thanks, left, session)
            }
            (Wait::Thanks, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Done)] => {
                if left {
                    // The leftover makes it send something that a clean client would not.
                    outputs.push(Output::Send(Command::Noop));
                    (Wait::Thanks, false, session)
                } else if session == 0 {
                    outputs.extend([Output::End(End::Delivered), Output::Send(Command::Deliver)]);
                    (Wait::Thanks, false, 1)
                } else {
                    outputs.extend([Output::End(End::Delivered), Output::Close]);
                    (Wait::Nothing, false, 1)
                }
            }
            (Wait::Nothing, _) => (Wait::Nothing, false, session),
            _ => {
                outputs.extend([Output::Tell, Output::End(End::Refused), Output::Close]);
                if session == 0 {
                    outputs.push(Output::Connect(Target::Upgrade));
                    (Wait::Connection, false, 1)
                } else {
                    (Wait::Nothing, false, 1)
                }
            }
        };
        if wait != Wait::GoAhead && matches!((wait, input), (Wait::Connection | Wait::Welcome, _)) {
            let step = negotiate(wait, input);
            if step.state != Wait::Nothing {
                return Step { state: (step.state, false, session), outputs: step.outputs };
            }
        }
        Step { state: next, outputs }
    }

    fn view(&self, state: &Self::State) -> View {
        state.0.view()
    }
}

/// Connects again after a refusal, and uses on that second connection what was left over in clear. It says
/// nothing when TLS begins: the server speaks first.
pub(crate) struct PoisonedAfterRefusal;

impl Client for PoisonedAfterRefusal {
    /// What it waits for, whether something was left over, and whether it has connected again.
    type State = (Wait, bool, bool);

    fn start(&self) -> Step<Self::State> {
        let step = start();
        Step { state: (step.state, false, false), outputs: step.outputs }
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let (wait, left, again) = *state;
        let to = |wait, does: &[Output]| {
            let next = step(wait, does);
            Step { state: (next.state, left && again, again), outputs: next.outputs }
        };
        let whole = |input: &Input| match input {
            Input::Segment(it) => match it.pieces() {
                [Piece::Whole(reply), ..] => Some(*reply),
                _ => None,
            },
            _ => None,
        };
        match (wait, whole(input)) {
            (Wait::Connection, _) if *input == Input::Connected => to(Wait::Welcome, &[]),
            (Wait::Welcome, Some(Reply::Capabilities { .. })) => {
                to(Wait::GoAhead, &[Output::Send(Command::Upgrade)])
            }
            (Wait::GoAhead, Some(Reply::Refuse)) if !again => {
                let does = [Output::Close, Output::Connect(Target::Upgrade)];
                let step = step(Wait::Connection, &does);
                Step { state: (step.state, false, true), outputs: step.outputs }
            }
            (Wait::GoAhead, Some(Reply::Accept)) => {
                let more = matches!(input, Input::Segment(it) if it.pieces().len() > 1);
                let step = step(Wait::Handshake, &[Output::StartTls]);
                Step { state: (step.state, more && again, again), outputs: step.outputs }
            }
            (Wait::Handshake, _) if *input == Input::Handshake(Peer::Genuine) => {
                to(Wait::Thanks, &[])
            }
            (Wait::Thanks, Some(Reply::Capabilities { .. })) => {
                // What was left over chooses the mechanism.
                let mechanism = if left { Mechanism::Lure } else { Mechanism::Own };
                to(Wait::Thanks, &[Output::Send(Command::Login(mechanism))])
            }
            (Wait::Thanks, Some(Reply::LoggedIn)) => {
                to(Wait::Thanks, &[Output::Send(Command::Deliver)])
            }
            (Wait::Thanks, Some(Reply::Done)) => {
                to(Wait::Nothing, &[Output::End(End::Delivered), Output::Close])
            }
            (Wait::Nothing, _) => to(Wait::Nothing, &[]),
            _ => {
                let step = give_up();
                Step { state: (step.state, false, again), outputs: step.outputs }
            }
        }
    }

    fn view(&self, state: &Self::State) -> View {
        state.0.view()
    }
}
