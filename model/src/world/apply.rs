//! What an action leads to.

mod network;
mod observe;

use crate::client::{Client, Input, Output, Peer};
use crate::machine::Link;
use crate::property::{Properties, Property};
use crate::server;
use crate::world::{Action, Ghost, State, Wire, World};

/// A state that follows, and what the way to it showed.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The state that follows.
    pub state: State,
    /// The properties whose antecedent was met on the way.
    pub tried: Properties,
    /// What the client did, in order.
    pub client: Vec<Output>,
    /// What the server did, in order.
    pub server: Vec<server::Output>,
}

impl<C: Client> World<C> {
    /// The only state that a walk starts from: the client has connected.
    pub fn initial(&self) -> Transition {
        let start = self.client.start();
        let mut run = Run::new(
            self,
            State {
                client: self.client_id((start.state.clone(), Link::Down)),
                server: 0,
                wire: Wire::Down,
                to_client: arrayvec::ArrayVec::new(),
                to_server: arrayvec::ArrayVec::new(),
                ghost: Ghost {
                    broken: Properties::NONE,
                    session: 0,
                    connection: 0,
                    implicit: false,
                    requested: false,
                    taken: false,
                    outstanding: 0,
                    gave_away: false,
                    told: false,
                    lured: false,
                    refused: false,
                    ended: false,
                    fresh: true,
                    listed: false,
                },
            },
        );
        run.client_did(&start.outputs);
        run.finish()
    }

    /// The state that follows an action; `None` where it is not possible.
    pub fn next(&self, state: &State, action: &Action) -> Option<Transition> {
        if self.is_terminal(state) {
            return None;
        }
        let mut run = Run::new(self, state.clone());
        run.perform(action)?;
        Some(run.finish())
    }
}

/// One transition under way.
struct Run<'w, C: Client> {
    world: &'w World<C>,
    state: State,
    tried: Properties,
    client: Vec<Output>,
    server: Vec<server::Output>,
}

impl<'w, C: Client> Run<'w, C> {
    fn new(world: &'w World<C>, state: State) -> Self {
        Self { world, state, tried: Properties::NONE, client: Vec::new(), server: Vec::new() }
    }

    fn finish(self) -> Transition {
        Transition {
            state: self.state,
            tried: self.tried,
            client: self.client,
            server: self.server,
        }
    }

    fn perform(&mut self, action: &Action) -> Option<()> {
        if !self.is_genuine(action) {
            return None;
        }
        match action {
            Action::ToClient(segment) => {
                self.before_segment(segment);
                self.happens(&Input::Segment(segment.clone()));
            }
            Action::ToServer(segment) => {
                if self.state.wire == Wire::Secure {
                    self.tried.insert(Property::NoUpgradeInsideTls);
                }
                if self.in_order() {
                    self.state.to_server.drain(..segment.pieces().len());
                } else {
                    self.state.to_server.clear();
                }
                let input = server::Input::Segment(segment.clone());
                let (next, outputs) = self.world.server_step(&self.state, &input);
                self.server_did(next, &outputs);
            }
            Action::Handshake(Peer::Genuine) => {
                if self.world.servers.state(self.state.server).phase != server::Phase::AwaitsTls {
                    return None;
                }
                self.state.wire = Wire::Secure;
                self.secured();
                self.state.to_client.clear();
                self.state.to_server.clear();
                self.state.ghost.outstanding = 0;
                let (next, outputs) =
                    self.world.server_step(&self.state, &server::Input::TlsStarted);
                self.server_did(next, &outputs);
                self.happens(&Input::Handshake(Peer::Genuine));
            }
            Action::Handshake(peer) => {
                self.tried.insert(Property::NoSecretToUnauthenticatedPeer);
                if *peer == Peer::WrongName {
                    self.tried.insert(Property::NameFromUser);
                }
                self.hang_up_on_server();
                self.state.wire = Wire::False(*peer);
                self.happens(&Input::Handshake(*peer));
            }
            Action::FailHandshake => {
                self.tempt();
                self.state.wire = Wire::Clear;
                self.happens(&Input::HandshakeFailed);
            }
            Action::EndTls => {
                self.tried.insert(Property::TlsNotTakenAway);
                self.hang_up_on_server();
                self.state.wire = Wire::Clear;
                self.state.ghost.taken = true;
                self.happens(&Input::TlsEnded);
            }
            Action::Close(close) => {
                if self.state.wire == Wire::Secure {
                    self.tried.insert(Property::TruncationIsNotSuccess);
                }
                self.hang_up_on_server();
                self.state.wire = Wire::Down;
                self.tempt();
                self.happens(&Input::Closed(*close));
            }
            Action::Deadline => {
                let sessions = self.state.ghost.session;
                self.tried.insert(Property::AlwaysEnds);
                self.happens(&Input::Deadline);
                if !self.state.ghost.ended && self.state.ghost.session == sessions {
                    self.state.break_property(Property::AlwaysEnds);
                }
            }
            Action::Redial(port) => {
                self.dial(*port);
            }
        }
        Some(())
    }

    fn happens(&mut self, input: &Input) {
        let (next, outputs) = self.world.client_step(self.state.client, input);
        self.state.client = next;
        self.state.ghost.requested = false;
        self.client_did(&outputs);
    }
}
