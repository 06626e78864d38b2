//! The theorem matrix: the guarantees of each policy, computed and compared with the claims.
//!
//! A cell is a policy, an attacker, a server and a property. *Computed* is the result of exhaustive
//! walks; *claimed* is a separate table, each entry with its source. A property holds only if some
//! mistake breaks it in the same cell: otherwise the cell is trivial, or not applicable.

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

/// The computed value of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Computed {
    /// No state breaks the property, and a mistake of the same parties would ([`earn`]).
    Holds,
    /// Some state breaks it.
    Broken,
    /// No state breaks it, and no known mistake would, for this user, attacker and server.
    Trivial,
    /// The protocol does not have the feature that the property is about.
    NotApplicable,
    /// The walk was incomplete: nothing is proved.
    Bounded,
}

/// A cell of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The property.
    pub property: Property,
    /// The computed value.
    pub computed: Computed,
    /// The claim, and its source.
    pub claim: (Claim, &'static str),
}

impl Cell {
    /// Whether the property is claimed and applicable, and no state breaks it.
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
    /// The most connections that the client opens for one session.
    pub connections: u8,
    /// Whether the user repeats all sessions, in the same order, for ever.
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

    /// The same user, repeating the sessions for ever.
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
    /// The other parameters.
    pub setting: Setting,
    /// The result of the walk.
    pub walk: Walk,
    /// A cell for each property.
    pub cells: Vec<Cell>,
}

impl Column {
    /// The policy of the user's strictest session.
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

/// The columns of the matrix in which a sound client with these choices behaves in any way that the
/// common one does not.
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

/// The users of a protocol's matrix, each with the settings of its walks.
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
    // A pool: a session that requires TLS and one that does not, in both orders.
    users.push((user(&[opportunistic, required]), vec![active]));
    users.push((user(&[required, opportunistic]), vec![active]));
    // A client that reconnects after a failure.
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

/// The different servers of a protocol.
fn settings(protocol: &Protocol, attacker: Attacker) -> Vec<Setting> {
    let twin = protocol.implicit != Twin::None;
    Offering::ALL
        .into_iter()
        .filter(|offering| twin || !matches!(offering, Offering::Both | Offering::Implicit))
        .flat_map(|offering| {
            // ALPN matters if there is an identifier, two ports, and an attacker to splice them.
            let strict = protocol.alpn.is_some()
                && twin
                && attacker == Attacker::Active
                && offering == Offering::Both;
            let plain = Setting { offering, ..Setting::of(attacker) };
            std::iter::once(plain).chain(strict.then_some(Setting { alpn: Alpn::Strict, ..plain }))
        })
        .collect()
}

/// Walks the world of the sound parties, and compares the result with the claims.
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
            // For other clients than the common one, separate tests cover the flawed ones.
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
