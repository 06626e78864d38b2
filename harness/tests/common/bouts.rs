//! A client of the model over sockets and TLS, or in simulation, held against what the model computed.

#[path = "../../../model/tests/common/in_parallel.rs"]
mod in_parallel;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;
use upward::certificate::Certificates;
use upward::codec::Codec;
use upward::judge::{Evidence, Inside, Verdict};
use upward::trial::{Scene, Stagehand, Transport, Trial, against_reference, judge_vector};
use upward_model::client::{Client, Negotiator};
use upward_model::explain::Habits;
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::is_claimed;
use upward_model::message::Command;
use upward_model::play::{Plan, Play, play};
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Authentication, Level, Protocol};
use upward_model::variant::{Login, Variant};
use upward_model::vector::Vector;
use upward_model::world::{Attacker, Setting, World};

use self::in_parallel::in_parallel;

/// Who plays what, and with whose hands.
pub(crate) struct Bouts<'a, C> {
    /// The protocol.
    pub(crate) protocol: &'static Protocol,
    /// Its codec.
    pub(crate) codec: Arc<dyn Codec>,
    /// The vectors, each with the clients that it is played against.
    pub(crate) bouts: Vec<(Vector, Vec<(Variant, Flaws)>)>,
    /// Who is driven in a client's place.
    pub(crate) driven: &'a (dyn Fn(Negotiator) -> C + Sync),
    /// What is made of the evidence before it is judged.
    pub(crate) evidence: fn(&mut Evidence),
    /// Whether the first complaint is enough.
    pub(crate) first_only: bool,
    /// What clients reach the persona by.
    pub(crate) transport: Transport,
}

/// How long a persona waits for a client that has nothing to answer.
const PATIENCE: Duration = Duration::from_millis(600);

/// A runtime without sockets, in which no time passes while anything can be done.
pub(crate) fn outside_time() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

impl<C: Client + Send + Sync + 'static> Bouts<'_, C> {
    /// Plays all; what differs from what the model computed.
    pub(crate) fn complaints(self) -> Vec<String> {
        let mut complaints = match self.transport {
            Transport::Loopback => {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(self.over_sockets())
            }
            Transport::Simulated => self.in_simulation(),
        };
        complaints.sort();
        complaints
    }

    fn stagehand(&self) -> Stagehand {
        let certificates = Arc::new(Certificates::new().unwrap());
        let stagehand = Stagehand::new(Arc::clone(&self.codec), certificates, PATIENCE);
        Stagehand { transport: self.transport, ..stagehand }
    }

    /// All bouts, each with a seed of its own.
    fn each(&self) -> impl Iterator<Item = (Bout, u128)> {
        let of_vector = |(vector, parties): &(Vector, Vec<(Variant, Flaws)>)| {
            let bout = |&(variant, flaws): &(Variant, Flaws)| {
                Bout::new(self.protocol, vector.clone(), variant, flaws, self.evidence)
            };
            parties.iter().map(bout).collect::<Vec<_>>()
        };
        self.bouts.iter().flat_map(of_vector).zip(1..)
    }

    async fn over_sockets(&self) -> Vec<String> {
        let stagehand = self.stagehand();
        let room = Arc::new(Semaphore::new(32));
        let twins = Arc::new(Twins::default());
        let mut tasks = JoinSet::new();
        for (bout, seed) in self.each() {
            let (stagehand, room) = (stagehand.clone(), Arc::clone(&room));
            let twins = Arc::clone(&twins);
            let client = (self.driven)(bout.client.clone());
            tasks.spawn(async move {
                let _room = room.acquire_owned().await.unwrap();
                let trial = bout.play(&stagehand, &twins, &client, seed).await;
                // Judging is work, and must not keep the clients of other runs waiting.
                tokio::task::spawn_blocking(move || bout.complaint(&trial)).await.unwrap()
            });
        }
        let mut complaints = Vec::new();
        while let Some(complaint) = tasks.join_next().await {
            complaints.extend(complaint.unwrap());
            if self.first_only && !complaints.is_empty() {
                break;
            }
        }
        complaints
    }

    fn in_simulation(&self) -> Vec<String> {
        let stagehand = self.stagehand();
        let twins = Twins::default();
        let enough = AtomicBool::new(false);
        let play = |(bout, seed): (Bout, u128)| {
            if enough.load(Ordering::Relaxed) {
                return None;
            }
            let client = (self.driven)(bout.client.clone());
            let trial = outside_time().block_on(bout.play(&stagehand, &twins, &client, seed));
            let complaint = bout.complaint(&trial)?;
            enough.store(self.first_only, Ordering::Relaxed);
            Some(complaint)
        };
        let bouts: Vec<(Bout, u128)> = self.each().collect();
        in_parallel(bouts, play).into_iter().flatten().collect()
    }
}

