//! Vectors x (sound variants + the flawed clients whose mistake shows in a step), over real sockets and
//! real TLS: each judgement is what the model computed.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "common/bouts.rs"]
mod bouts;

use std::sync::Arc;

use upward::codec;
use upward::trial::{Scene, Transport};
use upward::vectors::committed;
use upward_model::client::Negotiator;
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::protocol::{IMAP, MANUAL, POP3, Protocol, SMTP};
use upward_model::variant::Variant;
use upward_model::vector::{Tier, Vector};

use self::bouts::{Bouts, model_plays};

/// Whether the model's client with this mistake does in a vector anything that it would not do without.
fn acts(protocol: &'static Protocol, vector: &Vector, variant: Variant, flaw: Flaw) -> bool {
    let scene = Scene::of(protocol, vector);
    let steps = |flaws: Flaws| {
        let sessions = scene.sessions.clone();
        let sound = Negotiator::sound(protocol, scene.policy());
        let play = model_plays(&scene, Negotiator { sessions, variant, flaws, ..sound });
        play.steps.into_iter().map(|step| (step.action, step.transition.client)).collect::<Vec<_>>()
    };
    steps(flaw.into()) != steps(Flaws::NONE)
}

fn transport() -> Transport {
    if std::env::var("UPWARD_SIM").is_ok() { Transport::Simulated } else { Transport::Loopback }
}

fn check(protocol: &'static Protocol, tier: Tier) {
    let only = std::env::var("UPWARD_ONLY").unwrap_or_default();
    let sound = Variant::single().into_iter().map(|variant| (variant, Flaws::NONE));
    let sound: Vec<(Variant, Flaws)> = sound.collect();
    let flawed = flawed(protocol);
    // A mistake that changes no step of the client in a vector makes no other run.
    let parties = |vector: &Vector| -> Vec<(Variant, Flaws)> {
        let act = |&&(variant, flaw): &&(Variant, Flaw)| acts(protocol, vector, variant, flaw);
        let flawed = flawed.iter().filter(act).map(|&(variant, flaw)| (variant, flaw.into()));
        sound.iter().copied().chain(flawed).collect()
    };
    let vectors = committed(protocol.name).unwrap().vectors.into_iter();
    let bouts = Bouts {
        protocol,
        codec: Arc::from(codec::by_name(protocol.name).unwrap()),
        bouts: vectors
            .filter(|vector| vector.tier <= tier && vector.id.contains(&only))
            .map(|vector| {
                let parties = parties(&vector);
                (vector, parties)
            })
            .collect(),
        driven: &|client| client,
        evidence: |_| {},
        first_only: false,
        transport: transport(),
    };
    let complaints = bouts.complaints();
    assert!(
        complaints.is_empty(),
        "{}\n{} in all",
        complaints[..complaints.len().min(400)].join("\n"),
        complaints.len()
    );
}

#[test]
fn manual() {
    check(&MANUAL, Tier::Full);
}

#[test]
fn imap() {
    check(&IMAP, Tier::Standard);
}

#[test]
fn smtp() {
    check(&SMTP, Tier::Standard);
}

#[test]
fn pop3() {
    check(&POP3, Tier::Standard);
}
