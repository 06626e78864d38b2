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

/// The common client of two sessions, one under each policy: the first does what a single one does under its own.
fn common(protocol: &'static Protocol) -> Negotiator {
    let sessions = vec![Policy::Opportunistic, Policy::Required];
    Negotiator { sessions, ..Negotiator::sound(protocol, Policy::Required) }
}

/// The common client, its variants in one choice, and each mistake.
fn clients(protocol: &'static Protocol) -> Vec<Negotiator> {
    let common = common(protocol);
    let variants = Variant::single().into_iter().map(|v| common.clone().with_variant(v));
    let flawed = Flaw::of(Side::Client).map(|flaw| common.clone().with_flaws(flaw));
    variants.chain(flawed).collect()
}

type Reader = (&'static Protocol, Negotiator);

fn reads_as_a_whole(readers: Vec<Reader>, bounds: Bounds) {
    in_parallel(readers, |(protocol, client)| {
        let client = Negotiator { bounds, ..client };
        let shared = compile_client(&client, protocol, bounds);
        let whole = compile_client(&Whole(client.clone()), protocol, bounds);
        assert!(shared.behaves_like(&whole), "{} {client:?}", protocol.name);
        let longest = shared.all_outputs().iter().map(|outputs| outputs.len()).max();
        assert!(longest < Some(MAX_OUTPUTS), "a step that fills its room may have lost a part");
    });
}

fn all(protocols: impl IntoIterator<Item = &'static Protocol>) -> Vec<Reader> {
    let of = |protocol| clients(protocol).into_iter().map(move |client| (protocol, client));
    protocols.into_iter().flat_map(of).collect()
}

#[test]
fn reading_by_pieces_is_reading_as_a_whole() {
    let readers = PROTOCOLS.into_iter().map(|protocol| (protocol, common(protocol)));
    reads_as_a_whole(readers.collect(), Bounds::STANDARD);
}

#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn reading_by_pieces_is_reading_as_a_whole_for_all_clients() {
    reads_as_a_whole(all(PROTOCOLS), Bounds::STANDARD);
}

#[test]
fn reading_by_pieces_is_reading_as_a_whole_with_larger_bounds() {
    reads_as_a_whole(all([&MANUAL, &LDAP]), Bounds { messages: 3 });
}
