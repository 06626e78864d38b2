//! Two sessions of one pool that run at the same time.
//!
//! Each session is a *lane*: a [`World`] with a client, a connection, the true server and the attacker.
//! A lane begins at any time, and the steps of both lanes interleave in every order. The lanes share
//! only the pool's [`Memory`]: a step of one client ([`Pooled`]) reads and writes it, and the other
//! client sees the change. Each lane is judged by its own world. One fact is invisible to the world of
//! one lane and is judged here: whose data go over a connection.
//!
//! The clean client of a lane is in a pool whose other session never began. If the other session's
//! writes to the memory make a difference inside TLS, a property is broken.

mod graph;
mod witness;

use std::collections::BTreeSet;

use crate::client::{End, Memory, Output, Pooled, Sharing, Step};
use crate::machine::{Link, StateId};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::Protocol;
use crate::world::{self, Action, Setting, Transition, Wire, World};

pub use self::graph::{Any, Found};

/// Two sessions of one pool.
#[derive(Debug)]
pub struct Pool {
    lanes: [World<Pooled>; 2],
}

/// Everything that changes: both lanes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    lanes: [Lane; 2],
}

/// A session, and the current state that it shares with the other one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    shared: Shared,
    strays: Strays,
    /// `None` before the session begins.
    world: Option<world::State>,
}

/// The state that both lanes share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Shared {
    memory: Memory,
    /// The true server's state on the connection that is left in the pool.
    left: Option<StateId>,
}

/// How the data of the other session were sent over the connection of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Strays {
    Nowhere,
    /// Inside TLS with the true server.
    Inside,
    /// In clear, or to a false peer.
    Open,
}

/// An event in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session begins.
    Begin,
    /// An action in its world.
    World(Action),
}

impl Pool {
    /// Two sessions with these policies, and the attacker on both connections.
    pub fn new(
        protocol: &'static Protocol,
        policies: [Policy; 2],
        sharing: Sharing,
        setting: Setting,
    ) -> Self {
        let lane = |session, policy, like: Option<&World<Pooled>>| {
            let client = Pooled::new(protocol, session, policy, sharing);
            World::for_play(protocol, client, vec![policy], setting, like)
        };
        let first = lane(0, policies[0], None);
        let second = lane(1, policies[1], Some(&first));
        Self { lanes: compiled([first, second]) }
    }

    /// The same pool with genuine messages counted, for witnesses.
    #[must_use]
    pub fn counted(self) -> Self {
        Self { lanes: self.lanes.map(World::counted) }
    }

    /// Neither session has begun.
    pub fn initial(&self) -> State {
        let lane = Lane { shared: Shared::default(), strays: Strays::Nowhere, world: None };
        State { lanes: [lane.clone(), lane] }
    }

    /// The possible events, by lane.
    pub fn choices(&self, state: &State) -> Vec<(usize, Event)> {
        let of = |lane: usize| {
            let choices = self.choices_of(lane, &state.lanes[lane]);
            choices.into_iter().map(move |(event, _)| (lane, event))
        };
        of(0).chain(of(1)).collect()
    }

    /// The next state; `None` if the event is not possible.
    pub fn next(&self, state: &State, lane: usize, event: &Event) -> Option<State> {
        let (after, _) = self.turn(lane, &state.lanes[lane], event)?;
        let other = self.finds(1 - lane, &state.lanes[1 - lane], after.shared);
        Some(State { lanes: if lane == 0 { [after, other] } else { [other, after] } })
    }

    /// The properties that are broken, by session.
    pub fn broken(&self, state: &State) -> [Properties; 2] {
        [0, 1].map(|lane| {
            let mut broken = state.lanes[lane].broken();
            broken.extend(self.harms_other(1 - lane, &state.lanes[1 - lane]));
            broken
        })
    }

    /// Whether the data of one session were sent over the connection of the other.
    pub fn strays(&self, state: &State) -> bool {
        state.lanes.iter().any(|lane| lane.strays != Strays::Nowhere)
    }

    /// Whether both sessions have ended.
    pub fn is_terminal(&self, state: &State) -> bool {
        [0, 1].into_iter().all(|lane| self.has_ended(lane, &state.lanes[lane]))
    }

    fn has_ended(&self, lane: usize, state: &Lane) -> bool {
        state.world.as_ref().is_some_and(|state| self.lanes[lane].is_terminal(state))
    }

