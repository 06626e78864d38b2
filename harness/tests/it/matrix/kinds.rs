//! All sound clients, each kind once: those that agree in the choices on which a run depends do the same
//! in it.

use std::sync::{Mutex, PoisonError};

use upward_model::client::{Asked, Client, Input, Negotiator, State, Step, View};
use upward_model::message::{Piece, Reply};
use upward_model::variant::Variant;

/// A client of the model that notes on which of its choices its steps depend.
pub(crate) struct Asking {
    client: Negotiator,
    asked: Mutex<Asked>,
}

impl Client for Asking {
    type State = State;

    fn start(&self) -> Step<State> {
        self.client.start()
    }

    fn step(&self, state: &State, input: &Input) -> Step<State> {
        let (step, asked) = self.client.step_asking(self.client.variant, state, input);
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for choice in asked {
            if !all.contains(&choice) {
                all.push(choice);
            }
        }
        step
    }

    fn read(&self, state: &State, piece: Piece<Reply>, more: bool) -> Option<Step<State>> {
        self.client.read(state, piece, more)
    }

    fn view(&self, state: &State) -> View {
        self.client.view(state)
    }

    fn holds_fragment(&self, state: &State) -> bool {
        self.client.holds_fragment(state)
    }
}

/// Plays one client of each kind; all have the mistakes of this one.
pub(crate) fn each_kind(client: &Negotiator, mut play: impl FnMut(Variant, &Asking)) {
    let mut open = vec![(Variant::COMMON, Asked::new())];
    while let Some((variant, mut decided)) = open.pop() {
        let client = Negotiator { variant, ..client.clone() };
        let asking = Asking { client, asked: Mutex::default() };
        play(variant, &asking);
        for choice in asking.asked.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if !decided.contains(&choice) {
                decided.push(choice);
                open.extend(variant.others(choice).map(|other| (other, decided.clone())));
            }
        }
    }
}
