//! What leaves a client: secrets are found wherever they stand, and nowhere else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use upward::canary::{Canaries, Challenge, Kind};

fuzz_target!(|data: (usize, Vec<u8>, Vec<u8>)| {
    let (at, bytes, challenge) = data;
    let canaries = Canaries::new(7);
    let challenges = [Challenge::CramMd5(challenge)];
    for sighting in canaries.search(&bytes, &challenges) {
        assert!(sighting.range.start < sighting.range.end && sighting.range.end <= bytes.len());
    }
    let at = at % (bytes.len() + 1);
    let mut planted = bytes.clone();
    planted.splice(at..at, canaries.password.bytes());
    let found = canaries.search(&planted, &challenges);
    assert!(found.iter().any(|sighting| {
        sighting.kind == Kind::Password && sighting.range == (at..at + canaries.password.len())
    }));
});
