//! What results ask for: counts, an exit code.

use crate::results::data::{DELIVERED, Results, Weight};
use crate::results::{Counts, Fault, INTERRUPTED, problems};

impl Results {
    /// Computes anew what follows from the rest: counts, what is wrong with waivers, the exit code.
    pub fn weigh(&mut self) {
        self.summary =
            Counts::of(self.results.iter().map(|entry| (entry.verdict, entry.announced)));
        self.summary.unexplained =
            self.results.iter().filter(|entry| entry.unexplained.is_some()).count();
        self.problems = problems::problems(self);
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

    /// What is wrong beside the vectors: a failure, or what leaves no verdict, with what it is.
    pub fn beside_vectors(&self) -> Option<(Weight, String)> {
        let said = |weight, text: &str| Some((weight, text.to_owned()));
        if !self.is_judged() {
            let weight = if self.controls.broken { Weight::Fail } else { Weight::Inconclusive };
            said(weight, &self.controls.honest)
        } else if let Some(fault) = self.counted_fault() {
            said(self.weight_of(&fault), fault.what)
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

    /// The first of its faults that changes the exit code.
    fn counted_fault(&self) -> Option<Fault> {
        self.faults().into_iter().find(|fault| self.strict || fault.weight != Weight::Weak)
    }

    /// What a fault weighs: a broken `should` fails with `--strict`.
    const fn weight_of(&self, fault: &Fault) -> Weight {
        match fault.weight {
            Weight::Weak if self.strict => Weight::Fail,
            weight => weight,
        }
    }

    /// How many vectors there are to play: those of the shard, where there is one.
    pub fn meant(&self) -> usize {
        let all = self.selection.vectors;
        self.shard.map_or(all, |shard| (0..all).filter(|rank| shard.has(*rank)).count())
    }

    /// The exit code that its controls alone ask for: 0 where each shows what can be judged or is
    /// announced, 1 where an announcement does not show or a rule was broken with an honest server, 3
    /// where something else is not as it should be.
    pub fn controls_code(&self) -> u8 {
        let controls = &self.controls;
        if controls.broken {
            1
        } else if !self.is_judged() || controls.last != DELIVERED {
            3
        } else {
            match self.counted_fault() {
                Some(fault) if self.weight_of(&fault) == Weight::Fail => 1,
                Some(_) => 3,
                None => 0,
            }
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
