//! Announced behaviour of a client, which is not counted as a failure.

use upward_model::property::{Properties, Property};
use upward_model::vector::{Certificate, Vector};

use crate::judge::{Judgement, Verdict};
use crate::profile::{Profile, Trait};

/// Whether the client's authors announce what this judgement of a vector found.
pub(super) fn is_announced(profile: &Profile, vector: &Vector, judgement: &Judgement) -> bool {
    let goes_on = profile.announces(Trait::Opportunistic) && goes_on_in_clear(judgement.broken);
    match judgement.verdict {
        // Two failures can be announced: going on in clear, and accepting any certificate.
        Verdict::Fail => {
            goes_on
                || (profile.announces(Trait::VerifiesNoCertificate)
                    && vector.peer.certificate != Certificate::Genuine
                    && judgement.broken.iter().all(is_taking_any_certificate))
        }
        // The result may depend on how the segments arrive, and each possible result is announced.
        Verdict::Inconclusive => {
            profile.announces(Trait::Blind) || (goes_on && !judgement.broken.is_empty())
        }
        Verdict::Pass | Verdict::Weak | Verdict::Error => false,
    }
}

/// Whether only those properties are broken that a client breaks by going on in clear without TLS.
fn goes_on_in_clear(broken: Properties) -> bool {
    broken.iter().all(|property| match property {
        Property::NoSecretInClear
        | Property::PolicyNotFromWire
        | Property::NothingBetweenRequestAndHandshake
        | Property::NoClearRetry
        // An opportunistic client checks no certificate.
        | Property::NoSecretToUnauthenticatedPeer
        | Property::NoClearTextShownAsTrusted => true,
        // A client that is told that it is logged in cannot ask for TLS any more. Only clients that
        // insist on TLS must disconnect then (RFC 9051 section 7.1.4).
        Property::NoJump => broken.has(Property::NoSecretInClear),
        _ => false,
    })
}

const fn is_taking_any_certificate(property: Property) -> bool {
    matches!(property, Property::NoSecretToUnauthenticatedPeer | Property::PolicyNotFromWire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_in_clear_is_no_more_than_that() {
        let is = |broken: &[Property]| goes_on_in_clear(Properties::of(broken));
        assert!(is(&[Property::NoSecretInClear]));
        assert!(is(&[Property::NoSecretInClear, Property::NoJump]));
        // Going on in clear does not explain a jump inside TLS.
        assert!(!is(&[Property::NoJump]));
        assert!(!is(&[Property::NoSecretInClear, Property::NoClearBytesUsedInsideTls]));
    }
}
