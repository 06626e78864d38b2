//! One session of a client that wants TLS or nothing, its server, and an attacker between them who
//! may act a few times.
//!
//! Not the model of the theorems, whose attacker has no budget: this one has the size and the shape
//! on which engines can be compared, few transitions a state and millions of states of sixteen
//! bytes. `budgeted.pml` is the same for SPIN, written a second time.

mod state;
mod step;

pub(crate) use self::state::State;
use self::state::{Client, MESSAGE, QUEUE, Server, Tls, command, flag, mark, reply};

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budgeted {
    /// How often the attacker may act.
    pub(crate) budget: u8,
    /// What the client does wrong.
    pub(crate) flaw: Flaw,
}

/// What a client does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It believes any certificate.
    BelievesAnyone,
    /// It keeps what came behind the reply that starts TLS.
    KeepsBuffer,
}

/// A way across the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the server.
    ToClient,
    /// From the client.
    ToServer,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A segment reaches the client's buffer.
    ClientReads,
    /// The client goes by the first message of its buffer.
    ClientHandles,
    /// The client takes a segment for the handshake.
    ClientShakesHands,
    /// The client finds the connection closed, or waits in vain.
    ClientGivesUp,
    /// The client tells its user so.
    ClientTells,
    /// A segment reaches the server's buffer.
    ServerReads,
    /// The server answers the first message of its buffer.
    ServerHandles,
    /// The server takes a segment for the handshake.
    ServerShakesHands,
    /// The attacker takes the first message away.
    Drop(Way),
    /// He puts another in its place.
    Replace(Way, u8),
    /// He sends a segment of his own behind the others.
    Inject(Way, u8),
    /// He lengthens the last segment.
    Append(Way, u8),
    /// He speaks in the TLS session that the client has with him.
    SpeakTls(u8),
    /// He closes the connection.
    Close,
}

impl Budgeted {
    /// The state before anything has happened.
    pub(crate) fn initial(&self) -> State {
        let to_client = [reply::GREETING, 0, 0];
        State { to_client, budget: self.budget, ..State::default() }
    }

    /// What can happen in a state, in a fixed order; nothing once the client has ended.
    pub(crate) fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if matches!(state.client, Client::Refused | Client::Delivered) {
            return;
        }
        let closed = state.flags & flag::CLOSED != 0;
        actions.extend(client(state, closed));
        actions.extend(server(state));
        if state.budget == 0 {
            return;
        }
        attack(&state.to_client, Way::ToClient, closed, actions);
        attack(&state.to_server, Way::ToServer, closed, actions);
        if state.client_tls == Tls::Attacker && !closed && state.to_client[QUEUE - 1] == 0 {
            actions.extend((1..=reply::LAST).map(Action::SpeakTls));
        }
        if !closed {
            actions.push(Action::Close);
        }
    }

    /// What comes of an action that is possible.
    pub(crate) fn next(&self, state: &State, action: Action) -> State {
        let mut next = *state;
        match action {
            Action::ClientReads => next.client_reads(),
            Action::ClientHandles => next.client_handles(self.flaw),
            Action::ClientShakesHands => next.client_shakes_hands(self.flaw),
            Action::ClientGivesUp => next.give_up(),
            Action::ClientTells => next.client = Client::Refused,
            Action::ServerReads => next.server_reads(),
            Action::ServerHandles => next.server_handles(),
            Action::ServerShakesHands => next.server_shakes_hands(),
            _ => next.suffer(action),
        }
        next
    }
}

fn client(state: &State, closed: bool) -> Option<Action> {
    let something = state.to_client[0] != 0;
    match state.client {
        Client::GivingUp => Some(Action::ClientTells),
        Client::Handshake if something => Some(Action::ClientShakesHands),
        // What is in its buffer is for after the handshake.
        Client::Handshake => (closed || idle(state)).then_some(Action::ClientGivesUp),
        _ if state.heard[0] != 0 => Some(Action::ClientHandles),
        _ if something => Some(Action::ClientReads),
        _ => (closed || idle(state)).then_some(Action::ClientGivesUp),
    }
}

/// Whether nothing comes of the server any more, unless someone speaks to it.
fn idle(state: &State) -> bool {
    state.read[0] == 0 && state.to_server[0] == 0
}

fn server(state: &State) -> Option<Action> {
    match state.server {
        _ if state.read[0] != 0 => Some(Action::ServerHandles),
        _ if state.to_server[0] == 0 => None,
        Server::Handshake => Some(Action::ServerShakesHands),
        _ => Some(Action::ServerReads),
    }
}

/// What the attacker can do to one way: inside TLS, nothing.
fn attack(queue: &[u8; QUEUE], way: Way, closed: bool, actions: &mut Vec<Action>) {
    let words = match way {
        Way::ToClient => 1..=reply::LAST,
        Way::ToServer => 1..=command::LAST,
    };
    let [first, second, third] = *queue;
    if first != 0 && first & mark::INSIDE == 0 {
        actions.push(Action::Drop(way));
        let others = words.clone().filter(|&word| word != first & MESSAGE);
        actions.extend(others.map(|word| Action::Replace(way, word)));
    }
    if closed || third != 0 {
        return;
    }
    actions.extend(words.clone().map(|word| Action::Inject(way, word)));
    let last = if second == 0 { first } else { second };
    if last != 0 && last & (mark::INSIDE | mark::GLUED) == 0 {
        actions.extend(words.map(|word| Action::Append(way, word)));
    }
}
