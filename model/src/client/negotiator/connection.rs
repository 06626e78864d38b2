//! Sessions and connections: opening, giving up, falling back, and ending.

use super::{Run, Setback};
use crate::client::state::{Knowledge, Link, Mode, Phase};
use crate::client::{Close, End, Output, Target};
use crate::flaw::Flaw;
use crate::message::Command;
use crate::policy::Policy;
use crate::protocol::Opening;

impl Run<'_> {
    pub(super) fn target(&self) -> Target {
        match self.policy() {
            Policy::Implicit => Target::Implicit,
            Policy::Required | Policy::Opportunistic => Target::Upgrade,
        }
    }

    pub(super) fn connect(&mut self, target: Target) {
        self.state.link = Link::Clear;
        self.state.known = Knowledge::NOTHING;
        self.state.fragment = None;
        self.drop_rest();
        self.state.phase = Phase::Connecting;
        self.out(Output::Connect(target));
    }

    pub(super) fn connected(&mut self) {
        if self.state.phase != Phase::Connecting {
            return;
        }
        if self.policy() == Policy::Implicit && self.state.mode == Mode::Usual {
            self.start_tls();
            return;
        }
        match self.protocol().opening {
            Opening::Client => self.introduce(),
            Opening::Greeting | Opening::Capabilities => self.state.phase = Phase::Opening,
        }
    }

    /// Whether another session follows the current one.
    pub(super) fn has_more_sessions(&self) -> bool {
        self.client.endless || usize::from(self.state.session) + 1 < self.client.sessions.len()
    }

    fn next_session(&self) -> u8 {
        let next = self.state.session + 1;
        if usize::from(next) < self.client.sessions.len() { next } else { 0 }
    }

    /// Ends the session; another one may follow.
    pub(super) fn end(&mut self, end: End, keep: bool) {
        self.out(Output::End(end));
        if !self.has_more_sessions() {
            if self.state.link != Link::None {
                self.out(Output::Close);
            }
            self.state.phase = Phase::Ended;
            return;
        }
        let half_open = end == End::Refused && self.leaves_half_open();
        self.state.session = self.next_session();
        self.state.connection = 0;
        self.state.mode = Mode::Usual;
        let link = self.state.link;
        let usable = match link {
            Link::Verified => keep,
            Link::Clear | Link::Unverified => {
                keep && (!self.policy().needs_tls() || self.has(Flaw::ReusesClearConnection))
            }
            Link::None => false,
        };
        if usable {
            self.deliver();
        } else if half_open {
            self.drop_rest();
            self.log_in();
        } else {
            if link != Link::None {
                self.out(Output::Close);
            }
            self.connect(self.target());
        }
    }

    /// Whether a client that gives up here keeps the connection open for the next session.
    fn leaves_half_open(&self) -> bool {
        let reuses = match self.state.phase {
            Phase::Handshake => {
                self.has(Flaw::ReusesAfterFailedHandshake)
                    || self.has(Flaw::ReusesHalfOpenConnection)
            }
            Phase::Opening | Phase::Offer | Phase::Answer => {
                self.has(Flaw::ReusesHalfOpenConnection)
            }
            _ => false,
        };
        self.has_more_sessions() && reuses && self.state.link == Link::Clear
    }

    pub(super) fn refuse(&mut self) {
        if self.state.link != Link::None
            && !self.leaves_half_open()
            && !matches!(self.state.phase, Phase::Connecting | Phase::Handshake)
            && self.says_goodbye()
        {
            self.send(Command::Goodbye);
        }
        if !self.has(Flaw::StaysSilent) {
            self.out(Output::Tell);
        }
        self.end(End::Refused, false);
    }

    /// There is no TLS: falls back if the policy or a flaw allows it, else gives up.
    pub(super) fn setback(&mut self, setback: Setback) {
        let goes_on = match setback {
            Setback::MissingOffer => self.has(Flaw::IgnoresMissingOffer),
            Setback::CapabilityError => self.has(Flaw::IgnoresCapabilityError),
            Setback::Refusal => self.has(Flaw::IgnoresRefusal),
            Setback::Garbled => self.has(Flaw::AcceptsGarbledReply),
            Setback::Unknown => self.has(Flaw::TakesUnknownStatus),
            Setback::Handshake => self.has(Flaw::GoesOnAfterFailedHandshake),
            Setback::ClearText => self.has(Flaw::BelievesPositiveReplyWithoutTls),
            Setback::Lost => false,
        };
        let may_reconnect = self.state.connection + 1 < self.client.connections;
        let unasked = matches!(setback, Setback::Garbled | Setback::Unknown);
        if unasked && !goes_on && self.skips_unasked() {
            return;
        }
        if goes_on {
            self.go_on_in_clear();
            return;
        }
        let broken = matches!(setback, Setback::Handshake | Setback::ClearText | Setback::Lost);
        if self.policy() == Policy::Opportunistic {
            match setback {
                Setback::MissingOffer | Setback::CapabilityError | Setback::Refusal => {
                    self.go_on_in_clear();
                    return;
                }
                Setback::Handshake | Setback::ClearText if may_reconnect => {
                    self.reconnect(Mode::ClearOnly);
                    return;
                }
                Setback::Garbled
                | Setback::Unknown
                | Setback::Handshake
                | Setback::ClearText
                | Setback::Lost => {}
            }
        }
        if may_reconnect && self.has(Flaw::ReconnectsInClear) {
            self.reconnect(Mode::ClearOnly);
        } else if may_reconnect && broken && self.retries() {
            let mode = self.state.mode;
            self.reconnect(mode);
        } else {
            self.refuse();
        }
    }

    fn reconnect(&mut self, mode: Mode) {
        if self.state.link != Link::None {
            self.out(Output::Close);
        }
        self.state.connection += 1;
        self.state.mode = mode;
        let target = if mode == Mode::ClearOnly { Target::Upgrade } else { self.target() };
        self.connect(target);
    }

    pub(super) fn closed(&mut self, _close: Close) {
        self.state.link = Link::None;
        match self.state.phase {
            Phase::Delivery if self.has(Flaw::TakesTruncationAsSuccess) => {
                self.out(Output::TookTruncation);
                self.end(End::Delivered, false);
            }
            _ if self.has(Flaw::NeverEnds) => {}
            Phase::Connecting
            | Phase::Opening
            | Phase::Offer
            | Phase::Answer
            | Phase::Handshake => self.setback(Setback::Lost),
            _ => self.refuse(),
        }
    }

    pub(super) fn tls_ended(&mut self) {
        if self.has(Flaw::LetsTlsBeTakenAway) {
            self.state.link = Link::Clear;
        } else {
            // TLS was taken away: any message would be sent in clear, so none is sent.
            if !self.has(Flaw::StaysSilent) {
                self.out(Output::Tell);
            }
            self.end(End::Refused, false);
        }
    }
}
