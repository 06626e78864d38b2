//! Errors that are planted in codec, driver and recording: the comparison with the model, which
//! passes without them, must notice each.

mod codecs;
mod drivers;

use std::sync::Arc;

use upward::catalogue::{CATALOGUE, Entry};
use upward::codec::Codec;
use upward::evidence::Evidence;
use upward::vectors::committed;
use upward_model::client::{Client, Negotiator};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::message::{Command, Layer};
use upward_model::protocol::Protocol;
use upward_model::variant::Variant;
use upward_model::vector::{Tier, Vector};

use self::codecs::{Misread, Planted};
use self::drivers::{Driven, Mishap};
use crate::bout::{Bout, Twins, outside_time, stagehand};
use crate::in_parallel::in_parallel;

/// What is lost of a recording.
type Loss = fn(&mut Evidence);

/// The smallest tier, each vector with a sound client and those that it shows.
fn smoke(protocol: &'static Protocol) -> Vec<(Vector, Vec<(Variant, Flaws)>)> {
    let vectors = committed(protocol.name).unwrap().vectors.into_iter();
    vectors
        .filter(|vector| vector.tier == Tier::Smoke)
        .map(|vector| {
            let kills = |flaw: Flaw| vector.kills.iter().any(|name| name == flaw.name());
            let flawed = flawed(protocol).into_iter().filter(|(_, flaw)| kills(*flaw));
            let flawed = flawed.map(|(variant, flaw)| (variant, Flaws::from(flaw)));
            let parties = std::iter::once((Variant::COMMON, Flaws::NONE)).chain(flawed).collect();
            (vector, parties)
        })
        .collect()
}

/// What differs from what the model computed, in simulation.
fn complaints<C: Client + Sync>(
    entry: &Entry,
    plant: impl FnOnce(Arc<dyn Codec>) -> Arc<dyn Codec>,
    driven: &(dyn Fn(Negotiator) -> C + Sync),
    evidence: Loss,
) -> Vec<String> {
    let (protocol, stagehand) = (entry.protocol, stagehand(plant(entry.codec())).simulated());
    let twins = Twins::default();
    let bouts = smoke(protocol).into_iter().flat_map(|(vector, parties)| {
        let bout =
            move |(variant, flaws)| Bout::new(protocol, vector.clone(), variant, flaws, evidence);
        parties.into_iter().map(bout)
    });
    let play = |(bout, seed): (Bout, u128)| {
        let client = driven(bout.client.clone());
        let trial = outside_time().block_on(bout.play(&stagehand, &twins, &client, seed));
        bout.complaint(&trial)
    };
    in_parallel(bouts.zip(1..).collect::<Vec<_>>(), play).into_iter().flatten().collect()
}

#[test]
fn nothing_planted_is_nothing_noticed() {
    let mut all = Vec::new();
    for entry in &CATALOGUE {
        let driven = |client| Driven { client, mishap: None };
        all.extend(complaints(entry, |codec| codec, &driven, |_| {}));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_codec_that_errs_is_noticed() {
    for &misread in Misread::ALL {
        for entry in CATALOGUE.iter().filter(|entry| misread.is_possible(entry.protocol)) {
            let plant = |inner| -> Arc<dyn Codec> { Arc::new(Planted { inner, misread }) };
            let noticed = complaints(entry, plant, &|client| client, |_| {});
            assert!(!noticed.is_empty(), "{} {misread:?}", entry.protocol.name);
        }
    }
}

#[test]
fn a_driver_that_errs_is_noticed() {
    for &mishap in Mishap::ALL {
        for entry in &CATALOGUE {
            let driven = |client| Driven { client, mishap: Some(mishap) };
            let noticed = complaints(entry, |codec| codec, &driven, |_| {});
            assert!(!noticed.is_empty(), "{} {mishap:?}", entry.protocol.name);
        }
    }
}

#[test]
fn evidence_that_is_lost_is_noticed() {
    let losses: [(&str, Loss); 6] = [
        ("the steps", |evidence| evidence.run.clear()),
        ("what was said in clear, and the secrets in it", |evidence| {
            evidence.clear_messages.clear();
            evidence.exposed.clear();
        }),
        ("how it ended", |evidence| evidence.claims_success = None),
        ("that it did not end", |evidence| evidence.hung = false),
        ("what it printed", |evidence| evidence.shows_clear_text = false),
        ("in which layer it spoke", |evidence| {
            for event in evidence.run.iter_mut().flatten() {
                if let upward_model::explain::Event::Heard(Command::Login(_), layer) = event {
                    *layer = Layer::Clear;
                }
            }
        }),
    ];
    let has_login = |entry: &&Entry| {
        let commands = entry.protocol.commands();
        commands.iter().any(|command| matches!(command, Command::Login(_)))
    };
    let with_login = CATALOGUE.iter().rfind(has_login).expect("a protocol with a login");
    for (what, lose) in losses {
        let noticed = complaints(with_login, |codec| codec, &|client| client, lose);
        assert!(!noticed.is_empty(), "{what}");
    }
}
