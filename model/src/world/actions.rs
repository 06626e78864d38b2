//! The possible actions of a state.

use std::collections::BTreeSet;
use std::fmt;

use crate::client::{Client, Close, Input, Peer, View};
use crate::machine::{ClassId, count_forged};
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::server::{self, Hosts, Port};
use crate::world::{Alpn, Attacker, Mutation, Pricing, State, Wire, World};

/// An action: a choice of the network.
///
/// Actions are tried in this order, which also decides between equally good witnesses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A segment reaches the client, in the layer of its connection.
    ToClient(Segment<Reply>),
    /// A segment reaches the server.
    ToServer(Segment<Command>),
    /// The attacker changes the client's introduction to name the other virtual host.
    NameOtherHost,
    /// The handshake ends with this peer.
    Handshake(Peer),
    /// The handshake fails.
    FailHandshake,
    /// TLS ends, and the connection stays open.
    EndTls,
    /// The handshake of the second channel ends with this peer.
    Channel(Peer),
    /// The second channel cannot be opened, or its handshake fails.
    FailChannel,
    /// The connection ends.
    Close(Close),
    /// The attacker leaves the server's connection and opens one to the other port.
    Redial(Port),
    /// The deadline passes.
    Deadline,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToClient(segment) => write!(f, "to client: {segment}"),
            Self::ToServer(segment) => {
                let words: Vec<String> = segment
                    .pieces()
                    .iter()
                    .map(|piece| match piece {
                        Piece::Whole(command) => command.word().to_owned(),
                        Piece::Line(command) => format!("line:{}", command.word()),
                        Piece::Block(command) => format!("block:{}", command.word()),
                    })
                    .collect();
                write!(f, "to server: {}", words.join(" + "))
            }
            Self::Handshake(peer) => write!(f, "handshake: {}", peer.name()),
            Self::FailHandshake => f.write_str("handshake fails"),
            Self::NameOtherHost => f.write_str("introduction names the other host"),
            Self::Channel(peer) => write!(f, "second channel: {}", peer.name()),
            Self::FailChannel => f.write_str("second channel fails"),
            Self::EndTls => f.write_str("TLS ends, the connection stays"),
            Self::Close(Close::Orderly) => f.write_str("close"),
            Self::Close(Close::Truncated) => f.write_str("close without close_notify"),
            Self::Close(Close::Cut) => f.write_str("cut"),
            Self::Redial(Port::Upgrade) => f.write_str("redial: upgrade port"),
            Self::Redial(Port::Implicit) => f.write_str("redial: implicit port"),
            Self::Deadline => f.write_str("deadline"),
        }
    }
}

/// A possible action and its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The action.
    pub action: Action,
    /// How many of its messages are forged, or 1 if the action itself is the attacker's.
    pub price: u32,
    /// If a segment represents a class of its receiver: the place of that class.
    pub(super) class: Option<ClassId>,
}

impl Choice {
    const fn new(action: Action, price: u32) -> Self {
        Self { action, price, class: None }
    }

    /// The segments of the class at a place among the receiver's classes.
    fn of_class(place: usize, action: Action, price: u32) -> Self {
        Self { action, price, class: ClassId::try_from(place).ok() }
    }
}

impl<C: Client> World<C> {
    /// The possible actions of a state, in a fixed order.
    ///
    /// Segments that client or server cannot distinguish are one action.
    pub fn choices(&self, state: &State) -> Vec<Choice> {
        let mut choices = Vec::new();
        self.choose(state, &mut choices);
        choices
    }

    /// The same, in a reusable list.
    pub(crate) fn choose(&self, state: &State, choices: &mut Vec<Choice>) {
        choices.clear();
        if self.is_terminal(state) {
            return;
        }
        match self.attacker {
            Attacker::Passive => self.passive(state, choices),
            Attacker::Active => self.active(state, choices),
        }
        if self.is_mutant() {
            choices.retain(|choice| !self.overlooks(state, &choice.action));
        }
    }

    fn passive(&self, state: &State, choices: &mut Vec<Choice>) {
        if self.clients_view(state) == View::Channel {
            choices.push(Choice::new(Action::Channel(Peer::Genuine), 0));
            return;
        }
        let server = self.servers.state(state.server);
        let mut push = |action| choices.push(Choice::new(action, 0));
        let handshaking = state.wire == Wire::Handshake;
        match state.to_client.first() {
            Some(spoken) if !handshaking && !self.waits_for_data(state) => {
                push(Action::ToClient(Segment::one(spoken.reply)));
            }
            _ => {}
        }
        if server.phase == server::Phase::Ready
            && let Some(&command) = state.to_server.first()
        {
            push(Action::ToServer(Segment::one(command)));
        }
        let relayed = state.to_server.is_empty() || server.phase != server::Phase::Ready;
        if handshaking && relayed {
            match server.phase {
                server::Phase::AwaitsTls => push(Action::Handshake(Peer::Genuine)),
                server::Phase::Ready | server::Phase::Closed => push(Action::FailHandshake),
            }
        }
        if server.phase == server::Phase::Closed
            && state.to_client.is_empty()
            && !handshaking
            && state.wire != Wire::Down
        {
            push(Action::Close(Close::Orderly));
        }
        if choices.is_empty() || self.has(Mutation::PassiveLoses) {
            choices.push(Choice::new(Action::Deadline, 0));
        }
    }

