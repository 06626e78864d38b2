//! The complete walk of the product of two lanes, and of a lane among any number of others.
//!
//! Each lane's states have numbers, and a state of the product is a pair of numbers. The set of pairs
//! is exact, with one bit for each pair.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Lane, Pool, Shared, Strays};
use crate::property::Properties;
use crate::walk::Extent;

/// The result of a walk of two sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Distinct states of the product.
    pub states: usize,
    /// Transitions, counted as in a [walk](crate::walk).
    pub transitions: usize,
    /// States in which both sessions have ended.
    pub ends: usize,
    /// States without a transition that are not ends.
    pub stuck: usize,
    /// The properties broken in some state, by session.
    pub broken: [Properties; 2],
    /// Whether the data of one session are sent over the connection of the other in some state.
    pub strays: bool,
    /// Whether both sessions end in delivery in some state.
    pub delivers: bool,
    /// Whether every state was visited.
    pub extent: Extent,
}

/// The behaviour of a session among any number of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Any {
    /// States of a lane, by policy, combined with every memory that some lane can write.
    pub states: [usize; 2],
    /// The properties broken in some of them, by policy.
    pub broken: [Properties; 2],
    /// Whether the data of another session are sent over the connection of this one.
    pub strays: bool,
    /// Whether every such state was visited.
    pub extent: Extent,
}

impl Pool {
    /// Walks the complete product of both sessions, breadth first.
    pub fn walk(&self) -> Found {
        let mut graph = Graph::new(self);
        let mut found = Found { extent: Extent::Exhaustive, ..Found::default() };
        // Pairs by the first lane, and by the second.
        let mut seen = [Pairs::default(), Pairs::default()];
        let mut newest = [Pairs::default(), Pairs::default()];
        newest.iter_mut().for_each(|pairs| pairs.insert(0, 0));
        while newest[0].rows().next().is_some() {
            let mut next = [0, 1].map(|lane| graph.successors(lane, &newest[lane]));
            for (one, row) in newest[0].rows() {
                for other in bits(row) {
                    let events = graph.moves(0, one).1 + graph.moves(1, other).1;
                    found.take([graph.facts(0, one), graph.facts(1, other)], events);
                }
            }
            for lane in [0, 1] {
                seen[lane].take(&newest[lane]);
                next[lane].drop_known(&seen[lane]);
            }
            let [mut all, others] = next;
            all.take(&others.turned());
            let turned = all.turned();
            newest = [all, turned];
        }
        found
    }

    /// Visits every state of a session of either policy, where the memory can at any time be any value
    /// that such a session can leave. This covers any number of sessions together.
    pub fn among_any(&self) -> Any {
        let mut graph = Graph::new(self);
        let mut done = [0; 3];
        loop {
            for lane in [0, 1] {
                let mut id = 0;
                while id < graph.tables[lane].nodes.len() {
                    graph.moves(lane, id as u32);
                    for shared in 0..graph.shared.len() {
                        graph.finds(lane, id as u32, shared as u32);
                    }
                    id += 1;
                }
            }
            let [one, other] = &graph.tables;
            let now = [one.nodes.len(), other.nodes.len(), graph.shared.len()];
            if std::mem::replace(&mut done, now) == now {
                break;
            }
        }
        let mut any =
            Any { states: [done[0], done[1]], extent: Extent::Exhaustive, ..Any::default() };
        for lane in [0, 1] {
            for facts in &graph.tables[lane].facts {
                any.broken[lane].extend(facts.broken);
                any.broken[1 - lane].extend(facts.harms);
                any.strays |= facts.strays;
                if !facts.fits {
                    any.extent = Extent::Bounded;
                }
            }
        }
        any
    }
}

