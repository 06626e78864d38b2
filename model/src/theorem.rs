//! The theorem matrix: what each policy guarantees, computed and held against what is claimed.
//!
//! A cell is a policy, an attacker, a server and a property. *Computed* is what exhaustive walks
//! found; *claimed* is a table of its own, each entry with its source. A property holds only if some
//! mistake breaks it in the same cell: else the cell says that it is trivial, or not applicable.

mod claims;
mod earned;
mod flawless;

use std::fmt;

use crate::client::Negotiator;
use crate::policy::Policy;
use crate::property::Property;
use crate::protocol::{Protocol, Twin};
use crate::server::Hosts;
use crate::variant::Variant;
use crate::walk::{Extent, Walk, walk};
use crate::world::{Alpn, Attacker, Offering, Setting, World};

pub use self::claims::{Claim, claim};
pub use self::earned::{Breaker, Rule, earn};
pub use self::flawless::{FlawReport, Flawless, flaw_report, flawed_world};

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
    /// The same with the world of the sound parties in the first of these settings; `None` without any.
    fn with_world(
        (user, settings): (Self, Vec<Setting>),
    ) -> Option<(Self, Vec<Setting>, World<Negotiator>)> {
        let sound = user.sound(*settings.first()?);
        Some((user, settings, sound))
    }

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
    let worlds = users(protocol, Variant::COMMON).into_iter();
    worlds
        .filter_map(User::with_world)
        .flat_map(|(user, settings, sound)| columns(&user, settings, &sound))
        .collect()
}

/// The columns of the matrix in which a sound client with these choices does anything that the common one
/// does not.
pub fn matrix_beyond(protocol: &'static Protocol, variant: Variant) -> Vec<Column> {
    let common = users(protocol, Variant::COMMON);
    let pairs = users(protocol, variant).into_iter().zip(common);
    let mut found = Vec::new();
    for (pair, usual) in pairs {
        let (Some((user, settings, sound)), Some((_, _, usual))) =
            (User::with_world(pair), User::with_world(usual))
        else {
            continue;
        };
        if !sound.clients().behaves_like(usual.clients()) {
            found.extend(columns(&user, settings, &sound));
        }
    }
    found
}

fn columns(user: &User, settings: Vec<Setting>, sound: &World<Negotiator>) -> Vec<Column> {
    settings.into_iter().map(|setting| column(user, setting, &sound.in_setting(setting))).collect()
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
