//! The shortest way to a state of two sessions, as a dialogue of both.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::graph::Graph;
use super::{Event, Pool, State};
use crate::dialogue::Dialogue;
use crate::property::Property;
use crate::walk::{WitnessStep, tell};

/// The predecessor of a pair: the pair before it, and the lane that moved.
type Parent = ([u32; 2], usize);

/// The number of forged messages, then the number of steps.
type Cost = (u32, u32);

impl Pool {
    /// The cheapest way to a state in which a property of a session is broken, as a dialogue of both
    /// lanes: with the fewest forged messages, which a [counted](Self::counted) pool counts, then the
    /// shortest. `session` is counted from 0, and from 1 in the dialogue.
    pub fn counterexample(&self, session: usize, property: Property) -> Option<Vec<String>> {
        let mut graph = Graph::new(self);
        let mut best: FxHashMap<[u32; 2], (Cost, Option<Parent>)> = FxHashMap::default();
        best.insert([0, 0], ((0, 0), None));
        let mut heap = BinaryHeap::from([Reverse(((0, 0), 0, [0, 0]))]);
        let mut order = 0_u32;
        while let Some(Reverse((cost, _, ids))) = heap.pop() {
            if best.get(&ids).is_some_and(|(least, _)| *least < cost) {
                continue;
            }
            if graph.broken(ids)[session].has(property) {
                let mut lines = self.dialogue(&trace_back(&graph, &best, ids));
                lines.push(format!("(broken for #{}: {property})", session + 1));
                return Some(lines);
            }
            for lane in [0, 1] {
                for step in graph.moves(lane, ids[lane]).0.iter() {
                    let next = graph.after(ids, lane, step);
                    let cost = (cost.0 + step.price, cost.1 + 1);
                    if best.get(&next).is_none_or(|(least, _)| cost < *least) {
                        best.insert(next, (cost, Some((ids, lane))));
                        order += 1;
                        heap.push(Reverse((cost, order, next)));
                    }
                }
            }
        }
        None
    }

    fn dialogue(&self, way: &[(State, usize, State)]) -> Vec<String> {
        let mut dialogues = [0, 1].map(|lane| Dialogue::new(self.lanes[lane].protocol, &|_| None));
        let mut lines = Vec::new();
        for (before, lane, after) in way {
            let dialogue = &mut dialogues[*lane];
            let said = dialogue.lines.len();
            self.tell(dialogue, before, *lane, after);
            let new = dialogue.lines.iter().skip(said);
            lines.extend(new.map(|line| format!("#{} {line}", lane + 1)));
            if self.strays(after) && !self.strays(before) {
                lines.push(format!("#{} (these are the data of #{})", lane + 1, 2 - lane));
            }
        }
        lines
    }

    /// Adds the cheapest step of a lane to its next state to the dialogue.
    fn tell(&self, dialogue: &mut Dialogue<'_>, before: &State, lane: usize, after: &State) {
        let (from, to) = (&before.lanes[lane], &after.lanes[lane]);
        let mut choices = self.choices_of(lane, from);
        choices.sort_by_key(|&(_, price)| price);
        let leads = |event: &Event| self.turn(lane, from, event).filter(|(lane, _)| lane == to);
        let found = choices.iter().find_map(|(event, price)| Some((event, price, leads(event)?)));
        let Some((event, &price, (_, transition))) = found else { return };
        match (event, &from.world) {
            (Event::World(action), Some(world)) => {
                let (before, after) = (world.clone(), transition.state.clone());
                let mut step = WitnessStep { before, action: action.clone(), price, after };
                tell(&self.lanes[lane], &mut step);
                dialogue.step(&step.before, &step.action, &transition, None);
            }
            _ => {
                let policy = self.lanes[lane].policy(&transition.state);
                dialogue.note(&format!("a session whose policy is {policy}"));
                let mut broken = transition.state.broken().iter().collect();
                dialogue.did(&transition, &mut broken);
            }
        }
    }
}

fn state(graph: &Graph<'_>, ids: [u32; 2]) -> State {
    State { lanes: [0, 1].map(|lane| graph.tables[lane].nodes[ids[lane] as usize].clone()) }
}

fn trace_back(
    graph: &Graph<'_>,
    best: &FxHashMap<[u32; 2], (Cost, Option<Parent>)>,
    mut ids: [u32; 2],
) -> Vec<(State, usize, State)> {
    let mut way = Vec::new();
    while let Some((_, Some((before, lane)))) = best.get(&ids) {
        way.push((state(graph, *before), *lane, state(graph, ids)));
        ids = *before;
    }
    way.reverse();
    way
}
