//! The switch to TLS, and the session after it, in either layer: login and delivery.

use super::Run;
use crate::client::state::{Knowledge, Link, Phase, Rest};
use crate::client::{End, Output, Peer};
use crate::flaw::Flaw;
use crate::message::{Command, Layer, Mechanism, Reply};
use crate::policy::Policy;
use crate::protocol::{Authentication, Channel, Inside, Memory, Offer, Opening};
use crate::variant::{Leftover, Login};

impl Run<'_> {
    pub(super) fn start_tls(&mut self) {
        let left = self.more || !self.state.buffer.is_empty() || self.state.fragment.is_some();
        let keeps = self.keeps_messages()
            || self.has(Flaw::KeepsFragment)
            || self.has(Flaw::KeepsOpenReply);
        if left && !keeps && self.leftover() == Leftover::Refuse {
            self.state.phase = Phase::Answer;
            self.state.buffer.clear();
            self.state.fragment = None;
            // A goodbye would be sent in clear between request and handshake: the client only closes.
            if !self.has(Flaw::StaysSilent) {
                self.out(Output::Tell);
            }
            self.end(End::Refused, false);
            return;
        }
        if !self.keeps_messages() {
            self.state.buffer.clear();
        }
        self.state.fragment = self.state.fragment.filter(|&(piece, _)| self.keeps(piece));
        if self.more {
            self.state.rest = Rest::Behind;
        }
        self.state.phase = Phase::Handshake;
        self.out(Output::StartTls);
    }

    pub(super) fn handshake_done(&mut self, peer: Peer) {
        if self.state.phase != Phase::Handshake {
            return;
        }
        let accepted = self.accepts(peer);
        let checks = self.policy().needs_tls();
        if !accepted && checks {
            self.state.link = Link::Unverified;
            self.state.phase = Phase::FirstWords;
            self.state.buffer.clear();
            self.state.fragment = None;
            self.refuse();
            return;
        }
        self.state.link = if checks { Link::Verified } else { Link::Unverified };
        if !self.has(Flaw::KeepsCapabilities) && self.protocol().memory == Memory::Forgotten {
            self.state.known.mechanism = None;
        }
        if !self.has(Flaw::KeepsClearChallenge) {
            self.state.known.clear_challenge = false;
        }
        self.state.known.name_from_wire = false;
        self.begin();
        if !self.reads_late() {
            self.drain();
        }
    }

    /// Whether the peer's certificate passes the client's check.
    fn accepts(&mut self, peer: Peer) -> bool {
        match peer {
            Peer::Genuine => true,
            Peer::Untrusted => self.has(Flaw::AcceptsUntrustedCertificate),
            Peer::Expired => self.has(Flaw::AcceptsExpired),
            Peer::WrongName | Peer::OtherHost => {
                let from_wire = self.state.known.name_from_wire;
                if from_wire && !self.has(Flaw::AcceptsWrongName) {
                    self.out(Output::UsedNameFromWire);
                }
                from_wire || self.has(Flaw::AcceptsWrongName)
            }
        }
    }

    /// The second channel's handshake ended with this certificate, or failed.
    pub(super) fn channel_done(&mut self, peer: Option<Peer>) {
        if self.state.phase != Phase::Channel {
            return;
        }
        let checks = self.policy().needs_tls();
        let accepted = peer.is_some_and(|peer| self.accepts(peer) || !checks);
        if accepted {
            self.out(Output::MoveData);
            self.state.phase = Phase::Delivery;
        } else {
            self.refuse();
        }
    }

    /// The session begins, in the layer that the connection is in.
    fn begin(&mut self) {
        let implicit = self.policy() == Policy::Implicit;
        let server_first = match (implicit, self.protocol().opening, self.protocol().inside) {
            (true, Opening::Greeting | Opening::Capabilities, _) | (false, _, Inside::Server) => {
                true
            }
            (true, Opening::Client, _) | (false, _, Inside::Client) => false,
        };
        if server_first && self.state.layer() == Layer::Tls {
            self.state.phase = Phase::FirstWords;
        } else {
            self.ask();
        }
    }

    fn ask(&mut self) {
        let believes = self.has(Flaw::KeepsCapabilities) && self.state.known.mechanism.is_some();
        // A client that introduced itself in clear need not do so again, and most do not. Most clients
        // that requested capabilities request them again.
        let asks = self.protocol().has_hello()
            && !believes
            && match (self.protocol().offer, self.policy()) {
                (Offer::Unsaid, Policy::Implicit) => true,
                (Offer::Unsaid, _) => !self.asks_inside(),
                _ => self.asks_inside(),
            };
        if asks {
            self.send(Command::Hello);
            self.state.phase = Phase::Capabilities;
        } else {
            self.log_in();
        }
    }

    pub(super) fn go_on_in_clear(&mut self) {
        self.state.link = Link::Clear;
        self.log_in();
    }

    pub(super) fn on_first_words(&mut self, reply: Reply, layer: Layer) {
        match reply {
            Reply::Greeting => self.ask(),
            Reply::Capabilities { mechanism, .. } => {
                self.state.known.mechanism = Some((mechanism, layer));
                self.log_in();
            }
            Reply::Welcome => self.deliver(),
            _ => self.refuse(),
        }
    }

    pub(super) fn on_capabilities(&mut self, reply: Reply, layer: Layer) {
        match reply {
            Reply::Capabilities { mechanism, .. } => {
                self.state.known.mechanism = Some((mechanism, layer));
                self.log_in();
            }
            // Many clients accept any positive reply here, and read it as an empty list. Splicing the
            // upgrade to the implicit port exploits that.
            Reply::Greeting => self.log_in(),
            Reply::Bare if self.login() == Login::Never => self.deliver(),
            // A client that does not check the list logs in as with any server.
            reply if self.is_good(reply) => self.log_in(),
            _ => self.refuse(),
        }
    }

    pub(super) fn secret(&self) -> Command {
        match self.protocol().login {
            Authentication::None => Command::Deliver,
            _ => Command::Login(Mechanism::Own),
        }
    }

    pub(super) fn log_in(&mut self) {
        if self.protocol().login == Authentication::None || self.login() == Login::Never {
            self.deliver();
            return;
        }
        let inside = self.state.layer() == Layer::Tls;
        if self.state.known.early_success && inside {
            self.out(Output::Skipped);
            self.deliver();
            return;
        }
        let mechanism = match self.state.known.mechanism.take() {
            Some((mechanism, layer)) => {
                if inside && layer == Layer::Clear {
                    self.out(Output::UsedClearKnowledge(Some(mechanism)));
                }
                mechanism
            }
            None => Mechanism::Own,
        };
        let clear_challenge = std::mem::take(&mut self.state.known.clear_challenge);
        if inside && clear_challenge {
            self.out(Output::UsedClearKnowledge(None));
        }
        let challenged =
            self.protocol().login == Authentication::InSession && self.login() == Login::Challenged;
        if inside && clear_challenge {
            self.send(Command::Begin(mechanism));
            self.send(Command::Credential);
            self.state.phase = Phase::Login;
        } else if challenged {
            self.send(Command::Begin(mechanism));
            self.state.phase = Phase::Challenge;
        } else {
            self.send(Command::Login(mechanism));
            self.state.phase = Phase::Login;
        }
    }

    pub(super) fn deliver(&mut self) {
        self.state.known = Knowledge::NOTHING;
        if self.has(Flaw::NeverSendsData) {
            self.end(End::Delivered, false);
            return;
        }
        let second = self.protocol().channel == Channel::Second;
        if !second {
            self.send(Command::Deliver);
            self.state.phase = Phase::Delivery;
        } else if self.has(Flaw::SecondChannelInClear) || self.state.layer() == Layer::Clear {
            self.transfer(Layer::Clear);
        } else {
            self.send(Command::Protect);
            self.state.phase = Phase::Protection;
        }
    }

    pub(super) fn transfer(&mut self, layer: Layer) {
        self.send(Command::Deliver);
        self.out(Output::OpenChannel(layer));
        if layer == Layer::Clear {
            self.out(Output::MoveData);
            self.state.phase = Phase::Delivery;
        } else {
            self.state.phase = Phase::Channel;
        }
    }
}
