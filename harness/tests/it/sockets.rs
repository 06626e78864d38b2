//! Vectors over real sockets and real TLS: each run leaves the same evidence, and is judged as, its simulated
//! twin; and the judgement is what the model computed.

use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use upward::catalogue::CATALOGUE;
use upward::evidence::Evidence;
use upward::trial::{Stagehand, Trial};
use upward::vectors::committed;
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::protocol::Protocol;
use upward_model::variant::Variant;
use upward_model::vector::{Tier, Vector};

use crate::bout::{Bout, Twins, outside_time, stagehand};
use crate::in_parallel::in_parallel;

/// How many runs are under way at once.
const AT_ONCE: usize = 64;

/// The common client, another sound one, which is not the same for each vector, and those that a vector shows.
fn parties(protocol: &Protocol, vector: &Vector, rank: usize) -> Vec<(Variant, Flaws)> {
    let others = &Variant::single()[1..];
    let sound = [Variant::COMMON, others[rank % others.len()]];
    let kills = |flaw: Flaw| vector.kills.iter().any(|name| name == flaw.name());
    let flawed = flawed(protocol).into_iter().filter(|(_, flaw)| kills(*flaw));
    let sound = sound.into_iter().map(|variant| (variant, Flaws::NONE));
    sound.chain(flawed.map(|(variant, flaw)| (variant, flaw.into()))).collect()
}

/// Evidence without the order of what client and server said at the same time: which of it was noted first is
/// chance.
fn in_no_order(evidence: &Evidence) -> Evidence {
    let mut evidence = evidence.clone();
    for events in &mut evidence.run {
        events.sort_by_key(|event| !event.shows_client());
    }
    for words in &mut evidence.clear_messages {
        words.ahead = false;
    }
    evidence
}

/// How a run over sockets differs from the same run in simulation.
fn difference(bout: &Bout, real: &Trial, simulated: &Trial) -> Option<String> {
    let judgements = [real, simulated].map(|trial| bout.judgement(trial));
    let [one, other] = [real, simulated].map(|trial| in_no_order(&trial.evidence));
    if one == other && judgements[0] == judgements[1] {
        return None;
    }
    let [real, simulated] =
        [(real, &judgements[0]), (simulated, &judgements[1])].map(|(trial, judgement)| {
            let Trial { record, evidence, .. } = trial;
            format!("{}\n{evidence:?}\n{judgement:?}\n", record.render())
        });
    let party = bout.describe_party();
    Some(format!("{party}\n  over sockets:\n{real}\n  in simulation:\n{simulated}"))
}

/// Plays bouts over sockets, each with a seed of its own.
async fn over_sockets(bouts: Vec<Bout>, stagehand: &Stagehand) -> Vec<(Bout, u128, Trial)> {
    let (room, twins) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Twins::default()));
    let mut runs = JoinSet::new();
    for (bout, seed) in bouts.into_iter().zip(1..) {
        let (stagehand, twins, room) = (stagehand.clone(), Arc::clone(&twins), Arc::clone(&room));
        runs.spawn(async move {
            let _room = room.acquire_owned().await.unwrap();
            let trial = bout.play(&stagehand, &twins, &bout.client, seed).await;
            (bout, seed, trial)
        });
    }
    runs.join_all().await
}

#[test]
fn a_run_over_sockets_is_judged_as_its_simulated_twin() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for entry in &CATALOGUE {
        let (protocol, stagehand) = (entry.protocol, stagehand(entry.codec()));
        let vectors = committed(protocol.name).unwrap().vectors.into_iter();
        let vectors = vectors.filter(|vector| vector.tier <= Tier::Standard).enumerate();
        let bouts = vectors.flat_map(|(rank, vector)| {
            let parties = parties(protocol, &vector, rank).into_iter();
            parties.map(move |(variant, flaws)| {
                Bout::new(protocol, vector.clone(), variant, flaws, |_| {})
            })
        });
        // All are played before any is judged: judging takes the processor from clients that wait.
        let played = runtime.block_on(over_sockets(bouts.collect(), &stagehand));
        let (stagehand, twins) = (stagehand.simulated(), Twins::default());
        let complaints = in_parallel(played, |(bout, seed, real)| {
            let playing = bout.play(&stagehand, &twins, &bout.client, seed);
            let simulated = outside_time().block_on(playing);
            bout.complaint(&real).into_iter().chain(difference(&bout, &real, &simulated)).collect()
        });
        let complaints: Vec<String> =
            complaints.into_iter().flat_map(|all: Vec<String>| all).collect();
        let some = complaints[..complaints.len().min(20)].join("\n");
        assert!(complaints.is_empty(), "{some}\n{} in all", complaints.len());
    }
}
