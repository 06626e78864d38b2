//! A client's machine without the states that nobody outside can tell apart.
//!
//! Half a line in the buffer is a state; that the line will be refused, whatever it is, is all that
//! can be seen of it. Tests cover what can be seen: the transitions of the least machine that does
//! the same.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{ClientMachine, Link, OutputsId, StateId};
use crate::client::{Client, Input, Output, Outputs, View};
use crate::message::{Bounds, Segment};
use crate::protocol::Protocol;

/// The least machine that shows the same as a client's.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// The block of each state.
    blocks: Vec<usize>,
    /// What is seen of each list of outputs; lists that show the same have the same number.
    seen: Vec<usize>,
    /// What each block shows: on which input, and which block follows.
    classes: Vec<BTreeMap<Shows, Sample>>,
}

/// What is seen of a step: the number of the visible outputs, and the block that follows.
type Shows = (usize, usize);

/// One member of a class of inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The state that it was taken from.
    pub state: StateId,
    /// The first input of the class there.
    pub input: Input,
    /// How many inputs the class has there.
    pub members: usize,
}

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
        let segments: Vec<Input> = Segment::all(&protocol.replies(), protocol.fragments, bounds)
            .into_iter()
            .map(Input::Segment)
            .collect();
        let seen = number(machine.all_outputs());
        let rows: Vec<Vec<(Input, OutputsId, StateId)>> = machine
            .states()
            .iter()
            .map(|(state, link)| {
                if client.view(state) == View::Ended {
                    return Vec::new();
                }
                let next = |input: &Input| {
                    let step = client.step(state, input);
                    let after = link.after(input, &step.outputs);
                    let next = machine.id(&(step.state, after))?;
                    Some((input.clone(), machine.outputs_id(&step.outputs)?, next))
                };
                link.inputs(&segments).filter_map(|input| next(&input)).collect()
            })
            .collect();
        let blocks = refine::<C>(machine, &rows, &seen);
        let mut classes = vec![BTreeMap::new(); blocks.iter().max().map_or(0, |most| most + 1)];
        let mut filled = vec![false; classes.len()];
        for (state, row) in rows.iter().enumerate() {
            let block = blocks[state];
            if std::mem::replace(&mut filled[block], true) {
                continue;
            }
            for (input, outputs, next) in row {
                let shows = (seen[usize::from(*outputs)], blocks[usize::from(*next)]);
                classes[block]
                    .entry(shows)
                    .or_insert_with(|| Sample {
                        state: StateId::try_from(state).unwrap_or(StateId::MAX),
                        input: input.clone(),
                        members: 0,
                    })
                    .members += 1;
            }
        }
        Self { blocks, seen, classes }
    }

    /// How many states it has.
    pub const fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether it has no state: never, for a compiled client.
    pub const fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The block of a state.
    pub fn block(&self, state: StateId) -> Option<usize> {
        self.blocks.get(usize::from(state)).copied()
    }

    /// All transitions, with an input for each.
    pub fn transitions(&self) -> impl Iterator<Item = (Transition, &Sample)> {
        self.classes.iter().enumerate().flat_map(|(from, classes)| {
            classes.iter().map(move |(&shows, sample)| (Transition { from, shows }, sample))
        })
    }

    /// Which transition a step of the machine is.
    pub fn transition(
        &self,
        state: StateId,
        outputs: OutputsId,
        next: StateId,
    ) -> Option<Transition> {
        let from = self.block(state)?;
        let shows = (*self.seen.get(usize::from(outputs))?, self.block(next)?);
        self.classes[from].contains_key(&shows).then_some(Transition { from, shows })
    }
}

/// Numbers the lists of outputs by what the peer and the user see of them.
fn number(all: &[Outputs]) -> Vec<usize> {
    let visible = |output: &&Output| {
        !matches!(
            output,
            Output::Took(_)
                | Output::UsedClearKnowledge(_)
                | Output::Skipped
                | Output::UsedNameFromWire
                | Output::TookTruncation
        )
    };
    let mut known: FxHashMap<Vec<Output>, usize> = FxHashMap::default();
    all.iter()
        .map(|outputs| {
            let shown: Vec<Output> = outputs.iter().filter(visible).copied().collect();
            let fresh = known.len();
            *known.entry(shown).or_insert(fresh)
        })
        .collect()
}

/// The coarsest division of the states that no input tells apart: begins with the kind of the
/// connection and splits until nothing splits.
fn refine<C: Client>(
    machine: &ClientMachine<C>,
    rows: &[Vec<(Input, OutputsId, StateId)>],
    seen: &[usize],
) -> Vec<usize> {
    let links = |(_, link): &(C::State, Link)| *link as usize;
    let mut blocks: Vec<usize> = machine.states().iter().map(links).collect();
    let mut count = 0;
    loop {
        let mut known: FxHashMap<(usize, Vec<Shows>), usize> = FxHashMap::default();
        let finer: Vec<usize> = rows
            .iter()
            .zip(&blocks)
            .map(|(row, &block)| {
                let shows = row
                    .iter()
                    .map(|(_, outputs, next)| {
                        (seen[usize::from(*outputs)], blocks[usize::from(*next)])
                    })
                    .collect();
                let fresh = known.len();
                *known.entry((block, shows)).or_insert(fresh)
            })
            .collect();
        blocks = finer;
        if known.len() == count {
            return blocks;
        }
        count = known.len();
    }
}
