//! Compilation: what is walked once for many segments is what each of them does.

use upward_model::client::{Client, Input, MAX_OUTPUTS, Negotiator, Step, View};
use upward_model::flaw::{Flaw, Side};
use upward_model::machine::compile_client;
use upward_model::message::Bounds;
use upward_model::policy::Policy;
use upward_model::protocol::{LDAP, MANUAL, PROTOCOLS, Protocol};
use upward_model::variant::Variant;

use crate::in_parallel::in_parallel;

/// A client that can only be given whole segments.
struct Whole(Negotiator);

impl Client for Whole {
    type State = <Negotiator as Client>::State;

    fn start(&self) -> Step<Self::State> {
        self.0.start()
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        self.0.step(state, input)
    }

    fn view(&self, state: &Self::State) -> View {
        self.0.view(state)
    }
}

/// The common client, its variants in one choice, and each mistake.
fn clients(protocol: &'static Protocol, sessions: &[Policy]) -> Vec<Negotiator> {
    let common =
        Negotiator { sessions: sessions.to_vec(), ..Negotiator::sound(protocol, Policy::Required) };
    let variants = Variant::single().into_iter().map(|v| common.clone().with_variant(v));
    let flawed = Flaw::of(Side::Client).map(|flaw| common.clone().with_flaws(flaw));
    variants.chain(flawed).collect()
}

/// Two sessions, one under each policy: the first does what a single one does under its own.
const SESSIONS: [Policy; 2] = [Policy::Opportunistic, Policy::Required];

fn reads_as_a_whole(protocols: impl IntoIterator<Item = &'static Protocol>, bounds: Bounds) {
    let all = protocols.into_iter().flat_map(|protocol| {
        clients(protocol, &SESSIONS).into_iter().map(move |client| (protocol, client))
    });
    in_parallel(all.collect::<Vec<_>>(), |(protocol, client)| {
        let client = Negotiator { bounds, ..client };
        let shared = compile_client(&client, protocol, bounds);
        let whole = compile_client(&Whole(client.clone()), protocol, bounds);
        assert!(shared.behaves_like(&whole), "{} {client:?}", protocol.name);
        let longest = shared.all_outputs().iter().map(|outputs| outputs.len()).max();
        assert!(longest < Some(MAX_OUTPUTS), "a step that fills its room may have lost a part");
    });
}

#[test]
fn reading_by_pieces_is_reading_as_a_whole() {
    reads_as_a_whole(PROTOCOLS, Bounds::STANDARD);
}

#[test]
fn reading_by_pieces_is_reading_as_a_whole_with_larger_bounds() {
    reads_as_a_whole([&MANUAL, &LDAP], Bounds { messages: 3 });
}
