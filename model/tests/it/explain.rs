//! Every play of every vector is a run of the client that played it, and of no sound one where it
//! broke something that a peer can see.

use std::collections::BTreeSet;

use upward_model::client::Negotiator;
use upward_model::explain::{Event, Explanation, Habits, explain};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::message::Layer;
use upward_model::play::{Plan, play};
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{Channel, PROTOCOLS, Protocol};
use upward_model::variant::Variant;
use upward_model::vector::{Certificate, PeerRecord, Tier, Vector};
use upward_model::world::{Attacker, Setting, World};

use crate::generated::GENERATED;
use crate::in_parallel::in_parallel;

fn sessions(vector: &Vector) -> Vec<Policy> {
    vector.first_session.into_iter().chain([vector.policy]).collect()
}

/// The plays of vectors up to a tier that are not explained as they should be.
fn complaints(protocol: &'static Protocol, vectors: &[Vector], tier: Tier) -> Vec<String> {
    let parties: Vec<(Variant, Flaws)> = Variant::single()
        .into_iter()
        .map(|variant| (variant, Flaws::NONE))
        .chain(flawed(protocol).into_iter().map(|(variant, flaw)| (variant, flaw.into())))
        .collect();
    let complaints = in_parallel(parties, |(variant, flaws)| {
        let mut complaints = Vec::new();
        for policies in [
            vec![Policy::Required],
            vec![Policy::Implicit],
            vec![Policy::Opportunistic],
            vec![Policy::Opportunistic, Policy::Required],
            vec![Policy::Required, Policy::Required],
        ] {
            let client = Negotiator {
                protocol,
                sessions: policies.clone(),
                variant,
                flaws,
                ..Negotiator::sound(protocol, Policy::Required)
            };
            let world =
                World::new(protocol, client, policies.clone(), Setting::of(Attacker::Active));
            let world = world.counted();
            for vector in vectors.iter().filter(|v| v.tier <= tier && sessions(v) == policies) {
                let played = play(&world, &Plan::from(&vector.peer));
                let run = played.lifted();
                let explanation = explain(protocol, &policies, Habits::default(), &run);
                let fine = match (flaws.iter().next(), &explanation) {
                    (None, Explanation::Sound(_)) => true,
                    (None, _) | (_, Explanation::Nobody) => false,
                    (Some(flaw), Explanation::Flawed(suspects)) => {
                        suspects.iter().any(|suspect| suspect.flaw == flaw)
                    }
                    // Sound behaviour as far as a peer can see it: fine if nothing visible broke.
                    (Some(_), Explanation::Sound(_)) => {
                        policies == [Policy::Opportunistic]
                            || !visible().iter().any(|&p| played.broken.has(p))
                    }
                };
                if !fine {
                    complaints.push(format!(
                        "{} {} {:?}: {explanation:?}\n  broke {:?}\n  {run:?}",
                        vector.id,
                        variant.name(),
                        flaws.iter().collect::<Vec<_>>(),
                        played.broken
                    ));
                }
            }
        }
        complaints
    });
    complaints.concat()
}

/// The properties whose breach is in what a client says, and when.
fn visible() -> [Property; 6] {
    [
        Property::NoSecretInClear,
        Property::PolicyNotFromWire,
        Property::NothingBetweenRequestAndHandshake,
        Property::NoSecretToUnauthenticatedPeer,
        Property::TlsNotTakenAway,
        Property::NoClearRetry,
    ]
}

/// Each protocol at `standard`, and the one with the fewest vectors at `full`.
#[test]
fn plays_are_explained() {
    let least = GENERATED.iter().map(|(_, generated)| generated.file.vectors.len()).min();
    let complaints: Vec<String> = GENERATED
        .iter()
        .flat_map(|(protocol, generated)| {
            let vectors = &generated.file.vectors;
            let tier = if Some(vectors.len()) == least { Tier::Full } else { Tier::Standard };
            complaints(protocol, vectors, tier)
        })
        .collect();
    let some = complaints[..complaints.len().min(20)].join("\n");
    assert!(complaints.is_empty(), "{some}\n{} in all", complaints.len());
}

/// A protocol with a second channel need not be played yet: what honest and false channels show is explained.
#[test]
fn plays_over_a_second_channel_are_explained() {
    let with_channel = PROTOCOLS.into_iter().filter(|protocol| protocol.channel == Channel::Second);
    let mut moved = BTreeSet::new();
    for protocol in with_channel {
        for flaws in [Flaws::NONE, Flaw::SecondChannelInClear.into()] {
            let policies = vec![Policy::Required];
            let client = Negotiator::sound(protocol, Policy::Required).with_flaws(flaws);
            let setting = Setting::of(Attacker::Active);
            let world = World::new(protocol, client, policies.clone(), setting).counted();
            let honest = PeerRecord {
                persona: protocol.name.to_owned(),
                certificate: Certificate::Genuine,
                deviations: Vec::new(),
            };
            let played = play(&world, &Plan::from(&honest));
            let run = played.lifted();
            let events: Vec<&Event> = run.iter().flatten().collect();
            let opened = events.iter().find_map(|event| match event {
                Event::ChannelOpened(layer) => Some(*layer),
                _ => None,
            });
            assert!(events.contains(&&Event::DataMoved), "{run:?}");
            let explanation = explain(protocol, &policies, Habits::default(), &run);
            match (opened, &explanation) {
                (Some(Layer::Tls), Explanation::Sound(_)) => {}
                (Some(Layer::Clear), Explanation::Flawed(suspects)) => {
                    let names = suspects.iter().map(|suspect| suspect.flaw);
                    assert_eq!(names.collect::<Vec<_>>(), [Flaw::SecondChannelInClear]);
                    let broken = suspects[0].broken;
                    assert!(broken.has(Property::NoClearSecondChannel), "{broken:?}");
                }
                other => panic!("{} {flaws:?}: {other:?}\n{run:?}", protocol.name),
            }
            moved.insert(opened);
        }
    }
    assert_eq!(moved.len(), 2, "a channel inside TLS, and one in clear");
}
