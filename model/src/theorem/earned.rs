//! Whether a property that holds could have been broken.
//!
//! A property that nothing can break proves nothing. A cell *holds* only if a flaw from the library, or
//! a disabled rule of the world, breaks the property for the same user, attacker and server. Finding
//! these takes a walk for most cells, so they are kept in a table, `earned.txt`: [`earn`] recomputes
//! it, and a test compares the two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::client::Negotiator;
use crate::flaw::{Flaw, Flaws, Side};
use crate::property::{Properties, Property};
use crate::protocol::Protocol;
use crate::server::Hosts;
use crate::theorem::{Column, Computed, User, column, users};
use crate::variant::Variant;
use crate::walk::breaks;
use crate::world::{Attacker, Offering, Setting, World};

/// A change that breaks a property which the sound parties keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// This flaw of the client or the server.
    Flaw(Flaw),
    /// A rule of the world, when it is disabled.
    Rule(Rule),
}

/// A rule of the world that can be disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Each virtual host has a certificate of its own.
    OwnCertificates,
}

impl Breaker {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flaw(flaw) => flaw.name(),
            Self::Rule(Rule::OwnCertificates) => "one certificate for both hosts",
        }
    }
}

/// The flaws that may break a property, the likeliest first. The walks compute which of them do; a flaw
/// missing here can only make a cell look trivial.
const fn suspects(property: Property) -> &'static [Flaw] {
    use Flaw as F;
    match property {
        Property::NoSecretInClear | Property::PolicyNotFromWire | Property::OnlyDenialOfService => {
            &[
                F::IgnoresRefusal,
                F::SendsSecretBeforeRequest,
                F::PipelinesSecretWithRequest,
                F::GoesOnAfterFailedHandshake,
                F::IgnoresMissingOffer,
                F::ReconnectsInClear,
                F::AcceptsUntrustedCertificate,
                F::NeverSendsData,
                F::TakesDeadlineAsSuccess,
            ]
        }
        Property::NoSecretToUnauthenticatedPeer => &[F::AcceptsUntrustedCertificate],
        Property::NothingBetweenRequestAndHandshake => {
            &[F::PipelinesSecretWithRequest, F::SendsSecretBeforeRequest, F::BelievesEarlyReply]
        }
        Property::NoClearSecondChannel => &[F::SecondChannelInClear],
        Property::NoClearRetry => &[F::ReconnectsInClear, F::IgnoresRefusal],
        Property::NoClearRedirect => &[F::FollowsClearRedirect],
        Property::TlsNotTakenAway => &[F::LetsTlsBeTakenAway],
        Property::NoClearBytesUsedInsideTls => {
            &[F::KeepsBuffer, F::KeepsFragment, F::ReadsBufferLate, F::KeepsOpenReply]
        }
        Property::NoClearCommandUsedInsideTls => &[F::KeepsCommandBuffer],
        Property::ClearKnowledgeForgotten => &[
            F::KeepsCapabilities,
            F::KeepsClearChallenge,
            F::BelievesEarlySuccess,
            F::KeepsBuffer,
            F::KeepsFragment,
        ],
        Property::ClearStateForgotten => &[F::KeepsSessionState],
        Property::SurvivorsOnlyCauseRefusal => &[F::KeepsBuffer, F::BelievesEarlySuccess],
        Property::NoJump => {
            &[F::BelievesPreauth, F::BelievesEarlySuccess, F::ReusesClearConnection]
        }
        Property::TruncationIsNotSuccess => &[F::TakesTruncationAsSuccess],
        Property::Agreement => &[F::KeepsBuffer, F::KeepsFragment],
        Property::NameFromUser => &[F::AcceptsWrongName, F::TakesNameFromWire],
        Property::UserTold => &[F::StaysSilent],
        Property::NoClearTextShownAsTrusted => &[F::ShowsClearAlert],
        Property::NoClearDataHandedOver => &[F::HandsOverClearData],
        Property::AlwaysEnds => &[F::NeverEnds],
        Property::HonestDelivers => &[F::NeverSendsData],
        Property::NoLoginInClear => &[F::TakesLoginInClear],
        Property::NoUpgradeInsideTls => &[F::OffersUpgradeInsideTls],
        Property::DeliversToNamedHost => &[],
    }
}