impl Found {
    /// Adds a state to the result: the facts of both lanes, and the number of possible events.
    fn take(&mut self, lanes: [Facts; 2], events: usize) {
        let ended = lanes.iter().all(|facts| facts.ended);
        self.states += 1;
        self.transitions += events;
        self.ends += usize::from(ended);
        self.stuck += usize::from(events == 0 && !ended);
        self.delivers |= ended && lanes.iter().all(|facts| facts.delivered);
        for (lane, facts) in lanes.iter().enumerate() {
            self.broken[lane].extend(facts.broken);
            self.broken[1 - lane].extend(facts.harms);
            self.strays |= facts.strays;
            if !facts.fits {
                self.extent = Extent::Bounded;
            }
        }
    }
}

/// The explored states of both lanes.
pub(super) struct Graph<'p> {
    pool: &'p Pool,
    pub(super) tables: [Table; 2],
    shared: Vec<Shared>,
}

/// The states of a lane, by number.
#[derive(Default)]
pub(super) struct Table {
    pub(super) nodes: Vec<Lane>,
    facts: Vec<Facts>,
    ids: FxHashMap<Lane, u32>,
    moves: Vec<Option<Moves>>,
    found: FxHashMap<(u32, u32), u32>,
}

/// The moves of a state of a lane, and the number of events. Moves with the same result are merged;
/// events without a result are left out.
type Moves = (Rc<[Move]>, usize);

/// The result of an event in its own lane, and the memory that the other lane then has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    next: u32,
    shared: u32,
    pub(super) price: u32,
}

/// The facts about a state of a lane that the walk needs.
#[derive(Clone, Copy)]
struct Facts {
    shared: u32,
    broken: Properties,
    harms: Properties,
    strays: bool,
    ended: bool,
    delivered: bool,
    fits: bool,
}

impl<'p> Graph<'p> {
    pub(super) fn new(pool: &'p Pool) -> Self {
        let mut graph = Self { pool, tables: Default::default(), shared: Vec::new() };
        for (lane, state) in pool.initial().lanes.into_iter().enumerate() {
            graph.id(lane, state);
        }
        graph
    }

    fn id(&mut self, lane: usize, state: Lane) -> u32 {
        if let Some(&id) = self.tables[lane].ids.get(&state) {
            return id;
        }
        let known = self.shared.iter().position(|&shared| shared == state.shared);
        let shared = known.unwrap_or_else(|| {
            self.shared.push(state.shared);
            self.shared.len() - 1
        });
        let world = &self.pool.lanes[lane];
        let machines = world.clients().is_complete() && world.servers().is_complete();
        let run = state.world.as_ref();
        let facts = Facts {
            shared: shared as u32,
            broken: state.broken(),
            harms: self.pool.harms_other(lane, &state),
            strays: state.strays != Strays::Nowhere,
            ended: self.pool.has_ended(lane, &state),
            delivered: run.is_some_and(crate::world::State::all_delivered),
            fits: machines && run.is_none_or(|state| world.view_fits(state)),
        };
        let table = &mut self.tables[lane];
        let id = table.nodes.len() as u32;
        table.nodes.push(state.clone());
        table.facts.push(facts);
        table.ids.insert(state, id);
        id
    }

    /// The properties that are broken in a pair, by session.
    pub(super) fn broken(&self, ids: [u32; 2]) -> [Properties; 2] {
        let facts = [self.facts(0, ids[0]), self.facts(1, ids[1])];
        [0, 1].map(|lane| {
            let mut broken = facts[lane].broken;
            broken.extend(facts[1 - lane].harms);
            broken
        })
    }

    fn facts(&self, lane: usize, id: u32) -> Facts {
        self.tables[lane].facts[id as usize]
    }

    /// The pairs that the moves of a lane lead to; its own number is the first of each pair.
    fn successors(&mut self, lane: usize, pairs: &Pairs) -> Pairs {
        let mut next = Pairs::default();
        for (id, row) in pairs.rows() {
            let shared = self.facts(lane, id).shared;
            for step in self.moves(lane, id).0.iter() {
                // A move that does not change the memory applies to the whole row at once.
                if step.shared == shared {
                    next.take_row(step.next, row);
                    continue;
                }
                for other in bits(row) {
                    next.insert(step.next, self.finds(1 - lane, other, step.shared));
                }
            }
        }
        next
    }

