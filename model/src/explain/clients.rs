//! Sets of clients that differ only in choices on which nothing has depended so far.
//!
//! Comparing a run with each combination of choices would double the work with each choice. Instead,
//! one [`Set`] stands for all combinations that have taken the same steps. If a step depends on an open
//! choice, the set splits, once for each answer.

use super::Habits;
use crate::client::{Client, Input, Negotiator, State, Step};
use crate::flaw::Flaws;
use crate::message::{Bounds, CAPACITY};
use crate::policy::Policy;
use crate::protocol::Protocol;
use crate::variant::{Choice, Variant};

/// How much clients may differ from [`Variant::COMMON`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// In any choice: [`Variant::all`].
    All,
    /// In the choices used to name a flaw: [`Variant::usual`].
    Usual,
}

/// The clients that are compared with a run: all have the same flaws, and any choices in a scope.
pub(super) struct Clients {
    negotiator: Negotiator,
    scope: Scope,
    habits: Habits,
    start: Vec<Set>,
}

/// The clients that agree with a variant in the decided choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Set {
    /// Undecided choices are as in [`Variant::COMMON`].
    pub(super) variant: Variant,
    decided: u32,
}

impl Set {
    /// All clients. A goodbye is not a step, so the choice to send one is treated as decided.
    const ALL: Self = Self { variant: Variant::COMMON, decided: 1 << Choice::SaysGoodbye as u32 };

    const fn has_decided(self, choice: Choice) -> bool {
        self.decided & (1 << choice as u32) != 0
    }

    const fn decide(self, choice: Choice) -> Self {
        Self { decided: self.decided | 1 << choice as u32, ..self }
    }

    /// Whether a client is in the set.
    pub(super) fn has(self, client: Variant) -> bool {
        let decided = Choice::ALL.into_iter().filter(|&choice| self.has_decided(choice));
        decided
            .filter(|&choice| choice != Choice::SaysGoodbye)
            .all(|choice| client.agrees(self.variant, choice))
    }
}

impl Clients {
    pub(super) fn new(
        protocol: &'static Protocol,
        sessions: &[Policy],
        flaws: Flaws,
        scope: Scope,
        habits: Habits,
    ) -> Self {
        let negotiator = Negotiator {
            protocol,
            sessions: sessions.to_vec(),
            variant: Variant::COMMON,
            flaws,
            bounds: Bounds { messages: CAPACITY },
            ..Negotiator::sound(protocol, Policy::Required)
        };
        Self { negotiator, scope, habits, start: vec![Set::ALL] }
    }

    /// What the clients have in common.
    pub(super) const fn negotiator(&self) -> &Negotiator {
        &self.negotiator
    }

    /// The same clients, each in a set of its own.
    #[cfg(test)]
    pub(super) fn one_by_one(mut self) -> Self {
        let variants = match self.scope {
            Scope::All => Variant::all(),
            Scope::Usual => Variant::usual(),
        };
        let fitting = variants.into_iter().filter(|&variant| self.fits(variant));
        self.start = fitting.map(|variant| Set { variant, decided: u32::MAX }).collect();
        self
    }

    /// Only this one.
    #[cfg(test)]
    pub(super) fn only(mut self, variant: Variant) -> Self {
        self.start = vec![Set { variant, decided: u32::MAX }];
        self
    }

    /// All of them, before the first connection.
    pub(super) fn start(&self) -> (&[Set], Step<State>) {
        (&self.start, self.negotiator.start())
    }

    /// Whether a connection can belong to this session of the user.
    pub(super) fn may_serve(&self, session: u8, connection: usize) -> bool {
        let last = self.negotiator.sessions.len().saturating_sub(1);
        self.habits
            .last_session_at
            .is_none_or(|at| (usize::from(session) == last) == (connection >= at))
    }

    /// Whether a variant is among them.
    pub(super) fn fits(&self, variant: Variant) -> bool {
        let in_scope = match self.scope {
            Scope::All => true,
            Scope::Usual => variant.is_usual(),
        };
        in_scope && self.habits.fit(variant)
    }

    /// The steps of the clients of a set on an input, for each subset with the same step.
    pub(super) fn step(&self, set: Set, state: &State, input: &Input) -> Vec<(Set, Step<State>)> {
        let mut steps = Vec::new();
        let mut open = vec![set];
        while let Some(mut set) = open.pop() {
            let (step, asked) = self.negotiator.step_asking(set.variant, state, input);
            for choice in asked {
                if set.has_decided(choice) {
                    continue;
                }
                set = set.decide(choice);
                let others = set.variant.others(choice).filter(|&variant| self.fits(variant));
                open.extend(others.map(|variant| Set { variant, ..set }));
            }
            steps.push((set, step));
        }
        steps
    }
}
