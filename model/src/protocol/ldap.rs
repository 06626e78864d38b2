//! LDAP with StartTLS: RFC 4511 section 4.14, RFC 4513 section 3. Either side may end TLS and keep
//! the connection; a bind from before TLS may stay in force.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// LDAP.
pub static LDAP: Protocol = Protocol {
    name: "ldap",
    title: "LDAP",
    standards: &["RFC 4511", "RFC 4513"],
    opening: Opening::Client,
    offer: Offer::Never,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::InSession,
    mechanisms: Mechanisms::One,
    memory: Memory::Forgotten,
    closure: Closure::MayGoOnInClear,
    channel: Channel::Same,
    redirects: true,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::Port(636),
    alpn: None,
    fragments: Fragments::None,
    levels: &[
        (Property::NoSecretInClear, Level::Must, "RFC 4513 section 2; RFC 9325 section 3.2"),
        (Property::NothingBetweenRequestAndHandshake, Level::Must, "RFC 4511 section 4.14.1"),
        (Property::NoClearRetry, Level::Must, "RFC 9325 section 3.2"),
        (Property::NoClearRedirect, Level::Must, "RFC 9325 section 3.2"),
        (
            Property::TlsNotTakenAway,
            Level::Must,
            "RFC 9325 section 3.2, against the choice that RFC 4511 section 4.14.3 leaves",
        ),
        (Property::ClearKnowledgeForgotten, Level::Should, "RFC 4513 section 3.1.5"),
        (
            Property::ClearStateForgotten,
            Level::NotClaimed,
            "RFC 4513 section 3.2 leaves the authorization state to the server",
        ),
        (Property::NoJump, Level::Must, "RFC 9325 section 3.2"),
        (Property::NameFromUser, Level::Must, "RFC 4513 section 3.1.3"),
        (Property::NoLoginInClear, Level::Should, "RFC 4513 section 2"),
        (Property::NoUpgradeInsideTls, Level::Should, "RFC 4513 section 3.1.1"),
    ],
    speech: Speech {
        replies: &[
            honest(Reply::Accept, "<ExtendedResponse success>"),
            honest(Reply::Refuse, "<ExtendedResponse protocolError>"),
            honest(Reply::Garbled, "<octets that are no LDAPMessage>"),
            honest(Reply::Unknown, "<ExtendedResponse with an unknown result code>"),
            honest(Reply::Challenge, "<BindResponse saslBindInProgress>"),
            honest(Reply::LoggedIn, "<BindResponse success>"),
            honest(Reply::Done, "<SearchResultDone success>"),
            honest(Reply::Redirect, "<ExtendedResponse referral ldap://attacker.example>"),
            honest(Reply::Notice, "<IntermediateResponse: Your account is locked. Call 555-0100.>"),
            honest(Reply::Bye, "<Notice of Disconnection>"),
        ],
        commands: &[
            (Said::Upgrade, "<ExtendedRequest StartTLS>"),
            (Said::Begin, "<BindRequest sasl>"),
            (Said::Login, "<BindRequest name and password>"),
            (Said::Credential, "<BindRequest with the answer>"),
            (Said::Deliver, "<SearchRequest with its filter>"),
            (Said::Goodbye, "<UnbindRequest>"),
            (Said::Noop, "<AbandonRequest>"),
        ],
        line_end: "",
        blocks: Blocks::None,
    },
};
