//! The server as a step function, the counterpart of [`crate::client`].
//!
//! The model's true server and the harness's persona are this function. A persona also accepts logins
//! and deliveries in clear: it coaxes.

mod run;

use arrayvec::ArrayVec;

use self::run::Run;
use crate::flaw::Flaws;
use crate::message::{CAPACITY, Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::protocol::Protocol;

/// The most outputs of one step.
pub const MAX_OUTPUTS: usize = 12;

/// A server of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its protocol.
    pub protocol: &'static Protocol,
    /// Whether it offers and grants the upgrade.
    pub offers: bool,
    /// Whether it closes the connection when the handshake should begin.
    pub breaks: bool,
    /// Whether it serves in clear what it should serve only inside TLS. A persona does, since a peer
    /// that refuses hides the leak.
    pub coaxes: bool,
    /// Its virtual hosts, and their certificates.
    pub hosts: Hosts,
    /// Whether its list inside TLS names its login mechanisms: an administrator may have disabled them.
    pub lists_logins: bool,
    /// Its flaws.
    pub flaws: Flaws,
}

/// The virtual hosts of a server. A datum that the client sends in clear chooses one of them
/// ([`Protocol::chooses_certificate`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hosts {
    /// One host.
    One,
    /// Two hosts, each with a certificate of its own.
    TwoCertificates,
    /// Two hosts with one certificate, valid for both names; each has its own password file.
    OneCertificate,
}

impl Hosts {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one host",
            Self::TwoCertificates => "two hosts, a certificate each",
            Self::OneCertificate => "two hosts, one certificate",
        }
    }
}

/// The port of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// The port for in-band negotiation of TLS.
    Upgrade,
    /// The port for implicit TLS.
    Implicit,
}

/// The state of a server for one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// The port.
    pub port: Port,
    /// Its phase.
    pub phase: Phase,
    /// Its layer.
    pub layer: Layer,
    /// Whether the connection belongs to the other virtual host, not to the one that the user named.
    pub elsewhere: bool,
    login: Progress,
    buffer: ArrayVec<(Command, Layer), CAPACITY>,
    fragment: Option<(Piece<Command>, Layer)>,
    /// Whether the rest of the current segment follows the upgrade request; false between segments.
    behind: bool,
}

/// The phase of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It waits for commands.
    Ready,
    /// It waits for a ClientHello.
    AwaitsTls,
    /// It has closed.
    Closed,
}

/// The progress of a login, and its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Progress {
    None,
    Challenged(Mechanism),
    In(Layer),
}

/// An input of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// Bytes were received in the connection's layer.
    Segment(Segment<Command>),
    /// The handshake is complete.
    TlsStarted,
    /// The attacker changes the datum that chooses the virtual host to the other host.
    OtherHostNamed,
    /// The connection has ended.
    Closed,
}

/// An output of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// Sends a reply in its layer.
    Say {
        /// The reply.
        reply: Reply,
        /// Whether it answers a command.
        answers: bool,
    },
    /// Waits for a ClientHello from now on.
    AwaitTls,
    /// Closes the connection.
    Close,
    /// Executed a delivery.
    Executed,
    /// Ran a command inside TLS that was received in clear.
    RanClearCommand,
    /// Accepted a login in clear.
    TookClearLogin,
    /// Entered TLS with an earlier login still in force.
    KeptClearLogin,
    /// Offered or granted the upgrade inside TLS.
    OfferedUpgradeInside,
}

/// The outputs of one step, in order.
pub type Outputs = ArrayVec<Output, MAX_OUTPUTS>;

/// The replies in the outputs of a step, in order.
pub fn words(outputs: &Outputs) -> Vec<Reply> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Say { reply, .. } => Some(*reply),
            _ => None,
        })
        .collect()
}

impl Server {
    /// The honest server of a protocol, which offers the upgrade.
    pub const fn honest(protocol: &'static Protocol) -> Self {
        Self {
            protocol,
            offers: true,
            breaks: false,
            coaxes: false,
            hosts: Hosts::One,
            lists_logins: true,
            flaws: Flaws::NONE,
        }
    }

    /// A new connection.
    pub fn start(&self, port: Port) -> (State, Outputs) {
        let mut run = Run {
            server: self,
            state: State {
                port,
                phase: Phase::Ready,
                layer: Layer::Clear,
                elsewhere: false,
                login: Progress::None,
                buffer: ArrayVec::new(),
                fragment: None,
                behind: false,
            },
            outputs: Outputs::new(),
        };
        match port {
            Port::Upgrade => run.open(),
            Port::Implicit => run.await_tls(),
        }
        (run.state, run.outputs)
    }

    /// The server's step on an input.
    pub fn step(&self, state: &State, input: &Input) -> (State, Outputs) {
        let mut run = Run { server: self, state: state.clone(), outputs: Outputs::new() };
        match input {
            Input::Segment(segment) => run.receive(segment),
            Input::TlsStarted => run.start_tls(),
            Input::OtherHostNamed => run.state.elsewhere = true,
            Input::Closed => run.close(),
        }
        (run.state, run.outputs)
    }

    /// Whether an attacker in the client's place could choose the other virtual host now.
    pub fn takes_host_name(&self, state: &State) -> bool {
        self.hosts != Hosts::One
            && state.phase == Phase::Ready
            && state.layer == Layer::Clear
            && state.port == Port::Upgrade
    }

    /// The step on one piece of a segment; `more` says whether more pieces follow. Reading piece by
    /// piece has the same result as [`step`](Self::step) on the whole.
    pub(crate) fn read(
        &self,
        state: &State,
        piece: Piece<Command>,
        more: bool,
    ) -> (State, Outputs) {
        let mut run = Run { server: self, state: state.clone(), outputs: Outputs::new() };
        run.read(piece, more);
        (run.state, run.outputs)
    }
}
