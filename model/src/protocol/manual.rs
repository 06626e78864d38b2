//! The hypothetical protocol of the GnuTLS manual's page "Upward negotiation".
//!
//! The manual fixes no line end: we send LF and accept CRLF. The name in HELLO is public by design:
//! the server may use it to choose its certificate.

use super::{
    Answer, At, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Public, Said, Speech, Twin, Unoffered, Welcome, forged, honest,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// The manual's protocol.
pub static MANUAL: Protocol = Protocol {
    name: "manual",
    title: "the GnuTLS manual's hypothetical protocol",
    standards: &["GnuTLS manual, section Upward negotiation"],
    opening: Opening::Client,
    offer: Offer::Unsaid,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::None,
    mechanisms: Mechanisms::One,
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: false,
    chooses_certificate: true,
    public_before_tls: &[Public::UserName],
    implicit: Twin::Port(0),
    alpn: None,
    fragments: Fragments::Lines,
    levels: &[(
        Property::UserTold,
        Level::Must,
        "GnuTLS manual, Upward negotiation: the client notifies the user",
    )],
    speech: Speech {
        replies: &[
            honest(Reply::offer(true), "NICE TO MEET YOU XXX"),
            honest(Reply::Accept, "OK"),
            honest(Reply::Refuse, "SORRY I DON'T HAVE THIS CAPABILITY"),
            honest(Reply::Done, "THANK YOU"),
            honest(Reply::Bye, "BYE"),
            forged(
                Reply::Refuse,
                "sorry",
                "SORRY I DON'T HAVE THIS CAPABILITY",
                At::Upgrade,
                "NEG-REFUSE-PERM",
            ),
            forged(
                Reply::Refuse,
                "sorry-to-hello",
                "SORRY I DON'T HAVE THIS CAPABILITY",
                At::Capabilities,
                "NEG-STRIP-ASKERR",
            ),
            forged(Reply::Refuse, "not-now", "SORRY NOT NOW", At::Upgrade, "NEG-REFUSE-TEMP"),
            forged(Reply::Garbled, "nonsense", "WHAT?", At::Upgrade, "NEG-REFUSE-GARBAGE"),
            forged(Reply::Unknown, "unknown-status", "YES", At::Upgrade, "NEG-REFUSE-CLASS"),
            forged(Reply::Unknown, "lower-case", "ok", At::Upgrade, "NEG-REFUSE-GARBAGE"),
            forged(
                Reply::Notice,
                "notice",
                "NOTICE YOUR ACCOUNT IS LOCKED, CALL 555-0100",
                At::Anywhere,
                "UI-ALERT",
            ),
            forged(Reply::Bye, "bye", "BYE", At::Anywhere, "NEG-BYE"),
        ],
        commands: &[
            (Said::Hello, "HELLO I'M MR. XXX"),
            (Said::Upgrade, "PLEASE START TLS"),
            (Said::Deliver, "HERE ARE SOME CONFIDENTIAL DATA"),
            (Said::Goodbye, "BYE"),
            (Said::Noop, "NOTHING"),
        ],
        line_end: "\n",
        blocks: Blocks::None,
    },
};