    /// The possible events in a lane, with their cost for the attacker.
    fn choices_of(&self, lane: usize, state: &Lane) -> Vec<(Event, u32)> {
        let Some(world) = &state.world else { return vec![(Event::Begin, 0)] };
        let choices = self.lanes[lane].choices(world).into_iter();
        choices.map(|choice| (Event::World(choice.action), choice.price)).collect()
    }

    /// The result of an event in its own lane.
    fn turn(&self, lane: usize, before: &Lane, event: &Event) -> Option<(Lane, Transition)> {
        let world = &self.lanes[lane];
        let transition = match (event, &before.world) {
            (Event::Begin, None) => {
                let start = world.client().begin(before.shared.memory);
                let left = before.shared.left.filter(|_| !connects(&start));
                world.begin(start, left)
            }
            (Event::World(action), Some(state)) => world.next(state, action)?,
            _ => return None,
        };
        let mut state = transition.state.clone();
        let (memory, foreign) = world
            .with_client(state.client, |(member, _)| (member.memory, member.foreign.is_some()))?;
        let left = match (before.shared.memory.leaves(), memory.leaves()) {
            (false, true) => Some(state.server),
            (_, true) => before.shared.left,
            (_, false) => None,
        };
        let mut strays = before.strays;
        for output in &transition.client {
            if foreign && *output == Output::Send(crate::message::Command::Deliver) {
                let inside = state.wire == Wire::Secure;
                strays = strays.max(if inside { Strays::Inside } else { Strays::Open });
            }
            // A delivery that the server executed and confirmed does not count if it had the data of
            // the other session.
            let delivers = *output == Output::End(End::Delivered) && strays != Strays::Nowhere;
            if delivers && world.policy(before.world.as_ref().unwrap_or(&state)).needs_tls() {
                state.ghost.broken.insert(Property::OnlyDenialOfService);
            }
        }
        let after = Lane { shared: Shared { memory, left }, strays, world: Some(state) };
        Some((after, transition))
    }

    /// The state of a lane after the other lane has changed the shared state.
    fn finds(&self, lane: usize, state: &Lane, shared: Shared) -> Lane {
        let world = &self.lanes[lane];
        let mut after = Lane { shared, ..state.clone() };
        if let Some(state) = &mut after.world
            && let Some((member, link)) = world.with_client(state.client, Clone::clone)
        {
            state.client = world.client_id((Pooled::reminded(&member, shared.memory), link));
        }
        after
    }

    /// The other session's properties that a lane breaks: that session's data were sent over this
    /// lane's connection.
    fn harms_other(&self, lane: usize, state: &Lane) -> Properties {
        let needs_tls = self.lanes[1 - lane].sessions.iter().any(|policy| policy.needs_tls());
        if state.strays == Strays::Open && needs_tls {
            Properties::of(&[Property::NoSecretInClear, Property::OnlyDenialOfService])
        } else {
            Properties::NONE
        }
    }
}

impl Lane {
    fn broken(&self) -> Properties {
        self.world.as_ref().map_or(Properties::NONE, world::State::broken)
    }
}

fn connects<S>(start: &Step<S>) -> bool {
    start.outputs.iter().any(|output| matches!(output, Output::Connect(_)))
}

/// Compiles both clients for each memory that either of them can write, since the other session may
/// read it.
fn compiled(mut lanes: [World<Pooled>; 2]) -> [World<Pooled>; 2] {
    let mut memories = BTreeSet::from([Memory::default()]);
    loop {
        lanes = lanes.map(|lane| {
            let client = lane.client();
            let mut states = Vec::new();
            for &memory in &memories {
                let start = client.begin(memory);
                let link = if connects(&start) { Link::Down } else { Link::Clear };
                states.push((start.state, link));
                let known = lane.clients().states().iter();
                states.extend(known.map(|(it, link)| (Pooled::reminded(it, memory), *link)));
            }
            lane.among(&states)
        });
        let before = memories.len();
        let closed = lanes.iter().all(|lane| {
            let machine = lane.clients();
            let known = machine.states().iter();
            memories.extend(known.map(|(member, _)| member.memory));
            machine.states().iter().all(|(member, link)| {
                let mut found = memories.iter().map(|&it| (Pooled::reminded(member, it), *link));
                found.all(|state| machine.id(&state).is_some())
            })
        });
        if closed && memories.len() == before {
            return lanes;
        }
    }
}
