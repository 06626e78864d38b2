//! The small-scope assumption: larger segments, buffers and queues change no verdict.

use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::message::Bounds;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{
    FTP, IMAP, LDAP, MANAGESIEVE, MANUAL, MYSQL, POP3, POSTGRESQL, PROTOCOLS, Protocol, SMTP,
};
use upward_model::theorem::flawed_world;
use upward_model::walk::{Extent, walk};
use upward_model::world::{Attacker, Offering, Setting, World};

/// What is broken where a segment, a buffer and a queue hold this many messages.
fn broken(
    protocol: &'static Protocol,
    policy: Policy,
    flaw: Option<Flaw>,
    offering: Offering,
    messages: usize,
) -> Properties {
    let bounds = Bounds { messages };
    let setting = Setting { bounds, offering, ..Setting::of(Attacker::Active) };
    let world = flaw.map_or_else(
        || {
            let client = Negotiator { bounds, ..Negotiator::sound(protocol, policy) };
            World::new(protocol, client, vec![policy], setting)
        },
        |flaw| flawed_world(protocol, flaw, &[policy], setting),
    );
    let found = walk(&world, None);
    assert_eq!(found.extent, Extent::Exhaustive);
    found.broken
}

/// Verdicts of sound clients at 2, 3 and 4.
fn no_verdict_changes(protocol: &'static Protocol) {
    for policy in Policy::ALL {
        if policy == Policy::Implicit && !protocol.has_implicit() {
            continue;
        }
        for offering in [Offering::Both, Offering::Upgrade] {
            let two = broken(protocol, policy, None, offering, 2);
            for messages in [3, 4] {
                let more = broken(protocol, policy, None, offering, messages);
                assert_eq!(two, more, "{policy} {messages}");
            }
        }
    }
}

/// What a segment of more than two messages can show of a flaw that two do not: with all of the server's
/// answers in one segment, a party that keeps it is led to report a delivery that never happened, or to run
/// ahead of the true server.
const BEYOND_TWO: [Property; 3] =
    [Property::Agreement, Property::OnlyDenialOfService, Property::SurvivorsOnlyCauseRefusal];

/// Verdicts of flawed parties at 2, 3 and 4.
fn no_flaw_shows_more(protocol: &'static Protocol) {
    for &flaw in Flaw::ALL {
        let of =
            |messages| broken(protocol, Policy::Required, Some(flaw), Offering::Both, messages);
        let mut fewer = of(2);
        for messages in [3, 4] {
            let more = of(messages);
            assert!(fewer.iter().all(|property| more.has(property)), "{flaw} {messages}");
            let mut beyond = more.iter().filter(|&property| !fewer.has(property));
            assert!(
                beyond.all(|property| BEYOND_TWO.contains(&property)),
                "{flaw} {messages}: {more:?}"
            );
            fewer = more;
        }
    }
}

/// A test of its own for each protocol, so that they run side by side.
macro_rules! each_protocol {
    ($($name:ident: $protocol:expr;)*) => {$(
        #[test]
        fn $name() {
            no_verdict_changes($protocol);
            no_flaw_shows_more($protocol);
        }
    )*

        #[test]
        fn no_protocol_is_left_out() {
            let names = [$($protocol.name),*];
            assert!(PROTOCOLS.iter().all(|protocol| names.contains(&protocol.name)));
        }
    };
}

each_protocol! {
    ftp: &FTP;
    imap: &IMAP;
    ldap: &LDAP;
    managesieve: &MANAGESIEVE;
    manual: &MANUAL;
    mysql: &MYSQL;
    pop3: &POP3;
    postgresql: &POSTGRESQL;
    smtp: &SMTP;
}
