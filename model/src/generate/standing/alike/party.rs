//! Clients as tables: the step of each on each input, computed once for all that make the same choices.

use rustc_hash::FxHashMap;

use crate::client::{Client, Input, Negotiator, Outputs, State, View, visible};
use crate::machine::{Link, segment_inputs};
use crate::message::Bounds;
use crate::protocol::Protocol;
use crate::variant::{Choice, Variant};

/// A set of choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Choices(u16);

impl Choices {
    fn of(choices: &[Choice]) -> Self {
        Self(choices.iter().fold(0, |all, &choice| all | 1 << choice as u16))
    }

    /// The choices of both sets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether two clients agree in all of them.
    pub(super) fn agree(self, one: Variant, other: Variant) -> bool {
        let mut all = Choice::ALL.into_iter();
        all.all(|choice| self.0 & 1 << choice as u16 == 0 || one.agrees(other, choice))
    }
}

/// The inputs of clients, and their visible outputs.
pub(super) struct Outside {
    segments: Vec<Input>,
    /// The possible inputs, by link and view.
    inputs: FxHashMap<(Link, View), Vec<Input>>,
    /// Numbers of the visible outputs of a step.
    shown: FxHashMap<Outputs, u32>,
}

impl Outside {
    /// All inputs of a protocol, within the bounds of the vectors.
    pub(super) fn of(protocol: &Protocol) -> Self {
        Self {
            segments: segment_inputs(protocol, Bounds::STANDARD),
            inputs: FxHashMap::default(),
            shown: FxHashMap::default(),
        }
    }
}

/// The number of a state of a [`Party`], with its link.
pub(super) type PartyState = u32;

/// A step of clients on an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    /// The number of its visible outputs.
    pub(super) shows: u32,
    /// The state that follows.
    pub(super) next: PartyState,
    /// The choices on which it depends.
    pub(super) on: Choices,
}

/// The steps in a state of the clients that agree with a variant in some choices.
struct Row {
    variant: Variant,
    on: Choices,
    /// The distinct steps.
    steps: Vec<Seen>,
    /// The step for each input, by its index.
    taken: Vec<u16>,
}

/// Clients with the same flaws and any choices. They share their states.
pub(super) struct Party {
    client: Negotiator,
    states: Vec<(State, Link)>,
    ids: FxHashMap<(State, Link), PartyState>,
    rows: Vec<Vec<Row>>,
}

impl Party {
    /// The initial state: it depends on no choice.
    pub(super) const START: PartyState = 0;

    /// All clients that differ from the given one only in their choices.
    pub(super) fn new(client: Negotiator) -> Self {
        let start = client.start().state;
        let mut party =
            Self { client, states: Vec::new(), ids: FxHashMap::default(), rows: Vec::new() };
        party.number((start, Link::Down));
        party
    }

    fn number(&mut self, state: (State, Link)) -> PartyState {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = self.states.len() as PartyState;
        self.ids.insert(state.clone(), id);
        self.states.push(state);
        self.rows.push(Vec::new());
        id
    }

    /// What the environment sees of a state.
    pub(super) fn view(&self, id: PartyState) -> View {
        self.client.view(&self.states[id as usize].0)
    }

    /// The steps in a state of the client that makes these choices, for each input, in order.
    pub(super) fn steps<'a>(
        &'a mut self,
        id: PartyState,
        variant: Variant,
        outside: &mut Outside,
    ) -> impl Iterator<Item = Seen> + use<'a> {
        let rows = &self.rows[id as usize];
        let known = rows.iter().position(|row| row.on.agree(variant, row.variant));
        let place = known.unwrap_or_else(|| {
            let row = self.row(id, variant, outside);
            self.rows[id as usize].push(row);
            self.rows[id as usize].len() - 1
        });
        let Row { steps, taken, .. } = &self.rows[id as usize][place];
        taken.iter().map(|&step| steps[usize::from(step)])
    }

    fn row(&mut self, id: PartyState, variant: Variant, outside: &mut Outside) -> Row {
        let (state, link) = self.states[id as usize].clone();
        let view = self.client.view(&state);
        let Outside { segments, inputs, shown } = outside;
        let inputs = inputs.entry((link, view)).or_insert_with(|| link.inputs(view, segments));
        let mut row = Row { variant, on: Choices::default(), steps: Vec::new(), taken: Vec::new() };
        let mut known: FxHashMap<Seen, u16> = FxHashMap::default();
        for input in inputs.iter() {
            let (step, asked) = self.client.step_asking(variant, &state, input);
            let next = self.number((step.state, link.after(input, &step.outputs)));
            let fresh = shown.len() as u32;
            let shows = *shown.entry(visible(&step.outputs)).or_insert(fresh);
            let seen = Seen { shows, next, on: Choices::of(&asked) };
            row.on = row.on.and(seen.on);
            let step = *known.entry(seen).or_insert_with(|| {
                row.steps.push(seen);
                // The number of inputs is smaller than that.
                (row.steps.len() - 1) as u16
            });
            row.taken.push(step);
        }
        row
    }
}
