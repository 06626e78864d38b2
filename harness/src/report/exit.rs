//! What results ask for: counts, an exit code.

use crate::profile::Trait;
use crate::report::json::{DELIVERED, Results, Weight};
use crate::report::{Counts, INTERRUPTED, waived};

impl Results {
    /// Computes anew what follows from the rest: counts, what is wrong with waivers, the exit code.
    pub fn weigh(&mut self) {
        self.summary =
            Counts::of(self.results.iter().map(|entry| (entry.verdict, entry.announced)));
        self.problems = waived::problems(self);
        self.exit_code = self.code();
    }

    /// Whether the client delivered to an honest server at all; else no vector was run.
    pub fn is_judged(&self) -> bool {
        self.controls.honest == DELIVERED
    }

    /// Whether everything that was selected is here.
    pub fn is_finished(&self) -> bool {
        self.shard.is_none()
            && !self.interrupted
            && self.is_judged()
            && self.results.len() == self.selection.vectors
    }

    /// What the client's authors announce and was not found. A share of the suite, or what a filter
    /// leaves of it, need not show it.
    pub fn broken_announcement(&self) -> Option<&'static str> {
        if !self.is_judged() {
            return None;
        }
        let announced = |what| self.client.announced.contains(&what);
        let whole = self.shard.is_none() && self.selection.filters.is_empty();
        let leaks = self
            .results
            .iter()
            .any(|entry| entry.announced && matches!(entry.verdict, Weight::Fail | Weight::Waived));
        if announced(Trait::Opportunistic) && whole && !leaks {
            Some("it is announced as opportunistic, and was not found leaking")
        } else if announced(Trait::Blind) && self.controls.waits {
            Some("it is announced as blind, and waits for replies")
        } else if announced(Trait::VerifiesNoCertificate) && self.controls.checks_authority {
            Some("it is announced as verifying no certificate, and checks the authority")
        } else {
            None
        }
    }

    /// The exit code that its controls alone ask for: 0 where each shows what can be judged or is
    /// announced, 1 where one does not, 3 where an honest server was not given the data.
    pub fn controls_code(&self) -> u8 {
        let announced =
            |traits: &[Trait]| traits.iter().any(|one| self.client.announced.contains(one));
        let unchecked = [Trait::VerifiesNoCertificate, Trait::Opportunistic];
        let controls = &self.controls;
        let fine = (controls.waits != announced(&[Trait::Blind]))
            && controls.tells_failure
            && (controls.checks_authority || announced(&unchecked))
            && !(controls.checks_authority && announced(&[Trait::VerifiesNoCertificate]));
        if !self.is_judged() || controls.last != DELIVERED { 3 } else { u8::from(!fine) }
    }

    /// The exit code: 0 as expected, 1 where a vector or a waiver failed, 3 without a verdict, 130
    /// where it was interrupted.
    fn code(&self) -> u8 {
        let any =
            |verdict| self.results.iter().any(|entry| !entry.announced && entry.verdict == verdict);
        let failed = any(Weight::Fail)
            || any(Weight::Error)
            || (self.strict && any(Weight::Weak))
            || self.broken_announcement().is_some()
            || !self.problems.is_empty();
        let nothing = !self.is_judged()
            || !self.controls.tells_failure
            || self.controls.last != DELIVERED
            || self.results.is_empty();
        if self.interrupted {
            INTERRUPTED
        } else if failed {
            1
        } else if nothing || any(Weight::Inconclusive) {
            3
        } else {
            0
        }
    }
}
