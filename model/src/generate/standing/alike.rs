//! The sound clients that a peer cannot distinguish from a flawed one.
//!
//! There are thousands of sound clients, and most of their choices do not affect a comparison. A
//! comparison records the choices on which it depended, and its result holds for all clients that agree
//! in those. A difference depends only on the way to it, so one comparison excludes most clients.

mod party;

use rustc_hash::FxHashSet;

use self::party::{Choices, Outside, Party, PartyState};
use crate::client::View;
use crate::flaw::Flaws;
use crate::generate::evaluate::client;
use crate::policy::Policy;
use crate::protocol::Protocol;
use crate::variant::Variant;

/// The sound clients of a protocol, for each user, with which flawed ones are compared.
pub(super) struct Sound {
    protocol: &'static Protocol,
    outside: Outside,
    users: Vec<(Vec<Policy>, Party)>,
}

impl Sound {
    /// The sound clients of users with these sessions.
    pub(super) fn new<'a>(
        protocol: &'static Protocol,
        users: impl Iterator<Item = &'a [Policy]>,
    ) -> Self {
        let user =
            |sessions: &[Policy]| (sessions.to_vec(), party(protocol, sessions, Flaws::NONE));
        Self { protocol, outside: Outside::of(protocol), users: users.map(user).collect() }
    }

    /// The sound clients that behave like a flawed one for each user.
    pub(super) fn alike(&mut self, flaws: Flaws) -> Vec<Variant> {
        let mut variants = Variant::all();
        for (sessions, sound) in &mut self.users {
            let mut flawed = party(self.protocol, sessions, flaws);
            let mut compared: Vec<(Variant, Comparison)> = Vec::new();
            variants.retain(|&variant| {
                let known = compared.iter().find(|(other, it)| it.on.agree(variant, *other));
                if let Some((_, comparison)) = known {
                    return comparison.same;
                }
                let comparison = compare(&mut self.outside, &mut flawed, sound, variant);
                compared.push((variant, comparison));
                comparison.same
            });
        }
        variants
    }
}

fn party(protocol: &'static Protocol, sessions: &[Policy], flaws: Flaws) -> Party {
    Party::new(client(protocol, sessions.to_vec(), Variant::COMMON, flaws))
}

/// Whether two clients can be distinguished, and the choices of the second on which that depends.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    same: bool,
    on: Choices,
}

/// Compares a flawed client with the sound one that makes these choices: whether a peer cannot
/// distinguish them by any input.
fn compare(
    outside: &mut Outside,
    flawed: &mut Party,
    sound: &mut Party,
    variant: Variant,
) -> Comparison {
    let start = (Party::START, Party::START);
    let mut known: FxHashSet<(PartyState, PartyState)> = FxHashSet::default();
    known.insert(start);
    // Each pair has the choices on which the way to it depended. Short ways depend on few.
    let mut found = vec![(start, Choices::default())];
    let mut all = Choices::default();
    let mut index = 0;
    while let Some(&((left, right), on)) = found.get(index) {
        index += 1;
        let view = flawed.view(left);
        if view != sound.view(right) {
            return Comparison { same: false, on };
        }
        if view == View::Ended {
            continue;
        }
        let ones = flawed.steps(left, Variant::COMMON, outside);
        let others = sound.steps(right, variant, outside);
        let mut last = None;
        for (one, other) in ones.zip(others) {
            // Most inputs have the same step as the previous one.
            if last.replace((one, other)) == Some((one, other)) {
                continue;
            }
            let on = on.and(other.on);
            if one.shows != other.shows {
                return Comparison { same: false, on };
            }
            all = all.and(other.on);
            let next = (one.next, other.next);
            if known.insert(next) {
                found.push((next, on));
            }
        }
    }
    Comparison { same: true, on: all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flaw::Flaw;
    use crate::protocol::MANUAL;

    /// Compares with each client by itself.
    fn one_by_one(protocol: &'static Protocol, flaws: Flaws, sessions: &[Policy]) -> Vec<Variant> {
        let mut outside = Outside::of(protocol);
        let mut flawed = party(protocol, sessions, flaws);
        let mut variants = Variant::all();
        variants.retain(|&variant| {
            let mut sound = party(protocol, sessions, Flaws::NONE);
            compare(&mut outside, &mut flawed, &mut sound, variant).same
        });
        variants
    }

    #[test]
    fn clients_that_agree_where_it_matters_compare_alike() {
        let sessions = [Policy::Required];
        let mut sound = Sound::new(&MANUAL, std::iter::once(&sessions[..]));
        for flaw in [Flaw::BelievesPreauth, Flaw::TakesNameFromWire, Flaw::KeepsOpenReply] {
            let flaws = Flaws::from(flaw);
            assert_eq!(sound.alike(flaws), one_by_one(&MANUAL, flaws, &sessions), "{flaw}");
        }
    }
}
