//! The clean client: the state of a client when TLS begins after a clear-text phase without an attack.
//!
//! Integrity is non-interference. With the same messages inside TLS, a client behaves the same there
//! whatever it received in clear. The world compares the client under proof with one that went through
//! an honest clear-text phase; the comparison needs only the client's step function.
//!
//! A clear-text phase is *honest* if each segment is one message that the true server sends in clear,
//! and *clean* if each segment is one whole message, of any kind. A state that only an unclean phase
//! leads to is caused by bytes left over when TLS began.

use std::collections::VecDeque;
use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::client::{
    Client, Close, End, Input, Output, Outputs, Peer, Step, Target, View, visible,
};
use crate::machine::Link;
use crate::message::{Command, Layer, Mechanism, Reply, Segment};
use crate::protocol::Protocol;
use crate::server::{self, Port, Server};

/// The session and connection: facts that a client may use although they do not come from clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Context {
    /// The session, counted from 0.
    pub(crate) session: u8,
    /// The connection of that session, counted from 0.
    pub(crate) connection: u8,
    /// Whether it goes to the implicit port.
    pub(crate) implicit: bool,
}

/// The connections of a session that are distinguished; further ones count as the last.
pub(crate) const CONNECTIONS: u8 = 3;

/// The step of a clean client on the end of the handshake with the true server, by context.
pub(crate) type Honest<S> = FxHashMap<Context, Step<S>>;

/// The same for each clean clear-text phase, marks left out.
pub(crate) type Clean<S> = FxHashSet<(Context, S, Outputs)>;

/// A client's behaviour after honest phases.
#[derive(Debug)]
pub(crate) struct Reference<S> {
    /// Its step when TLS begins.
    pub(crate) honest: Honest<S>,
    /// Whether it logs in before it delivers.
    pub(crate) logs_in: bool,
}

/// Explores the honest phases of a client whose user has this many sessions. With `any`, all clean
/// phases count as honest: a mutation for tests.
pub(crate) fn honest<C: Client>(
    client: &C,
    protocol: &'static Protocol,
    sessions: usize,
    any: bool,
) -> Reference<C::State> {
    let mut words = Words::of(protocol);
    if any {
        words.clear = protocol.replies();
    }
    let mut found = Reference { honest: Honest::default(), logs_in: false };
    let mut search = Search::new(client, &words.clear, &words.inside, sessions);
    // First without failures, then with broken connections, which lead to further connections.
    for breaks in [false, true] {
        search.run(breaks, |context, step| {
            found.honest.entry(context).or_insert_with(|| step.clone());
        });
    }
    found.logs_in = search.logs_in;
    found
}

/// Explores the honest phases of connections that follow others, on which the attacker sent any
/// messages: no honest network leads to some of them.
pub(crate) fn further<C: Client>(
    client: &C,
    protocol: &'static Protocol,
    sessions: usize,
) -> Honest<C::State> {
    let words = Words::of(protocol);
    let replies = protocol.replies();
    let mut found = Honest::default();
    let mut search = Search::new(client, &words.clear, &words.inside, sessions);
    search.forged = replies.into_iter().filter(|reply| !words.clear.contains(reply)).collect();
    search.run(true, |context, step| {
        found.entry(context).or_insert_with(|| step.clone());
    });
    found
}

/// Explores the clean phases of a client.
pub(crate) fn clean<C: Client>(
    client: &C,
    protocol: &'static Protocol,
    sessions: usize,
) -> Clean<C::State> {
    let replies = protocol.replies();
    let mut found = Clean::default();
    let mut search = Search::new(client, &replies, &replies, sessions);
    search.run(true, |context, step| {
        found.insert((context, client.by_itself(&step.state), visible(&step.outputs)));
    });
    found
}

/// The true server's messages, by layer.
struct Words {
    clear: Vec<Reply>,
    inside: Vec<Reply>,
}

impl Words {
    fn of(protocol: &'static Protocol) -> Self {
        let server = Server::honest(protocol);
        let mut words = Self { clear: Vec::new(), inside: Vec::new() };
        let mut known = FxHashSet::default();
        let mut waiting = VecDeque::new();
        let mut take = |layer, (state, outputs): (server::State, server::Outputs)| {
            let said = if layer == Layer::Clear { &mut words.clear } else { &mut words.inside };
            for reply in server::words(&outputs) {
                if !said.contains(&reply) {
                    said.push(reply);
                }
            }
            known.insert(state.clone()).then_some(state)
        };
        for port in [Port::Upgrade, Port::Implicit] {
            waiting.extend(take(Layer::Clear, server.start(port)));
        }
        let honest = |command: &Command| {
            !matches!(
                command,
                Command::Begin(Mechanism::Lure | Mechanism::Salted)
                    | Command::Login(Mechanism::Lure | Mechanism::Salted)
            )
        };
        let commands: Vec<Command> = protocol.commands().into_iter().filter(honest).collect();
        while let Some(state) = waiting.pop_front() {
            match state.phase {
                server::Phase::Closed => {}
                server::Phase::AwaitsTls => {
                    let next = server.step(&state, &server::Input::TlsStarted);
                    waiting.extend(take(Layer::Tls, next));
                }
                server::Phase::Ready => {
                    for &command in &commands {
                        // In clear, a client that needs TLS sends only its introduction and the upgrade
                        // request.
                        let early = state.layer == Layer::Clear
                            && !matches!(command, Command::Hello | Command::Upgrade);
                        if early {
                            continue;
                        }
                        let input = server::Input::Segment(Segment::one(command));
                        waiting.extend(take(state.layer, server.step(&state, &input)));
                    }
                }
            }
        }
        words
    }
}

