//! Proves the example protocol of the catalogue, and plays its vectors against the built-in client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use upward_model::client::Negotiator;
use upward_model::explain::Habits;
use upward_model::flaw::{Flaw, Flaws, Side};
use upward_model::policy::Policy;
use upward_model::vector::{Tier, Vector};
use upward_model::walk::{Extent, walk};
use upward_model::world::{Attacker, Setting, World};

use crate::catalogue::{self, EXAMPLE};
use crate::certificate::Certificates;
use crate::cli::Failure;
use crate::judge::Verdict;
use crate::scene::Scene;
use crate::trial::{Stagehand, against_reference, judge_vector};
use crate::vectors::{self, Selection};

/// Proves the example of the catalogue, the protocol of the manual, and plays its vectors against the built-in client, sound and
/// flawed. Returns the exit code.
pub(super) async fn prove_and_play() -> Result<u8, Failure> {
    let began = Instant::now();
    let client = Negotiator::sound(EXAMPLE, Policy::Required);
    let world = World::new(EXAMPLE, client, vec![Policy::Required], Setting::of(Attacker::Active));
    let found = walk(&world, None);
    let proved = found.extent == Extent::Exhaustive && found.broken.is_empty() && found.stuck == 0;
    outln!(
        "model: {} under policy required, active attacker: {} ({} states, {} transitions, {:.0?})",
        EXAMPLE.name,
        if proved { "every property holds" } else { "NOT PROVED" },
        found.states,
        found.transitions,
        began.elapsed()
    );
    let selection =
        Selection { patterns: Vec::new(), tier: Some(Tier::Smoke), policy: Some(Policy::Required) };
    let file = vectors::committed(EXAMPLE.name).map_err(|error| Failure::new(error.to_string()))?;
    let chosen = selection.of(file.vectors).map_err(|error| Failure::new(error.to_string()))?;
    let (sound, flawed) = play(&chosen).await?;
    outln!(
        "built-in client: {} smoke vectors, sound client passes {} of {}, flawed clients caught {} of {}",
        EXAMPLE.name,
        sound.0,
        sound.1,
        flawed.0,
        flawed.1
    );
    Ok(u8::from(!proved || sound.0 != sound.1 || flawed.0 != flawed.1))
}

/// How many of how many runs went as the model says: of the sound client, and of each flawed client
/// on each vector that shows it.
async fn play(vectors: &[Vector]) -> Result<((usize, usize), (usize, usize)), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let entry = catalogue::by_name(EXAMPLE.name)
        .ok_or_else(|| Failure::new(format!("protocol `{}` has no codec", EXAMPLE.name)))?;
    let stagehand = Stagehand::new(
        entry.codec(),
        Arc::new(Certificates::new().map_err(|error| failed(&error))?),
        Duration::from_millis(300),
    );
    let (mut sound, mut flawed) = ((0, 0), (0, 0));
    let mut seed = 1;
    for vector in vectors {
        let scene = Scene::of(EXAMPLE, vector);
        let killed: Vec<Flaw> =
            Flaw::of(Side::Client).filter(|f| vector.kills.iter().any(|k| k == f.name())).collect();
        let parties = std::iter::once(Flaws::NONE).chain(killed.into_iter().map(Flaws::from));
        for flaws in parties {
            seed += 1;
            let client = Negotiator {
                sessions: scene.sessions.clone(),
                ..Negotiator::sound(EXAMPLE, vector.policy)
            }
            .with_flaws(flaws);
            let (trial, _) = against_reference(&stagehand, &scene, &client, seed)
                .await
                .map_err(|error| failed(&error))?;
            let verdict = judge_vector(&scene, vector, Habits::default(), &trial.evidence).verdict;
            let (count, right) = if flaws == Flaws::NONE {
                (&mut sound, verdict == Verdict::Pass)
            } else {
                (&mut flawed, matches!(verdict, Verdict::Fail | Verdict::Weak))
            };
            if !right {
                let party = flaws.iter().next().map_or("the sound client", Flaw::name);
                eprintln!("unexpected: {party} on {}: {}", vector.id, verdict.name());
            }
            count.0 += usize::from(right);
            count.1 += 1;
        }
    }
    Ok((sound, flawed))
}
