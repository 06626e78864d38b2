//! The wrong clients of the example are refuted by each engine, and confess nothing.

use crate::spin;
use upward_model::check::check;
use upward_model::client::Client;
use upward_model::promela::promela;
use upward_model::property::{Properties, Property};
use upward_model::walk::walk;

use crate::prove::{prove, world};
use crate::wrong_clients::{BelievesClearText, KeepsBuffer, NeverSends, TrustsDeadline};

/// Our walker, stateright and, where it is installed, SPIN find the same, and at least these
/// properties are broken.
fn refuted<C: Client + Clone + Send + Sync + 'static>(
    name: &str,
    client: C,
    expected: &[Property],
) -> String {
    let proof = prove(client.clone(), 1_000_000);
    assert!(!proof.is_proved(), "{proof}");
    for outputs in world(client.clone()).clients().all_outputs() {
        assert!(!outputs.iter().any(|output| output.is_mark()), "{name} confesses: {outputs:?}");
    }
    let broken = walk(&world(client.clone()), None).broken;
    let missing: Properties = expected.iter().copied().filter(|&p| !broken.has(p)).collect();
    assert!(missing.is_empty(), "{name} keeps {missing:?}");
    assert_eq!(check(world(client.clone())).broken, broken, "stateright, {name}");
    if spin::available() {
        let report = spin::explore_exported(&format!("wrong-{name}"), &promela(&world(client)));
        assert_eq!(report.broken, broken.bits(), "SPIN, {name}");
    }
    proof.to_string()
}

#[test]
fn a_client_that_takes_clear_text_for_a_handshake_leaks() {
    let expected = [Property::NoSecretInClear, Property::OnlyDenialOfService];
    insta::assert_snapshot!(refuted("believes-clear-text", BelievesClearText, &expected));
}

#[test]
fn a_client_that_keeps_its_buffer_need_not_say_so() {
    let expected = [Property::NoClearBytesUsedInsideTls];
    insta::assert_snapshot!(refuted("keeps-buffer", KeepsBuffer, &expected));
}

#[test]
fn a_deadline_is_no_delivery() {
    let expected = [Property::OnlyDenialOfService];
    insta::assert_snapshot!(refuted("trusts-deadline", TrustsDeadline, &expected));
}

#[test]
fn data_that_were_not_sent_are_no_delivery() {
    let expected = [Property::OnlyDenialOfService];
    insta::assert_snapshot!(refuted("never-sends", NeverSends, &expected));
}