/// A client on a connection without interference, and its place.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Node<S> {
    state: S,
    link: Link,
    context: Context,
    /// Whether the session has opened no connection yet.
    fresh: bool,
    /// Whether the attacker interfered on this connection.
    tampered: bool,
}

struct Search<'a, C: Client> {
    client: &'a C,
    clear: &'a [Reply],
    inside: &'a [Reply],
    /// Further messages that the attacker may send in clear.
    forged: Vec<Reply>,
    sessions: usize,
    known: FxHashSet<Node<C::State>>,
    /// Nodes in the order in which they were found.
    nodes: Vec<Node<C::State>>,
    logs_in: bool,
}

impl<'a, C: Client> Search<'a, C> {
    fn new(client: &'a C, clear: &'a [Reply], inside: &'a [Reply], sessions: usize) -> Self {
        let start = client.start();
        let context = Context { session: 0, connection: 0, implicit: false };
        let before = Node {
            state: start.state.clone(),
            link: Link::Down,
            context,
            fresh: true,
            tampered: false,
        };
        let mut search = Self {
            client,
            clear,
            inside,
            forged: Vec::new(),
            sessions: sessions.max(1),
            known: FxHashSet::default(),
            nodes: Vec::new(),
            logs_in: false,
        };
        let node = search.after(&before, Link::Down, start);
        search.keep(node);
        search
    }

    fn keep(&mut self, node: Node<C::State>) {
        if self.known.insert(node.clone()) {
            self.nodes.push(node);
        }
    }

    /// Explores breadth first, and passes on each step on a handshake with the true server.
    fn run(&mut self, breaks: bool, mut tls_begins: impl FnMut(Context, &Step<C::State>)) {
        let mut index = 0;
        while index < self.nodes.len() {
            let node = self.nodes[index].clone();
            index += 1;
            for input in self.inputs(&node, breaks) {
                let step = self.client.step(&node.state, &input);
                if input == Input::Handshake(Peer::Genuine) && !node.tampered {
                    tls_begins(node.context, &step);
                }
                let link = node.link.after(&input, &step.outputs);
                let forged = matches!(&input, Input::Segment(it)
                    if node.link == Link::Clear
                        && it.pieces().iter().any(|piece| self.forged.contains(&piece.message())));
                let before = Node { tampered: node.tampered || forged, ..node.clone() };
                let next = self.after(&before, link, step);
                self.keep(next);
            }
        }
    }

    fn inputs(&self, node: &Node<C::State>, breaks: bool) -> Vec<Input> {
        let view = self.client.view(&node.state);
        let said = |replies: &[Reply]| -> Vec<Input> {
            replies.iter().map(|&reply| Input::Segment(Segment::one(reply))).collect()
        };
        let mut inputs = match (view, node.link) {
            (View::Ended, _) => return Vec::new(),
            (View::Channel, _) => return vec![Input::Channel(Peer::Genuine)],
            (_, Link::Down) => return vec![Input::Connected],
            (_, Link::Clear) => [said(self.clear), said(&self.forged)].concat(),
            (_, Link::Handshake) => vec![Input::Handshake(Peer::Genuine)],
            (_, Link::Secure) => said(self.inside),
            (_, Link::False) => Vec::new(),
        };
        if breaks {
            if node.link == Link::Handshake {
                inputs.push(Input::HandshakeFailed);
            }
            inputs.extend([Close::Orderly, Close::Cut].map(Input::Closed));
        }
        inputs
    }

    /// The node after a step.
    fn after(&mut self, node: &Node<C::State>, link: Link, step: Step<C::State>) -> Node<C::State> {
        let mut next = Node { state: step.state, link, ..node.clone() };
        for output in step.outputs {
            match output {
                Output::Connect(target) => {
                    next.context.connection = if next.fresh {
                        0
                    } else {
                        (next.context.connection + 1).min(CONNECTIONS - 1)
                    };
                    next.context.implicit = target == Target::Implicit;
                    next.fresh = false;
                    next.tampered = false;
                }
                Output::End(End::Delivered | End::Refused) => {
                    let session = usize::from(next.context.session) + 1;
                    let wrapped = if session < self.sessions { session } else { 0 };
                    next.context.session = u8::try_from(wrapped).unwrap_or_default();
                    next.context.connection = 0;
                    next.fresh = true;
                }
                Output::Send(Command::Login(_) | Command::Credential) => self.logs_in = true,
                _ => {}
            }
        }
        next
    }
}
