//! The server as a step function, the counterpart of [`crate::client`].
//!
//! The model's true server and the harness's persona are this function; a persona that coaxes is
//! the server that also takes logins and deliveries in clear.

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
    /// Whether it breaks off where the handshake should begin.
    pub breaks: bool,
    /// Whether it serves in clear what it should serve inside TLS only: a persona that plays along,
    /// since a peer that refuses hides the leak.
    pub coaxes: bool,
    /// Its virtual hosts, and their certificates.
    pub hosts: Hosts,
    /// Whether its list inside TLS names the login mechanisms that it takes: an administrator may
    /// have switched them off.
    pub lists_logins: bool,
    /// Its mistakes.
    pub flaws: Flaws,
}

/// The virtual hosts of a server, of which a datum that the client sends in clear chooses one
/// ([`Protocol::chooses_certificate`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hosts {
    /// One host.
    One,
    /// Two hosts, each with a certificate of its own.
    TwoCertificates,
    /// Two hosts under one certificate, which is good for both names; each has its own password file.
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

/// At which port a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Where TLS is negotiated in band.
    Upgrade,
    /// Where TLS comes first.
    Implicit,
}

/// All that a server remembers of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// The port.
    pub port: Port,
    /// Where it is.
    pub phase: Phase,
    /// In which layer it is.
    pub layer: Layer,
    /// Whether the connection belongs to the other virtual host, not to the one that the user named.
    pub elsewhere: bool,
    login: Progress,
    buffer: ArrayVec<(Command, Layer), CAPACITY>,
    fragment: Option<(Piece<Command>, Layer)>,
    /// Whether the rest of the segment that is being read is behind the upgrade request; never so
    /// between segments.
    behind: bool,
}

/// Where a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It waits for commands.
    Ready,
    /// It waits for a ClientHello.
    AwaitsTls,
    /// It has closed.
    Closed,
}

/// How far a login has come, and in which layer it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Progress {
    None,
    Challenged(Mechanism),
    In(Layer),
}

/// What happens to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// Bytes came in the layer that the connection is in.
    Segment(Segment<Command>),
    /// The handshake is complete.
    TlsStarted,
    /// The attacker rewrites the datum that chooses the virtual host: it names the other one.
    OtherHostNamed,
    /// The connection is at its end.
    Closed,
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Output {
    /// Says something in the layer that it is in.
    Say {
        /// What.
        reply: Reply,
        /// Whether it answers a command.
        answers: bool,
    },
    /// Waits for a ClientHello from here on.
    AwaitTls,
    /// Closes the connection.
    Close,
    /// Executed a delivery.
    Executed,
    /// Ran inside TLS a command that had come in clear.
    RanClearCommand,
    /// Took a login in clear.
    TookClearLogin,
    /// Entered TLS with a login from before it still in force.
    KeptClearLogin,
    /// Offered or granted the upgrade inside TLS.
    OfferedUpgradeInside,
}

/// What a server does in one step, in order.
pub type Outputs = ArrayVec<Output, MAX_OUTPUTS>;

/// What it says in one step, in order.
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

    /// What it does on an input.
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

    /// Whether somebody in the client's place could choose the other virtual host now.
    pub fn takes_host_name(&self, state: &State) -> bool {
        self.hosts != Hosts::One
            && state.phase == Phase::Ready
            && state.layer == Layer::Clear
            && state.port == Port::Upgrade
    }

    /// What it does on one piece of a segment; `more` says whether the segment goes on behind it.
    /// Piece by piece is what [`step`](Self::step) does on the whole.
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
