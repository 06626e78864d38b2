//! PostgreSQL: SSLRequest, one octet, TLS.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// PostgreSQL.
pub static POSTGRESQL: Protocol = Protocol {
    name: "postgresql",
    title: "PostgreSQL",
    standards: &["PostgreSQL manual, Message Flow"],
    opening: Opening::Client,
    offer: Offer::Never,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::InSession,
    mechanisms: Mechanisms::One,
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: false,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::Port(5432),
    alpn: Some("postgresql"),
    fragments: Fragments::None,
    levels: &[
        (
            Property::NoSecretInClear,
            Level::Must,
            "PostgreSQL manual, Message Flow; RFC 9325 section 3.2",
        ),
        (
            Property::NothingBetweenRequestAndHandshake,
            Level::Must,
            "PostgreSQL manual, Message Flow",
        ),
        (
            Property::NoClearRetry,
            Level::Must,
            "RFC 9325 section 3.2, against the choice that the manual leaves",
        ),
        (
            Property::NoClearBytesUsedInsideTls,
            Level::Must,
            "PostgreSQL manual, Message Flow (CVE-2021-23222)",
        ),
        (
            Property::NoClearCommandUsedInsideTls,
            Level::Must,
            "RFC 7457 section 2.2 (CVE-2021-23214)",
        ),
        (
            Property::ClearKnowledgeForgotten,
            Level::NotClaimed,
            "nothing is learned before the request",
        ),
        (Property::ClearStateForgotten, Level::NotClaimed, "there is no state before the request"),
        (Property::NoJump, Level::Must, "RFC 9325 section 3.2"),
        (
            Property::NoClearTextShownAsTrusted,
            Level::Should,
            "PostgreSQL manual, Message Flow (CVE-2024-10977)",
        ),
        (Property::NoLoginInClear, Level::Should, "RFC 9325 section 3.2"),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::Accept, "S"),
            honest(Reply::Refuse, "N"),
            honest(Reply::Garbled, "<an octet that is neither S nor N>"),
            honest(Reply::Unknown, "<message of an unknown type>"),
            honest(Reply::Challenge, "<AuthenticationMD5Password>"),
            honest(Reply::LoggedIn, "<AuthenticationOk>"),
            honest(Reply::Done, "<CommandComplete>"),
            honest(Reply::Notice, "<NoticeResponse: Your account is locked. Call 555-0100.>"),
            honest(Reply::Bye, "<ErrorResponse>"),
        ],
        commands: &[
            (Said::Upgrade, "<SSLRequest>"),
            (Said::Begin, "<StartupMessage>"),
            (Said::Login, "<StartupMessage, PasswordMessage>"),
            (Said::Credential, "<PasswordMessage>"),
            (Said::Deliver, "<Query>"),
            (Said::Goodbye, "<Terminate>"),
            (Said::Noop, "<Sync>"),
        ],
        line_end: "",
        blocks: Blocks::None,
    },
};
