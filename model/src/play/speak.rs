//! The persona's replies and certificates, with the deviations there.

use super::plan::Planned;
use super::player::Player;
use crate::client::{Client, Close, Peer};
use crate::message::{Layer, Piece, Reply, Segment};
use crate::server;
use crate::vector::{Do, Point, SegmentOf};
use crate::world::{Action, Wire};

impl<C: Client> Player<'_, C> {
    /// Sends one reply, with the deviations at this point; returns whether anything happened.
    pub(super) fn speak(&mut self, point: Option<Point>, reply: Reply) -> bool {
        self.at = point;
        let deviations = match point {
            Some(point) => {
                self.reached.insert(point);
                self.deviations(point)
            }
            None => Vec::new(),
        };
        let mut whole = vec![Piece::Whole(reply)];
        let mut after: Vec<Vec<Piece<Reply>>> = Vec::new();
        let deviates = !deviations.is_empty();
        for planned in deviations {
            match planned.action {
                Do::Replace => whole = planned.pieces,
                Do::Append if planned.segment == SegmentOf::Same => whole.extend(planned.pieces),
                Do::Append => after.push(planned.pieces),
                Do::Prepend => {
                    let mut pieces = planned.pieces;
                    pieces.append(&mut whole);
                    whole = pieces;
                }
                Do::Withhold => {
                    self.unsaid.clear();
                    return self.withhold();
                }
                Do::Close => return self.perform(Action::Close(Close::Orderly), true),
                Do::Cut => return self.perform(Action::Close(Close::Cut), true),
                Do::EndTls => {
                    if self.state.wire() == Wire::Secure {
                        self.perform(Action::EndTls, true);
                        self.persona.layer = Layer::Clear;
                        self.persona.phase = server::Phase::Ready;
                    }
                }
                Do::Alert => {}
            }
        }
        self.perform(Action::ToClient(Segment::new(&whole)), deviates);
        for pieces in after {
            if !self.world.is_terminal(&self.state) {
                self.perform(Action::ToClient(Segment::new(&pieces)), true);
            }
        }
        true
    }

    /// Withholds the true reply; after that, only the client can act.
    fn withhold(&mut self) -> bool {
        match self.heard.pop_front() {
            Some(command) => {
                self.listen(command);
                self.unsaid.clear();
                true
            }
            None => false,
        }
    }

    /// Handles a ClientHello; processes the client's earlier commands first.
    pub(super) fn meet_client_hello(&mut self) -> bool {
        while let Some(command) = self.heard.pop_front() {
            self.listen(command);
        }
        while let Some((point, reply)) = self.unsaid.pop_front() {
            let withheld = |planned: &Planned| planned.action == Do::Withhold;
            let swallowed = point.is_some_and(|at| self.deviations(at).iter().any(withheld));
            if !swallowed {
                // The client gets a clear answer while it waits for TLS.
                self.starts_tls = false;
                return self.speak(point, reply);
            }
        }
        self.handshake()
    }

    fn handshake(&mut self) -> bool {
        self.starts_tls = false;
        self.reached.insert(Point::Handshake);
        self.at = Some(Point::Handshake);
        if let Some(planned) = self.deviations(Point::Handshake).into_iter().next() {
            self.persona.phase = server::Phase::Ready;
            self.persona.layer = Layer::Clear;
            return match planned.action {
                Do::Withhold => false,
                Do::Close => self.perform(Action::Close(Close::Orderly), true),
                Do::Cut => self.perform(Action::Close(Close::Cut), true),
                Do::Replace | Do::Append | Do::Prepend if !planned.pieces.is_empty() => {
                    self.perform(Action::ToClient(Segment::new(&planned.pieces)), true)
                }
                _ => self.perform(Action::FailHandshake, true),
            };
        }
        let peer = self.plan.certificate;
        if peer != Peer::Genuine {
            self.persona.phase = server::Phase::AwaitsTls;
            let (persona, outputs) = self.coaxer.step(&self.persona, &server::Input::TlsStarted);
            self.persona = persona;
            let words = server::words(&outputs);
            let done = self.perform(Action::Handshake(peer), true);
            for reply in words {
                let point = self.inside_point();
                self.unsaid.push_back((point, reply));
            }
            return done;
        }
        if self.perform(Action::Handshake(Peer::Genuine), false) {
            self.take_true_words(None);
            true
        } else {
            self.persona.phase = server::Phase::Ready;
            self.perform(Action::FailHandshake, false)
        }
    }
}
