//! The theorem matrix: what each policy guarantees, computed and held against what is claimed.
//!
//! A cell is a policy, an attacker, a server and a property. *Computed* is what exhaustive walks
//! found; *claimed* is a table of its own, each entry with its source. A property counts as held
//! only if its antecedent was met with the sound client: else the cell says so.

mod claims;

use std::cell::OnceCell;

use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws, Side};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Protocol, Twin};
use crate::variant::Variant;
use crate::walk::{Extent, Walk, Witness, counterexample, walk};
use crate::world::{Alpn, Attacker, Offering, Setting, World};

pub use self::claims::{Claim, claim};

/// What was computed for a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Computed {
    /// The property held in every state, and was put to the test.
    Holds,
    /// Some state breaks it.
    Broken,
    /// It was never put to the test.
    NotApplicable,
    /// The walk was cut short: nothing is proved.
    Bounded,
}

/// A cell of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The property.
    pub property: Property,
    /// What was computed.
    pub computed: Computed,
    /// What is claimed, and where that comes from.
    pub claim: (Claim, &'static str),
}

impl Cell {
    /// Whether the claim is right.
    pub const fn agrees(&self) -> bool {
        match self.claim.0 {
            Claim::NotClaimed => true,
            Claim::Holds => matches!(self.computed, Computed::Holds | Computed::NotApplicable),
            Claim::Broken => matches!(self.computed, Computed::Broken),
        }
    }
}

/// One walk of the matrix: a user, an attacker, a server.
#[derive(Clone, Debug)]
pub struct Column {
    /// The policies of the user's sessions; the last is what the column is about.
    pub sessions: Vec<Policy>,
    /// The rest.
    pub setting: Setting,
    /// What the walk found.
    pub walk: Walk,
    /// A cell for each property.
    pub cells: Vec<Cell>,
}

impl Column {
    /// The policy that it is about.
    pub fn policy(&self) -> Policy {
        self.sessions.last().copied().unwrap_or(Policy::Required)
    }
}

/// The matrix of a protocol, for the common sound client.
pub fn matrix(protocol: &'static Protocol) -> Vec<Column> {
    matrix_of(protocol, Variant::COMMON)
}

/// The matrix of a protocol, for a sound client with these choices.
pub fn matrix_of(protocol: &'static Protocol, variant: Variant) -> Vec<Column> {
    let mut columns = Vec::new();
    for policy in Policy::ALL {
        if policy == Policy::Implicit && protocol.implicit == Twin::None {
            continue;
        }
        for attacker in [Attacker::Passive, Attacker::Active] {
            for setting in settings(protocol, attacker) {
                columns.push(column(protocol, variant, vec![policy], setting));
            }
        }
    }
    // A user who had a session that may do without TLS before.
    let sessions = vec![Policy::Opportunistic, Policy::Required];
    columns.push(column(protocol, variant, sessions, Setting::of(Attacker::Active)));
    columns
}

/// The servers that differ for a protocol.
fn settings(protocol: &Protocol, attacker: Attacker) -> Vec<Setting> {
    let twin = protocol.implicit != Twin::None;
    Offering::ALL
        .into_iter()
        .filter(|offering| twin || !matches!(offering, Offering::Both | Offering::Implicit))
        .flat_map(|offering| {
            // ALPN matters where there is an identifier, two ports, and somebody to splice them.
            let strict = protocol.alpn.is_some()
                && twin
                && attacker == Attacker::Active
                && offering == Offering::Both;
            let plain = Setting { offering, ..Setting::of(attacker) };
            std::iter::once(plain).chain(strict.then_some(Setting { alpn: Alpn::Strict, ..plain }))
        })
        .collect()
}

fn column(
    protocol: &'static Protocol,
    variant: Variant,
    sessions: Vec<Policy>,
    setting: Setting,
) -> Column {
    let client = Negotiator {
        protocol,
        sessions: sessions.clone(),
        variant,
        flaws: Flaws::NONE,
        bounds: setting.bounds,
    };
    let walk = walk(&World::new(protocol, client, sessions.clone(), setting), None);
    let policy = sessions.last().copied().unwrap_or(Policy::Required);
    let cells = Property::ALL
        .iter()
        .map(|&property| Cell {
            property,
            computed: computed(&walk, property),
            claim: claim(protocol, policy, &setting, property),
        })
        .collect();
    Column { sessions, setting, walk, cells }
}

fn computed(walk: &Walk, property: Property) -> Computed {
    if walk.broken.has(property) {
        Computed::Broken
    } else if walk.extent == Extent::Bounded {
        Computed::Bounded
    } else if walk.tried.has(property) {
        Computed::Holds
    } else {
        Computed::NotApplicable
    }
}

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
    let flaws = flaws.into();
    let setting = Setting { server_flaws: flaws.on(Side::Server), ..setting };
    let client = Negotiator {
        protocol,
        sessions: sessions.to_vec(),
        variant: Variant::COMMON,
        flaws: flaws.on(Side::Client),
        bounds: setting.bounds,
    };
    World::new(protocol, client, sessions.to_vec(), setting)
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
    /// For each user: the sessions, the world, and, once somebody asks, what does not hold in it.
    users: Vec<(Vec<Policy>, World<Negotiator>, OnceCell<Walk>)>,
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
                let client = Negotiator {
                    sessions: sessions.clone(),
                    ..Negotiator::sound(protocol, policy)
                };
                let world = World::new(protocol, client, sessions.clone(), setting);
                (sessions, world, OnceCell::new())
            })
            .collect();
        Self { protocol, policy, setting, users }
    }

    /// What flaws break that the sound party keeps.
    pub fn report(&self, flaws: impl Into<Flaws>) -> FlawReport {
        let flaws = flaws.into();
        let mut first = None;
        for (sessions, sound, kept) in &self.users {
            let world = flawed_world(self.protocol, flaws, sessions, self.setting);
            if world.behaves_like(sound) {
                // The protocol has nothing that the mistake could be made about.
                continue;
            }
            let kept = kept.get_or_init(|| walk(sound, None));
            let found = walk(&world, None);
            let broken: Properties = found
                .broken
                .iter()
                .filter(|&property| !kept.broken.has(property) && self.claims(property))
                .collect();
            let world = world.counted();
            let shown = broken.iter().min_by_key(|&property| rank(property));
            let witness = shown.and_then(|p| counterexample(&world, p).map(|witness| (p, witness)));
            let report = FlawReport { broken, sessions: sessions.clone(), witness, walk: found };
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

    /// The sessions of each user.
    pub fn users(&self) -> impl Iterator<Item = &[Policy]> {
        self.users.iter().map(|(sessions, ..)| sessions.as_slice())
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