/// What each client says to each twin, played once.
#[derive(Default)]
struct Twins(Mutex<HashMap<String, Arc<OnceCell<Inside>>>>);

/// One vector against one client.
struct Bout {
    scene: Scene,
    vector: Vector,
    client: Negotiator,
    evidence: fn(&mut Evidence),
}

impl Bout {
    fn new(
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

    async fn play<C: Client + Sync>(
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

    /// How the judgement differs from what the model computed.
    fn complaint(&self, trial: &Trial) -> Option<String> {
        compare(&self.scene, &self.vector, self.client.clone(), trial)
    }
}

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

/// A protocol, whether its server lists logins in clear, and a world with that server.
type Known = (&'static str, bool, Arc<World<Negotiator>>);

/// What the model computes of a vector's scene and a client.
pub(crate) fn model_plays(scene: &Scene, client: Negotiator) -> Play {
    let plan = Plan::from(&scene.peer);
    let setting = Setting { lists_logins: plan.lists_logins(), ..Setting::of(Attacker::Active) };
    // The server is compiled once for all plays.
    static SERVERS: Mutex<Vec<Known>> = Mutex::new(Vec::new());
    let (name, lists_logins) = (scene.protocol.name, setting.lists_logins);
    let world = |like: Option<&World<Negotiator>>| {
        World::for_play(scene.protocol, client.clone(), scene.sessions.clone(), setting, like)
    };
    let like = {
        let mut servers = SERVERS.lock().unwrap();
        let known = servers.iter().find(|known| (known.0, known.1) == (name, lists_logins));
        known.map(|known| Arc::clone(&known.2)).unwrap_or_else(|| {
            let first = Arc::new(world(None));
            servers.push((name, lists_logins, Arc::clone(&first)));
            first
        })
    };
    play(&world(Some(&like)).counted(), &plan)
}

/// Whether what the client said inside TLS is the beginning of what it says to the twin, leave-taking aside.
fn is_cut_short(now: &Inside, twin: &Inside) -> bool {
    let words = |inside: &Inside| -> Vec<String> {
        let steps = inside.dialogues.first().map_or(&[][..], |dialogue| &dialogue.steps);
        let said = steps.iter().filter(|step| step.command != Some(Command::Goodbye));
        said.map(|step| step.word.clone()).collect()
    };
    let (now, twin) = (words(now), words(twin));
    twin.starts_with(&now)
}

fn compare(scene: &Scene, vector: &Vector, client: Negotiator, trial: &Trial) -> Option<String> {
    let (protocol, variant, flaws) = (scene.protocol, client.variant, client.flaws);
    // A persona takes the second connection for the second session's. Where the first session connected
    // again, it played another scene.
    if trial.evidence.last_session_at.is_some_and(|at| at > 1) {
        return None;
    }
    let played = model_plays(scene, client);
    let logs_in = variant.login != Login::Never && protocol.login != Authentication::None;
    let habits = Habits { logs_in, ..Habits::default() };
    let judgement = judge_vector(scene, vector, habits, &trial.evidence);
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
    // The model excuses a client that gives up inside TLS. Behind its first command the twin shows what made
    // it give up there, and that it only waits proves nothing.
    let stops = flaws != Flaws::NONE
        && trial
            .evidence
            .twin
            .as_ref()
            .is_some_and(|twin| is_cut_short(&trial.evidence.inside, twin));
    let used = flaws.iter().any(|flaw| judgement.flaws.contains(&flaw))
        && judgement.verdict == Verdict::Fail
        && judgement.broken.iter().all(Property::is_inner);
    let waits = judgement.verdict == Verdict::Inconclusive && judgement.broken == Properties::NONE;
    // To the model a reply is one message. Half a line before a reply of several lines spoils the first of
    // them, and the last still counts.
    let finer = flaws.has(Flaw::KeepsFragment) && used;
    let fine = if expected == Verdict::Pass && (stops && (used || waits) || finer) {
        true
    } else if unconfirmed && !trial.evidence.delivered {
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
            "{} {} {:?}: MODEL {expected:?} {:?} {:?}, judged {:?} {:?} {:?} {:?} {}\n{}\ntwin: {:?}",
            vector.id,
            variant.name(),
            flaws.iter().map(Flaw::name).collect::<Vec<_>>(),
            played.outcome,
            played.broken,
            judgement.verdict,
            judgement.outcome,
            judgement.broken,
            judgement.flaws,
            judgement.reason,
            trial.record.render() + &format!("{:?}", trial.evidence.run),
            trial.evidence.twin
        )
    })
}
