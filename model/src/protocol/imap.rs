//! IMAP with STARTTLS: RFC 9051 section 6.2.1, RFC 2595.

mod replies;

use self::replies::REPLIES;
use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome,
};
use crate::message::Fragments;
use crate::property::Property;

/// IMAP.
pub static IMAP: Protocol = Protocol {
    name: "imap",
    title: "IMAP",
    standards: &["RFC 9051", "RFC 3501", "RFC 2595", "RFC 8314"],
    opening: Opening::Greeting,
    offer: Offer::OnRequest,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Close,
    login: Authentication::InSession,
    mechanisms: Mechanisms::Several,
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: true,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::Port(993),
    alpn: Some("imap"),
    fragments: Fragments::LinesAndBlocks,
    levels: &[
        (Property::NothingBetweenRequestAndHandshake, Level::Must, "RFC 9051 section 6.2.1"),
        (Property::TlsNotTakenAway, Level::Must, "RFC 2595 section 2.2"),
        (Property::NoClearCommandUsedInsideTls, Level::Must, "RFC 9051 section 6.2.1"),
        (Property::ClearKnowledgeForgotten, Level::Must, "RFC 9051 section 6.2.1"),
        (
            Property::ClearStateForgotten,
            Level::Must,
            "RFC 9051 section 6.2.1: the server remains non-authenticated",
        ),
        (Property::NoJump, Level::Must, "RFC 9051 section 7.1.4"),
        (Property::NoClearTextShownAsTrusted, Level::Should, "RFC 9051 section 11.3"),
        (Property::NoClearDataHandedOver, Level::Must, "RFC 9051 section 11.3"),
        (Property::NameFromUser, Level::Must, "RFC 9051 section 11.1"),
        (Property::NoUpgradeInsideTls, Level::Should, "RFC 9051 section 6.2.1"),
    ],
    speech: Speech {
        replies: REPLIES,
        commands: &[
            (Said::Hello, "a CAPABILITY"),
            (Said::Upgrade, "a STARTTLS"),
            (Said::Begin, "a AUTHENTICATE CRAM-MD5"),
            (Said::Login, "a LOGIN <user name and password>"),
            (Said::Credential, "<digest of the password>"),
            (Said::Deliver, "a APPEND Drafts <the message>"),
            (Said::Goodbye, "a LOGOUT"),
            (Said::Noop, "a NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::Confirmed,
    },
};
