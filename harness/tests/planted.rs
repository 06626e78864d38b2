//! Errors that are planted in codec, driver and recording: the comparison with the model, which
//! passes without them, must notice each.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "common/bouts.rs"]
mod bouts;
#[path = "planted/codecs.rs"]
mod codecs;
#[path = "planted/drivers.rs"]
mod drivers;

use std::sync::Arc;

use upward::codec;
use upward::codec::Codec;
use upward::judge::Evidence;
use upward::trial::Transport;
use upward::vectors::committed;
use upward_model::client::{Client, Negotiator};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::message::{Command, Layer};
use upward_model::protocol::{IMAP, MANUAL, POP3, Protocol, SMTP};
use upward_model::variant::Variant;
use upward_model::vector::{Tier, Vector};

use self::bouts::Bouts;
use self::codecs::{Misread, Planted};
use self::drivers::{Driven, Mishap};

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

fn is_noticed<C: Client + Send + Sync + 'static>(
    protocol: &'static Protocol,
    plant: impl FnOnce(Box<dyn Codec>) -> Arc<dyn Codec>,
    driven: &(dyn Fn(Negotiator) -> C + Sync),
    evidence: Loss,
) -> bool {
    let codec = plant(codec::by_name(protocol.name).unwrap());
    let bouts = Bouts {
        protocol,
        codec,
        bouts: smoke(protocol),
        driven,
        evidence,
        first_only: true,
        transport: Transport::Simulated,
    };
    !bouts.complaints().is_empty()
}

/// What is noticed although nothing was planted.
fn complaints<C: Client + Send + Sync + 'static>(
    protocol: &'static Protocol,
    driven: &(dyn Fn(Negotiator) -> C + Sync),
) -> Vec<String> {
    let codec = Arc::from(codec::by_name(protocol.name).unwrap());
    let bouts = smoke(protocol);
    Bouts {
        protocol,
        codec,
        bouts,
        driven,
        evidence: |_| {},
        first_only: false,
        transport: Transport::Simulated,
    }
    .complaints()
}

#[test]
fn nothing_planted_is_nothing_noticed() {
    let mut all = Vec::new();
    for protocol in [&MANUAL, &SMTP, &IMAP, &POP3] {
        all.extend(complaints(protocol, &|client| client));
        let driven = |client| Driven { client, mishap: None };
        all.extend(complaints(protocol, &driven));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_codec_that_errs_is_noticed() {
    for &misread in Misread::ALL {
        for protocol in [&MANUAL, &SMTP, &IMAP, &POP3] {
            if misread.is_possible(protocol) {
                let plant = |inner| -> Arc<dyn Codec> { Arc::new(Planted { inner, misread }) };
                let noticed = is_noticed(protocol, plant, &|client| client, |_| {});
                assert!(noticed, "{} {misread:?}", protocol.name);
            }
        }
    }
}

#[test]
fn a_driver_that_errs_is_noticed() {
    for &mishap in Mishap::ALL {
        for protocol in [&MANUAL, &SMTP, &IMAP, &POP3] {
            let driven = |client| Driven { client, mishap: Some(mishap) };
            let noticed = is_noticed(protocol, Arc::from, &driven, |_| {});
            assert!(noticed, "{} {mishap:?}", protocol.name);
        }
    }
}

#[test]
fn evidence_that_is_lost_is_noticed() {
    let losses: [(&str, Loss); 6] = [
        ("the steps", |evidence| evidence.run.clear()),
        ("what was said in clear, and the secrets in it", |evidence| {
            evidence.words.clear();
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
    for (what, lose) in losses {
        // The manual's protocol has no login.
        let noticed = is_noticed(&SMTP, Arc::from, &|client| client, lose);
        assert!(noticed, "{what}");
    }
}
