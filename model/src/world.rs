//! The composition: one client, one server, and the attacker between them.
//!
//! The attacker owns every clear-text wire: each delivery is his choice, so what honest parties put
//! on it is no part of the state; he has no budget of actions, and the walk ends because queues,
//! buffers and alphabet are finite. Inside TLS with the true server he delivers a prefix, in order,
//! and may cut.
//!
//! With [`Pricing::Counted`] genuine messages are kept on the clear wire as well, so that a witness
//! can say which of its messages were forged. That adds states and no behaviour.

mod actions;
mod apply;
mod setting;
mod state;

use std::sync::{Arc, PoisonError, RwLock};

use crate::client::{Client, Input, Output, View};
use crate::machine::{
    ClientMachine, Link, Minimal, ServerMachine, StateId, compile_client, compile_server,
};
use crate::message::{Bounds, Layer, Reply, Segment};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Authentication, Protocol};
use crate::server::{self, Server};

pub use self::actions::Action;
pub use self::apply::Transition;
pub use self::setting::{Alpn, Attacker, Offering, Pricing, Setting};
pub(crate) use self::state::{Ghost, Spoken};
pub use self::state::{State, Wire};

/// Everything that stays fixed during a walk.
#[derive(Debug)]
pub struct World<C: Client> {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions.
    pub sessions: Vec<Policy>,
    /// Who is on the network.
    pub attacker: Attacker,
    /// What the server offers.
    pub offering: Offering,
    /// How it treats ALPN.
    pub alpn: Alpn,
    /// Whether genuine messages are kept apart.
    pub pricing: Pricing,
    /// The bounds of the walk.
    pub bounds: Bounds,
    client: C,
    clients: ClientMachine<C>,
    /// Client states that a play met and no compilation knew.
    met: RwLock<ClientMachine<C>>,
    server: Server,
    servers: Arc<ServerMachine>,
    lures: Properties,
    /// For each class of each client state, whether it holds a segment with more behind the reply
    /// that starts TLS.
    glued: Vec<Vec<bool>>,
}

impl<C: Client> World<C> {
    /// Compiles client and server and puts the attacker between them.
    pub fn new(
        protocol: &'static Protocol,
        client: C,
        sessions: Vec<Policy>,
        setting: Setting,
    ) -> Self {
        let mut world = Self::for_play(protocol, client, sessions, setting, None);
        world.clients = compile_client(&world.client, protocol, setting.bounds);
        world.glued = glued(&world.client, &world.clients, protocol);
        world
    }

    /// A world in which single runs are played: nothing is compiled of the client, and the graph
    /// cannot be walked. Servers may be shared with a world of the same setting.
    pub fn for_play(
        protocol: &'static Protocol,
        client: C,
        sessions: Vec<Policy>,
        setting: Setting,
        like: Option<&Self>,
    ) -> Self {
        let server = Server {
            protocol,
            offers: setting.offering != Offering::Neither,
            breaks: setting.offering == Offering::Breaks,
            coaxes: false,
            lists_logins: setting.lists_logins,
            flaws: setting.server_flaws,
        };
        let servers = match like {
            Some(other) if other.server == server && other.bounds == setting.bounds => {
                Arc::clone(&other.servers)
            }
            _ => Arc::new(compile_server(&server, setting.bounds)),
        };
        Self {
            lures: lures(protocol),
            glued: Vec::new(),
            protocol,
            sessions,
            attacker: setting.attacker,
            offering: setting.offering,
            alpn: setting.alpn,
            pricing: Pricing::Free,
            bounds: setting.bounds,
            clients: ClientMachine::<C>::blank(),
            met: RwLock::new(ClientMachine::<C>::blank()),
            servers,
            client,
            server,
        }
    }

