//! The small-scope assumption: larger segments, buffers and queues change no verdict.

use upward_model::client::Negotiator;
use upward_model::flaw::Flaw;
use upward_model::message::Bounds;
use upward_model::policy::Policy;
use upward_model::property::Properties;
use upward_model::protocol::{
    FTP, IMAP, LDAP, MANAGESIEVE, MANUAL, MYSQL, POP3, POSTGRESQL, PROTOCOLS, Protocol, SMTP,
};
use upward_model::theorem::{flawed_world, matrix};
use upward_model::walk::{Extent, walk};
use upward_model::world::{Attacker, Setting, World};

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

/// Verdicts of sound clients at 2, 3 and 4, in each column of the matrix.
fn no_verdict_changes(protocol: &'static Protocol) {
    let columns = matrix(protocol);
    for users in columns.chunk_by(|one, other| one.user == other.user) {
        for messages in [3, 4] {
            let bounds = Bounds { messages };
            let sound = users[0].user.sound(Setting { bounds, ..users[0].setting });
            for column in users {
                let more = found(&sound.in_setting(Setting { bounds, ..column.setting }));
                assert_eq!(column.walk.broken, more, "{column} {messages}");
            }
        }
    }
}

/// What segments of three and four messages show of each flaw that smaller ones do not, one a line: with all
/// of the server's answers in one segment, a party that keeps it is led to report a delivery that never
/// happened, or to run ahead of the true server.
fn beyond_two(protocol: &'static Protocol) -> String {
    let mut lines = String::new();
    for &flaw in Flaw::ALL {
        let mut fewer = broken(protocol, flaw, 2);
        // What three show, four show as well.
        if fewer == broken(protocol, flaw, 4) {
            continue;
        }
        for messages in [3, 4] {
            let more = broken(protocol, flaw, messages);
            assert!(fewer.iter().all(|property| more.has(property)), "{flaw} {messages}");
            for property in more.iter().filter(|&property| !fewer.has(property)) {
                lines.push_str(&format!("{flaw}, {messages} messages: {property}\n"));
            }
            fewer = more;
        }
    }
    lines
}

/// Two tests of their own for each protocol, so that they run side by side.
macro_rules! each_protocol {
    ($($columns:ident, $flaws:ident: $protocol:expr;)*) => {$(
        #[test]
        fn $columns() {
            no_verdict_changes($protocol);
        }

        #[test]
        fn $flaws() {
            insta::assert_snapshot!($protocol.name, beyond_two($protocol));
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
    columns_of_ftp, flaws_in_ftp: &FTP;
    columns_of_imap, flaws_in_imap: &IMAP;
    columns_of_ldap, flaws_in_ldap: &LDAP;
    columns_of_managesieve, flaws_in_managesieve: &MANAGESIEVE;
    columns_of_manual, flaws_in_manual: &MANUAL;
    columns_of_mysql, flaws_in_mysql: &MYSQL;
    columns_of_pop3, flaws_in_pop3: &POP3;
    columns_of_postgresql, flaws_in_postgresql: &POSTGRESQL;
    columns_of_smtp, flaws_in_smtp: &SMTP;
}
