//! FTP with AUTH TLS: RFC 4217. The data travel on a second connection, CCC may end TLS, and HOST may
//! choose the certificate (RFC 7151 section 4).
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Public, Said, Speech, Twin, Unoffered, Welcome, honest, other_name,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// FTP.
pub static FTP: Protocol = Protocol {
    name: "ftp",
    title: "FTP",
    standards: &["RFC 4217", "RFC 2228", "RFC 7151"],
    opening: Opening::Greeting,
    offer: Offer::OnRequest,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Upgrade,
    login: Authentication::InSession,
    mechanisms: Mechanisms::One,
    memory: Memory::Survives,
    closure: Closure::MayGoOnInClear,
    channel: Channel::Second,
    redirects: false,
    chooses_certificate: true,
    public_before_tls: &[Public::ServerHost],
    implicit: Twin::Port(990),
    alpn: Some("ftp"),
    fragments: Fragments::LinesAndBlocks,
    levels: &[
        (Property::NoSecretInClear, Level::Must, "RFC 4217 section 10.3; RFC 9325 section 3.2"),
        (Property::NothingBetweenRequestAndHandshake, Level::Must, "RFC 4217 section 10.3"),
        (Property::NoClearRetry, Level::Must, "RFC 9325 section 3.2"),
        (
            Property::TlsNotTakenAway,
            Level::Must,
            "RFC 9325 section 3.2, against the choice that RFC 4217 section 5 leaves",
        ),
        (Property::NoClearSecondChannel, Level::Must, "RFC 4217 section 9"),
        (
            Property::ClearKnowledgeForgotten,
            Level::NotClaimed,
            "RFC 4217 has no rule for what FEAT said",
        ),
        (
            Property::ClearStateForgotten,
            Level::Must,
            "RFC 4217 section 4.2: the user authorizes again",
        ),
        (Property::NoJump, Level::Must, "RFC 4217 section 4.2: the user authorizes again"),
        (Property::NoLoginInClear, Level::Should, "RFC 9325 section 3.2"),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::Greeting, "220 localhost FTP ready"),
            honest(Reply::Welcome, "230 Logged in"),
            honest(Reply::offer(true), "211-Features\n AUTH TLS\n PBSZ\n PROT\n211 End"),
            honest(Reply::offer(false), "211-Features\n UTF8\n211 End"),
            honest(Reply::lure(false), "211-Features\n AUTH X-UPWARD-LURE\n211 End"),
            honest(Reply::lure(true), "211-Features\n AUTH TLS\n AUTH X-UPWARD-LURE\n211 End"),
            honest(Reply::Accept, "234 AUTH TLS OK"),
            honest(Reply::Refuse, "502 Command not implemented"),
            honest(Reply::Garbled, "%%%%"),
            honest(Reply::Unknown, "620 whatever"),
            honest(Reply::Challenge, "331 Password required"),
            honest(Reply::LoggedIn, "230 Logged in"),
            honest(Reply::Done, "200 OK"),
            honest(Reply::Notice, "220-Your account is locked. Call 555-0100."),
            honest(Reply::Bye, "221 Bye"),
            other_name(Reply::Greeting, "220 localhost.wrong.example FTP ready"),
        ],
        commands: &[
            (Said::Hello, "FEAT"),
            (Said::Upgrade, "AUTH TLS"),
            (Said::Begin, "USER <user name>"),
            (Said::Login, "USER, PASS <user name and password>"),
            (Said::Credential, "PASS <password>"),
            (Said::Protect, "PBSZ 0, PROT P"),
            (Said::Deliver, "STOR <the file>"),
            (Said::Goodbye, "QUIT"),
            (Said::Noop, "NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::Hyphens,
    },
};
