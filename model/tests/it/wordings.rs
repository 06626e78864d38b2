//! The wire texts of descriptors.

use upward_model::message::{Mechanism, Reply};
use upward_model::protocol::{At, PROTOCOLS};

use crate::generated::GENERATED;

/// A persona would take the first forged text of a reply for the honest one.
#[test]
fn each_reply_of_a_played_protocol_has_an_honest_wording() {
    for (protocol, _) in GENERATED.iter() {
        for reply in protocol.replies() {
            // What only an attacker, or a server in trouble, says.
            let is_strange = matches!(
                reply,
                Reply::Garbled | Reply::Unknown | Reply::Notice | Reply::Redirect | Reply::Data
            );
            let is_lure = matches!(reply, Reply::Capabilities { mechanism: Mechanism::Lure, .. });
            let first = protocol.wordings(reply).next();
            let is_honest = first.is_some_and(|wording| wording.at == At::Honest);
            assert!(is_honest || is_strange || is_lure, "{}: {reply:?}", protocol.name);
        }
    }
}

#[test]
fn each_command_has_a_text() {
    for protocol in PROTOCOLS {
        for command in protocol.commands() {
            assert_ne!(
                protocol.said(command),
                "(a message without a text)",
                "{} {command:?}",
                protocol.name
            );
        }
    }
}
