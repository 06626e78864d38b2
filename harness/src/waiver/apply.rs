//! Applies waivers to the results of a suite.

use std::collections::BTreeMap;

use jiff::civil::Date;
use upward_model::vector::Vector;

use crate::results::{Record, Results, Weight};
use crate::vectors;
use crate::waiver::{Waiver, Waivers};

/// The vectors that a waiver may name.
#[derive(Clone, Copy, Debug)]
pub struct Universe<'a> {
    /// All vectors of the protocol, of every policy and tier.
    pub all: &'a [Vector],
    /// The selected vectors, before they were divided into shards.
    pub selected: &'a [Vector],
}

impl Waivers {
    /// The waiver that decides about a client's result for a vector.
    pub(crate) fn deciding(&self, client: &str, vector: &Vector, today: Date) -> Option<&Waiver> {
        let decides = |waiver: &&Waiver| waiver.is_about(client) && waiver.decides(vector, today);
        self.entries.iter().find(decides)
    }

    /// The first waiver that names no vector of any protocol.
    pub(crate) fn naming_nothing(&self) -> Option<&Waiver> {
        let names_one = |waiver: &&Waiver| vectors::all().iter().any(|vector| waiver.names(vector));
        self.entries.iter().find(|waiver| !names_one(waiver))
    }

    /// Applies the waivers to results: a failure with the waived outcome becomes `waived`, and problems
    /// of the waivers are recorded. The first waiver that names a vector decides about it; an expired
    /// waiver decides about none.
    pub fn apply(&self, results: &mut Results, universe: Universe<'_>, today: Date) {
        let ours: Vec<&Waiver> =
            self.entries.iter().filter(|waiver| waiver.is_about(&results.client.name)).collect();
        let elsewhere = |waiver: &Waiver| {
            universe.all.iter().chain(vectors::all()).any(|vector| waiver.names(vector))
        };
        let records: Vec<Record> = ours
            .iter()
            .map(|waiver| record(waiver, &results.policy, universe, today, elsewhere))
            .collect();
        let selected: BTreeMap<&str, &Vector> =
            universe.selected.iter().map(|vector| (vector.id.as_str(), vector)).collect();
        for entry in &mut results.results {
            let Some(vector) = selected.get(entry.vector.as_str()) else { continue };
            let decides = |(_, waiver): &(usize, &&Waiver)| waiver.decides(vector, today);
            let Some((index, waiver)) = ours.iter().enumerate().find(decides) else {
                continue;
            };
            entry.waiver = Some(index);
            if waiver.outcome.is_shown_by(entry.verdict, entry.outcome) {
                entry.verdict = Weight::Waived;
            }
        }
        results.waivers = records;
        results.weigh();
    }
}

impl Waiver {
    /// Whether it is about a client of this name.
    pub fn is_about(&self, client: &str) -> bool {
        self.client.as_ref().is_none_or(|pattern| pattern.matches(client))
    }

    /// Whether it names a vector, by its id or a former one.
    pub fn names(&self, vector: &Vector) -> bool {
        self.vector.matches(&vector.id)
            || vector.aliases.iter().any(|alias| self.vector.matches(alias))
    }

    /// Whether its last day has passed.
    pub fn has_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|day| day < today)
    }

    /// Whether it can decide about a vector.
    fn decides(&self, vector: &Vector, today: Date) -> bool {
        !self.has_expired(today) && self.names(vector)
    }
}

fn record(
    waiver: &Waiver,
    policy: &str,
    universe: Universe<'_>,
    today: Date,
    elsewhere: impl Fn(&Waiver) -> bool,
) -> Record {
    let of_policy = |vector: &&Vector| vector.policy.name() == policy && waiver.names(vector);
    let named = universe.all.iter().filter(of_policy).count();
    Record {
        place: waiver.place.clone(),
        vector: waiver.vector.as_str().to_owned(),
        client: waiver.client.as_ref().map(|client| client.as_str().to_owned()),
        outcome: waiver.outcome,
        reason: waiver.reason.clone(),
        issue: waiver.issue.clone(),
        expires: waiver.expires.map(|day| day.to_string()),
        expired: waiver.has_expired(today),
        named,
        selected: universe.selected.iter().filter(of_policy).count(),
        elsewhere: named == 0 && elsewhere(waiver),
    }
}
