//! One vector played in the model: a client against the persona with its deviations.
//!
//! A play is a walk of the [`World`]: each step of the persona is an action of the attacker, so a play
//! has only behaviour that the theorems cover. Killed flaws, properties at stake and the outcomes of
//! sound variants are all computed from plays.

mod lift;
mod plan;
mod player;
mod speak;

use std::collections::{BTreeSet, VecDeque};

use self::player::Player;
use crate::client::{Client, Negotiator, Output};
use crate::property::{Properties, Property};
use crate::server::{Port, Server};
use crate::vector::{Outcome, Point};
use crate::world::{Action, Setting, State, Transition, World};

pub use self::plan::{Plan, Planned};

/// The maximum number of steps of a play; sound and flawed clients need far fewer.
const MAX_STEPS: usize = 200;

/// One step of a play.
#[derive(Clone, Debug)]
pub struct Played {
    /// The state before.
    pub before: State,
    /// The action.
    pub action: Action,
    /// Whether a deviation was involved.
    pub deviates: bool,
    /// The point of the dialogue at which the persona sent a message, if it did.
    pub at: Option<Point>,
    /// The transition.
    pub transition: Transition,
}

/// A play from the connection to the end.
#[derive(Clone, Debug)]
pub struct Play {
    /// The transition before the first step: the client connected.
    pub opening: Transition,
    /// The steps, in order.
    pub steps: Vec<Played>,
    /// The points that were reached.
    pub reached: BTreeSet<Point>,
    /// The properties that were broken.
    pub broken: Properties,
    /// Its outcome.
    pub outcome: Outcome,
}

impl Play {
    /// All outputs of the client, in order.
    pub fn client_outputs(&self) -> Vec<Output> {
        let steps = self.steps.iter().flat_map(|step| step.transition.client.iter());
        self.opening.client.iter().chain(steps).copied().collect()
    }
}

impl Play {
    /// Whether every session ended in a delivery, as far as the client can tell.
    pub fn delivered(&self) -> bool {
        self.steps.last().is_some_and(|step| step.transition.state.all_delivered())
    }
}

/// Plays a plan against a client of the model, with genuine messages counted. The server may be shared
/// with a world of the same setting.
///
/// This function is compiled with this crate: generic code compiled with an unoptimised caller takes
/// several times as long.
pub fn play_to(
    client: Negotiator,
    setting: Setting,
    plan: &Plan,
    like: Option<&World<Negotiator>>,
) -> Play {
    let (protocol, sessions) = (client.protocol, client.sessions.clone());
    play(&World::for_play(protocol, client, sessions, setting, like).counted(), plan)
}

/// Plays a plan against the client of a world.
pub fn play<C: Client>(world: &World<C>, plan: &Plan) -> Play {
    let coaxer = Server { coaxes: true, ..*world.server() };
    let opening = world.initial();
    let mut player = Player {
        world,
        plan,
        coaxer,
        state: opening.state.clone(),
        persona: coaxer.start(Port::Upgrade).0,
        heard: VecDeque::new(),
        unsaid: VecDeque::new(),
        inside: false,
        starts_tls: false,
        steps: Vec::new(),
        reached: BTreeSet::new(),
        at: None,
    };
    player.notice(&opening);
    player.run();
    let broken = world.broken(&player.state);
    Play {
        opening,
        outcome: outcome(broken, &player.state),
        broken,
        steps: player.steps,
        reached: player.reached,
    }
}

/// The outcome of a run, from its broken properties and its end.
fn outcome(broken: Properties, end: &State) -> Outcome {
    use Property as P;
    let any = |properties: &[Property]| properties.iter().any(|&p| broken.has(p));
    if any(&[P::NoSecretInClear, P::NoSecretToUnauthenticatedPeer, P::NoClearSecondChannel]) {
        Outcome::Leaked
    } else if any(&[
        P::NoClearBytesUsedInsideTls,
        P::ClearKnowledgeForgotten,
        P::SurvivorsOnlyCauseRefusal,
        P::NoJump,
    ]) {
        Outcome::Injected
    } else if any(&[
        P::NothingBetweenRequestAndHandshake,
        P::NoClearRetry,
        P::NoClearRedirect,
        P::TlsNotTakenAway,
        P::PolicyNotFromWire,
        P::NameFromUser,
    ]) {
        Outcome::Downgraded
    } else if broken.has(P::AlwaysEnds) {
        Outcome::Hung
    } else if any(&[P::UserTold, P::TruncationIsNotSuccess]) {
        Outcome::Silent
    } else if end.all_delivered() {
        Outcome::Upgraded
    } else {
        Outcome::Refused
    }
}