    /// The moves of a state, computed once.
    pub(super) fn moves(&mut self, lane: usize, id: u32) -> Moves {
        if let Some(Some((moves, events))) = self.tables[lane].moves.get(id as usize) {
            return (Rc::clone(moves), *events);
        }
        let state = self.tables[lane].nodes[id as usize].clone();
        let events = self.pool.choices_of(lane, &state);
        let mut moves: Vec<Move> = Vec::new();
        for (event, price) in &events {
            let Some((after, _)) = self.pool.turn(lane, &state, event) else { continue };
            let next = self.id(lane, after);
            let shared = self.tables[lane].facts[next as usize].shared;
            // The memory is a part of the session's state.
            match moves.iter_mut().find(|other| other.next == next) {
                Some(other) => other.price = other.price.min(*price),
                None if next == id => {}
                None => moves.push(Move { next, shared, price: *price }),
            }
        }
        let found = (Rc::from(moves), events.len());
        let known = &mut self.tables[lane].moves;
        known.resize(known.len().max(id as usize + 1), None);
        known[id as usize] = Some(found.clone());
        found
    }

    /// The state of a lane with another memory.
    fn finds(&mut self, lane: usize, id: u32, shared: u32) -> u32 {
        if self.tables[lane].facts[id as usize].shared == shared {
            return id;
        }
        if let Some(&found) = self.tables[lane].found.get(&(id, shared)) {
            return found;
        }
        let state = &self.tables[lane].nodes[id as usize];
        let state = self.pool.finds(lane, state, self.shared[shared as usize]);
        let found = self.id(lane, state);
        self.tables[lane].found.insert((id, shared), found);
        found
    }

    /// The pair that a move leads to.
    pub(super) fn after(&mut self, ids: [u32; 2], lane: usize, step: &Move) -> [u32; 2] {
        let other = self.finds(1 - lane, ids[1 - lane], step.shared);
        if lane == 0 { [step.next, other] } else { [other, step.next] }
    }
}

/// A set of pairs of numbers: a row for each first number, and a bit for each second one.
#[derive(Default)]
struct Pairs(Vec<Vec<u64>>);

impl Pairs {
    /// The rows that have pairs.
    fn rows(&self) -> impl Iterator<Item = (u32, &[u64])> {
        let rows = self.0.iter().enumerate().filter(|(_, row)| !row.is_empty());
        rows.map(|(one, row)| (one as u32, row.as_slice()))
    }

    fn row(&mut self, one: u32, words: usize) -> &mut [u64] {
        let one = one as usize;
        if one >= self.0.len() {
            self.0.resize_with(one + 1, Vec::new);
        }
        let row = &mut self.0[one];
        if words > row.len() {
            row.resize(words, 0);
        }
        row
    }

    fn insert(&mut self, one: u32, other: u32) {
        let word = other as usize / 64;
        self.row(one, word + 1)[word] |= 1 << (other % 64);
    }

    fn take_row(&mut self, one: u32, row: &[u64]) {
        for (word, other) in self.row(one, row.len()).iter_mut().zip(row) {
            *word |= other;
        }
    }

    fn take(&mut self, others: &Self) {
        for (one, row) in others.rows() {
            self.take_row(one, row);
        }
    }

    /// Removes the known pairs; a row may become empty.
    fn drop_known(&mut self, known: &Self) {
        for (row, known) in self.0.iter_mut().zip(&known.0) {
            for (word, known) in row.iter_mut().zip(known) {
                *word &= !known;
            }
            if row.iter().all(|&word| word == 0) {
                row.clear();
            }
        }
    }

    /// The same pairs with swapped numbers.
    fn turned(&self) -> Self {
        let mut turned = Self::default();
        for (one, row) in self.rows() {
            bits(row).for_each(|other| turned.insert(other, one));
        }
        turned
    }
}

/// The numbers of a row, in order.
fn bits(row: &[u64]) -> impl Iterator<Item = u32> + '_ {
    row.iter().enumerate().flat_map(|(index, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(index as u32 * 64 + bit)
        })
    })
}
