//! The choices of a client; each is requested only when a step depends on it.
//!
//! A step records the choices on which it depended. Clients that agree in those choices take the same
//! step, so all of them can be followed at once.

use arrayvec::ArrayVec;

use super::Run;
use crate::variant::{Choice, Leftover, Login, Variant};

/// The choices that a step depended on, in the order in which it asked for them.
pub type Asked = ArrayVec<Choice, { Choice::ALL.len() }>;

impl Run<'_> {
    /// Returns the client's choices, and records that the step depends on this one.
    fn ask_for(&mut self, choice: Choice) -> Variant {
        if !self.asked.contains(&choice) {
            let _ = self.asked.try_push(choice);
        }
        self.variant
    }

    pub(super) fn leftover(&mut self) -> Leftover {
        self.ask_for(Choice::Leftover).leftover
    }

    pub(super) fn asks_first(&mut self) -> bool {
        self.ask_for(Choice::AsksFirst).asks_first
    }

    pub(super) fn asks_inside(&mut self) -> bool {
        self.ask_for(Choice::AsksInside).asks_inside
    }

    pub(super) fn pipelines(&mut self) -> bool {
        self.ask_for(Choice::Pipelines).pipelines
    }

    pub(super) fn says_goodbye(&mut self) -> bool {
        self.ask_for(Choice::SaysGoodbye).says_goodbye
    }

    pub(super) fn tries_unoffered(&mut self) -> bool {
        self.ask_for(Choice::TriesUnoffered).tries_unoffered
    }

    pub(super) fn retries(&mut self) -> bool {
        self.ask_for(Choice::Retries).retries
    }

    pub(super) fn reads_laxly(&mut self) -> bool {
        self.ask_for(Choice::ReadsLaxly).reads_laxly
    }

    pub(super) fn skips_unasked(&mut self) -> bool {
        self.ask_for(Choice::SkipsUnasked).skips_unasked
    }

    pub(super) fn takes_any_greeting(&mut self) -> bool {
        self.ask_for(Choice::TakesAnyGreeting).takes_any_greeting
    }

    pub(super) fn login(&mut self) -> Login {
        self.ask_for(Choice::Login).login
    }
}
