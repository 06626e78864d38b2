//! The server as a step function, the counterpart of [`crate::client`].
//!
//! The model's true server and the harness's persona are this function; a persona that coaxes is
//! the server that also takes logins and deliveries in clear.

use arrayvec::ArrayVec;

use crate::flaw::{Flaw, Flaws};
use crate::message::{CAPACITY, Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::protocol::{Channel, Inside, Offer, Opening, Protocol};

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
    /// Its mistakes.
    pub flaws: Flaws,
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
        Self { protocol, offers: true, breaks: false, coaxes: false, flaws: Flaws::NONE }
    }

    /// A new connection.
    pub fn start(&self, port: Port) -> (State, Outputs) {
        let mut run = Run {
            server: self,
            state: State {
                port,
                phase: Phase::Ready,
                layer: Layer::Clear,
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
            Input::Closed => run.close(),
        }
        (run.state, run.outputs)
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

/// One step under way.
struct Run<'a> {
    server: &'a Server,
    state: State,
    outputs: Outputs,
}

impl Run<'_> {
    fn has(&self, flaw: Flaw) -> bool {
        self.server.flaws.has(flaw)
    }

    fn out(&mut self, output: Output) {
        // A step cannot do more than this: the buffer is bounded, and so are the answers to each
        // command. A full list means a closed connection, which says nothing more.
        let _ = self.outputs.try_push(output);
    }

    fn say(&mut self, reply: Reply) {
        self.out(Output::Say { reply, answers: true });
    }

    /// The first words on a connection, in whatever layer.
    fn open(&mut self) {
        let reply = match self.server.protocol.opening {
            Opening::Greeting => Reply::Greeting,
            Opening::Capabilities => self.capabilities(),
            Opening::Client => return,
        };
        self.out(Output::Say { reply, answers: false });
    }

    fn capabilities(&mut self) -> Reply {
        let inside = self.state.layer == Layer::Tls;
        let again = inside && self.has(Flaw::OffersUpgradeInsideTls);
        if again {
            self.out(Output::OfferedUpgradeInside);
        }
        match self.server.protocol.offer {
            Offer::Unsaid => Reply::offer(true),
            _ => Reply::offer(self.server.offers && (!inside || again)),
        }
    }

    fn receive(&mut self, segment: &Segment<Command>) {
        for (piece, more) in segment.reading() {
            self.read(piece, more);
        }
    }

    /// Reads one piece of a segment; whether there is more behind it decides what is left over
    /// where TLS begins.
    fn read(&mut self, piece: Piece<Command>, more: bool) {
        match self.state.phase {
            Phase::Closed => return,
            // Left over behind the upgrade request.
            Phase::AwaitsTls if self.state.behind => {
                if self.has(Flaw::KeepsCommandBuffer) {
                    self.hold(piece);
                }
            }
            // Clear bytes in place of a ClientHello: a failed handshake.
            Phase::AwaitsTls => {
                if self.state.layer == Layer::Clear {
                    self.close();
                }
            }
            Phase::Ready => {
                self.hold(piece);
                self.run();
                self.state.behind = more && self.state.phase == Phase::AwaitsTls;
            }
        }
        self.state.behind &= more;
    }

    /// Takes a piece into the buffer, or keeps it as a head that waits for its tail.
    fn hold(&mut self, piece: Piece<Command>) {
        let mut cell = (piece.message(), self.state.layer);
        if let Some((fragment, layer)) = self.state.fragment.take() {
            cell = (fragment.message(), layer);
        }
        if piece.is_fragment() {
            self.state.fragment = Some((piece, cell.1));
        } else {
            let _ = self.state.buffer.try_push(cell);
        }
    }

    fn run(&mut self) {
        while self.state.phase == Phase::Ready && !self.state.buffer.is_empty() {
            let (command, layer) = self.state.buffer.remove(0);
            if self.state.layer == Layer::Tls && layer == Layer::Clear {
                self.out(Output::RanClearCommand);
            }
            self.serve(command);
        }
        if self.state.phase == Phase::Closed {
            self.state.buffer.clear();
            self.state.fragment = None;
        }
    }

    fn serve(&mut self, command: Command) {
        match command {
            Command::Hello => {
                let reply = self.capabilities();
                self.say(reply);
            }
            Command::Upgrade => self.upgrade(),
            Command::Begin(mechanism) => match self.permit(mechanism) {
                true => {
                    self.state.login = Progress::Challenged(mechanism);
                    self.say(Reply::Challenge);
                }
                false => self.say(Reply::Refuse),
            },
            Command::Login(mechanism) => self.log_in(self.permit(mechanism)),
            Command::Credential => {
                let asked = matches!(self.state.login, Progress::Challenged(_));
                self.log_in(asked);
            }
            Command::Protect => self.say(match self.server.protocol.channel {
                Channel::Second => Reply::Done,
                Channel::Same => Reply::Refuse,
            }),
            Command::Deliver => self.deliver(),
            Command::Noop => self.say(Reply::Done),
            Command::Goodbye => {
                self.say(Reply::Bye);
                self.close();
            }
        }
    }

    /// Whether a login with this mechanism is taken here.
    fn permit(&self, mechanism: Mechanism) -> bool {
        let known = mechanism == Mechanism::Own || self.server.coaxes;
        known && (self.state.layer == Layer::Tls || self.serves_in_clear())
    }

    fn serves_in_clear(&self) -> bool {
        // A server without TLS has no other way to serve at all.
        self.server.coaxes
            || self.has(Flaw::TakesLoginInClear)
            || self.has(Flaw::KeepsSessionState)
            || (!self.server.offers && self.state.layer == Layer::Clear)
    }

    fn log_in(&mut self, granted: bool) {
        if granted {
            if self.state.layer == Layer::Clear && self.server.offers {
                self.out(Output::TookClearLogin);
            }
            self.state.login = Progress::In(self.state.layer);
            self.say(Reply::LoggedIn);
        } else {
            self.state.login = Progress::None;
            self.say(Reply::Refuse);
        }
    }

    fn deliver(&mut self) {
        // Whether a login has to come first is between the user and the server; mail relays ask
        // for none.
        let here = self.state.layer == Layer::Tls || self.serves_in_clear();
        self.say(if here { Reply::Done } else { Reply::Refuse });
    }

    fn upgrade(&mut self) {
        let inside = self.state.layer == Layer::Tls;
        if inside && self.has(Flaw::OffersUpgradeInsideTls) {
            self.out(Output::OfferedUpgradeInside);
        }
        if inside || !self.server.offers {
            self.say(Reply::Refuse);
            return;
        }
        if self.server.protocol.answer == crate::protocol::Answer::Message {
            self.say(Reply::Accept);
        }
        if self.server.breaks {
            self.close();
        } else {
            self.await_tls();
        }
    }

    fn await_tls(&mut self) {
        self.state.phase = Phase::AwaitsTls;
        if !self.has(Flaw::KeepsCommandBuffer) {
            self.state.buffer.clear();
            self.state.fragment = None;
        }
        if !self.has(Flaw::KeepsSessionState) {
            self.state.login = Progress::None;
        }
        self.out(Output::AwaitTls);
    }

    fn start_tls(&mut self) {
        self.state.layer = Layer::Tls;
        self.state.phase = Phase::Ready;
        if matches!(self.state.login, Progress::In(_)) {
            self.out(Output::KeptClearLogin);
        }
        match (self.state.port, self.server.protocol.inside) {
            (Port::Implicit, _) => self.open(),
            (Port::Upgrade, Inside::Server) => {
                let reply = self.capabilities();
                self.out(Output::Say { reply, answers: false });
            }
            (Port::Upgrade, Inside::Client) => {}
        }
        self.run();
    }

    fn close(&mut self) {
        if self.state.phase != Phase::Closed {
            self.state.phase = Phase::Closed;
            self.out(Output::Close);
        }
        self.state.layer = Layer::Clear;
        self.state.login = Progress::None;
        self.state.buffer.clear();
        self.state.fragment = None;
    }
}