/// Whether a property can be broken in a setting at all. If not, no walk is needed: no mistake breaks
/// it.
fn can_arise(setting: Setting, property: Property) -> bool {
    let grants =
        matches!(setting.offering, Offering::Both | Offering::Upgrade | Offering::Implicit);
    match property {
        // Properties about the inside of TLS with the true server.
        Property::NoClearBytesUsedInsideTls
        | Property::NoClearCommandUsedInsideTls
        | Property::ClearKnowledgeForgotten
        | Property::ClearStateForgotten
        | Property::SurvivorsOnlyCauseRefusal
        | Property::TlsNotTakenAway
        | Property::Agreement
        | Property::NoUpgradeInsideTls => grants,
        // A passive network presents only the true server's certificate.
        Property::NoSecretToUnauthenticatedPeer | Property::NameFromUser => {
            setting.attacker == Attacker::Active
        }
        Property::HonestDelivers => setting.attacker == Attacker::Passive && grants,
        Property::DeliversToNamedHost => setting.hosts != Hosts::One,
        // A server without TLS can serve only in clear.
        Property::NoLoginInClear => setting.offering != Offering::Neither,
        _ => true,
    }
}

/// The parties of a user, compiled: the sound ones, and those with a flaw.
struct Parties {
    user: User,
    sound: World<Negotiator>,
    /// For each flaw tried so far; `None` if it does not change the client's behaviour.
    clients: BTreeMap<Flaw, Option<World<Negotiator>>>,
}

impl Parties {
    fn of(user: &User, setting: Setting) -> Self {
        Self { user: user.clone(), sound: user.sound(setting), clients: BTreeMap::new() }
    }

    /// The world of the sound parties.
    fn sound(&self, setting: Setting) -> World<Negotiator> {
        self.sound.in_setting(setting)
    }

    /// The world in which one party has a flaw; `None` if that changes nothing.
    fn flawed(&mut self, flaw: Flaw, setting: Setting) -> Option<World<Negotiator>> {
        if flaw.note().side == Side::Server {
            let world = self.sound(Setting { server_flaws: flaw.into(), ..setting });
            return (!world.behaves_like(&self.sound(setting))).then_some(world);
        }
        let (user, sound) = (&self.user, &self.sound);
        let client = self.clients.entry(flaw).or_insert_with(|| {
            let world = user.flawed(flaw, setting);
            (!world.clients().behaves_like(sound.clients())).then_some(world)
        });
        client.as_ref().map(|world| world.in_setting(setting))
    }
}

/// The breakers of the cells that hold: a line for each column, in the order of the matrix.
const TABLE: &str = include_str!("earned.txt");

/// Computes the breakers for the common client's matrix: a line for each column with the protocol, the
/// column, and each property that holds with its breaker. Kept cells that are not listed are trivial.
pub fn earn(protocol: &'static Protocol) -> String {
    let mut text = String::new();
    each_column(protocol, |parties, column| {
        let kept = column.cells.iter().filter(|cell| cell.is_kept());
        let wanted: Properties = kept.map(|cell| cell.property).collect();
        let mut found = breakers(parties, column.setting, wanted);
        found.sort_by_key(|(property, _)| *property);
        let found: Vec<String> = found
            .into_iter()
            .map(|(property, breaker)| format!("{property}: {}", breaker.name()))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} | {column} | {}", protocol.name, found.join(", "));
    });
    text
}

