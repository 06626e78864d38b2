//! A client's machine with indistinguishable states merged: those that no peer or user can tell apart.
//!
//! Half a line in the buffer is a state of its own, although the client may reject the line whatever it
//! is. Tests cover visible behaviour: the transitions of the minimal machine with the same behaviour.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{ClientMachine, OutputsId, StateId, segment_inputs};
use crate::client::{Client, Input, Outputs, View, visible};
use crate::message::Bounds;
use crate::protocol::Protocol;

/// The minimal machine with the visible behaviour of a client's.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// The block of each state.
    blocks: Vec<usize>,
    /// The number of the visible part of each list of outputs; lists with the same visible part have
    /// the same number.
    seen: Vec<usize>,
    /// The visible steps of each block.
    classes: Vec<BTreeSet<Shows>>,
}

/// The visible part of a step: the number of the visible outputs, and the next block.
type Shows = (usize, usize);

/// A transition of a [`Minimal`] machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    /// The block that it leaves.
    pub from: usize,
    shows: Shows,
}

impl Minimal {
    /// Merges the states of a compiled client, over all inputs within the same bounds.
    pub fn of<C: Client>(
        client: &C,
        protocol: &Protocol,
        bounds: Bounds,
        machine: &ClientMachine<C>,
    ) -> Self {
        let segments = segment_inputs(protocol, bounds);
        let seen = number(machine.all_outputs());
        let rows: Vec<Row> = machine
            .states()
            .iter()
            .map(|(state, link)| {
                let view = client.view(state);
                if view == View::Ended {
                    return Row::new();
                }
                let next = |input: Input| {
                    let step = client.step(state, &input);
                    let after = link.after(&input, &step.outputs);
                    let shown = seen[usize::from(machine.outputs_id(&step.outputs)?)];
                    Some((shown, machine.id(&(step.state, after))?))
                };
                link.inputs(view, &segments).into_iter().filter_map(next).collect()
            })
            .collect();
        let links = machine.states().iter().map(|(_, link)| *link as usize).collect();
        let blocks = refine(links, &rows);
        let mut classes = vec![BTreeSet::new(); blocks.iter().max().map_or(0, |most| most + 1)];
        for (row, &block) in rows.iter().zip(&blocks) {
            // All rows of a block have the same visible steps.
            if classes[block].is_empty() {
                classes[block] = shows(row, &blocks).collect();
            }
        }
        Self { blocks, seen, classes }
    }

    /// How many states it has.
    pub const fn states(&self) -> usize {
        self.classes.len()
    }

    /// How many transitions it has.
    pub fn transitions(&self) -> usize {
        self.classes.iter().map(BTreeSet::len).sum()
    }

    /// The transition of a step of the client's machine.
    pub fn transition(
        &self,
        state: StateId,
        outputs: OutputsId,
        next: StateId,
    ) -> Option<Transition> {
        let block = |state| self.blocks.get(usize::from(state)).copied();
        let from = block(state)?;
        let shows = (*self.seen.get(usize::from(outputs))?, block(next)?);
        self.classes[from].contains(&shows).then_some(Transition { from, shows })
    }
}

/// Numbers the lists of outputs by the part that the peer and the user see.
fn number(all: &[Outputs]) -> Vec<usize> {
    let mut known: FxHashMap<Outputs, usize> = FxHashMap::default();
    all.iter()
        .map(|outputs| {
            let fresh = known.len();
            *known.entry(visible(outputs)).or_insert(fresh)
        })
        .collect()
}

/// The visible outputs and the next state for each input of a state, in the order of the inputs.
type Row = Vec<(usize, StateId)>;

fn shows(row: &Row, blocks: &[usize]) -> impl Iterator<Item = Shows> {
    row.iter().map(|&(shown, next)| (shown, blocks[usize::from(next)]))
}

/// The coarsest partition of the states that no input distinguishes: splits blocks until none splits.
fn refine(mut blocks: Vec<usize>, rows: &[Row]) -> Vec<usize> {
    let mut count = 0;
    loop {
        let mut known: FxHashMap<(usize, Vec<Shows>), usize> = FxHashMap::default();
        let finer = rows
            .iter()
            .zip(&blocks)
            .map(|(row, &block)| {
                let fresh = known.len();
                *known.entry((block, shows(row, &blocks).collect())).or_insert(fresh)
            })
            .collect();
        blocks = finer;
        if known.len() == count {
            return blocks;
        }
        count = known.len();
    }
}