    /// The same world with genuine messages counted.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.pricing = Pricing::Counted;
        self
    }

    /// The client.
    pub const fn client(&self) -> &C {
        &self.client
    }

    /// The client, compiled.
    pub const fn clients(&self) -> &ClientMachine<C> {
        &self.clients
    }

    /// The client's machine without the states that nobody outside can tell apart.
    pub fn least(&self) -> Minimal {
        Minimal::of(&self.client, self.protocol, self.bounds, &self.clients)
    }

    /// The server, compiled.
    pub fn servers(&self) -> &ServerMachine {
        &self.servers
    }

    /// The server.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Whether client and server of another world do what those of this one do.
    pub fn behaves_like(&self, other: &Self) -> bool {
        self.clients.behaves_like(&other.clients) && self.servers.behaves_like(&other.servers)
    }

    /// Where the true server is.
    pub fn server_phase(&self, state: &State) -> server::Phase {
        self.servers.state(state.server).phase
    }

    /// Whether all sessions have ended.
    pub const fn is_terminal(&self, state: &State) -> bool {
        state.ghost.ended
    }

    /// The properties that are broken in a state.
    pub const fn broken(&self, state: &State) -> Properties {
        state.ghost.broken
    }

    /// Whether some session needs TLS: what the others say in clear is then their own affair.
    fn needs_tls(&self) -> bool {
        self.sessions.iter().any(|policy| policy.needs_tls())
    }

    /// Whether an honest network leads to delivery under a policy.
    fn can_deliver(&self, policy: Policy) -> bool {
        let offered = match policy {
            Policy::Required | Policy::Opportunistic => {
                matches!(self.offering, Offering::Both | Offering::Upgrade)
            }
            Policy::Implicit => matches!(self.offering, Offering::Both | Offering::Implicit),
        };
        offered && self.attacker == Attacker::Passive
    }

    /// The policy of the session under way; of the last one at the end.
    pub fn policy(&self, state: &State) -> Policy {
        let last = self.sessions.len().saturating_sub(1);
        let index = usize::from(state.ghost.session).min(last);
        self.sessions.get(index).copied().unwrap_or(Policy::Required)
    }

    pub(crate) fn client_step(
        &self,
        state: StateId,
        input: &Input,
    ) -> (StateId, crate::client::Outputs) {
        self.with_client(state, |(client, link)| {
            let step = self.client.step(client, input);
            let link = link.after(input, &step.outputs);
            ((step.state, link), step.outputs)
        })
        .map_or_else(
            || (state, crate::client::Outputs::new()),
            |(next, outputs)| (self.client_id(next), outputs),
        )
    }

    /// Looks at a state of the client; `None` only for an id that this world never gave out.
    pub(crate) fn with_client<R>(
        &self,
        id: StateId,
        look: impl FnOnce(&(C::State, Link)) -> R,
    ) -> Option<R> {
        if let Some(state) = self.clients.states().get(usize::from(id)) {
            return Some(look(state));
        }
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        met.states().get(usize::from(id) - self.clients.len()).map(look)
    }

    /// The id of a state of the client: that of the compiled machine, or a further one.
    pub(crate) fn client_id(&self, state: (C::State, Link)) -> StateId {
        if let Some(id) = self.clients.id(&state) {
            return id;
        }
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        let known = StateId::try_from(self.clients.len()).unwrap_or(StateId::MAX);
        known.saturating_add(met.intern(state))
    }

    pub(crate) fn server_step(
        &self,
        state: &State,
        input: &server::Input,
    ) -> (StateId, server::Outputs) {
        let (next, outputs) = self.server.step(self.servers.state(state.server), input);
        (self.servers.id(&next).unwrap_or(state.server), outputs)
    }
}

/// The properties whose antecedent is that the attacker can say a certain thing in clear.
fn lures(protocol: &Protocol) -> Properties {
    let alphabet = protocol.replies();
    let mut lures = Properties::NONE;
    if alphabet.iter().any(|reply| matches!(reply, Reply::Welcome | Reply::LoggedIn)) {
        lures.insert(Property::NoJump);
    }
    if alphabet.contains(&Reply::Redirect) {
        lures.insert(Property::NoClearRedirect);
    }
    if protocol.login != Authentication::None {
        lures.insert(Property::NoLoginInClear);
    }
    lures
}

/// For each class of each state, whether it holds a segment with more behind the reply that starts
/// TLS: the antecedent of everything about injection.
fn glued<C: Client>(client: &C, clients: &ClientMachine<C>, protocol: &Protocol) -> Vec<Vec<bool>> {
    let alphabet = protocol.replies();
    let starts = |state: &C::State, input: &Input| {
        client.step(state, input).outputs.contains(&Output::StartTls)
    };
    let mut all = Vec::with_capacity(clients.len());
    for (id, (state, link)) in clients.states().iter().enumerate() {
        let classes = clients.classes(StateId::try_from(id).unwrap_or(StateId::MAX));
        let mut marks = vec![false; classes.len()];
        if *link == Link::Clear && client.view(state) == View::Open(Layer::Clear) {
            for &first in &alphabet {
                if !starts(state, &Input::Segment(Segment::one(first))) {
                    continue;
                }
                for &second in &alphabet {
                    let segment = Segment::whole([first, second]);
                    let step = client.step(state, &Input::Segment(segment.clone()));
                    let after = link.after(&Input::Segment(segment), &step.outputs);
                    let next = clients.id(&(step.state, after));
                    let outputs = clients.outputs_id(&step.outputs);
                    for (class, mark) in classes.iter().zip(&mut marks) {
                        *mark |= Some(class.next) == next && Some(class.outputs) == outputs;
                    }
                }
            }
        }
        all.push(marks);
    }
    all
}
