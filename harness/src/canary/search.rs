//! The search itself: all forms of all canaries in one pass over the bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::{Canaries, Challenge, Form, Kind, Sighting, forms, inner_base64};

/// How many sightings of a canary in one form are told: a client can send it as often as it likes,
/// and a hundred say as much as a million.
const TOLD: usize = 100;

/// Looks for the canaries of a run; made once, used for many bytes.
#[derive(Clone, Debug)]
pub struct Search {
    values: [(Kind, Vec<u8>); 3],
    /// What is written in either case, and what is not.
    sets: Vec<(AhoCorasick, Vec<(Kind, Form)>)>,
}

impl Search {
    /// Prepares a search, for what a client derives from these challenges as well.
    pub(super) fn new(canaries: &Canaries, challenges: &[Challenge]) -> Self {
        let values = canaries.values().map(|(kind, value)| (kind, value.as_bytes().to_vec()));
        let mut needles = Vec::new();
        for (kind, value) in canaries.values() {
            for (form, needle) in forms(value) {
                needles.push((needle, kind, form, matches!(form, Form::Raw | Form::Hex)));
            }
        }
        for challenge in challenges {
            let (form, digest) = canaries.answer(challenge);
            let digest = digest.into_bytes();
            // A digest is written in either case, base64 in one only.
            let fold = form != Form::Scram;
            for needle in inner_base64(&digest).chain([digest.clone()]) {
                needles.push((needle, Kind::Password, form, fold));
            }
        }
        needles.retain(|(needle, ..)| !needle.is_empty());
        let sets = [true, false].into_iter().filter_map(|fold| {
            let of_set: Vec<_> = needles.iter().filter(|needle| needle.3 == fold).collect();
            let meaning = of_set.iter().map(|(_, kind, form, _)| (*kind, *form)).collect();
            let set = build(of_set.iter().map(|(needle, ..)| needle), fold);
            // There are never as many needles as a set cannot hold.
            set.ok().map(|set| (set, meaning))
        });
        Self { values, sets: sets.collect() }
    }

    /// Finds the canaries in bytes, whatever their form; of each form, the first hundred. The ranges
    /// are of the bytes searched.
    pub fn find(&self, bytes: &[u8]) -> Vec<Sighting> {
        let mut told: BTreeMap<(Kind, Form), usize> = BTreeMap::new();
        let mut sightings = Vec::new();
        let mut tell = |kind, form, range| {
            let count = told.entry((kind, form)).or_default();
            *count += 1;
            if *count <= TOLD {
                sightings.push(Sighting { kind, form, range });
            }
        };
        for (set, meaning) in &self.sets {
            for found in set.find_overlapping_iter(bytes) {
                let (kind, form) = meaning[found.pattern().as_usize()];
                tell(kind, form, found.range());
            }
        }
        for (kind, value) in &self.values {
            disguised(bytes, value, |form, range| tell(*kind, form, range));
        }
        sightings.sort_by_key(|sighting| (sighting.range.start, sighting.kind, sighting.form));
        sightings.dedup();
        sightings
    }
}

fn build<'a>(
    needles: impl Iterator<Item = &'a Vec<u8>>,
    fold: bool,
) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder()
        // Each run has its own canaries: what is searched is mostly shorter than a table takes to build.
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(fold)
        .build(needles)
}

/// Finds a value some of whose characters are escaped, percent-wise or quoted-printably.
fn disguised(bytes: &[u8], value: &[u8], mut tell: impl FnMut(Form, Range<usize>)) {
    for (form, mark) in [(Form::Percent, b'%'), (Form::QuotedPrintable, b'=')] {
        if !bytes.contains(&mark) {
            continue;
        }
        for at in 0..bytes.len() {
            if let Some(end) = matches_escaped(bytes, at, value, mark)
                && end - at > value.len()
            {
                tell(form, at..end);
            }
        }
    }
}

/// Where a value ends that starts here, with any of its characters escaped.
fn matches_escaped(bytes: &[u8], start: usize, value: &[u8], mark: u8) -> Option<usize> {
    let mut at = start;
    for (index, &wanted) in value.iter().enumerate() {
        // Soft line breaks of quoted-printable count for nothing, inside the value.
        if index > 0 && mark == b'=' {
            at = behind_soft_breaks(bytes, at);
        }
        let byte = *bytes.get(at)?;
        if byte == wanted {
            at += 1;
        } else if byte == mark {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            if u8::from_str_radix(digits, 16).ok()? != wanted {
                return None;
            }
            at += 3;
        } else {
            return None;
        }
    }
    Some(at)
}

fn behind_soft_breaks(bytes: &[u8], mut at: usize) -> usize {
    loop {
        if bytes[at..].starts_with(b"=\r\n") {
            at += 3;
        } else if bytes[at..].starts_with(b"=\n") {
            at += 2;
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is looked for, byte by byte: slow, and plain to see.
    fn plainly(canaries: &Canaries, bytes: &[u8]) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        for (kind, value) in canaries.values() {
            for (form, needle) in forms(value) {
                let fold = matches!(form, Form::Raw | Form::Hex);
                for at in 0..(bytes.len() + 1).saturating_sub(needle.len()) {
                    let range = at..at + needle.len();
                    let there = &bytes[range.clone()];
                    let same = there == needle || (fold && there.eq_ignore_ascii_case(&needle));
                    if same {
                        sightings.push(Sighting { kind, form, range });
                    }
                }
            }
            disguised(bytes, value.as_bytes(), |form, range| {
                sightings.push(Sighting { kind, form, range });
            });
        }
        sightings.sort_by_key(|sighting| (sighting.range.start, sighting.kind, sighting.form));
        sightings.dedup();
        sightings
    }

    #[test]
    fn tells_of_each_form_a_hundred_times() {
        let canaries = Canaries::new(3);
        let flood = canaries.password.repeat(10_000);
        assert_eq!(canaries.search(flood.as_bytes(), &[]).len(), TOLD);
    }

    proptest! {
        #[test]
        fn finds_what_is_there(
            seed: u64,
            parts in proptest::collection::vec((0..14_usize, any::<bool>()), 0..12),
        ) {
            let canaries = Canaries::new(seed.into());
            let mut bytes = Vec::new();
            for (which, upper) in parts {
                let words = [&canaries.user, &canaries.password, &canaries.body];
                let all: Vec<_> = words.into_iter().flat_map(|word| forms(word)).collect();
                let part = all.get(which).map_or(b"=\n%".to_vec(), |(_, needle)| needle.clone());
                bytes.extend(if upper { part.to_ascii_uppercase() } else { part });
            }
            prop_assert_eq!(canaries.search(&bytes, &[]), plainly(&canaries, &bytes));
        }
    }
}
