//! Faults in the results of a client's controls, and their remedies.

use crate::profile::Trait;
use crate::results::data::{Results, Weight};

/// A fault outside the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A failure, a reason for no verdict, or a broken `should`, which fails with `--strict`.
    pub weight: Weight,
    /// The fault, in words.
    pub what: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

impl Results {
    /// The faults in the results of the controls: behaviour that is not announced and prevents judging,
    /// and announced behaviour that does not show. Empty if the client did not deliver to an honest
    /// server, since its other controls were not run.
    pub fn faults(&self) -> Vec<Fault> {
        if !self.is_judged() {
            return Vec::new();
        }
        let announced = |what| self.client.announced.contains(&what);
        let controls = &self.controls;
        let (blind, opportunistic) = (announced(Trait::Blind), announced(Trait::Opportunistic));
        let verifies_none = announced(Trait::VerifiesNoCertificate);
        // A shard, or a filtered suite, need not show the announced behaviour.
        let whole =
            self.is_finished() && self.selection.filters.is_empty() && !self.results.is_empty();
        let leaks = self
            .results
            .iter()
            .any(|entry| entry.announced && matches!(entry.verdict, Weight::Fail | Weight::Waived));
        let all = [
            (opportunistic && whole && !leaks, &NEVER_LEAKS),
            (blind && controls.waits, &WAITS),
            (verifies_none && controls.checks_authority, &CHECKS),
            (!controls.tells_failure, &SILENT),
            (!controls.checks_authority && !verifies_none && !opportunistic, &ANY_AUTHORITY),
            (!controls.waits && !blind, &BLIND),
            (!controls.asks_again, &DOES_NOT_ASK),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, fault)| *fault).collect()
    }
}

const DOES_NOT_ASK: Fault = Fault {
    weight: Weight::Weak,
    what: "it does not ask for the capabilities again inside TLS, which breaks a SHOULD",
    help: "let it ask once TLS has begun (RFC 3207 section 4.2, RFC 9051 section 6.2.1, RFC 2595 section 4)",
};

const NEVER_LEAKS: Fault = Fault {
    weight: Weight::Fail,
    what: "it is announced as opportunistic, and was not found leaking",
    help: "take `opportunistic` out of `announced`",
};

const WAITS: Fault = Fault {
    weight: Weight::Fail,
    what: "it is announced as blind, and waits for replies",
    help: "take `blind` out of `announced`",
};

const CHECKS: Fault = Fault {
    weight: Weight::Fail,
    what: "it is announced as verifying no certificate, and checks the authority",
    help: "take `verifies-no-certificate` out of `announced`",
};

const SILENT: Fault = Fault {
    weight: Weight::Inconclusive,
    what: "failure looks like success, so what its user is told was not judged",
    help: "where nobody listens it ends as after a delivery: let it end with another exit code, or say \
           under [tells] in a profile what else tells its user",
};

const ANY_AUTHORITY: Fault = Fault {
    weight: Weight::Inconclusive,
    what: "it accepts any authority",
    help: "it trusts one that it was not told to trust: let it check certificates; if it \
           ignores the authority of {ca}, check the option that passes it; where its authors say that it \
           checks none, a profile announces `verifies-no-certificate`",
};

const BLIND: Fault = Fault {
    weight: Weight::Inconclusive,
    what: "it types without reading, so what it acted upon was not judged",
    help: "let it wait for each reply; where its authors say that it does not, a profile announces \
           `blind`",
};
