//! The composition: one client, one server, and the attacker between them.
//!
//! The attacker controls every clear-text wire: each delivery is his choice, so the messages of honest
//! parties there are not part of the state. He has no limit of actions; the walk ends because queues,
//! buffers and alphabet are finite. Inside TLS with the true server he delivers a prefix of the
//! messages, in order, and may cut.
//!
//! With [`Pricing::Counted`], genuine messages are kept on the clear wire as well, so that a witness
//! can tell which of its messages were forged. That adds states, but no behaviour.

mod actions;
mod apply;
mod mutation;
mod reference;
mod setting;
mod state;
mod steps;

use std::sync::{Arc, OnceLock, RwLock};

use crate::client::{Client, Input, Outputs, View, visible};
use crate::machine::{
    ClientMachine, Link, Minimal, ServerMachine, StateId, compile_client, compile_client_among,
    compile_server,
};
use crate::message::Bounds;
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::{self, Protocol};
use crate::server::{self, Hosts, Server};

pub use self::actions::Action;
pub(crate) use self::actions::Choice;
pub use self::apply::Transition;
pub(crate) use self::apply::{acts, gives_up};
#[doc(hidden)]
pub use self::mutation::Mutation;
pub(crate) use self::reference::{CONNECTIONS, Context};
use self::reference::{Clean, Honest, Reference};
pub use self::setting::{Alpn, Attacker, Offering, Pricing, Setting};
pub(crate) use self::state::{Answers, Ghost, Shadow, Spoken};
pub use self::state::{Channel, State, Wire};

