//! The label of a run, from the closed list: the worst that applies.

use upward_model::property::{Properties, Property};
use upward_model::protocol::Protocol;
use upward_model::vector::Outcome;

use crate::evidence::Evidence;

/// The outcome of a run: the worst in the list that applies.
pub fn outcome(broken: Properties, evidence: &Evidence) -> Outcome {
    let worst = broken.iter().filter_map(shows).min();
    let crashed = evidence.crashed.then_some(Outcome::Crashed);
    worst.into_iter().chain(crashed).min().unwrap_or(if evidence.delivered {
        Outcome::Upgraded
    } else {
        Outcome::Refused
    })
}

/// The broken property to report: of those with the highest level, the one with the worst outcome.
pub(crate) fn worst(broken: Properties, protocol: &Protocol) -> Option<Property> {
    broken.iter().min_by_key(|&property| {
        let shown = shows(property);
        (protocol.level(property).0, shown.is_none(), shown, property)
    })
}

/// The outcome of a broken property.
const fn shows(property: Property) -> Option<Outcome> {
    match property {
        Property::NoSecretInClear
        | Property::NoSecretToUnauthenticatedPeer
        | Property::NoClearSecondChannel => Some(Outcome::Leaked),
        Property::NoClearBytesUsedInsideTls
        | Property::NoClearCommandUsedInsideTls
        | Property::ClearKnowledgeForgotten
        | Property::ClearStateForgotten
        | Property::SurvivorsOnlyCauseRefusal
        | Property::NoJump => Some(Outcome::Injected),
        Property::NothingBetweenRequestAndHandshake
        | Property::NoClearRetry
        | Property::NoClearRedirect
        | Property::TlsNotTakenAway
        | Property::PolicyNotFromWire
        | Property::NameFromUser => Some(Outcome::Downgraded),
        Property::AlwaysEnds => Some(Outcome::Hung),
        Property::UserTold | Property::TruncationIsNotSuccess => Some(Outcome::Silent),
        Property::Agreement
        | Property::OnlyDenialOfService
        | Property::DeliversToNamedHost
        | Property::NoClearTextShownAsTrusted
        | Property::NoClearDataHandedOver
        | Property::HonestDelivers
        | Property::NoLoginInClear
        | Property::NoUpgradeInsideTls => None,
    }
}
