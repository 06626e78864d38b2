//! The properties that flawed parties break and the sound ones keep.

use std::cell::OnceCell;

use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::Protocol;
use crate::theorem::{Claim, User, claim};
use crate::walk::{Walk, Witness, counterexample, walk};
use crate::world::{Attacker, Setting, World};

/// The properties that a flaw breaks and the sound party keeps, with the shortest dialogue.
#[derive(Clone, Debug)]
pub struct FlawReport {
    /// The properties, in order.
    pub broken: Properties,
    /// The policies of the user's sessions that show it.
    pub sessions: Vec<Policy>,
    /// The shortest way to the first broken property, and its property.
    pub witness: Option<(Property, Witness)>,
    /// The walk of the flawed party; bounded, and without states, if it behaves like the sound one.
    pub walk: Walk,
}

/// The world of flawed parties, with each flaw on its own side.
pub fn flawed_world(
    protocol: &'static Protocol,
    flaws: impl Into<Flaws>,
    sessions: &[Policy],
    setting: Setting,
) -> World<Negotiator> {
    User::of(protocol, sessions).flawed(flaws, setting)
}

/// The properties that a flaw breaks under a policy: for one session, or, if that shows nothing, for
/// two.
pub fn flaw_report(
    protocol: &'static Protocol,
    flaw: Flaw,
    policy: Policy,
    attacker: Attacker,
) -> FlawReport {
    Flawless::new(protocol, policy, attacker).report(flaw)
}

/// The sound parties of a protocol, with which flawed ones are compared.
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
    /// The sound parties of these users: one with a single session, and, if TLS is required, one whose
    /// session follows another that required it, and one whose session follows another that did not.
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

    /// The properties that flaws break and the sound party keeps.
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

    /// The properties that the parties of [such worlds](Self::worlds) break and the sound party keeps:
    /// the same as in a report.
    pub(crate) fn broken(&self, worlds: &[World<Negotiator>]) -> Properties {
        let beyond = |(user, world)| self.beyond(user, world).map(|(_, broken)| broken);
        let broken = self.users.iter().zip(worlds).filter_map(beyond);
        broken.into_iter().find(|broken| !broken.is_empty()).unwrap_or_default()
    }

    fn world(&self, user: &SoundUser, flaws: Flaws) -> World<Negotiator> {
        flawed_world(self.protocol, flaws, &user.sessions, self.setting)
    }

    /// The walk of a flawed world, and the properties that it breaks and the sound party keeps. `None`
    /// if the flawed parties behave like the sound ones: the protocol has no occasion for the flaw.
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

/// The order in which broken properties are shown: the easiest to understand comes first.
const fn rank(property: Property) -> (u8, Property) {
    let rank = match property {
        // It also tells how the kept bytes were used.
        Property::ClearKnowledgeForgotten => 0,
        Property::OnlyDenialOfService | Property::PolicyNotFromWire | Property::Agreement => 2,
        _ => 1,
    };
    (rank, property)
}