    fn active(&self, state: &State, choices: &mut Vec<Choice>) {
        if self.clients_view(state) == View::Channel {
            choices.push(Choice::new(Action::Channel(Peer::Genuine), 0));
            let shown = Peer::FALSE.into_iter().filter(|&peer| self.can_show(peer));
            choices.extend(shown.map(|peer| Choice::new(Action::Channel(peer), 1)));
            choices.push(Choice::new(Action::FailChannel, 1));
            choices.push(Choice::new(Action::Deadline, 1));
            return;
        }
        match state.wire {
            Wire::Down => {}
            Wire::Clear => {
                self.to_client(state, choices);
                self.to_server(state, choices);
                self.name_other_host(state, choices);
                self.redial(state, choices);
            }
            Wire::Handshake => {
                self.to_client(state, choices);
                self.to_server(state, choices);
                self.name_other_host(state, choices);
                self.handshakes(state, choices);
                self.redial(state, choices);
            }
            Wire::Secure => self.inside(state, choices),
            Wire::False(_) => self.to_client(state, choices),
        }
        self.closes(state, choices);
        choices.push(Choice::new(Action::Deadline, 1));
    }

    /// How the connection can end. Inside TLS with the true server only that server can close in order,
    /// and only after the client has received its messages.
    fn closes(&self, state: &State, choices: &mut Vec<Choice>) {
        let closed = self.servers.state(state.server).phase == server::Phase::Closed;
        let orderly = state.wire != Wire::Secure || closed && state.to_client.is_empty();
        let truncated = matches!(state.wire, Wire::Secure | Wire::False(_));
        for (close, can) in
            [(Close::Orderly, orderly), (Close::Truncated, truncated), (Close::Cut, true)]
        {
            if can && state.wire != Wire::Down {
                choices.push(Choice::new(Action::Close(close), 1));
            }
        }
    }

    /// The attacker writes to the client.
    fn to_client(&self, state: &State, choices: &mut Vec<Choice>) {
        let genuine: Vec<Reply> = state.to_client.iter().map(|spoken| spoken.reply).collect();
        let mut known = BTreeSet::new();
        if self.pricing == Pricing::Counted && state.wire == Wire::Clear {
            for segment in self.nearly_genuine(&genuine, &self.protocol.replies()) {
                let price = price(&segment, &genuine);
                if known.insert(segment.clone()) {
                    choices.push(Choice::new(Action::ToClient(segment), price));
                }
            }
        }
        for (place, class) in self.clients.classes(state.client).iter().enumerate() {
            let Input::Segment(segment) = &class.representative else { continue };
            if known.contains(segment) {
                continue;
            }
            let price = price(segment, &genuine);
            choices.push(Choice::of_class(place, Action::ToClient(segment.clone()), price));
        }
    }

    /// Segments with genuine messages: alone, together, and with one more message after or before them.
    fn nearly_genuine<M: Copy>(&self, genuine: &[M], alphabet: &[M]) -> Vec<Segment<M>> {
        let mut segments = Vec::new();
        let most = self.bounds.messages;
        for count in 1..=genuine.len().min(most) {
            let whole: Vec<Piece<M>> = genuine[..count].iter().map(|&m| Piece::Whole(m)).collect();
            segments.push(Segment::new(&whole));
            if count == most {
                continue;
            }
            for &message in alphabet {
                let with = |piece| {
                    let mut pieces = whole.clone();
                    pieces.push(piece);
                    Segment::new(&pieces)
                };
                segments.extend(self.protocol.fragments.pieces(message).map(with));
                let mut pieces = vec![Piece::Whole(message)];
                pieces.extend(&whole);
                segments.push(Segment::new(&pieces));
            }
        }
        segments
    }

