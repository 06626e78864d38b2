//! What flawed parties break that the sound ones keep.

use std::cell::OnceCell;

use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::Protocol;
use crate::theorem::{Claim, User, claim};
use crate::walk::{Walk, Witness, counterexample, walk};
use crate::world::{Attacker, Setting, World};

/// What a flaw breaks that the sound party keeps, with the least dialogue for each property.
#[derive(Clone, Debug)]
pub struct FlawReport {
    /// The properties, in order.
    pub broken: Properties,
    /// The policies of the user's sessions under which it shows.
    pub sessions: Vec<Policy>,
    /// The least way to the first of them, and the world that it is a walk of.
    pub witness: Option<(Property, Witness)>,
    /// What the walk of the flawed party found; bounded, and without states, where it does nothing
    /// that the sound one does not do.
    pub walk: Walk,
}

/// The world of flawed parties: the client with its flaws, the server with the others.
pub fn flawed_world(
    protocol: &'static Protocol,
    flaws: impl Into<Flaws>,
    sessions: &[Policy],
    setting: Setting,
) -> World<Negotiator> {
    User::of(protocol, sessions).flawed(flaws, setting)
}

/// What a flaw breaks under a policy: for one session, or, where that shows nothing, for two.
pub fn flaw_report(
    protocol: &'static Protocol,
    flaw: Flaw,
    policy: Policy,
    attacker: Attacker,
) -> FlawReport {
    Flawless::new(protocol, policy, attacker).report(flaw)
}

/// The sound parties of a protocol, against which flawed ones are held.
#[derive(Debug)]
pub struct Flawless {
    protocol: &'static Protocol,
    policy: Policy,
    setting: Setting,
    users: Vec<SoundUser>,
}

/// A user with sound parties.
#[derive(Debug)]
struct SoundUser {
    sessions: Vec<Policy>,
    world: World<Negotiator>,
    /// The properties that the world breaks, computed on the first request.
    walk: OnceCell<Walk>,
}

impl Flawless {
    /// The sound parties: a user with one session, and, where TLS is required, one whose
    /// session comes after another that required it, or that did not.
    pub fn new(protocol: &'static Protocol, policy: Policy, attacker: Attacker) -> Self {
        let setting = Setting::of(attacker);
        let mut users = vec![vec![policy]];
        if policy == Policy::Required {
            users.extend([vec![policy, policy], vec![Policy::Opportunistic, policy]]);
        }
        let users = users
            .into_iter()
            .map(|sessions| {
                let world = User::of(protocol, &sessions).sound(setting);
                SoundUser { sessions, world, walk: OnceCell::new() }
            })
            .collect();
        Self { protocol, policy, setting, users }
    }

    /// What flaws break that the sound party keeps.
    pub fn report(&self, flaws: impl Into<Flaws>) -> FlawReport {
        let flaws = flaws.into();
        let mut first = None;
        for user in &self.users {
            let world = self.world(user, flaws);
            let Some((found, broken)) = self.beyond(user, &world) else { continue };
            let world = world.counted();
            let shown = broken.iter().min_by_key(|&property| rank(property));
            let witness = shown.and_then(|p| counterexample(&world, p).map(|witness| (p, witness)));
            let report =
                FlawReport { broken, sessions: user.sessions.clone(), witness, walk: found };
            if !report.broken.is_empty() {
                return report;
            }
            first.get_or_insert(report);
        }
        first.unwrap_or_else(|| FlawReport {
            broken: Properties::NONE,
            sessions: vec![self.policy],
            witness: None,
            walk: Walk::default(),
        })
    }

    /// The worlds of flawed parties, one for each user.
    pub(crate) fn worlds(&self, flaws: Flaws) -> Vec<World<Negotiator>> {
        self.users.iter().map(|user| self.world(user, flaws)).collect()
    }

    /// What the parties of [such worlds](Self::worlds) break that the sound party keeps: the same as in a
    /// report.
    pub(crate) fn broken(&self, worlds: &[World<Negotiator>]) -> Properties {
        let beyond = |(user, world)| self.beyond(user, world).map(|(_, broken)| broken);
        let broken = self.users.iter().zip(worlds).filter_map(beyond);
        broken.into_iter().find(|broken| !broken.is_empty()).unwrap_or_default()
    }

    fn world(&self, user: &SoundUser, flaws: Flaws) -> World<Negotiator> {
        flawed_world(self.protocol, flaws, &user.sessions, self.setting)
    }

    /// What the walk of a flawed world finds, and what breaks in it that the sound party keeps; `None` where
    /// the flawed parties do nothing else: the protocol has nothing that the mistake could be made about.
    fn beyond(&self, user: &SoundUser, world: &World<Negotiator>) -> Option<(Walk, Properties)> {
        if world.behaves_like(&user.world) {
            return None;
        }
        let kept = user.walk.get_or_init(|| walk(&user.world, None));
        let found = walk(world, None);
        let broken = found
            .broken
            .iter()
            .filter(|&property| !kept.broken.has(property) && self.claims(property))
            .collect();
        Some((found, broken))
    }

    /// The sessions of each user.
    pub fn users(&self) -> impl Iterator<Item = &[Policy]> {
        self.users.iter().map(|user| user.sessions.as_slice())
    }

    fn claims(&self, property: Property) -> bool {
        claim(self.protocol, self.policy, &self.setting, property).0 == Claim::Holds
    }
}

/// The order in which broken properties are shown: what a reader understands at once comes first.
const fn rank(property: Property) -> (u8, Property) {
    let rank = match property {
        // Tells more than that bytes were kept: what was done with them.
        Property::ClearKnowledgeForgotten => 0,
        Property::OnlyDenialOfService | Property::PolicyNotFromWire | Property::Agreement => 2,
        _ => 1,
    };
    (rank, property)
}
