//! PostgreSQL: SSLRequest, one octet, TLS.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Channel, Closure, Inside, Memory, Offer, Opening, Protocol, Said,
    Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Reply};

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
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: false,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::Port(5432),
    alpn: Some("postgresql"),
    fragments: Fragments::None,
    levels: &[],
    speech: Speech {
        replies: &[
            honest(Reply::Accept, "S"),
            honest(Reply::Refuse, "N"),
            honest(Reply::Garbled, "<an octet that is neither S nor N>"),
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
    },
};
