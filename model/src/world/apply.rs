//! The result of an action.

mod compare;
mod network;
mod observe;

pub(crate) use self::compare::{acts, gives_up};

use crate::client::{Client, Input, Output, Peer, Step};
use crate::machine::{ClassId, Link, StateId};
use crate::property::{Properties, Property};
use crate::server;
use crate::world::steps::ClientStep;
use crate::world::{Action, Channel, Choice, Ghost, Mutation, Shadow, State, Wire, World};

/// A next state, and the outputs of the parties on the way to it.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The state that follows.
    pub state: State,
    /// The client's outputs, in order.
    pub client: Vec<Output>,
    /// The server's outputs, in order.
    pub server: Vec<server::Output>,
}

impl<C: Client> World<C> {
    /// The only state that a walk starts from: the client has connected.
    pub fn initial(&self) -> Transition {
        self.begin(self.client.start(), None)
    }

    /// The same for a client with this first step: with a connection in clear that another session
    /// left, or without one.
    pub(crate) fn begin(&self, start: Step<C::State>, left: Option<StateId>) -> Transition {
        let link = if left.is_some() { Link::Clear } else { Link::Down };
        let mut run = Run::new(
            self,
            State {
                client: self.client_id((start.state.clone(), link)),
                server: left.unwrap_or_default(),
                wire: if left.is_some() { Wire::Clear } else { Wire::Down },
                channel: Channel::None,
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
                    executed: 0,
                    confirmed: false,
                    elsewhere: false,
                    moved: false,
                    logged_in: false,
                    shadow: Shadow::None,
                    unclean: false,
                    lured: false,
                    refused: false,
                    ended: false,
                    fresh: left.is_none(),
                },
            },
        );
        run.client_did(&start.outputs);
        run.finish()
    }

    /// The state after an action; `None` if the action is not possible.
    pub fn next(&self, state: &State, action: &Action) -> Option<Transition> {
        if self.is_terminal(state) {
            return None;
        }
        let mut run = Run::new(self, state.clone());
        run.perform(action, None)?;
        Some(run.finish())
    }

    /// The state after a choice; `None` if it is not possible. A walk needs only the state.
    pub(crate) fn after(&self, state: &State, choice: &Choice) -> Option<State> {
        if self.is_terminal(state) {
            return None;
        }
        let mut run = Run { did: None, ..Run::new(self, state.clone()) };
        run.perform(&choice.action, choice.class)?;
        Some(run.state)
    }
}

/// A transition in progress.
struct Run<'w, C: Client> {
    world: &'w World<C>,
    state: State,
    /// The outputs of the parties; `None` if the caller does not need them.
    did: Option<Did>,
    /// Whether the client has ended a session.
    ended: bool,
    /// The last input of the client.
    input: Option<Input>,
}

/// The outputs of the parties, in order.
#[derive(Default)]
struct Did {
    client: Vec<Output>,
    server: Vec<server::Output>,
}

impl<'w, C: Client> Run<'w, C> {
    fn new(world: &'w World<C>, state: State) -> Self {
        Self { world, state, did: Some(Did::default()), ended: false, input: None }
    }

    fn finish(self) -> Transition {
        let Did { client, server } = self.did.unwrap_or_default();
        Transition { state: self.state, client, server }
    }

    /// Performs an action. If it is a segment that represents a class of its receiver, `class` may name
    /// the class.
    fn perform(&mut self, action: &Action, class: Option<ClassId>) -> Option<()> {
        if !self.is_genuine(action) {
            return None;
        }
        match action {
            Action::ToClient(segment) => {
                self.before_segment(segment);
                let input = Input::Segment(segment.clone());
                let known = class.and_then(|it| self.world.client_class(self.state.client, it));
                let step =
                    known.unwrap_or_else(|| self.world.client_step(self.state.client, &input));
                self.does(input, step);
            }
            Action::ToServer(segment) => self.server_hears(segment, class),
            Action::NameOtherHost => {
                let input = server::Input::OtherHostNamed;
                let (next, outputs) = self.world.server_step(&self.state, &input);
                self.server_did(next, &outputs, None);
            }
            Action::Handshake(Peer::Genuine) => {
                if self.world.servers.state(self.state.server).phase != server::Phase::AwaitsTls {
                    return None;
                }
                self.state.wire = Wire::Secure;
                self.state.to_client.clear();
                self.state.to_server.clear();
                self.state.ghost.outstanding = 0;
                let (next, outputs) =
                    self.world.server_step(&self.state, &server::Input::TlsStarted);
                self.server_did(next, &outputs, None);
                self.happens(Input::Handshake(Peer::Genuine));
            }
            Action::Handshake(peer) => {
                self.hang_up_on_server();
                self.state.wire = Wire::False(*peer);
                self.happens(Input::Handshake(*peer));
            }
            Action::FailHandshake => {
                self.state.wire = Wire::Clear;
                self.happens(Input::HandshakeFailed);
            }
            Action::EndTls => {
                self.hang_up_on_server();
                self.state.wire = Wire::Clear;
                self.state.ghost.taken = !self.world.has(Mutation::TakenForgotten);
                self.happens(Input::TlsEnded);
            }
            Action::Channel(_) | Action::FailChannel
                if self.state.channel != Channel::Handshake =>
            {
                return None;
            }
            Action::Channel(peer) => {
                self.state.channel = match peer {
                    Peer::Genuine => Channel::Secure,
                    peer => Channel::False(*peer),
                };
                self.happens(Input::Channel(*peer));
            }
            Action::FailChannel => {
                // The handshake failed; the connection may still be open, in clear.
                self.state.channel = Channel::Clear;
                self.happens(Input::ChannelFailed);
            }
            Action::Close(close) => {
                self.hang_up_on_server();
                self.state.wire = Wire::Down;
                self.happens(Input::Closed(*close));
            }
            Action::Deadline => {
                self.happens(Input::Deadline);
                if !self.ended && !self.world.has(Mutation::HangsUnjudged) {
                    self.state.break_property(Property::AlwaysEnds);
                }
            }
            Action::Redial(port) => self.dial(*port),
        }
        Some(())
    }

    fn happens(&mut self, input: Input) {
        let step = self.world.client_step(self.state.client, &input);
        self.does(input, step);
    }

    /// The client takes a step on an input.
    fn does(&mut self, input: Input, (next, outputs): ClientStep<'w>) {
        let shadow = self.shadow_step(&input);
        self.state.client = next;
        self.state.ghost.requested = false;
        self.compare(&input, shadow, next, &outputs);
        self.input = Some(input);
        self.client_did(&outputs);
        if self.state.wire != Wire::Secure {
            self.state.ghost.shadow = Shadow::None;
            self.state.ghost.unclean = false;
        }
    }
}
