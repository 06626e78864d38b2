//! All vectors x (all sound clients + all flawed ones + pairs of mistakes), in simulation: each judgement is
//! what the model computed.

mod kinds;

use std::sync::atomic::{AtomicU64, Ordering};

use upward::catalogue::{CATALOGUE, Entry};
use upward::scene::Scene;
use upward::trial::Stagehand;
use upward::vectors::committed;
use upward_model::client::{Client, Negotiator, Output};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::flawed;
use upward_model::protocol::Protocol;
use upward_model::variant::Variant;
use upward_model::vector::Vector;
use upward_model::world::Action;

use self::kinds::each_kind;
use crate::bout::{Bout, Twins, model_plays, outside_time, stagehand};
use crate::in_parallel::in_parallel;

/// The runs of one protocol.
struct Matrix {
    protocol: &'static Protocol,
    stagehand: Stagehand,
    twins: Twins,
    flawed: Vec<(Variant, Flaw)>,
    /// How many were played: the seed of the next.
    runs: AtomicU64,
}

/// What happens in a play, and what the client does.
type Doings = Vec<(Action, Vec<Output>)>;

impl Matrix {
    fn new(entry: &Entry) -> Self {
        let protocol = entry.protocol;
        let stagehand = stagehand(entry.codec()).simulated();
        let (twins, flawed) = (Twins::default(), flawed(protocol));
        Self { protocol, stagehand, twins, flawed, runs: AtomicU64::new(0) }
    }

    /// What differs from what the model computed, over all clients.
    fn complaints(&self, vector: &Vector) -> Vec<String> {
        let mut complaints = Vec::new();
        let sound = self.bout(vector, Variant::COMMON, Flaws::NONE).client;
        each_kind(&sound, |variant, client| {
            complaints.extend(self.plays(&self.bout(vector, variant, Flaws::NONE), client));
        });
        for (variant, flaws) in self.acting(vector) {
            let bout = self.bout(vector, variant, flaws);
            complaints.extend(self.plays(&bout, &bout.client));
        }
        complaints
    }

    fn bout(&self, vector: &Vector, variant: Variant, flaws: Flaws) -> Bout {
        Bout::new(self.protocol, vector.clone(), variant, flaws, |_| {})
    }

    fn plays<C: Client + Sync>(&self, bout: &Bout, client: &C) -> Option<String> {
        let seed = self.runs.fetch_add(1, Ordering::Relaxed);
        let playing = bout.play(&self.stagehand, &self.twins, client, seed.into());
        bout.complaint(&outside_time().block_on(playing))
    }

    /// The flawed clients, and those with two mistakes, that do in a vector what they would not do with one
    /// mistake fewer: the others make no other run.
    fn acting(&self, vector: &Vector) -> Vec<(Variant, Flaws)> {
        let mut acting = Vec::new();
        let mut alone: Vec<(Flaw, Doings)> = Vec::new();
        let common = self.does(vector, Variant::COMMON, Flaws::NONE);
        for &(variant, flaw) in &self.flawed {
            let does = self.does(vector, variant, flaw.into());
            if variant == Variant::COMMON {
                if does != common {
                    acting.push((variant, flaw.into()));
                }
                alone.push((flaw, does));
            } else if does != self.does(vector, variant, Flaws::NONE) {
                acting.push((variant, flaw.into()));
            }
        }
        // Whether the user is told shows at the end of a run, in the same way with any other mistake.
        alone.retain(|(flaw, _)| *flaw != Flaw::StaysSilent);
        for (index, (flaw, does)) in alone.iter().enumerate() {
            for (other, does_other) in &alone[index + 1..] {
                if *does == common && *does_other == common {
                    continue;
                }
                let both = Flaws::of(&[*flaw, *other]);
                let together = self.does(vector, Variant::COMMON, both);
                if together != *does && together != *does_other {
                    acting.push((Variant::COMMON, both));
                }
            }
        }
        acting
    }

    /// What a client of the model does in a vector.
    fn does(&self, vector: &Vector, variant: Variant, flaws: Flaws) -> Doings {
        let scene = Scene::of(self.protocol, vector);
        let sessions = scene.sessions.clone();
        let sound = Negotiator::sound(self.protocol, scene.policy());
        let play = model_plays(&scene, Negotiator { sessions, variant, flaws, ..sound });
        let steps = play.steps.into_iter();
        steps.map(|step| (step.action, step.transition.client.to_vec())).collect()
    }
}

#[test]
fn each_judgement_is_what_the_model_computed() {
    let only = std::env::var("UPWARD_ONLY").unwrap_or_default();
    let mut played = 0;
    for entry in &CATALOGUE {
        let matrix = Matrix::new(entry);
        let mut vectors = committed(entry.protocol.name).unwrap().vectors;
        vectors.retain(|vector| vector.id.contains(&only));
        played += vectors.len();
        let complaints = in_parallel(vectors, |vector| matrix.complaints(&vector)).concat();
        let some = complaints[..complaints.len().min(40)].join("\n");
        assert!(complaints.is_empty(), "{some}\n{} in all", complaints.len());
    }
    assert!(played > 0, "no vector has `{only}` in its id");
}
