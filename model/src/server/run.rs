//! One step of a server: reading, answering, switching layers.

use super::{Output, Outputs, Phase, Port, Progress, Server, State};
use crate::flaw::Flaw;
use crate::message::{Command, Layer, Mechanism, Piece, Reply, Segment};
use crate::protocol::{Answer, Channel, Inside, Offer, Opening};

/// A step in progress.
pub(super) struct Run<'a> {
    pub(super) server: &'a Server,
    pub(super) state: State,
    pub(super) outputs: Outputs,
}

impl Run<'_> {
    fn has(&self, flaw: Flaw) -> bool {
        self.server.flaws.has(flaw)
    }

    fn out(&mut self, output: Output) {
        // A step has at most that many outputs: the buffer is bounded, and so are the answers to each
        // command. A full list means a closed connection, which sends nothing more.
        let _ = self.outputs.try_push(output);
    }

    fn say(&mut self, reply: Reply) {
        self.out(Output::Say { reply, answers: true });
    }

    /// The first message on a connection, in either layer.
    pub(super) fn open(&mut self) {
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
            _ if inside && !self.server.lists_logins => Reply::Bare,
            _ => Reply::offer(self.server.offers && (!inside || again)),
        }
    }

    pub(super) fn receive(&mut self, segment: &Segment<Command>) {
        for (piece, more) in segment.reading() {
            self.read(piece, more);
        }
    }

    /// Reads one piece of a segment. `more`, whether further pieces follow, decides what is left over
    /// when TLS begins.
    pub(super) fn read(&mut self, piece: Piece<Command>, more: bool) {
        match self.state.phase {
            Phase::Closed => return,
            // Left over after the upgrade request.
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

    /// Adds a piece to the buffer, or keeps it as an incomplete message.
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
                // The introduction names the requested virtual host.
                self.state.elsewhere = false;
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

    /// Whether a login with this mechanism is accepted here.
    fn permit(&self, mechanism: Mechanism) -> bool {
        let known = mechanism != Mechanism::Salted || self.server.coaxes;
        known && (self.state.layer == Layer::Tls || self.serves_in_clear())
    }

    fn serves_in_clear(&self) -> bool {
        // A server without TLS can serve only in clear.
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
        // Whether a login must come first is between the user and the server; mail relays require none.
        let here = self.state.layer == Layer::Tls || self.serves_in_clear();
        if here {
            self.out(Output::Executed);
        }
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
        if self.server.protocol.answer == Answer::Message {
            self.say(Reply::Accept);
        }
        if self.server.breaks {
            self.close();
        } else {
            self.await_tls();
        }
    }

    pub(super) fn await_tls(&mut self) {
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

    pub(super) fn start_tls(&mut self) {
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

    pub(super) fn close(&mut self) {
        if self.state.phase != Phase::Closed {
            self.state.phase = Phase::Closed;
            self.out(Output::Close);
        }
        self.state.layer = Layer::Clear;
        self.state.elsewhere = false;
        self.state.login = Progress::None;
        self.state.buffer.clear();
        self.state.fragment = None;
    }
}
