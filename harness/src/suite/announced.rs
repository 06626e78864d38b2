//! What a client's authors announce that it does, and so is not held against it.

use upward_model::property::{Properties, Property};
use upward_model::vector::{Certificate, Vector};

use crate::judge::{Judgement, Verdict};
use crate::profile::{Profile, Trait};

/// Whether it is announced that the client does what this judgement of a vector says.
pub(super) fn is_announced(profile: &Profile, vector: &Vector, judgement: &Judgement) -> bool {
    let goes_on = profile.announces(Trait::Opportunistic) && goes_on_in_clear(judgement.broken);
    match judgement.verdict {
        // Going on in clear is announced, or taking any certificate; nothing else is.
        Verdict::Fail => {
            goes_on
                || (profile.announces(Trait::VerifiesNoCertificate)
                    && vector.peer.certificate != Certificate::Genuine
                    && judgement.broken.iter().all(is_taking_any_certificate))
        }
        // What it shows may hang on how the segments arrive, and what it may do is announced.
        Verdict::Inconclusive => {
            profile.announces(Trait::Blind) || (goes_on && !judgement.broken.is_empty())
        }
        Verdict::Pass | Verdict::Weak | Verdict::Error => false,
    }
}

/// Whether what was broken is what a client breaks that goes on in clear where there is no TLS.
fn goes_on_in_clear(broken: Properties) -> bool {
    broken.iter().all(|property| match property {
        Property::NoSecretInClear
        | Property::PolicyNotFromWire
        | Property::NothingBetweenRequestAndHandshake
        | Property::NoClearRetry
        // An opportunistic client checks no certificate.
        | Property::NoSecretToUnauthenticatedPeer
        | Property::NoClearTextShownAsTrusted => true,
        // Who is told that he is logged in already cannot ask for TLS any more; that he then has to
        // leave is asked of those who insist upon TLS (RFC 9051 section 7.1.4).
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
        // A jump inside TLS is nothing that an opportunistic client need do.
        assert!(!is(&[Property::NoJump]));
        assert!(!is(&[Property::NoSecretInClear, Property::NoClearBytesUsedInsideTls]));
    }
}
