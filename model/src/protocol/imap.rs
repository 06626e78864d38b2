//! IMAP with STARTTLS: RFC 9051 section 6.2.1, RFC 2595.
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
        (Property::NameFromUser, Level::Must, "RFC 9051 section 11.1"),
        (Property::NoUpgradeInsideTls, Level::Should, "RFC 9051 section 6.2.1"),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::Greeting, "* OK IMAP4rev2 ready"),
            honest(Reply::Welcome, "* PREAUTH IMAP4rev2 logged in as alice"),
            honest(Reply::offer(true), "* CAPABILITY IMAP4rev2 STARTTLS LOGINDISABLED\na OK done"),
            honest(Reply::offer(false), "* CAPABILITY IMAP4rev2 AUTH=PLAIN\na OK done"),
            honest(LURE, "* CAPABILITY IMAP4rev2 AUTH=X-UPWARD-LURE\na OK done"),
            honest(
                LURE_WITH_OFFER,
                "* CAPABILITY IMAP4rev2 STARTTLS AUTH=X-UPWARD-LURE\na OK done",
            ),
            honest(Reply::Accept, "a OK Begin TLS negotiation now"),
            honest(Reply::Refuse, "a BAD STARTTLS unknown"),
            honest(Reply::Garbled, "%%%%"),
            honest(Reply::Challenge, "+ PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4="),
            honest(Reply::LoggedIn, "a OK logged in"),
            honest(Reply::Done, "a OK done"),
            honest(Reply::Redirect, "a NO [REFERRAL imap://attacker.example/] elsewhere"),
            honest(Reply::Notice, "* OK [ALERT] Your account is locked. Call 555-0100."),
            honest(Reply::Bye, "* BYE"),
        ],
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
        blocks: Blocks::None,
    },
};
