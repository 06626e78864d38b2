//! The sound clients that nobody outside can tell from a flawed one.
//!
//! There are thousands of sound clients, and most of their choices matter to no comparison. A comparison
//! records on which choices it depended, and its result holds for all clients that agree in those. A
//! difference depends on no more than the way to it, so that one comparison rules out most clients.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::client::{Client, Input, Negotiator, State, View, visible};
use crate::flaw::Flaws;
use crate::generate::evaluate::client;
use crate::machine::{Link, segment_inputs};
use crate::message::Bounds;
use crate::policy::Policy;
use crate::protocol::Protocol;
use crate::variant::{Choice, Variant};

/// The sound clients that do the same as a flawed one, whoever the user is.
pub(super) fn alike<'a>(
    protocol: &'static Protocol,
    flaws: Flaws,
    users: impl Iterator<Item = &'a [Policy]>,
) -> Vec<Variant> {
    let mut inputs = Inputs::of(protocol);
    let mut variants = Variant::all();
    for sessions in users {
        let client = |flaws| client(protocol, sessions.to_vec(), Variant::COMMON, flaws);
        let (flawed, sound) = (client(flaws), client(Flaws::NONE));
        let mut compared: Vec<(Variant, Comparison)> = Vec::new();
        variants.retain(|&variant| {
            let known = compared.iter().find(|(other, it)| it.on.agree(variant, *other));
            if let Some((_, comparison)) = known {
                return comparison.same;
            }
            let comparison = compare(&mut inputs, &flawed, &sound, variant);
            compared.push((variant, comparison));
            comparison.same
        });
    }
    variants
}

/// Whether two clients can be told apart, and on which choices of the second that depends.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    same: bool,
    on: Choices,
}

/// A set of choices.
#[derive(Clone, Copy, Debug, Default)]
struct Choices(u16);

impl Choices {
    /// The same with further ones.
    fn with(self, choices: &[Choice]) -> Self {
        Self(choices.iter().fold(self.0, |all, &choice| all | 1 << choice as u16))
    }

    /// Whether two clients agree in all of them.
    fn agree(self, one: Variant, other: Variant) -> bool {
        let mut all = Choice::ALL.into_iter();
        all.all(|choice| self.0 & 1 << choice as u16 == 0 || one.agrees(other, choice))
    }
}

/// What can come in, by link and view.
struct Inputs {
    segments: Vec<Input>,
    known: FxHashMap<(Link, View), Vec<Input>>,
}

impl Inputs {
    fn of(protocol: &Protocol) -> Self {
        let segments = segment_inputs(protocol, Bounds::STANDARD);
        Self { segments, known: FxHashMap::default() }
    }

    fn at(&mut self, link: Link, view: View) -> &[Input] {
        let segments = &self.segments;
        self.known.entry((link, view)).or_insert_with(|| link.inputs(view, segments))
    }
}

/// Compares a flawed client with the sound one that makes these choices: whether nobody outside can tell
/// them apart, whatever comes in.
fn compare(
    inputs: &mut Inputs,
    flawed: &Negotiator,
    sound: &Negotiator,
    variant: Variant,
) -> Comparison {
    // How a client starts depends on no choice.
    let start = (flawed.start().state, sound.start().state, Link::Down);
    let mut known: FxHashSet<(State, State, Link)> = FxHashSet::default();
    known.insert(start.clone());
    // Each with the choices on which the way to it depended. Short ways depend on few.
    let mut found = vec![(start, Choices::default())];
    let mut all = Choices::default();
    let mut index = 0;
    while let Some(((left, right, link), on)) = found.get(index).cloned() {
        index += 1;
        let view = flawed.view(&left);
        if view != sound.view(&right) {
            return Comparison { same: false, on };
        }
        if view == View::Ended {
            continue;
        }
        for input in inputs.at(link, view) {
            let one = flawed.step(&left, input);
            let (other, asked) = sound.step_asking(variant, &right, input);
            let on = on.with(&asked);
            if visible(&one.outputs) != visible(&other.outputs) {
                return Comparison { same: false, on };
            }
            all = all.with(&asked);
            let next = (one.state, other.state, link.after(input, &one.outputs));
            if known.insert(next.clone()) {
                found.push((next, on));
            }
        }
    }
    Comparison { same: true, on: all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flaw::Flaw;
    use crate::protocol::MANUAL;

    /// Compares with each client by itself.
    fn one_by_one(protocol: &'static Protocol, flaws: Flaws, sessions: &[Policy]) -> Vec<Variant> {
        let mut inputs = Inputs::of(protocol);
        let client = |flaws| client(protocol, sessions.to_vec(), Variant::COMMON, flaws);
        let (flawed, sound) = (client(flaws), client(Flaws::NONE));
        let mut variants = Variant::all();
        variants.retain(|&variant| compare(&mut inputs, &flawed, &sound, variant).same);
        variants
    }

    #[test]
    fn clients_that_agree_where_it_matters_compare_alike() {
        for flaw in Flaw::played() {
            let (flaws, sessions) = (Flaws::from(flaw), [Policy::Required]);
            let found = alike(&MANUAL, flaws, std::iter::once(&sessions[..]));
            assert_eq!(found, one_by_one(&MANUAL, flaws, &sessions), "{flaw}");
        }
    }
}
