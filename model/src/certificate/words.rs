//! The words and numbers of the format.

use crate::client::{Close, End, Input, Output, Peer, Target, View};
use crate::machine::Link;
use crate::message::{Command, Layer, Mechanism, Reply};
use crate::server::{self, Phase, Port};
use crate::world::{Channel, Wire};

/// The number of TLS with the attacker; the number of the presented certificate is added to it.
const FALSE: usize = 4;

pub(super) const fn wire(wire: Wire) -> usize {
    match wire {
        Wire::Down => 0,
        Wire::Clear => 1,
        Wire::Handshake => 2,
        Wire::Secure => 3,
        Wire::False(peer) => FALSE + peer as usize,
    }
}

pub(super) const fn channel(channel: Channel) -> usize {
    match channel {
        Channel::None => 0,
        Channel::Clear => 1,
        Channel::Handshake => 2,
        Channel::Secure => 3,
        Channel::False(peer) => FALSE + peer as usize,
    }
}

pub(super) const fn link(link: Link) -> &'static str {
    match link {
        Link::Down => "down",
        Link::Clear => "clear",
        Link::Handshake => "handshake",
        Link::Secure => "secure",
        Link::False => "false",
    }
}

pub(super) const fn view(view: View) -> &'static str {
    match view {
        View::Open(_) => "open",
        View::Handshaking => "handshaking",
        View::Channel => "channel",
        View::Ended => "ended",
    }
}

pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Ready => "ready",
        Phase::AwaitsTls => "awaits-tls",
        Phase::Closed => "closed",
    }
}

pub(super) const fn port(port: Port) -> &'static str {
    match port {
        Port::Upgrade => "upgrade",
        Port::Implicit => "implicit",
    }
}

pub(super) const fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Clear => "clear",
        Layer::Tls => "tls",
    }
}

const fn mechanism(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Own => "own",
        Mechanism::Lure => "lure",
        Mechanism::Salted => "salted",
    }
}

fn reply(reply: Reply) -> String {
    let word = match reply {
        Reply::Capabilities { upgrade, mechanism: named } => {
            let head = if upgrade { "offer" } else { "no-offer" };
            return format!("{head} {}", mechanism(named));
        }
        Reply::Greeting => "greeting",
        Reply::Welcome => "welcome",
        Reply::Accept => "accept",
        Reply::Refuse => "refuse",
        Reply::Garbled => "garbled",
        Reply::Unknown => "unknown",
        Reply::Bare => "bare",
        Reply::Data => "data",
        Reply::Challenge => "challenge",
        Reply::LoggedIn => "logged-in",
        Reply::Done => "done",
        Reply::Redirect => "redirect",
        Reply::Notice => "notice",
        Reply::Bye => "bye",
    };
    word.to_owned()
}

fn command(command: Command) -> String {
    match command {
        Command::Begin(named) => format!("begin {}", mechanism(named)),
        Command::Login(named) => format!("login {}", mechanism(named)),
        other => other.word().to_owned(),
    }
}

/// An input of the client that is not a segment.
pub(super) fn input(input: &Input) -> String {
    let word = match input {
        Input::Handshake(peer) => return format!("handshake {}", Peer::name(*peer)),
        Input::Channel(peer) => return format!("channel {}", Peer::name(*peer)),
        Input::Connected => "connected",
        Input::Segment(_) => "segment",
        Input::HandshakeFailed => "handshake failed",
        Input::TlsEnded => "tls ended",
        Input::ChannelFailed => "channel failed",
        Input::Closed(Close::Orderly) => "closed orderly",
        Input::Closed(Close::Truncated) => "closed truncated",
        Input::Closed(Close::Cut) => "closed cut",
        Input::Deadline => "deadline",
    };
    word.to_owned()
}

/// An output of the client that is not a mark.
pub(super) fn client(output: Output) -> String {
    let word = match output {
        Output::Send(sent) => return format!("send {}", command(sent)),
        Output::Connect(Target::Upgrade) => "connect upgrade",
        Output::Connect(Target::Implicit) => "connect implicit",
        Output::Connect(Target::Redirected) => "connect redirected",
        Output::StartTls => "start-tls",
        Output::Close => "close",
        Output::OpenChannel(Layer::Clear) => "open-channel clear",
        Output::OpenChannel(Layer::Tls) => "open-channel tls",
        Output::MoveData => "move-data",
        Output::Shows => "shows",
        Output::HandsOver => "hands-over",
        Output::Tell => "tell",
        Output::End(End::Delivered) => "end delivered",
        Output::End(End::Refused) => "end refused",
        Output::Took(_)
        | Output::UsedClearKnowledge(_)
        | Output::Skipped
        | Output::UsedNameFromWire
        | Output::TookTruncation => "mark",
    };
    word.to_owned()
}

/// An output of the server.
pub(super) fn server(output: server::Output) -> String {
    let word = match output {
        server::Output::Say { reply: said, answers } => {
            return format!("{} {}", if answers { "answer" } else { "say" }, reply(said));
        }
        server::Output::AwaitTls => "await-tls",
        server::Output::Close => "close",
        server::Output::Executed => "executed",
        server::Output::RanClearCommand => "ran-clear-command",
        server::Output::TookClearLogin => "took-clear-login",
        server::Output::KeptClearLogin => "kept-clear-login",
        server::Output::OfferedUpgradeInside => "offered-upgrade-inside",
    };
    word.to_owned()
}
