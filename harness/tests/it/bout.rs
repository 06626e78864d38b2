//! Plays a vector to a client of the model, and compares the judgement with what the model computed.

mod compare;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;
use upward::certificate::Certificates;
use upward::codec::Codec;
use upward::evidence::{Evidence, Inside};
use upward::scene::Scene;
use upward::trial::{Stagehand, Trial, against_reference};
use upward_model::client::{Client, Negotiator};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::play::{Plan, Play, play_to};
use upward_model::protocol::Protocol;
use upward_model::variant::Variant;
use upward_model::vector::Vector;
use upward_model::world::{Attacker, Setting, World};

/// How long a persona waits for a client that has nothing to answer.
const PATIENCE: Duration = Duration::from_millis(600);

/// What all bouts share, over sockets and TLS.
pub(crate) fn stagehand(codec: Arc<dyn Codec>) -> Stagehand {
    Stagehand::new(codec, Arc::new(Certificates::new().unwrap()), PATIENCE)
}

/// A runtime without sockets, in which no time passes while anything can be done.
pub(crate) fn outside_time() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// What each client says to each twin, played once.
#[derive(Default)]
pub(crate) struct Twins(Mutex<HashMap<String, Arc<OnceCell<Inside>>>>);

/// One vector against one client.
pub(crate) struct Bout {
    pub(crate) scene: Scene,
    vector: Vector,
    pub(crate) client: Negotiator,
    evidence: fn(&mut Evidence),
}

impl Bout {
    pub(crate) fn new(
        protocol: &'static Protocol,
        vector: Vector,
        variant: Variant,
        flaws: Flaws,
        evidence: fn(&mut Evidence),
    ) -> Self {
        let scene = Scene::of(protocol, &vector);
        let sessions = scene.sessions.clone();
        let client =
            Negotiator { sessions, variant, flaws, ..Negotiator::sound(protocol, scene.policy()) };
        Self { scene, vector, client, evidence }
    }

    pub(crate) async fn play<C: Client + Sync>(
        &self,
        stagehand: &Stagehand,
        twins: &Twins,
        client: &C,
        seed: u128,
    ) -> Trial {
        let played = against_reference(stagehand, &self.scene, client, seed).await;
        let (mut trial, _) = played.unwrap();
        // What a mistake does inside TLS shows beside the twin of the vector.
        // The model's client takes any name that it is told, that of an honest greeting as well.
        let compares =
            self.client.flaws != Flaws::NONE && !self.client.flaws.has(Flaw::TakesNameFromWire);
        if compares && let Some(twin) = self.scene.twin() {
            let key = format!("{:?} {:?} {:?}", self.client.variant, self.client.flaws, twin.peer);
            let known = Arc::clone(twins.0.lock().unwrap().entry(key).or_default());
            let play = || async {
                let played = against_reference(stagehand, &twin, client, seed).await;
                played.unwrap().0.evidence.inside
            };
            trial.evidence.twin = Some(known.get_or_init(play).await.clone());
        }
        (self.evidence)(&mut trial.evidence);
        trial
    }
}

/// A protocol, whether its server lists logins in clear, and a world with that server.
type Known = (&'static str, bool, Arc<World<Negotiator>>);

/// What the model computes of a vector's scene and a client.
pub(crate) fn model_plays(scene: &Scene, client: Negotiator) -> Play {
    let plan = Plan::from(&scene.peer);
    let setting = Setting { lists_logins: plan.lists_logins(), ..Setting::of(Attacker::Active) };
    // The server is compiled once for all plays.
    static SERVERS: Mutex<Vec<Known>> = Mutex::new(Vec::new());
    let (name, lists_logins) = (scene.protocol.name, setting.lists_logins);
    let like = {
        let mut servers = SERVERS.lock().unwrap();
        let known = servers.iter().find(|known| (known.0, known.1) == (name, lists_logins));
        known.map(|known| Arc::clone(&known.2)).unwrap_or_else(|| {
            let sessions = scene.sessions.clone();
            let first = World::for_play(scene.protocol, client.clone(), sessions, setting, None);
            let first = Arc::new(first);
            servers.push((name, lists_logins, Arc::clone(&first)));
            first
        })
    };
    play_to(client, setting, &plan, Some(&like))
}
