//! MySQL and MariaDB: the server greets with salt and flags, and the SSLRequest has no reply. What
//! the greeting said is used inside TLS.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// MySQL.
pub static MYSQL: Protocol = Protocol {
    name: "mysql",
    title: "MySQL",
    standards: &["MySQL manual, Connection Phase"],
    opening: Opening::Capabilities,
    offer: Offer::InOpening,
    unoffered: Unoffered::MustNotTry,
    answer: Answer::None,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::FromOpening,
    mechanisms: Mechanisms::Several,
    memory: Memory::Survives,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: false,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::None,
    alpn: None,
    fragments: Fragments::None,
    levels: &[
        (Property::NoSecretInClear, Level::Must, "RFC 9325 section 3.2 (CVE-2015-3152)"),
        (
            Property::NothingBetweenRequestAndHandshake,
            Level::Must,
            "MySQL manual, Connection Phase",
        ),
        (Property::NoClearRetry, Level::Must, "RFC 9325 section 3.2"),
        (
            Property::ClearKnowledgeForgotten,
            Level::NotClaimed,
            "the salt of the greeting is used inside TLS by design",
        ),
        (Property::ClearStateForgotten, Level::NotClaimed, "there is no state before the request"),
        (Property::NoJump, Level::Must, "RFC 9325 section 3.2"),
        (Property::NoLoginInClear, Level::Should, "RFC 9325 section 3.2"),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::offer(true), "<greeting with salt, CLIENT_SSL set>"),
            honest(Reply::offer(false), "<greeting with salt, CLIENT_SSL clear>"),
            honest(Reply::lure(false), "<greeting that names another plugin, CLIENT_SSL clear>"),
            honest(Reply::lure(true), "<greeting that names another plugin, CLIENT_SSL set>"),
            honest(Reply::Refuse, "<ERR packet>"),
            honest(Reply::Garbled, "<octets that are no packet>"),
            honest(Reply::Unknown, "<packet of an unknown type>"),
            honest(Reply::LoggedIn, "<OK packet>"),
            honest(Reply::Done, "<result set>"),
            honest(Reply::Notice, "<packet with a notice: Your account is locked. Call 555-0100.>"),
            honest(Reply::Bye, "<ERR packet, server shuts down>"),
        ],
        commands: &[
            (Said::Upgrade, "<SSLRequest>"),
            (Said::Login, "<HandshakeResponse with user name and scramble>"),
            (Said::Deliver, "<COM_QUERY>"),
            (Said::Goodbye, "<COM_QUIT>"),
            (Said::Noop, "<COM_PING>"),
        ],
        line_end: "",
        blocks: Blocks::None,
    },
};
