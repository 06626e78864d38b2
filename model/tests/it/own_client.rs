//! The example of a client of one's own is what it says it is.

#[path = "../../examples/own_client/client.rs"]
mod client;

use self::client::{AtStart, OwnClient};
use crate::prove::prove;

#[test]
fn a_client_that_keeps_its_buffer_is_found_out() {
    let proof = prove(OwnClient { buffer: AtStart::Keep }, 1_000_000);
    assert!(!proof.is_proved());
    insta::assert_snapshot!(proof);
}

#[test]
fn the_mended_client_is_proved() {
    let proof = prove(OwnClient { buffer: AtStart::Discard }, 1_000_000);
    assert!(proof.is_proved());
    insta::assert_snapshot!(proof);
}

#[test]
fn a_walk_that_was_cut_proves_nothing() {
    let proof = prove(OwnClient { buffer: AtStart::Discard }, 100);
    assert!(!proof.is_proved());
    assert!(proof.to_string().ends_with("BOUNDED, which proves nothing)"), "{proof}");
}
