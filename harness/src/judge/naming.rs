//! Names for what the steps of a run do not tell apart.
//!
//! The model's flawed clients are deterministic, and real programs are not like them in every step.
//! Where no flawed client explains a run, the place of the bytes, or the end of the client, still
//! says which mistake it looks like.

use upward_model::explain::Event;
use upward_model::flaw::Flaw;
use upward_model::message::{Layer, Reply};
use upward_model::property::{Properties, Property};

use crate::judge::{Evidence, Leak, Stage};

/// What a client looks like whose steps look like nothing, by where its first leak is.
pub(super) fn by_place(evidence: &Evidence, leaks: &[Leak]) -> Option<Flaw> {
    let first = leaks.iter().min_by_key(|leak| (leak.connection, leak.range.start))?;
    match first.stage {
        Stage::After => Some(Flaw::LetsTlsBeTakenAway),
        Stage::Failed | Stage::Between | Stage::Unauthenticated => None,
        Stage::Before if leaks.iter().any(|leak| leak.property == Property::NoClearRetry) => {
            Some(Flaw::ReconnectsInClear)
        }
        Stage::Before => {
            // A word that nobody knows is no login yet, and what was cut short has no place.
            leaks.iter().find(|leak| leak.property == Property::NoSecretInClear)?;
            leaks.iter().find(|leak| leak.stage == Stage::Before && leak.canary.is_none())?;
            let events = evidence.run.get(first.connection)?;
            was_offered(events).then_some(Flaw::SendsSecretBeforeRequest)
        }
    }
}

/// Whether the upgrade was offered in clear.
fn was_offered(events: &[Event]) -> bool {
    events.iter().any(|event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => segment
            .pieces()
            .iter()
            .any(|piece| matches!(piece.message(), Reply::Capabilities { upgrade: true, .. })),
        _ => false,
    })
}

/// What a client looks like by its end.
pub(super) fn by_end(at_the_end: Properties) -> impl Iterator<Item = Flaw> {
    [
        (Property::NoClearRedirect, Flaw::FollowsClearRedirect),
        (Property::NoClearTextShownAsTrusted, Flaw::ShowsClearAlert),
        (Property::UserTold, Flaw::StaysSilent),
        (Property::AlwaysEnds, Flaw::NeverEnds),
    ]
    .into_iter()
    .filter(move |(property, _)| at_the_end.has(*property))
    .map(|(_, flaw)| flaw)
}
