//! The switch of layers: ClientHello, handshake, and the way back.

use upward_model::client::{Close, Peer};
use upward_model::explain::Event;
use upward_model::message::Layer;
use upward_model::server;
use upward_model::vector::{Deviation, Do, Point};

use super::Connection;
use crate::evidence::Stage;
use crate::link::Handshake;
use crate::wire::Form;

impl Connection {
    pub(super) async fn end_tls(&mut self) {
        if !self.link.is_tls() {
            return;
        }
        self.deviates("ends TLS and keeps the connection");
        self.event(Event::TlsEnded);
        self.link.end_tls().await;
        self.in_clear_again(Stage::After);
    }

    /// Goes back to clear text, and discards the state of the session.
    fn in_clear_again(&mut self, stage: Stage) {
        self.stage = Some(stage);
        self.refuses_tls = true;
        self.deviated = true;
        self.state.layer = Layer::Clear;
        self.state.phase = server::Phase::Ready;
        self.taken_up =
            self.record.stream(self.number, crate::wire::Side::Client, Form::Clear).len();
    }

    /// The client starts TLS: does the handshake, or the deviation that refuses it.
    pub(super) async fn client_hello(&mut self) {
        self.lifted.reach(Point::Handshake);
        self.lifted.insert(self.number, self.arrived, Event::ClientHello);
        self.arrived += 1;
        // The client read the reply before it sent this: bytes sent now are a later segment.
        self.say_apart("adds a segment before the ServerHello").await;
        if let Some(deviation) = self.deviations(Point::Handshake).into_iter().next() {
            return self.refuse_handshake(&deviation).await;
        }
        let peer = self.persona.certificate();
        let first = std::mem::take(&mut self.buffer);
        self.unrecorded = 0;
        match self.link.handshake(&self.persona.certificates, peer, first).await {
            Handshake::Done => {
                self.event(Event::Handshake(peer));
                self.in_tls(peer).await;
            }
            Handshake::Failed(bytes) => {
                // A client that rejects a bad certificate has seen it.
                let refused = peer != Peer::Genuine && crate::tls::clear_tail(&bytes).is_none();
                let failed = Event::HandshakeFailed;
                self.event(if refused { Event::Handshake(peer) } else { failed });
                let stage = if refused { Stage::Unauthenticated } else { Stage::Failed };
                self.in_clear_again(if refused { Stage::Failed } else { stage });
                if let Some(tail) = crate::tls::clear_tail(&bytes) {
                    self.link.note_clear(Form::Clear, tail);
                    self.buffer = tail.to_vec();
                }
            }
        }
    }

    async fn in_tls(&mut self, peer: Peer) {
        self.codec.reset();
        self.open = None;
        self.unanswered = false;
        self.taken_up = 0;
        self.buffer.clear();
        let genuine = peer == Peer::Genuine;
        self.stage = if genuine { None } else { Some(Stage::Unauthenticated) };
        if !genuine {
            self.deviates("has ended TLS with a certificate of its own");
        }
        self.state.phase = server::Phase::AwaitsTls;
        let (state, outputs) = self.server().step(&self.state, &server::Input::TlsStarted);
        self.state = state;
        for reply in server::words(&outputs) {
            self.inside = true;
            self.say(Some(Point::Inside), reply, None).await;
        }
    }

    async fn refuse_handshake(&mut self, deviation: &Deviation) {
        self.in_clear_again(Stage::Failed);
        match deviation.action {
            Do::Alert => {
                self.deviates("answers the ClientHello with a fatal alert");
                self.event(Event::HandshakeFailed);
                self.link.write(&HANDSHAKE_FAILURE).await;
            }
            Do::Close | Do::Cut => {
                let orderly = deviation.action == Do::Close;
                self.closes(if orderly { Close::Orderly } else { Close::Cut }).await;
            }
            Do::Replace | Do::Append | Do::Prepend => {
                self.say_alone(deviation, "answers the ClientHello in clear").await;
            }
            Do::Withhold | Do::EndTls => {
                self.deviates("does not answer the ClientHello");
                self.withheld = true;
            }
        }
    }
}

/// A fatal alert, as sent by a server that cannot agree on a handshake (RFC 8446 section 6).
const HANDSHAKE_FAILURE: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];
