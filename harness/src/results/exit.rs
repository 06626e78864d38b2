//! The consequences of results: counts, and an exit code.

use crate::results::data::{DELIVERED, Results, Weight};
use crate::results::{Counts, Fault, INTERRUPTED, problems};

impl Results {
    /// Recomputes the derived fields: counts, problems of waivers, the exit code.
    pub fn weigh(&mut self) {
        self.summary =
            Counts::of(self.results.iter().map(|entry| (entry.verdict, entry.announced)));
        self.summary.unexplained =
            self.results.iter().filter(|entry| entry.unexplained.is_some()).count();
        self.problems = problems::problems(self);
        self.exit_code = self.code();
    }

    /// Whether the client delivered to an honest server; if not, no vector was played.
    pub fn is_judged(&self) -> bool {
        self.controls.honest == DELIVERED
    }

    /// Whether all selected vectors were played.
    pub fn is_finished(&self) -> bool {
        self.shard.is_none()
            && !self.interrupted
            && self.is_judged()
            && self.results.len() == self.selection.vectors
    }

    /// A problem outside the vectors, with its text: a failure, or a reason for no verdict.
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

    /// The first of its faults that affects the exit code.
    fn counted_fault(&self) -> Option<Fault> {
        self.faults().into_iter().find(|fault| self.strict || fault.weight != Weight::Weak)
    }

    /// The weight of a fault: a broken `should` fails with `--strict`.
    const fn weight_of(&self, fault: &Fault) -> Weight {
        match fault.weight {
            Weight::Weak if self.strict => Weight::Fail,
            weight => weight,
        }
    }

    /// How many vectors there are to play; with shards, only those of the shard.
    pub fn meant(&self) -> usize {
        let all = self.selection.vectors;
        self.shard.map_or(all, |shard| (0..all).filter(|rank| shard.has(*rank)).count())
    }

    /// The exit code of the controls alone: 0 if each is as needed for judging, or is announced; 1 if
    /// an announcement does not show, or a rule was broken with an honest server; 3 for any other
    /// problem.
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

    /// The exit code: 0 as expected, 1 if a vector or a waiver failed, 3 without a verdict, 130 if
    /// interrupted.
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
