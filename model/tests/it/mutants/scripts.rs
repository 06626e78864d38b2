//! Clients of the manual's protocol, each with one mistake, for assertions about the world.

use upward_model::client::{Client, Close, End, Input, Output, Outputs, Peer, Step, Target, View};
use upward_model::message::{Command, Layer, Reply};

use crate::lab::{ByMark, Scripted};
use crate::wrong_clients::{Wait, give_up, negotiate, report_success, send_data, start, step};

/// Sends its data to any peer, and then gives up.
pub(crate) fn gives_to_anyone(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(_)) => send_data(),
        (Wait::Thanks, _) => give_up(),
        _ => negotiate(state, input),
    }
}

/// Sends its data in clear, and then gives up.
pub(crate) fn gives_in_clear(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Welcome, Input::Segment(_)) => send_data(),
        (Wait::Thanks, _) => give_up(),
        _ => negotiate(state, input),
    }
}

/// Sends its data right behind its ClientHello.
pub(crate) fn sends_behind_hello(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::GoAhead, Input::Segment(_)) => {
            step(Wait::Handshake, &[Output::StartTls, Output::Send(Command::Deliver)])
        }
        _ => negotiate(state, input),
    }
}

/// Accepts a certificate whose time is over.
pub(crate) fn accepts_expired(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine | Peer::Expired)) => send_data(),
        _ => negotiate(state, input),
    }
}

/// Accepts the certificate of another virtual host of the same server.
pub(crate) fn accepts_other_host(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine | Peer::OtherHost)) => send_data(),
        _ => negotiate(state, input),
    }
}

/// Asks any peer, and sends its data when that peer answers.
pub(crate) fn asks_anyone(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(_)) => {
            step(Wait::Thanks, &[Output::Send(Command::Noop)])
        }
        (Wait::Thanks, Input::Segment(_)) => send_data(),
        _ => negotiate(state, input),
    }
}

/// Takes a cut for the confirmation.
pub(crate) fn believes_cut(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        (Wait::Thanks, Input::Closed(Close::Cut)) => report_success(),
        _ => negotiate(state, input),
    }
}

/// Takes a truncated TLS session for the confirmation.
pub(crate) fn believes_truncation(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        (Wait::Thanks, Input::Closed(Close::Truncated)) => report_success(),
        _ => negotiate(state, input),
    }
}

/// Takes leave before it gives up at its deadline.
pub(crate) fn says_goodbye(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        (Wait::Thanks, Input::Deadline) => {
            let mut step = give_up();
            step.outputs.insert(0, Output::Send(Command::Goodbye));
            step
        }
        _ => negotiate(state, input),
    }
}

/// The client that notes whether more than one message came in the segment of the go-ahead.
fn notes(wait: Wait, noted: bool, input: &Input) -> Step<(Wait, bool)> {
    let more = |input: &Input| matches!(input, Input::Segment(it) if it.pieces().len() > 1);
    let noted = match wait {
        Wait::GoAhead => more(input),
        Wait::Handshake | Wait::Thanks => noted,
        _ => false,
    };
    let next = match (wait, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        _ => negotiate(wait, input),
    };
    with(next, noted)
}

fn with(step: Step<Wait>, noted: bool) -> Step<(Wait, bool)> {
    let keeps = matches!(step.state, Wait::Handshake | Wait::Thanks) && noted;
    Step { state: (step.state, keeps), outputs: step.outputs }
}

type Noting = Scripted<(Wait, bool), ByMark>;

fn noting(script: fn(Wait, bool, &Input) -> Step<(Wait, bool)>) -> Noting {
    Scripted { start: with(start(), false), step: ByMark(script) }
}

/// Gives up when TLS begins and more had come than the go-ahead.
pub(crate) fn gives_up_on_leftovers() -> Noting {
    noting(|wait, noted, input| match (wait, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) if noted => with(give_up(), false),
        _ => notes(wait, noted, input),
    })
}

/// Stays behind when more had come than the go-ahead: sends its data when its deadline passes.
pub(crate) fn stays_behind() -> Noting {
    noting(|wait, noted, input| match (wait, input) {
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) if noted => {
            with(step(Wait::Thanks, &[]), true)
        }
        (Wait::Thanks, Input::Deadline) if noted => {
            let mut step = give_up();
            step.outputs.insert(0, Output::Send(Command::Deliver));
            with(step, false)
        }
        _ => notes(wait, noted, input),
    })
}

/// Uses what had come behind the go-ahead late: after its first reply inside TLS.
pub(crate) fn uses_leftovers_late() -> Noting {
    noting(|wait, noted, input| match (wait, input) {
        (Wait::Thanks, Input::Segment(_)) if noted => {
            with(step(Wait::Thanks, &[Output::Send(Command::Noop)]), false)
        }
        _ => notes(wait, noted, input),
    })
}

/// Starts TLS where the server thanks it before it has asked for anything, and then behaves otherwise inside.
pub(crate) fn believes_early_thanks() -> Noting {
    noting(|wait, noted, input| match (wait, input) {
        (Wait::Welcome, Input::Segment(it))
            if it.pieces() == [upward_model::message::Piece::Whole(Reply::Done)] =>
        {
            with(step(Wait::Handshake, &[Output::StartTls]), true)
        }
        (Wait::Handshake, Input::Handshake(Peer::Genuine)) if noted => {
            with(step(Wait::Thanks, &[Output::Send(Command::Noop)]), true)
        }
        _ => notes(wait, noted, input),
    })
}

/// Tells its user that the first session failed, and is silent about the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilentInSecond;

impl Client for SilentInSecond {
    type State = u8;

    fn start(&self) -> Step<u8> {
        Step { state: 0, outputs: std::iter::once(Output::Connect(Target::Upgrade)).collect() }
    }

    fn step(&self, state: &u8, _: &Input) -> Step<u8> {
        let end = Output::End(End::Refused);
        let outputs: Outputs = match state {
            0 => [Output::Tell, end, Output::Close, Output::Connect(Target::Upgrade)]
                .into_iter()
                .collect(),
            1 => [end, Output::Close].into_iter().collect(),
            _ => Outputs::new(),
        };
        Step { state: (state + 1).min(2), outputs }
    }

    fn view(&self, state: &u8) -> View {
        if *state < 2 { View::Open(Layer::Clear) } else { View::Ended }
    }
}
