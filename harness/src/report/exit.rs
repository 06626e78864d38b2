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

    /// What is wrong beside the vectors: a failure, or what leaves no verdict, with what it is.
    pub fn beside_vectors(&self) -> Option<(Weight, String)> {
        let said = |weight, text: &str| Some((weight, text.to_owned()));
        if !self.is_judged() {
            let weight = if self.controls.broken { Weight::Fail } else { Weight::Inconclusive };
            said(weight, &self.controls.honest)
        } else if let Some(broken) = self.broken_announcement() {
            said(Weight::Fail, broken)
        } else if !self.controls.tells_failure {
            said(Weight::Inconclusive, "failure looks like success")
        } else if self.interrupted {
            said(Weight::Inconclusive, "interrupted: the other vectors were not played")
        } else if self.controls.last != DELIVERED {
            Some((Weight::Inconclusive, format!("the last control failed: {}", self.controls.last)))
        } else if self.results.is_empty() {
            said(Weight::Inconclusive, "no vector was played")
        } else {
            None
        }
    }

    /// How many vectors there are to play: those of the shard, where there is one.
    pub fn meant(&self) -> usize {
        let all = self.selection.vectors;
        self.shard.map_or(all, |shard| (0..all).filter(|rank| shard.has(*rank)).count())
    }

    /// The exit code that its controls alone ask for: 0 where each shows what can be judged or is
    /// announced, 1 where one does not or a rule was broken with an honest server, 3 where that server was
    /// not given the data.
    pub fn controls_code(&self) -> u8 {
        let announced =
            |traits: &[Trait]| traits.iter().any(|one| self.client.announced.contains(one));
        let unchecked = [Trait::VerifiesNoCertificate, Trait::Opportunistic];
        let controls = &self.controls;
        let fine = (controls.waits != announced(&[Trait::Blind]))
            && controls.tells_failure
            && (controls.checks_authority || announced(&unchecked))
            && !(controls.checks_authority && announced(&[Trait::VerifiesNoCertificate]));
        if controls.broken {
            1
        } else if !self.is_judged() || controls.last != DELIVERED {
            3
        } else {
            u8::from(!fine)
        }
    }

    /// The exit code: 0 as expected, 1 where a vector or a waiver failed, 3 without a verdict, 130
    /// where it was interrupted.
    fn code(&self) -> u8 {
        let any =
            |verdict| self.results.iter().any(|entry| !entry.announced && entry.verdict == verdict);
        let beside = self.beside_vectors().map(|(weight, _)| weight);
        let failed = any(Weight::Fail)
            || any(Weight::Error)
            || (self.strict && any(Weight::Weak))
            || beside == Some(Weight::Fail)
            || !self.problems.is_empty();
        let nothing = beside == Some(Weight::Inconclusive);
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
