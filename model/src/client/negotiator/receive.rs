//! From segments to messages: the fragment, the buffer, and the expected message.

use super::{Run, Setback};
use crate::client::state::{Cell, Phase, Rest};
use crate::client::{End, Output};
use crate::flaw::Flaw;
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::protocol::Opening;

impl Run<'_> {
    pub(super) fn receive(&mut self, segment: &Segment<Reply>) {
        for (piece, more) in segment.reading() {
            self.read(piece, more);
        }
    }

    /// Reads one piece of a segment. `more`, whether further pieces follow, decides what is left over
    /// when TLS begins.
    pub(super) fn read(&mut self, piece: Piece<Reply>, more: bool) {
        self.more = more;
        match self.state.rest {
            Rest::Dropped => {}
            Rest::Behind => {
                if self.keeps(piece) {
                    self.hold(piece);
                }
            }
            Rest::Read if self.state.phase == Phase::Handshake => self.read_for_tls(piece),
            Rest::Read => {
                self.hold(piece);
                if self.reads_late() {
                    // Each time bytes arrive, it reads one of the messages that it holds.
                    if !more {
                        self.act_on_first();
                    }
                } else {
                    self.drain();
                }
            }
        }
        if !more {
            self.state.rest = Rest::Read;
        }
    }

    /// Whether a piece received in clear, and left over when TLS begins, is kept.
    pub(super) fn keeps(&self, piece: Piece<Reply>) -> bool {
        self.has(match piece {
            Piece::Whole(_) => return self.keeps_messages(),
            Piece::Line(_) => Flaw::KeepsFragment,
            Piece::Block(_) => Flaw::KeepsOpenReply,
        })
    }

    /// Whether whole messages received in clear, and left over when TLS begins, are kept.
    pub(super) fn keeps_messages(&self) -> bool {
        self.has(Flaw::KeepsBuffer) || self.has(Flaw::ReadsBufferLate)
    }

    /// Whether it reads kept messages only when further bytes arrive.
    pub(super) fn reads_late(&self) -> bool {
        self.has(Flaw::ReadsBufferLate)
            && !self.has(Flaw::KeepsBuffer)
            && self.state.layer() == Layer::Tls
    }

    /// Clear bytes were received in place of the handshake.
    fn read_for_tls(&mut self, piece: Piece<Reply>) {
        if !self.has(Flaw::BelievesPositiveReplyWithoutTls) {
            self.state.rest = Rest::Dropped;
            self.setback(Setback::ClearText);
            return;
        }
        self.hold(piece);
        if !self.state.buffer.is_empty() {
            self.setback(Setback::ClearText);
            self.drain();
        }
    }

    /// Adds a piece to the buffer, or keeps it as an incomplete message.
    fn hold(&mut self, piece: Piece<Reply>) {
        let (message, layer) = match self.state.fragment.take() {
            // The beginning decides the meaning of the whole message, and its layer.
            Some((head, layer)) => (head.message(), layer),
            None => (piece.message(), self.state.layer()),
        };
        if piece.is_fragment() {
            let held = match piece {
                Piece::Block(_) => Piece::Block(message),
                Piece::Whole(_) | Piece::Line(_) => Piece::Line(message),
            };
            self.state.fragment = Some((held, layer));
        } else if self.state.buffer.len() < self.client.bounds.messages {
            self.state.buffer.push(Cell { reply: message, layer });
        }
    }

    /// Processes buffered messages for as long as the client waits for messages.
    pub(super) fn drain(&mut self) {
        while self.act_on_first() {}
    }

    /// Processes the first message in the buffer; returns whether the client was waiting for one.
    fn act_on_first(&mut self) -> bool {
        let waits =
            !matches!(self.state.phase, Phase::Connecting | Phase::Handshake | Phase::Ended);
        if self.state.buffer.is_empty() || !waits {
            return false;
        }
        let cell = self.state.buffer.remove(0);
        self.act(cell);
        true
    }

    fn act(&mut self, cell: Cell) {
        let inside = self.state.layer() == Layer::Tls;
        if !inside && self.notes_in_clear(cell.reply) {
            return;
        }
        let before = (self.state.phase, self.state.session, self.outputs.len());
        self.answer(cell);
        // A sound client may give up on a reply that it did not expect.
        let gave_up = self.outputs[before.2..].contains(&Output::End(End::Refused));
        let went_on =
            (self.state.phase, self.state.session, self.outputs.len()) != before && !gave_up;
        if inside && went_on {
            let _ = self.outputs.try_insert(before.2, Output::Took(cell.layer));
        }
    }

    pub(super) fn answer(&mut self, cell: Cell) {
        match (self.state.phase, cell.reply) {
            (_, Reply::Notice) => {
                if cell.layer == Layer::Clear && self.has(Flaw::ShowsClearAlert) {
                    self.out(Output::Shows);
                }
                self.on_notice();
            }
            (phase, Reply::Data) => {
                let before_tls = matches!(phase, Phase::Opening | Phase::Offer | Phase::Answer)
                    || self.state.layer() == Layer::Tls;
                if before_tls && cell.layer == Layer::Clear && self.has(Flaw::HandsOverClearData) {
                    self.out(Output::HandsOver);
                }
                if phase == Phase::Opening
                    && self.protocol().opening == Opening::Greeting
                    && self.takes_any_greeting()
                {
                    self.introduce();
                }
            }
            (Phase::Opening, reply) => self.on_opening(reply),
            (Phase::Offer, reply) => self.on_offer(reply),
            (Phase::Answer, reply) => self.on_answer(reply),
            (Phase::FirstWords, reply) => self.on_first_words(reply, cell.layer),
            (Phase::Capabilities, reply) => self.on_capabilities(reply, cell.layer),
            (Phase::Challenge, Reply::Challenge) => {
                self.send(Command::Credential);
                self.state.phase = Phase::Login;
            }
            (Phase::Login, Reply::Challenge) => self.send(Command::Credential),
            (Phase::Challenge | Phase::Login, Reply::LoggedIn) => self.deliver(),
            (Phase::Login, reply) if self.is_good(reply) => self.deliver(),
            (Phase::Protection, Reply::Done) => self.transfer(Layer::Tls),
            (Phase::Delivery, Reply::Done) => {
                if !self.has_more_sessions() && self.says_goodbye() {
                    self.send(Command::Goodbye);
                }
                self.end(End::Delivered, true);
            }
            _ => self.refuse(),
        }
    }

    /// A message that answers no request. A client that checks only a reply's place or status accepts
    /// it as the answer.
    fn on_notice(&mut self) {
        let phase = self.state.phase;
        match phase {
            Phase::Opening
                if self.protocol().opening == Opening::Greeting && self.takes_any_greeting() =>
            {
                self.introduce();
            }
            Phase::Offer if self.is_good(Reply::Notice) => self.offered(false),
            Phase::Answer if self.is_good(Reply::Notice) => self.start_tls(),
            _ => {}
        }
    }

    /// Whether a reply is positive, for a client that checks no more than that.
    pub(super) fn is_good(&mut self, reply: Reply) -> bool {
        let is_positive = match reply {
            Reply::Greeting
            | Reply::Welcome
            | Reply::Capabilities { .. }
            | Reply::Bare
            | Reply::Unknown
            | Reply::Accept
            | Reply::LoggedIn
            | Reply::Done => true,
            Reply::Bye | Reply::Notice => self.protocol().is_positive(reply),
            Reply::Refuse | Reply::Garbled | Reply::Challenge | Reply::Redirect | Reply::Data => {
                false
            }
        };
        is_positive && self.reads_laxly()
    }
}
