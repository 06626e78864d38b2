//! The theorem matrix: what each policy guarantees, computed and held against what is claimed.
//!
//! A cell is a policy, an attacker, a server and a property. *Computed* is what exhaustive walks
//! found; *claimed* is a table of its own, each entry with its source. A property holds only if some
//! mistake breaks it in the same cell: else the cell says that it is trivial, or not applicable.

mod claims;
mod earned;

use std::cell::OnceCell;
use std::fmt;

use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws};
use crate::policy::Policy;
use crate::property::{Properties, Property};
use crate::protocol::{Protocol, Twin};
use crate::server::Hosts;
use crate::variant::Variant;
use crate::walk::{Extent, Walk, Witness, counterexample, walk};
use crate::world::{Alpn, Attacker, Offering, Setting, World};

pub use self::claims::{Claim, claim};
pub use self::earned::{Breaker, Rule, earn, unearned};

/// What was computed for a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Computed {
    /// No state breaks the property, and a mistake of the same parties would ([`earn`]).
    Holds,
    /// Some state breaks it.
    Broken,
    /// No state breaks it, and no mistake that is known would, for this user, attacker and server.
    Trivial,
    /// The protocol does not have what the property speaks of.
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
    /// Whether something is claimed of it that the protocol has, and no state breaks it.
    pub const fn is_kept(&self) -> bool {
        !matches!(self.claim.0, Claim::NotClaimed)
            && matches!(self.computed, Computed::Holds | Computed::Trivial)
    }

    /// Whether the claim is right.
    pub const fn agrees(&self) -> bool {
        match self.claim.0 {
            Claim::NotClaimed => true,
            Claim::Holds => matches!(
                self.computed,
                Computed::Holds | Computed::Trivial | Computed::NotApplicable
            ),
            Claim::Broken => matches!(self.computed, Computed::Broken),
        }
    }
}

/// A user and the client that serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The policies of the user's sessions, in order.
    pub sessions: Vec<Policy>,
    /// The client's choices.
    pub variant: Variant,
    /// The connections that the client opens for one session at most.
    pub connections: u8,
    /// Whether the user begins the sessions again, in the same order, for ever.
    pub endless: bool,
}

impl User {
    /// A user with these sessions and the common client.
    pub fn of(protocol: &'static Protocol, sessions: &[Policy]) -> Self {
        Self {
            protocol,
            sessions: sessions.to_vec(),
            variant: Variant::COMMON,
            connections: Negotiator::CONNECTIONS,
            endless: false,
        }
    }

    /// The same user, who begins the sessions again for ever.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// The policy of the strictest session.
    pub fn policy(&self) -> Policy {
        self.sessions.iter().min().copied().unwrap_or(Policy::Required)
    }
}

/// One walk of the matrix: a user, an attacker, a server.
#[derive(Clone, Debug)]
pub struct Column {
    /// The user.
    pub user: User,
    /// The rest.
    pub setting: Setting,
    /// What the walk found.
    pub walk: Walk,
    /// A cell for each property.
    pub cells: Vec<Cell>,
}

impl Column {
    /// The policy that it is about: that of the user's strictest session.
    pub fn policy(&self) -> Policy {
        self.user.policy()
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&title(&self.user, &self.setting))
    }
}

/// The title of a column: its user, its attacker and its server.
pub(crate) fn title(user: &User, setting: &Setting) -> String {
    let sessions: Vec<&str> = user.sessions.iter().map(|policy| policy.name()).collect();
    let mut title = sessions.join(", ");
    if user.endless {
        title.push_str(", again and again");
    }
    if user.variant != Variant::COMMON {
        title.push_str(&format!(", {} ({} connections)", user.variant.name(), user.connections));
    }
    title.push_str(&format!("; {}; {}", setting.attacker.name(), setting.offering.name()));
    if setting.hosts != Hosts::One {
        title.push_str(&format!(", {}", setting.hosts.name()));
    }
    if setting.alpn == Alpn::Strict {
        title.push_str(", strict ALPN");
    }
    title
}

/// The matrix of a protocol, for the common sound client.
pub fn matrix(protocol: &'static Protocol) -> Vec<Column> {
    matrix_of(protocol, Variant::COMMON)
}

/// The matrix of a protocol, for a sound client with these choices.
pub fn matrix_of(protocol: &'static Protocol, variant: Variant) -> Vec<Column> {
    let mut columns = Vec::new();
    for (user, settings) in users(protocol, variant) {
        let Some(&first) = settings.first() else { continue };
        let sound = user.sound(first);
        for setting in settings {
            columns.push(column(&user, setting, &sound.in_setting(setting)));
        }
    }
    columns
}

/// The users of a protocol's matrix, each with the settings in which they are walked.
pub(crate) fn users(protocol: &'static Protocol, variant: Variant) -> Vec<(User, Vec<Setting>)> {
    let user = |sessions: &[Policy]| User { variant, ..User::of(protocol, sessions) };
    let active = Setting::of(Attacker::Active);
    let (required, opportunistic) = (Policy::Required, Policy::Opportunistic);
    let mut users = Vec::new();
    for policy in Policy::ALL {
        if policy == Policy::Implicit && protocol.implicit == Twin::None {
            continue;
        }
        let attackers = [Attacker::Passive, Attacker::Active].into_iter();
        let mut all: Vec<Setting> =
            attackers.flat_map(|attacker| settings(protocol, attacker)).collect();
        if protocol.chooses_certificate && policy == required {
            let hosts = [Hosts::TwoCertificates, Hosts::OneCertificate];
            all.extend(hosts.map(|hosts| Setting { hosts, ..active }));
        }
        users.push((user(&[policy]), all));
    }
    // A pool: a session that requires TLS and one that may do without, in both orders.
    users.push((user(&[opportunistic, required]), vec![active]));
    users.push((user(&[required, opportunistic]), vec![active]));
    // A client that connects again.
    let retries = Variant { retries: true, ..variant };
    for connections in [Negotiator::CONNECTIONS, Negotiator::CONNECTIONS + 1] {
        users.push((User { variant: retries, connections, ..user(&[required]) }, vec![active]));
    }
    if variant != Variant::COMMON {
        return users;
    }
    // Any number of sessions, one after the other.
    users.push((user(&[required]).endless(), vec![active]));
    users.push((user(&[opportunistic, required]).endless(), vec![active]));
    users
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

/// Walks the world of sound parties, and holds what it finds against the claims.
fn column(user: &User, setting: Setting, world: &World<Negotiator>) -> Column {
    let walk = walk(world, None);
    let (protocol, policy) = (user.protocol, user.policy());
    let mut column = Column { user: user.clone(), setting, walk, cells: Vec::new() };
    let name = column.to_string();
    let computed = |property| {
        if column.walk.broken.has(property) {
            Computed::Broken
        } else if column.walk.extent == Extent::Bounded {
            Computed::Bounded
        } else if !protocol.has_what(property) {
            Computed::NotApplicable
        } else {
            // Another client than the common one is told from flawed ones in tests of its own.
            earned::known(protocol, &name, property).unwrap_or(Computed::Holds)
        }
    };
    column.cells = Property::ALL
        .iter()
        .map(|&property| Cell {
            property,
            computed: computed(property),
            claim: claim(protocol, policy, &setting, property),
        })
        .collect();
    column
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
                let world = User::of(protocol, &sessions).sound(setting);
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