fn each_column(protocol: &'static Protocol, mut each: impl FnMut(&mut Parties, &Column)) {
    for (user, settings) in users(protocol, Variant::COMMON) {
        let Some(&first) = settings.first() else { continue };
        let mut parties = Parties::of(&user, first);
        for setting in settings {
            let column = column(&user, setting, &parties.sound(setting));
            each(&mut parties, &column);
        }
    }
}

/// The contents of the table, by protocol and column.
type Known = FxHashMap<(&'static str, &'static str), Vec<(Property, &'static str)>>;

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let entry = |entry: &'static str| {
        let (property, breaker) = entry.split_once(": ")?;
        Some((Property::by_name(property)?, breaker))
    };
    let row = |line: &'static str| {
        let mut parts = line.split(" | ");
        let key = (parts.next()?, parts.next()?);
        Some((key, parts.next()?.split(", ").filter_map(entry).collect()))
    };
    TABLE.lines().filter_map(row).collect()
});

/// The value of a kept cell of the common client: holds or trivial; `None` if the table does not have
/// the column.
pub(super) fn known(
    protocol: &'static Protocol,
    column: &str,
    property: Property,
) -> Option<Computed> {
    let entries =
        KNOWN.iter().find(|((name, other), _)| *name == protocol.name && *other == column);
    let (_, entries) = entries?;
    let holds = entries.iter().any(|(other, _)| *other == property);
    Some(if holds { Computed::Holds } else { Computed::Trivial })
}

/// A breaker for each of these properties, for the same user, attacker and server.
fn breakers(
    parties: &mut Parties,
    setting: Setting,
    mut wanted: Properties,
) -> Vec<(Property, Breaker)> {
    let mut found = Vec::new();
    let mut note = |wanted: &mut Properties, broken: Properties, breaker: Breaker| {
        for property in broken.iter() {
            wanted.remove(property);
            found.push((property, breaker));
        }
    };
    wanted = wanted.iter().filter(|&property| can_arise(setting, property)).collect();
    // The likeliest breaker of each property first: most need no other.
    let most = Property::ALL.iter().map(|&property| suspects(property).len()).max().unwrap_or(0);
    let mut tried = BTreeSet::new();
    for place in 0..most {
        let flaws: BTreeSet<Flaw> =
            wanted.iter().filter_map(|property| suspects(property).get(place).copied()).collect();
        for flaw in flaws {
            if !tried.insert(flaw) {
                continue;
            }
            let asked: Properties =
                wanted.iter().filter(|&property| suspects(property).contains(&flaw)).collect();
            if asked.is_empty() {
                continue;
            }
            if let Some(world) = parties.flawed(flaw, setting) {
                note(&mut wanted, breaks(&world, asked), Breaker::Flaw(flaw));
            }
        }
    }
    if wanted.has(Property::DeliversToNamedHost) && setting.hosts == Hosts::TwoCertificates {
        let world = parties.sound(Setting { hosts: Hosts::OneCertificate, ..setting });
        let asked = Properties::of(&[Property::DeliversToNamedHost]);
        note(&mut wanted, breaks(&world, asked), Breaker::Rule(Rule::OwnCertificates));
    }
    found
}

impl User {
    /// The world of this user, with a sound client and server.
    pub fn sound(&self, setting: Setting) -> World<Negotiator> {
        self.flawed(Flaws::NONE, setting)
    }

    /// The same with these flaws, each on its own side.
    pub fn flawed(&self, flaws: impl Into<Flaws>, setting: Setting) -> World<Negotiator> {
        let flaws = flaws.into();
        let setting = Setting { server_flaws: flaws.on(Side::Server), ..setting };
        let client = Negotiator {
            protocol: self.protocol,
            sessions: self.sessions.clone(),
            variant: self.variant,
            flaws: flaws.on(Side::Client),
            bounds: setting.bounds,
            connections: self.connections,
            endless: self.endless,
        };
        let world = World::new(self.protocol, client, self.sessions.clone(), setting);
        if self.endless { world.endless() } else { world }
    }
}
