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

use std::sync::{Arc, PoisonError, RwLock};

use arrayvec::ArrayVec;

use crate::client::{Client, Input, Output, Peer, View};
use crate::machine::{ClientMachine, Link, ServerMachine, StateId, compile_client, compile_server};
use crate::message::{Bounds, CAPACITY, Command, Layer, Reply, Segment};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Authentication, Protocol};
use crate::server::{self, Port, Server};

pub use self::actions::Action;
pub use self::apply::Transition;

/// Who is on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attacker {
    /// Nobody who changes anything: messages arrive in order, and the deadline passes only where
    /// nothing else can happen.
    Passive,
    /// The owner of the wire.
    Active,
}

impl Attacker {
    /// The stable name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
        }
    }
}

/// What kind of server the user named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offering {
    /// It offers the upgrade, and the implicit port where the protocol has one.
    Both,
    /// It offers the upgrade, and has no implicit port.
    Upgrade,
    /// It has an implicit port, and none for the upgrade.
    Implicit,
    /// It speaks in clear only.
    Neither,
    /// It grants the upgrade, and breaks off.
    Breaks,
}

impl Offering {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Both, Self::Upgrade, Self::Implicit, Self::Neither, Self::Breaks];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "offers both",
            Self::Upgrade => "offers upgrade",
            Self::Implicit => "offers implicit",
            Self::Neither => "offers neither",
            Self::Breaks => "breaks off",
        }
    }

    const fn has(self, port: Port) -> bool {
        match port {
            Port::Upgrade => !matches!(self, Self::Implicit),
            Port::Implicit => matches!(self, Self::Both | Self::Implicit),
        }
    }
}

/// How the server treats ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alpn {
    /// It ignores it.
    Off,
    /// It fails a handshake whose identifier is not the port's own, so that a connection cannot be
    /// spliced from one port to the other.
    Strict,
}

/// Whether a walk keeps the genuine messages of clear wires apart from forged ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pricing {
    /// It does not: all that can happen does.
    Free,
    /// It does: each action has the number of forged messages as its price.
    Counted,
}

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

/// What can be chosen about a [`World`] beside its client and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Who is on the network.
    pub attacker: Attacker,
    /// What the server offers.
    pub offering: Offering,
    /// How it treats ALPN.
    pub alpn: Alpn,
    /// The server's mistakes.
    pub server_flaws: crate::flaw::Flaws,
    /// The bounds of the walk.
    pub bounds: Bounds,
}

impl Setting {
    /// A sound server that offers both ways, and this attacker.
    pub const fn of(attacker: Attacker) -> Self {
        Self {
            attacker,
            offering: Offering::Both,
            alpn: Alpn::Off,
            server_flaws: crate::flaw::Flaws::NONE,
            bounds: Bounds::STANDARD,
        }
    }
}

/// The room of a queue: a writer is blocked at the bound in force, and one step writes as much as a
/// full buffer asks for at most.
const QUEUE: usize = 2 * CAPACITY;

/// Everything that changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub(crate) client: StateId,
    pub(crate) server: StateId,
    pub(crate) wire: Wire,
    pub(crate) to_client: ArrayVec<Spoken, QUEUE>,
    pub(crate) to_server: ArrayVec<Command, QUEUE>,
    pub(crate) ghost: Ghost,
}

/// A reply on its way, and whether it answers a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Spoken {
    pub(crate) reply: Reply,
    pub(crate) answers: bool,
}

/// What the client's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// There is none.
    Down,
    /// In clear.
    Clear,
    /// In clear, with a ClientHello on it.
    Handshake,
    /// TLS with the true server.
    Secure,
    /// TLS with the attacker, who showed this certificate.
    False(Peer),
}

/// What is remembered for the properties alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ghost {
    /// The properties broken so far.
    pub(crate) broken: Properties,
    /// The session under way.
    pub(crate) session: u8,
    /// The connection of that session.
    pub(crate) connection: u8,
    /// Whether the connection goes to the implicit port.
    pub(crate) implicit: bool,
    /// Whether the upgrade request is out and nothing has come since.
    pub(crate) requested: bool,
    /// Whether TLS was taken away from the connection.
    pub(crate) taken: bool,
    /// Commands inside TLS that the server has not answered, as far as the client was told.
    pub(crate) outstanding: u8,
    /// Whether a secret of the session was given away.
    pub(crate) gave_away: bool,
    /// Whether the user of the session was told.
    pub(crate) told: bool,
    /// Whether the session rests on clear-text knowledge that only an attacker can have written.
    pub(crate) lured: bool,
    /// Whether some session was refused.
    pub(crate) refused: bool,
    /// Whether all sessions have ended.
    pub(crate) ended: bool,
    /// Whether the session under way has opened no connection yet.
    pub(crate) fresh: bool,
    /// Whether a capability list came in clear on the connection.
    pub(crate) listed: bool,
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

    /// The client, compiled.
    pub const fn clients(&self) -> &ClientMachine<C> {
        &self.clients
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
        state: &State,
        input: &Input,
    ) -> (StateId, crate::client::Outputs) {
        self.with_client(state.client, |(client, link)| {
            let step = self.client.step(client, input);
            let link = link.after(input, &step.outputs);
            ((step.state, link), step.outputs)
        })
        .map_or_else(
            || (state.client, crate::client::Outputs::new()),
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

impl State {
    /// What the connection is.
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// The session under way, counted from 0.
    pub const fn session(&self) -> u8 {
        self.ghost.session
    }

    /// The connection of that session, counted from 0.
    pub const fn connection(&self) -> u8 {
        self.ghost.connection
    }

    /// What the server has said and the client has not been given, in order.
    pub(crate) fn replies_under_way(&self) -> impl Iterator<Item = Reply> {
        self.to_client.iter().map(|spoken| spoken.reply)
    }

    /// What the client has said and the server has not been given, in order.
    pub(crate) fn commands_under_way(&self) -> impl Iterator<Item = Command> {
        self.to_server.iter().copied()
    }

    /// The properties that are broken.
    pub const fn broken(&self) -> Properties {
        self.ghost.broken
    }

    /// Whether every session that has ended was a delivery.
    pub const fn all_delivered(&self) -> bool {
        self.ghost.ended && !self.ghost.refused
    }

    fn break_property(&mut self, property: Property) {
        self.ghost.broken.insert(property);
    }
}
