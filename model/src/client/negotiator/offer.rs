//! Before TLS: the server's first message, the offer, the request and its answer.

use super::{Run, Setback};
use crate::client::state::{Mode, Phase};
use crate::client::{Output, Target};
use crate::flaw::Flaw;
use crate::message::{Command, Layer, Mechanism, Reply};
use crate::policy::Policy;
use crate::protocol::{Answer, Offer, Opening, Unoffered, Welcome};

impl Run<'_> {
    /// Handles clear-text messages on which flawed clients act; returns whether the message was consumed.
    pub(super) fn notes_in_clear(&mut self, reply: Reply) -> bool {
        let before_tls = matches!(self.state.phase, Phase::Opening | Phase::Offer | Phase::Answer);
        if !before_tls || !self.policy_wants_tls() {
            return false;
        }
        match reply {
            Reply::Redirect if self.has(Flaw::FollowsClearRedirect) => {
                if self.state.connection + 1 < self.client.connections {
                    self.out(Output::Close);
                    self.state.connection += 1;
                    self.connect(Target::Redirected);
                    return true;
                }
                false
            }
            Reply::LoggedIn | Reply::Welcome if self.has(Flaw::BelievesEarlySuccess) => {
                self.state.known.early_success = true;
                if reply == Reply::Welcome && self.state.phase == Phase::Opening {
                    self.introduce();
                }
                true
            }
            Reply::Challenge if self.has(Flaw::KeepsClearChallenge) => {
                self.state.known.clear_challenge = true;
                true
            }
            _ => false,
        }
    }

    fn policy_wants_tls(&self) -> bool {
        self.state.mode == Mode::Usual
    }

    pub(super) fn on_opening(&mut self, reply: Reply) {
        if self.has(Flaw::TakesNameFromWire) {
            self.state.known.name_from_wire = true;
        }
        match (self.protocol().opening, reply) {
            (Opening::Greeting, Reply::Greeting) => {
                // The honest greeting lists the honest server's capabilities.
                if self.protocol().greets_with_capabilities() && !self.asks_first() {
                    self.state.known.mechanism = Some((Mechanism::Own, Layer::Clear));
                }
                self.introduce();
            }
            (Opening::Capabilities, Reply::Capabilities { upgrade, mechanism }) => {
                self.state.known.mechanism = Some((mechanism, Layer::Clear));
                if self.state.mode == Mode::ClearOnly {
                    self.go_on_in_clear();
                    return;
                }
                if self.has(Flaw::SendsSecretBeforeRequest) {
                    self.send(self.secret());
                }
                self.offered(upgrade);
            }
            (Opening::Greeting, Reply::Capabilities { upgrade, mechanism })
                if self.protocol().greets_with_capabilities() =>
            {
                self.state.known.mechanism = Some((mechanism, Layer::Clear));
                // A client that requests the capabilities need not read those in the greeting.
                if self.asks_first() || self.state.mode == Mode::ClearOnly {
                    self.introduce();
                } else {
                    self.offered(upgrade);
                }
            }
            (_, Reply::Welcome) => self.welcome(),
            (Opening::Greeting, _) if self.takes_any_greeting() => self.introduce(),
            (Opening::Greeting, Reply::Bye) if self.skips_unasked() => {}
            (_, Reply::Refuse | Reply::Bye) => self.refuse(),
            (_, Reply::Unknown) => self.setback(Setback::Unknown),
            _ => self.setback(Setback::Garbled),
        }
    }

    fn welcome(&mut self) {
        if self.has(Flaw::BelievesPreauth) {
            self.state.phase = Phase::Login;
            // A client that does not insist on TLS may believe the server.
            if self.policy().needs_tls() {
                self.out(Output::Skipped);
            }
            self.deliver();
        } else if self.policy() == Policy::Opportunistic || self.state.mode == Mode::ClearOnly {
            self.introduce();
        } else {
            match self.protocol().welcome {
                Welcome::Upgrade => self.introduce(),
                // RFC 9051 section 7.1.4 says to close. RFC 3501, on which most clients are based, does
                // not. A client that goes on to request TLS, and insists on it, reveals nothing.
                Welcome::Close if self.tries_unoffered() => self.introduce(),
                Welcome::Close | Welcome::Unknown => self.refuse(),
            }
        }
    }

    /// The client's first message on a clear connection.
    pub(super) fn introduce(&mut self) {
        if self.state.mode == Mode::ClearOnly {
            self.go_on_in_clear();
            return;
        }
        if self.has(Flaw::SendsSecretBeforeRequest) {
            self.send(self.secret());
        }
        let asks = match self.protocol().offer {
            Offer::OnRequest => self.policy() == Policy::Opportunistic || self.asks_first(),
            // The introduction is part of the protocol.
            Offer::Unsaid => true,
            Offer::InOpening | Offer::Never => false,
        };
        if !asks {
            self.request();
            return;
        }
        self.send(Command::Hello);
        self.state.phase = Phase::Offer;
        if self.policy().needs_tls() && self.pipelines() {
            // The request is sent before the answer is received; both answers follow in order.
            self.send(Command::Upgrade);
        }
    }

    pub(super) fn on_offer(&mut self, reply: Reply) {
        match reply {
            Reply::Capabilities { upgrade, mechanism } => {
                self.state.known.mechanism = Some((mechanism, Layer::Clear));
                if self.has(Flaw::TakesNameFromWire) {
                    self.state.known.name_from_wire = true;
                }
                self.offered(upgrade || self.protocol().offer == Offer::Unsaid);
            }
            Reply::Refuse => {
                if self.policy().needs_tls() && self.may_try() {
                    self.request();
                } else {
                    self.setback(Setback::CapabilityError);
                }
            }
            Reply::Bare => self.offered(false),
            Reply::Unknown if self.has(Flaw::TakesUnknownStatus) => self.setback(Setback::Unknown),
            reply if self.is_good(reply) => self.offered(false),
            Reply::Bye if self.skips_unasked() => {}
            Reply::Bye => self.refuse(),
            // The client may request the upgrade whatever the answer is.
            _ if self.policy().needs_tls() && !self.skips_unasked() && self.may_try() => {
                self.request();
            }
            Reply::Unknown => self.setback(Setback::Unknown),
            _ => self.setback(Setback::Garbled),
        }
    }

    fn may_try(&mut self) -> bool {
        self.protocol().unoffered == Unoffered::MayTry && self.tries_unoffered()
    }

    pub(super) fn offered(&mut self, upgrade: bool) {
        if upgrade || self.may_try() {
            self.request();
        } else {
            self.setback(Setback::MissingOffer);
        }
    }

    /// Sends the upgrade request, unless it was sent already, and waits for the answer.
    pub(super) fn request(&mut self) {
        let early = self.more || !self.state.buffer.is_empty();
        let pipelined =
            self.state.phase == Phase::Offer && self.policy().needs_tls() && self.pipelines();
        self.state.phase = Phase::Answer;
        if !pipelined {
            self.send(Command::Upgrade);
        }
        if self.has(Flaw::PipelinesSecretWithRequest) {
            self.send(self.secret());
        }
        if self.protocol().answer == Answer::None {
            self.start_tls();
        } else if early && self.has(Flaw::BelievesEarlyReply) {
            self.drop_rest();
            self.go_on_in_clear();
        }
    }

    pub(super) fn on_answer(&mut self, reply: Reply) {
        match reply {
            Reply::Accept => self.start_tls(),
            Reply::Refuse => self.setback(Setback::Refusal),
            Reply::Unknown if self.has(Flaw::TakesUnknownStatus) => self.setback(Setback::Unknown),
            reply if self.is_good(reply) => self.start_tls(),
            Reply::Bye if self.skips_unasked() => {}
            Reply::Bye => self.refuse(),
            // The client goes on, but only into TLS.
            Reply::Garbled | Reply::Challenge if !self.skips_unasked() && self.reads_laxly() => {
                self.start_tls();
            }
            Reply::Unknown => self.setback(Setback::Unknown),
            _ => self.setback(Setback::Garbled),
        }
    }
}
