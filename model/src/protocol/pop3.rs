//! POP3 with STLS: RFC 2595 section 4. The time stamp of the greeting is not said again inside TLS.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Memory, Offer, Opening,
    Protocol, Said, Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Mechanism, Reply};
use crate::property::Property;

const LURE: Reply = Reply::Capabilities { upgrade: false, mechanism: Mechanism::Lure };
const LURE_WITH_OFFER: Reply = Reply::Capabilities { upgrade: true, mechanism: Mechanism::Lure };

/// POP3.
pub static POP3: Protocol = Protocol {
    name: "pop3",
    title: "POP3",
    standards: &["RFC 1939", "RFC 2449", "RFC 2595", "RFC 8314"],
    opening: Opening::Greeting,
    offer: Offer::OnRequest,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::InSession,
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: false,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::Port(995),
    alpn: Some("pop3"),
    fragments: Fragments::LinesAndBlocks,
    levels: &[
        (Property::NothingBetweenRequestAndHandshake, Level::Must, "RFC 2595 section 4"),
        (Property::ClearKnowledgeForgotten, Level::Must, "RFC 2595 section 4"),
        (
            Property::ClearStateForgotten,
            Level::Must,
            "RFC 2595 section 4: STLS leads from AUTHORIZATION to AUTHORIZATION",
        ),
        (
            Property::NoJump,
            Level::Must,
            "RFC 2595 section 4: STLS leads from AUTHORIZATION to AUTHORIZATION",
        ),
        (Property::NoLoginInClear, Level::Should, "RFC 2595 section 2.3"),
        (
            Property::NoUpgradeInsideTls,
            Level::Should,
            "RFC 2595 section 4: a server may answer -ERR",
        ),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::Greeting, "+OK POP3 ready <1.1@localhost>"),
            honest(Reply::offer(true), "+OK\nSTLS\nSASL PLAIN\n."),
            honest(Reply::offer(false), "+OK\nSASL PLAIN\n."),
            honest(LURE, "+OK\nSASL X-UPWARD-LURE\n."),
            honest(LURE_WITH_OFFER, "+OK\nSTLS\nSASL X-UPWARD-LURE\n."),
            honest(Reply::Accept, "+OK Begin TLS negotiation"),
            honest(Reply::Refuse, "-ERR no TLS here"),
            honest(Reply::Garbled, "%%%%"),
            honest(Reply::Challenge, "+ PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4="),
            honest(Reply::LoggedIn, "+OK logged in"),
            honest(Reply::Done, "+OK"),
            honest(Reply::Notice, "+OK [SYS/PERM] Your account is locked. Call 555-0100."),
            honest(Reply::Bye, "+OK bye"),
        ],
        commands: &[
            (Said::Hello, "CAPA"),
            (Said::Upgrade, "STLS"),
            (Said::Begin, "AUTH CRAM-MD5"),
            (Said::Login, "USER, PASS <user name and password>"),
            (Said::Credential, "<digest of the password>"),
            (Said::Deliver, "RETR 1 <the mail>"),
            (Said::Goodbye, "QUIT"),
            (Said::Noop, "NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::None,
    },
};
