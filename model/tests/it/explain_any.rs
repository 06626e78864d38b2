//! `explain` on runs that no client of the model need have produced.

use std::sync::LazyLock;

use proptest::prelude::*;
use upward_model::client::{Close, Negotiator, Peer};
use upward_model::explain::{Event, Explanation, Habits, Run, explain};
use upward_model::message::{Bounds, Command, Layer, Mechanism, Piece, Reply, Segment};
use upward_model::play::{Plan, play};
use upward_model::policy::Policy;
use upward_model::protocol::PROTOCOLS;
use upward_model::variant::Variant;
use upward_model::vector::Tier;
use upward_model::world::{Attacker, Setting, World};

use crate::generated::GENERATED;

fn layer() -> impl Strategy<Value = Layer> {
    prop_oneof![Just(Layer::Clear), Just(Layer::Tls)]
}

fn mechanism() -> impl Strategy<Value = Mechanism> {
    prop_oneof![Just(Mechanism::Own), Just(Mechanism::Lure)]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => Just(Command::Hello),
        3 => Just(Command::Upgrade),
        2 => mechanism().prop_map(Command::Begin),
        2 => mechanism().prop_map(Command::Login),
        2 => Just(Command::Credential),
        1 => Just(Command::Protect),
        3 => Just(Command::Deliver),
        1 => Just(Command::Goodbye),
        1 => Just(Command::Noop),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        2 => Just(Reply::Greeting),
        1 => Just(Reply::Welcome),
        3 => (any::<bool>(), mechanism())
            .prop_map(|(upgrade, mechanism)| Reply::Capabilities { upgrade, mechanism }),
        3 => Just(Reply::Accept),
        2 => Just(Reply::Refuse),
        1 => Just(Reply::Garbled),
        1 => Just(Reply::Challenge),
        2 => Just(Reply::LoggedIn),
        2 => Just(Reply::Done),
        1 => Just(Reply::Redirect),
        1 => Just(Reply::Notice),
        1 => Just(Reply::Bye),
    ]
}

fn piece() -> impl Strategy<Value = Piece<Reply>> {
    prop_oneof![
        6 => reply().prop_map(Piece::Whole),
        1 => reply().prop_map(Piece::Line),
        1 => reply().prop_map(Piece::Block),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let segment = proptest::collection::vec(piece(), 0..6).prop_map(|p| Segment::new(&p));
    let peer = prop_oneof![
        3 => Just(Peer::Genuine),
        1 => proptest::sample::select(Peer::FALSE.to_vec()),
    ];
    prop_oneof![
        6 => (segment, layer(), proptest::option::of(command()))
            .prop_map(|(segment, layer, answers)| Event::Said { segment, layer, answers }),
        6 => (command(), layer()).prop_map(|(command, layer)| Event::Heard(command, layer)),
        2 => Just(Event::ClientHello),
        2 => peer.prop_map(Event::Handshake),
        1 => Just(Event::HandshakeFailed),
        1 => Just(Event::TlsEnded),
        1 => prop_oneof![Just(Close::Orderly), Just(Close::Cut)].prop_map(Event::Closed),
        1 => Just(Event::Succeeded),
    ]
}

fn run() -> impl Strategy<Value = Run> {
    proptest::collection::vec(proptest::collection::vec(event(), 0..14), 0..4)
}

/// The runs of sound clients, with the sessions of their users.
static SOUND: LazyLock<Vec<(&'static str, Vec<Policy>, Run)>> = LazyLock::new(|| {
    let mut runs = Vec::new();
    for (protocol, generated) in GENERATED.iter() {
        for vector in &generated.file.vectors {
            if vector.tier != Tier::Smoke {
                continue;
            }
            let sessions: Vec<Policy> =
                vector.first_session.into_iter().chain([vector.policy]).collect();
            for variant in Variant::single() {
                let mut client = Negotiator::sound(protocol, vector.policy).with_variant(variant);
                client.sessions.clone_from(&sessions);
                client.bounds = Bounds::STANDARD;
                let setting = Setting::of(Attacker::Active);
                let world = World::new(protocol, client, sessions.clone(), setting).counted();
                let run = play(&world, &Plan::from(&vector.peer)).lifted();
                runs.push((protocol.name, sessions.clone(), run));
            }
        }
    }
    runs
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_run_makes_it_panic(
        run in run(),
        sessions in proptest::collection::vec(proptest::sample::select(Policy::ALL.to_vec()), 0..3),
        protocol in proptest::sample::select(PROTOCOLS.to_vec()),
    ) {
        // The same run has the same explanation.
        prop_assert_eq!(explain(protocol, &sessions, Habits::default(), &run), explain(protocol, &sessions, Habits::default(), &run));
    }

    #[test]
    fn a_beginning_of_a_sound_run_is_sound(which: prop::sample::Index, cut: prop::sample::Index) {
        let (name, sessions, run) = which.get(&SOUND);
        let protocol = PROTOCOLS.into_iter().find(|protocol| protocol.name == *name).unwrap();
        let mut left = cut.index(run.iter().map(Vec::len).sum::<usize>() + 1);
        let mut beginning = Run::new();
        for events in run {
            let length = left.min(events.len());
            left -= length;
            beginning.push(events[..length].to_vec());
            if length < events.len() {
                break;
            }
        }
        let explanation = explain(protocol, sessions, Habits::default(), &beginning);
        prop_assert!(
            matches!(explanation, Explanation::Sound(_)),
            "{:?}\n{:?}", explanation, beginning
        );
    }
}
