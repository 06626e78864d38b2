//! The search for canaries: one pass over the bytes for each form of each canary.
//!
//! Each run has its own canaries, and most clients send little: building an automaton for all forms
//! takes longer than the whole search.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem::Finder;

use super::{Canaries, Challenge, Form, Kind, Sighting, forms, inner_base64};

/// How many sightings of a canary in one form are reported: a client can send it any number of times.
const TOLD: usize = 100;

/// The escape characters of encodings that escape single characters.
const ESCAPED: [(Form, u8); 2] = [(Form::Percent, b'%'), (Form::QuotedPrintable, b'=')];

/// Searches for the canaries of a run; built once, used for many bytes.
#[derive(Clone, Debug)]
pub struct Search {
    values: [(Kind, Vec<u8>); 3],
    needles: Vec<Needle>,
}

/// A form of a canary.
#[derive(Clone, Debug)]
struct Needle {
    kind: Kind,
    form: Form,
    /// In lower case, if its case is ignored.
    finder: Finder<'static>,
    folds: bool,
}

impl Needle {
    fn new(kind: Kind, form: Form, folds: bool, mut bytes: Vec<u8>) -> Option<Self> {
        if folds {
            bytes.make_ascii_lowercase();
        }
        let finder = (!bytes.is_empty()).then(|| Finder::new(&bytes).into_owned())?;
        Some(Self { kind, form, finder, folds })
    }

    /// Its places in bytes, overlapping ones included.
    fn places<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut behind = 0;
        std::iter::from_fn(move || {
            let start = behind + self.finder.find(bytes.get(behind..)?)?;
            behind = start + 1;
            Some(start..start + self.finder.needle().len())
        })
    }
}

impl Search {
    /// Prepares a search, also for the values that a client derives from these challenges.
    pub(super) fn new(canaries: &Canaries, challenges: &[Challenge]) -> Self {
        let values = canaries.values().map(|(kind, value)| (kind, value.as_bytes().to_vec()));
        let mut needles = Vec::new();
        for (kind, value) in canaries.values() {
            for (form, bytes) in forms(value) {
                let folds = matches!(form, Form::Raw | Form::Hex);
                needles.extend(Needle::new(kind, form, folds, bytes));
            }
        }
        for challenge in challenges {
            let (form, digest) = canaries.answer(challenge);
            let digest = digest.into_bytes();
            // A digest is written in either case; base64 is case-sensitive.
            let folds = form != Form::Scram;
            for bytes in inner_base64(&digest).chain([digest.clone()]) {
                needles.extend(Needle::new(Kind::Password, form, folds, bytes));
            }
        }
        Self { values, needles }
    }

    /// Finds the canaries in bytes, in any encoding; at most a hundred of each form. The ranges refer
    /// to the searched bytes.
    pub fn find(&self, bytes: &[u8]) -> Vec<Sighting> {
        let lower = bytes.to_ascii_lowercase();
        let mut sightings = Vec::new();
        for needle in &self.needles {
            let &Needle { kind, form, folds, .. } = needle;
            let places = needle.places(if folds { &lower } else { bytes });
            sightings.extend(places.take(TOLD).map(|range| Sighting { kind, form, range }));
        }
        for &(kind, ref value) in &self.values {
            for (form, mark) in ESCAPED {
                let places = disguised(bytes, value, mark).take(TOLD);
                sightings.extend(places.map(|range| Sighting { kind, form, range }));
            }
        }
        sightings.sort_by_key(|sighting| (sighting.range.start, sighting.kind, sighting.form));
        sightings.dedup();
        let mut told: BTreeMap<(Kind, Form), usize> = BTreeMap::new();
        sightings.retain(|sighting| {
            let count = told.entry((sighting.kind, sighting.form)).or_default();
            *count += 1;
            *count <= TOLD
        });
        sightings
    }
}

/// The places of a value with some characters escaped by this mark.
fn disguised(bytes: &[u8], value: &[u8], mark: u8) -> impl Iterator<Item = Range<usize>> {
    let starts = if bytes.contains(&mark) { 0..bytes.len() } else { 0..0 };
    starts.filter_map(move |at| {
        let end = matches_escaped(bytes, at, value, mark)?;
        (end - at > value.len()).then_some(at..end)
    })
}

/// The end of a value that starts here, with any of its characters escaped.
fn matches_escaped(bytes: &[u8], start: usize, value: &[u8], mark: u8) -> Option<usize> {
    let mut at = start;
    for (index, &wanted) in value.iter().enumerate() {
        // Skip soft line breaks of quoted-printable inside the value.
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

    /// The same search byte by byte: slow, but obviously correct.
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
            for (form, mark) in ESCAPED {
                let places = disguised(bytes, value.as_bytes(), mark);
                sightings.extend(places.map(|range| Sighting { kind, form, range }));
            }
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
