//! Any client of the manual's protocol, put in the model's place: what the attacker makes of it.

use std::fmt;

use upward_model::client::Client;
use upward_model::dialogue;
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::protocol::{Level, MANUAL};
use upward_model::walk::{Extent, Walk, counterexample, walk};
use upward_model::world::{Attacker, Setting, World};

/// What was found of a client.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    walk: Walk,
    /// The least dialogue for each claimed property that is broken.
    broken: Vec<(Property, Vec<String>)>,
}

/// Lets the owner of the wire loose on a client whose user requires TLS; no more states than these
/// are visited. A walk that needs more proves nothing.
pub(crate) fn prove<C: Client + Clone>(client: C, limit: usize) -> Proof {
    let walk = walk(&world(client.clone()), Some(limit));
    // Where the attacker's messages are counted, the witness is the one that needs the fewest.
    let counted = world(client).counted();
    let broken = walk
        .broken
        .iter()
        .filter(|property| MANUAL.level(*property).0 != Level::NotClaimed)
        .filter_map(|property| {
            let witness = counterexample(&counted, property)?;
            Some((property, dialogue::witness(&counted, &witness)))
        })
        .collect();
    Proof { walk, broken }
}

/// A client of the manual's protocol, whose user requires TLS, and the owner of the wire.
pub(crate) fn world<C: Client>(client: C) -> World<C> {
    World::new(&MANUAL, client, vec![Policy::Required], Setting::of(Attacker::Active))
}

impl Proof {
    /// Whether every claimed property holds in every state that can be reached, and the client
    /// delivers at all.
    pub(crate) fn is_proved(&self) -> bool {
        self.walk.extent == Extent::Exhaustive
            && self.walk.stuck == 0
            && self.walk.delivers
            && self.broken.is_empty()
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (property, dialogue) in &self.broken {
            writeln!(f, "  {property} is broken: {}", property.meaning())?;
            for line in dialogue {
                writeln!(f, "    {line}")?;
            }
        }
        let extent = match self.walk.extent {
            Extent::Exhaustive => "exhaustive",
            Extent::Bounded => "BOUNDED, which proves nothing",
        };
        let (states, transitions) = (self.walk.states, self.walk.transitions);
        write!(f, "  {} ", if self.is_proved() { "PROVED" } else { "NOT PROVED" })?;
        write!(f, "({states} states, {transitions} transitions, {extent})")
    }
}