/// Everything that stays fixed during a walk.
#[derive(Debug)]
pub struct World<C: Client> {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policy of each of the user's sessions.
    pub sessions: Vec<Policy>,
    /// The attacker on the network.
    pub attacker: Attacker,
    /// The services of the server.
    pub offering: Offering,
    /// How it treats ALPN.
    pub alpn: Alpn,
    /// Whether genuine messages are told from forged ones.
    pub pricing: Pricing,
    /// The bounds of the walk.
    pub bounds: Bounds,
    client: Arc<C>,
    clients: Arc<ClientMachine<C>>,
    /// Client states that occurred in a play and are not in the compiled machine.
    met: RwLock<ClientMachine<C>>,
    server: Server,
    servers: Arc<ServerMachine>,
    /// Whether the user repeats all sessions after the last has ended.
    endless: bool,
    /// The mutation of the world itself; only in a test.
    mutation: Option<Mutation>,
    /// The client's step when TLS begins after an honest clear-text phase.
    reference: Arc<OnceLock<Reference<C::State>>>,
    /// The same after connections on which the attacker interfered.
    further: Arc<OnceLock<Honest<C::State>>>,
    /// The same for every clean clear-text phase.
    clean: Arc<OnceLock<Clean<C::State>>>,
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
        world.clients = Arc::new(compile_client(&*world.client, protocol, setting.bounds));
        world
    }

    /// The same user and client, under the same bounds, in another setting: the client is not compiled
    /// again.
    #[must_use]
    pub fn in_setting(&self, setting: Setting) -> Self {
        let mut world = Self::with_client_of(
            self.protocol,
            Arc::clone(&self.client),
            self.sessions.clone(),
            Setting { bounds: self.bounds, ..setting },
            Some(self),
        );
        world.clients = Arc::clone(&self.clients);
        world.reference = Arc::clone(&self.reference);
        world.further = Arc::clone(&self.further);
        world.clean = Arc::clone(&self.clean);
        world.endless = self.endless;
        world.mutation = self.mutation;
        world.pricing = self.pricing;
        world
    }

    /// A world for single plays: the client is not compiled, and the graph cannot be walked. Servers
    /// may be shared with a world of the same setting.
    pub fn for_play(
        protocol: &'static Protocol,
        client: C,
        sessions: Vec<Policy>,
        setting: Setting,
        like: Option<&Self>,
    ) -> Self {
        Self::with_client_of(protocol, Arc::new(client), sessions, setting, like)
    }

    fn with_client_of(
        protocol: &'static Protocol,
        client: Arc<C>,
        sessions: Vec<Policy>,
        setting: Setting,
        like: Option<&Self>,
    ) -> Self {
        let server = Server {
            protocol,
            offers: setting.offering != Offering::Neither,
            breaks: setting.offering == Offering::Breaks,
            coaxes: false,
            hosts: if protocol.chooses_certificate { setting.hosts } else { Hosts::One },
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
            endless: false,
            mutation: None,
            reference: Arc::default(),
            further: Arc::default(),
            clean: Arc::default(),
            protocol,
            sessions,
            attacker: setting.attacker,
            offering: setting.offering,
            alpn: setting.alpn,
            pricing: Pricing::Free,
            bounds: setting.bounds,
            clients: Arc::new(ClientMachine::<C>::blank()),
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

    /// The same world with a user who repeats the sessions, in the same order, for ever. The client has
    /// to do so as well. Its walk is finite, and proves properties of any number of sequential
    /// sessions.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// The same world with a mutation, for the test that detects it.
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(mut self, mutation: Option<Mutation>) -> Self {
        self.mutation = mutation;
        self.reference = Arc::default();
        self.further = Arc::default();
        self.clean = Arc::default();
        self
    }

    pub(crate) fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// The same world with a client that other clients can also put into these states.
    pub(crate) fn among(mut self, others: &[(C::State, Link)]) -> Self {
        let clients = compile_client_among(&*self.client, self.protocol, self.bounds, others);
        self.clients = Arc::new(clients);
        self
    }

    /// The client.
    pub fn client(&self) -> &C {
        &self.client
    }

    /// The client, compiled.
    pub fn clients(&self) -> &ClientMachine<C> {
        &self.clients
    }

    /// The client's minimal machine, without states that no peer or user can distinguish.
    pub fn least(&self) -> Minimal {
        Minimal::of(&*self.client, self.protocol, self.bounds, &self.clients)
    }

    /// The server, compiled.
    pub fn servers(&self) -> &ServerMachine {
        &self.servers
    }

    /// The server.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Whether client and server of another world behave like those of this one.
    pub fn behaves_like(&self, other: &Self) -> bool {
        self.clients.behaves_like(&other.clients) && self.servers.behaves_like(&other.servers)
    }

    /// The phase of the true server.
    pub fn server_phase(&self, state: &State) -> server::Phase {
        self.servers.state(state.server).phase
    }

    /// Whether the client's view matches its outputs: it waits for a second channel only after it has
    /// opened one, and it has ended only after all sessions have. A walk of a client whose view does
    /// not match proves nothing.
    pub fn view_fits(&self, state: &State) -> bool {
        let view = self.with_client(state.client, |(client, _)| self.client.view(client));
        match view {
            Some(View::Channel) => state.channel == Channel::Handshake,
            Some(View::Ended) => true,
            Some(View::Open(_) | View::Handshaking) => !state.ghost.ended,
            None => false,
        }
    }

    /// Whether all sessions have ended.
    pub const fn is_terminal(&self, state: &State) -> bool {
        state.ghost.ended
    }

    /// The properties that are broken in a state.
    pub const fn broken(&self, state: &State) -> Properties {
        state.ghost.broken
    }

    /// Whether some session needs TLS: then only its own clear text is judged.
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

    /// The policy of the current session; at the end, of the last one.
    pub fn policy(&self, state: &State) -> Policy {
        let last = self.sessions.len().saturating_sub(1);
        let mut index = usize::from(state.ghost.session).min(last);
        if self.has(Mutation::PolicyOfFirstSession) {
            index = 0;
        }
        self.sessions.get(index).copied().unwrap_or(Policy::Required)
    }

    /// Whether the user repeats all sessions after the last has ended.
    pub(crate) const fn is_endless(&self) -> bool {
        self.endless
    }

    /// All contexts, in the order of their numbers.
    pub(crate) fn contexts(&self) -> Vec<Context> {
        let sessions = u8::try_from(self.sessions.len()).unwrap_or(u8::MAX);
        let mut all = Vec::new();
        for session in 0..sessions {
            for connection in 0..CONNECTIONS {
                all.extend([false, true].map(|implicit| Context { session, connection, implicit }));
            }
        }
        all
    }

    fn reference(&self) -> &Reference<C::State> {
        self.reference.get_or_init(|| {
            let any = self.has(Mutation::ReferenceFromClean);
            reference::honest(&*self.client, self.protocol, self.sessions.len(), any)
        })
    }

    /// The same for connections that no honest network leads to.
    fn further(&self) -> &Honest<C::State> {
        self.further
            .get_or_init(|| reference::further(&*self.client, self.protocol, self.sessions.len()))
    }

    /// Whether the client logs in before it delivers, without an attack.
    pub(crate) fn logs_in(&self) -> bool {
        self.reference().logs_in
    }

    /// The client's step when TLS with the true server begins after an honest clear-text phase; `None`
    /// if no such phase leads there.
    pub(crate) fn honest_step(
        &self,
        context: Context,
        input: &Input,
    ) -> Option<(StateId, Outputs)> {
        let context = if self.has(Mutation::ContextIgnored) {
            Context { session: 0, connection: 0, ..context }
        } else {
            context
        };
        let honest = &self.reference().honest;
        let step = honest.get(&context).or_else(|| self.further().get(&context))?;
        let link = Link::Handshake.after(input, &step.outputs);
        Some((self.client_id((step.state.clone(), link)), step.outputs.clone()))
    }

    /// Whether a clean clear-text phase leads to the same step when TLS with the true server begins.
    pub(crate) fn is_clean(&self, context: Context, next: StateId, outputs: &Outputs) -> bool {
        if self.has(Mutation::AllUnclean) || self.has(Mutation::UncleanNeverSet) {
            return self.has(Mutation::UncleanNeverSet);
        }
        let clean = self
            .clean
            .get_or_init(|| reference::clean(&*self.client, self.protocol, self.sessions.len()));
        self.with_client(next, |(state, _)| self.client.by_itself(state))
            .is_some_and(|state| clean.contains(&(context, state, visible(outputs))))
    }

    /// Whether the next reply to the client waits for the data: a server with a second channel confirms
    /// a delivery after it has received the data there.
    pub(crate) fn waits_for_data(&self, state: &State) -> bool {
        self.protocol.channel == protocol::Channel::Second
            && !self.has(Mutation::ConfirmsWithoutData)
            && !state.ghost.moved
            && state.to_client.first().is_some_and(|it| it.answers == Answers::Delivery)
    }
}
