//! The small-scope assumption: larger segments, buffers and queues change no verdict.

use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::message::Bounds;
use upward_model::policy::Policy;
use upward_model::property::Properties;
use upward_model::protocol::{PROTOCOLS, Protocol};
use upward_model::theorem::{Column, flawed_world};
use upward_model::walk::{Extent, walk};
use upward_model::world::{Attacker, Setting, World};

use crate::in_parallel::in_parallel;
use crate::matrices::matrix_of;

/// What a flawed party breaks where a segment, a buffer and a queue hold this many messages.
fn broken(protocol: &'static Protocol, flaw: Flaw, messages: usize) -> Properties {
    let setting = Setting { bounds: Bounds { messages }, ..Setting::of(Attacker::Active) };
    found(&flawed_world(protocol, flaw, &[Policy::Required], setting))
}

fn found(world: &World<Negotiator>) -> Properties {
    let found = walk(world, None);
    assert_eq!(found.extent, Extent::Exhaustive);
    found.broken
}

/// Verdicts of sound clients at 2 and at this many messages, in these columns of each matrix.
fn no_verdict_changes(messages: usize, walked: impl Fn(&Column) -> bool + Sync) {
    let users = PROTOCOLS
        .into_iter()
        .flat_map(|protocol| matrix_of(protocol).chunk_by(|one, other| one.user == other.user));
    in_parallel(users, |users| {
        let bounds = Bounds { messages };
        let sound = users[0].user.sound(Setting { bounds, ..users[0].setting });
        for column in users.iter().filter(|column| walked(column)) {
            let more = found(&sound.in_setting(Setting { bounds, ..column.setting }));
            assert_eq!(column.walk.broken, more, "{column} {messages}");
        }
    });
}

/// What segments of this many messages show of each flaw that those with one less do not, one a line: with all
/// of the server's answers in one segment, a party that keeps it is led to report a delivery that never
/// happened, or to run ahead of the true server.
fn shown_by(messages: usize) {
    let flawed = PROTOCOLS
        .into_iter()
        .flat_map(|protocol| Flaw::ALL.iter().map(move |&flaw| (protocol, flaw)));
    let shown = in_parallel(flawed, |(protocol, flaw)| {
        let [fewer, more] = [messages - 1, messages].map(|many| broken(protocol, flaw, many));
        assert!(fewer.iter().all(|property| more.has(property)), "{} {flaw}", protocol.name);
        let new = more.iter().filter(|&property| !fewer.has(property));
        let lines = new.map(|property| format!("{flaw}: {property}\n")).collect::<String>();
        (protocol.name, lines)
    });
    let mut text = String::new();
    for of_protocol in shown.chunk_by(|one, other| one.0 == other.0) {
        let lines: String = of_protocol.iter().map(|(_, lines)| &**lines).collect();
        text += &format!("== {}\n{lines}", of_protocol[0].0);
    }
    insta::assert_snapshot!(format!("shown_by_{messages}"), text);
}

/// What is asked for most: one session under `required`, and a network that attacks.
#[test]
fn three_messages_change_no_verdict_under_required() {
    no_verdict_changes(3, |column| {
        column.user.sessions == [Policy::Required] && column.setting.attacker == Attacker::Active
    });
}

#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn three_messages_change_no_verdict() {
    no_verdict_changes(3, |_| true);
}

#[test]
#[ignore = "a long walk: .ci/run runs it"]
fn what_three_messages_show() {
    shown_by(3);
}

mod nightly {
    #[test]
    #[ignore = "a longer walk: .ci/nightly runs it"]
    fn four_messages_change_no_verdict() {
        super::no_verdict_changes(4, |_| true);
    }

    #[test]
    #[ignore = "a longer walk: .ci/nightly runs it"]
    fn what_four_messages_show() {
        super::shown_by(4);
    }
}