    /// The attacker writes to the server, in clear.
    fn to_server(&self, state: &State, choices: &mut Vec<Choice>) {
        let genuine = &state.to_server;
        let mut known = BTreeSet::new();
        if self.pricing == Pricing::Counted
            && self.servers.state(state.server).phase == server::Phase::Ready
        {
            for segment in self.nearly_genuine(genuine, &self.protocol.commands()) {
                let price = price_at_server(&segment, genuine);
                if known.insert(segment.clone()) {
                    choices.push(Choice::new(Action::ToServer(segment), price));
                }
            }
        }
        for (place, class) in self.servers.classes(state.server).iter().enumerate() {
            let server::Input::Segment(segment) = &class.representative else { continue };
            if known.contains(segment) {
                continue;
            }
            let unchanged = class.next == state.server
                && (self.pricing == Pricing::Free
                    || self.servers.outputs(class.outputs).is_empty());
            if unchanged && !self.matters(class.outputs) {
                continue;
            }
            let price = price_at_server(segment, genuine);
            choices.push(Choice::of_class(place, Action::ToServer(segment.clone()), price));
        }
    }

    /// Whether a server's step has visible outputs other than messages.
    fn matters(&self, outputs: crate::machine::OutputsId) -> bool {
        self.servers
            .outputs(outputs)
            .iter()
            .any(|output| !matches!(output, server::Output::Say { .. }))
    }

    /// The attacker changes the datum that chooses the virtual host.
    fn name_other_host(&self, state: &State, choices: &mut Vec<Choice>) {
        let server = self.servers.state(state.server);
        if self.server.takes_host_name(server) && !server.elsewhere {
            choices.push(Choice::new(Action::NameOtherHost, 1));
        }
    }

    fn redial(&self, state: &State, choices: &mut Vec<Choice>) {
        let port = match self.servers.state(state.server).port {
            Port::Upgrade => Port::Implicit,
            Port::Implicit => Port::Upgrade,
        };
        if self.protocol.has_implicit() && self.offering.has(port) {
            choices.push(Choice::new(Action::Redial(port), 1));
        }
    }

    fn handshakes(&self, state: &State, choices: &mut Vec<Choice>) {
        let server = self.servers.state(state.server);
        if self.clients_view(state) != View::Handshaking {
            return;
        }
        let spliced = (server.port == Port::Implicit) != state.ghost.implicit;
        let stopped = spliced
            && self.alpn == Alpn::Strict
            && self.protocol.alpn.is_some()
            && !self.has(Mutation::AlpnIgnored);
        // The other virtual host's certificate has the user's name only if both hosts share one
        // certificate.
        let named = !server.elsewhere
            || self.server.hosts == Hosts::OneCertificate
            || self.has(Mutation::HostsShareCertificate);
        if server.phase == server::Phase::AwaitsTls && !stopped && named {
            choices.push(Choice::new(Action::Handshake(Peer::Genuine), 0));
        }
        for peer in Peer::FALSE.into_iter().filter(|&peer| self.can_show(peer)) {
            choices.push(Choice::new(Action::Handshake(peer), 1));
        }
        choices.push(Choice::new(Action::FailHandshake, 1));
    }

    /// Whether an attacker can present such a certificate.
    fn can_show(&self, peer: Peer) -> bool {
        peer != Peer::OtherHost || self.protocol.chooses_certificate
    }

    /// TLS with the true server: messages arrive in order, or not at all.
    fn inside(&self, state: &State, choices: &mut Vec<Choice>) {
        // A full queue blocks its writer.
        if let Some(spoken) = state.to_client.first()
            && state.to_server.len() < self.bounds.messages
            && !self.waits_for_data(state)
        {
            choices.push(Choice::new(Action::ToClient(Segment::one(spoken.reply)), 0));
        }
        let server = self.servers.state(state.server);
        if let Some(&command) = state.to_server.first()
            && server.phase == server::Phase::Ready
            && state.to_client.len() < self.bounds.messages
        {
            choices.push(Choice::new(Action::ToServer(Segment::one(command)), 0));
        }
        let ends = self.protocol.closure == crate::protocol::Closure::MayGoOnInClear;
        if ends && state.to_client.is_empty() {
            choices.push(Choice::new(Action::EndTls, 1));
        }
    }

    fn clients_view(&self, state: &State) -> View {
        self.with_client(state.client, |(client, _)| self.client.view(client))
            .unwrap_or(View::Ended)
    }

    /// The layer that the client believes to be in; `None` during a handshake and at the end.
    pub fn believed_layer(&self, state: &State) -> Option<Layer> {
        match self.clients_view(state) {
            View::Open(layer) => Some(layer),
            View::Handshaking | View::Channel | View::Ended => None,
        }
    }
}

/// The cost of a segment: one for each forged message, and one more if it shares a segment with another
/// message, since that is a deviation of its own.
fn price<M: Copy + PartialEq>(segment: &Segment<M>, genuine: &[M]) -> u32 {
    let forged = count_forged(segment, genuine);
    forged + u32::from(forged > 0 && segment.pieces().len() > 1)
}

/// The cost of a segment for the server: one more for each forged message. A forged reply to the client
/// is easier to understand than a true reply that the attacker has requested.
fn price_at_server(segment: &Segment<Command>, genuine: &[Command]) -> u32 {
    count_forged(segment, genuine) + price(segment, genuine)
}
