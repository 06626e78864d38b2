//! Vectors x (sound variants + flawed clients), over real sockets and real TLS: each judgement is
//! what the model computed.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use upward::certificate::Certificates;
use upward::codec;
use upward::judge::Verdict;
use upward::trial::{Scene, Stagehand, Trial, against_reference, judge_vector};
use upward_model::client::Negotiator;
use upward_model::explain::Habits;
use upward_model::flaw::{Flaw, Flaws, Side};
use upward_model::generate::{generate, is_claimed};
use upward_model::message::Bounds;
use upward_model::play::{Plan, play};
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Authentication, Level, MANUAL, Protocol, SMTP};
use upward_model::variant::{Login, Variant};
use upward_model::vector::{Tier, Vector};
use upward_model::world::{Attacker, Setting, World};

/// The properties that no recording can show: they speak of what the peer cannot see, or follow
/// from others.
fn is_visible(property: Property) -> bool {
    !matches!(
        property,
        Property::Agreement | Property::OnlyDenialOfService | Property::HonestDelivers
    )
}

fn weigh(protocol: &Protocol, vector: &Vector, broken: Properties) -> Verdict {
    let level = broken
        .iter()
        .filter(|&p| is_visible(p) && is_claimed(vector.policy, p))
        .map(|p| protocol.level(p).0)
        .min();
    match level {
        Some(Level::Must) => Verdict::Fail,
        Some(Level::Should) => Verdict::Weak,
        _ => Verdict::Pass,
    }
}

fn only(vector: &Vector) -> bool {
    std::env::var("UPWARD_ONLY").is_ok_and(|word| !vector.id.contains(&word))
}

async fn check(protocol: &'static Protocol, tier: Tier) {
    let vectors: Vec<Vector> = generate(protocol)
        .file
        .vectors
        .into_iter()
        .filter(|v| v.tier <= tier && !only(v))
        .collect();
    let stagehand = Stagehand {
        codec: Arc::from(codec::by_name(protocol.name).unwrap()),
        certificates: Arc::new(Certificates::new().unwrap()),
        patience: Duration::from_millis(600),
    };
    let parties: Vec<(Variant, Flaws)> = Variant::single()
        .into_iter()
        .map(|variant| (variant, Flaws::NONE))
        .chain(Flaw::of(Side::Client).map(|flaw| (Variant::COMMON, flaw.into())))
        .collect();
    let room = Arc::new(Semaphore::new(32));
    let mut tasks = JoinSet::new();
    let mut seed = 0_u128;
    for vector in vectors {
        for &(variant, flaws) in &parties {
            seed += 1;
            let (stagehand, vector) = (stagehand.clone(), vector.clone());
            let room = Arc::clone(&room);
            tasks.spawn(async move {
                let _room = room.acquire_owned().await.unwrap();
                one(protocol, &stagehand, &vector, variant, flaws, seed).await
            });
        }
    }
    let mut complaints = Vec::new();
    let mut runs = 0;
    while let Some(complaint) = tasks.join_next().await {
        runs += 1;
        complaints.extend(complaint.unwrap());
    }
    complaints.sort();
    assert!(
        complaints.is_empty(),
        "{}\n{} of {runs} runs",
        complaints[..complaints.len().min(400)].join("\n"),
        complaints.len()
    );
}

async fn one(
    protocol: &'static Protocol,
    stagehand: &Stagehand,
    vector: &Vector,
    variant: Variant,
    flaws: Flaws,
    seed: u128,
) -> Option<String> {
    let scene = Scene::of(protocol, vector);
    let client = Negotiator {
        protocol,
        sessions: scene.sessions.clone(),
        variant,
        flaws,
        bounds: Bounds::STANDARD,
    };
    let (trial, _) = against_reference(stagehand, &scene, &client, seed).await.unwrap();
    let vector = vector.clone();
    // Judging is work, and must not keep the clients of other runs waiting.
    let compared = tokio::task::spawn_blocking(move || compare(&scene, &vector, client, &trial));
    compared.await.unwrap()
}

fn compare(scene: &Scene, vector: &Vector, client: Negotiator, trial: &Trial) -> Option<String> {
    let (protocol, variant, flaws) = (scene.protocol, client.variant, client.flaws);
    let setting = Setting::of(Attacker::Active);
    let world = World::for_play(protocol, client, scene.sessions.clone(), setting, None).counted();
    let played = play(&world, &Plan::from(&vector.peer));
    let logs_in = variant.login != Login::Never && protocol.login != Authentication::None;
    let judgement = judge_vector(scene, vector, Habits { logs_in }, &trial.evidence);
    let unreached = !played.reached.contains(&vector.reached);
    // What only the client itself knows is no part of its vector's kills.
    let seen = |p: &Property| {
        let kills = flaws.iter().all(|flaw| vector.kills.iter().any(|name| name == flaw.name()));
        kills || !p.is_inner()
    };
    let expected = weigh(protocol, vector, played.broken.iter().filter(seen).collect());
    let named = flaws.has(Flaw::StaysSilent)
        || flaws.iter().all(|flaw| {
            judgement.verdict == Verdict::Pass
                || judgement.flaws.is_empty()
                || judgement.flaws.contains(&flaw)
        });
    // Two writes may arrive as one: what a sound client then shows is as sound. And a client that
    // gives up in silence after the peer has confirmed the delivery cannot be told from one that
    // does not give up.
    let shown = expected == Verdict::Pass || judgement.outcome == played.outcome;
    let silently = flaws.has(Flaw::StaysSilent) && trial.evidence.delivered;
    // Silence after data that went out unconfirmed is taken for success.
    let unconfirmed = flaws.has(Flaw::StaysSilent) && trial.evidence.arrived;
    let fine = if unconfirmed && !trial.evidence.delivered {
        judgement.broken.has(Property::TruncationIsNotSuccess)
    } else if silently {
        judgement.verdict == Verdict::Pass
    } else if unreached && expected != Verdict::Fail {
        matches!(judgement.verdict, Verdict::Inconclusive | Verdict::Pass)
    } else {
        judgement.verdict == expected && shown
    };
    (!fine || !named).then(|| {
        format!(
            "{} {} {:?}: MODEL {expected:?} {:?} {:?}, judged {:?} {:?} {:?} {:?}\n{}",
            vector.id,
            variant.name(),
            flaws.iter().map(Flaw::name).collect::<Vec<_>>(),
            played.outcome,
            played.broken,
            judgement.verdict,
            judgement.outcome,
            judgement.broken,
            judgement.flaws,
            trial.record.render() + &format!("{:?}", trial.evidence.run)
        )
    })
}

#[tokio::test]
async fn manual() {
    check(&MANUAL, Tier::Full).await;
}

#[tokio::test]
async fn smtp() {
    check(&SMTP, Tier::Standard).await;
}
