//! The reason of a judgement, as a sentence without its subject.

use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::Protocol;
use upward_model::vector::Outcome;

use crate::evidence::Evidence;
use crate::judge::carryover::Carryover;
use crate::judge::{Judgement, Leak, outcome};

/// The reason of a verdict: what the client did.
pub(super) fn reason(
    judgement: &Judgement,
    protocol: &Protocol,
    policy: Policy,
    evidence: &Evidence,
    carryover: Option<&Carryover>,
) -> String {
    let worst = outcome::worst(judgement.broken, protocol);
    // Which bytes show that the client went on outside TLS: commands only, or the user's name.
    let went_on = |named: bool| {
        let shown = |leak: &Leak| leak.property == Property::PolicyNotFromWire;
        judgement.leaks.iter().any(|leak| shown(leak) && leak.canary.is_some() == named)
    };
    match (judgement.outcome, worst) {
        (_, Some(Property::AlwaysEnds)) if evidence.flooded => {
            "never ended: it sent more than the recording limit, and was cut off".to_owned()
        }
        (Outcome::Upgraded, None) => "delivered inside authenticated TLS".to_owned(),
        (Outcome::Crashed, None) => "crashed; nothing was given away".to_owned(),
        // The exit code may depend on how segments arrive.
        (Outcome::Refused, None) if evidence.claims_success == Some(false) => {
            "gave up and said so".to_owned()
        }
        (Outcome::Refused, None) => "gave up".to_owned(),
        (outcome, None) => format!("{}: nothing that is claimed is broken", outcome.name()),
        (_, Some(Property::PolicyNotFromWire)) if went_on(false) && policy == Policy::Implicit => {
            "spoke in clear, although policy implicit has TLS come first".to_owned()
        }
        (_, Some(Property::PolicyNotFromWire)) if went_on(false) => {
            "sent in clear what may only be sent inside TLS".to_owned()
        }
        (_, Some(Property::PolicyNotFromWire)) if went_on(true) => {
            "sent its user's name in clear".to_owned()
        }
        (_, Some(property)) => {
            carryover.filter(|carryover| carryover.property == property).map_or_else(
                || sentence(property).to_owned(),
                |carryover| carryover.difference.to_string(),
            )
        }
    }
}

/// What the client did, for a broken property.
const fn sentence(property: Property) -> &'static str {
    match property {
        Property::NoSecretInClear => "sent a secret in clear",
        Property::NoSecretToUnauthenticatedPeer => {
            "sent a secret to a peer whose certificate is not good for the user's name"
        }
        Property::NothingBetweenRequestAndHandshake => {
            "sent more in clear between the upgrade request and the handshake"
        }
        Property::NoClearSecondChannel => "moved data over an unprotected second connection",
        Property::NoClearRetry => "connected again and went on in clear",
        Property::NoClearRedirect => "followed a redirection that came in clear",
        Property::TlsNotTakenAway => "went on in clear after TLS had ended",
        Property::NoClearBytesUsedInsideTls => {
            "took bytes that came before TLS for a reply inside it"
        }
        Property::ClearKnowledgeForgotten => "used inside TLS what it had been told before it",
        Property::NoJump => "skipped a step because a clear-text reply said so",
        Property::TruncationIsNotSuccess => "reported success although the confirmation never came",
        Property::PolicyNotFromWire => "went on outside TLS because of what the peer said",
        Property::NameFromUser => "checked the certificate against a name from the wire",
        Property::UserTold => "gave up, but ends as it does after success: its user cannot tell",
        Property::NoClearDataHandedOver => {
            "handed data from before TLS to the application as the server's"
        }
        Property::NoClearTextShownAsTrusted => "showed text from before TLS to its user",
        Property::AlwaysEnds => "had not ended at its deadline",
        _ => "broke a property",
    }
}
