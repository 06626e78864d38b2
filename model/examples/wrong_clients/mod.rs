//! The wrong clients, and what they share: the manual's dialogue up to the handshake.

mod believes_clear_text;
mod keeps_buffer;
mod never_sends;
mod trusts_deadline;

use upward_model::client::{End, Input, Output, Outputs, Step, Target, View};
use upward_model::message::{Command, Layer, Piece, Reply, Segment};

pub(crate) use self::believes_clear_text::BelievesClearText;
pub(crate) use self::keeps_buffer::KeepsBuffer;
pub(crate) use self::never_sends::NeverSends;
pub(crate) use self::trusts_deadline::TrustsDeadline;

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    Connection,
    Welcome,
    GoAhead,
    Handshake,
    Thanks,
    Nothing,
}

impl Wait {
    /// What the environment has to know.
    pub(crate) const fn view(self) -> View {
        match self {
            Self::Nothing => View::Ended,
            Self::Handshake => View::Handshaking,
            Self::Thanks => View::Open(Layer::Tls),
            Self::Connection | Self::Welcome | Self::GoAhead => View::Open(Layer::Clear),
        }
    }
}

/// A step: what the client waits for next, and what it does.
pub(crate) fn step(state: Wait, does: &[Output]) -> Step<Wait> {
    Step { state, outputs: does.iter().copied().collect::<Outputs>() }
}

pub(crate) fn start() -> Step<Wait> {
    step(Wait::Connection, &[Output::Connect(Target::Upgrade)])
}

pub(crate) fn send_data() -> Step<Wait> {
    step(Wait::Thanks, &[Output::Send(Command::Deliver)])
}

pub(crate) fn report_success() -> Step<Wait> {
    step(Wait::Nothing, &[Output::End(End::Delivered), Output::Close])
}

pub(crate) fn give_up() -> Step<Wait> {
    step(Wait::Nothing, &[Output::Tell, Output::End(End::Refused), Output::Close])
}

/// The manual's dialogue up to the handshake, in which each answer has to be one whole line; what
/// waits behind the answer is discarded. Whatever else happens, the client gives up.
pub(crate) fn negotiate(state: Wait, input: &Input) -> Step<Wait> {
    match (state, input) {
        (Wait::Nothing, _) => step(Wait::Nothing, &[]),
        (Wait::Connection, Input::Connected) => {
            step(Wait::Welcome, &[Output::Send(Command::Hello)])
        }
        (Wait::Welcome, Input::Segment(segment)) => match first_line(segment) {
            Some(Reply::Capabilities { .. }) => {
                step(Wait::GoAhead, &[Output::Send(Command::Upgrade)])
            }
            _ => give_up(),
        },
        (Wait::GoAhead, Input::Segment(segment)) => match first_line(segment) {
            Some(Reply::Accept) => step(Wait::Handshake, &[Output::StartTls]),
            _ => give_up(),
        },
        (Wait::Thanks, Input::Segment(segment)) => match first_line(segment) {
            Some(Reply::Done) => report_success(),
            _ => give_up(),
        },
        _ => give_up(),
    }
}

/// The first line of a segment; `None` if it has not ended.
fn first_line(segment: &Segment<Reply>) -> Option<Reply> {
    match segment.pieces() {
        [Piece::Whole(reply), ..] => Some(*reply),
        _ => None,
    }
}
