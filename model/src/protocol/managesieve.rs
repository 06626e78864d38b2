//! ManageSieve: RFC 5804. The server speaks first inside TLS as well.
//!
//! On paper only: the model knows it, the harness has no codec for it yet.

use super::{
    Answer, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome, honest,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// ManageSieve.
pub static MANAGESIEVE: Protocol = Protocol {
    name: "managesieve",
    title: "ManageSieve",
    standards: &["RFC 5804"],
    opening: Opening::Capabilities,
    offer: Offer::InOpening,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Server,
    welcome: Welcome::Unknown,
    login: Authentication::InSession,
    mechanisms: Mechanisms::Several,
    memory: Memory::Forgotten,
    closure: Closure::EndsConnection,
    channel: Channel::Same,
    redirects: true,
    chooses_certificate: false,
    public_before_tls: &[],
    implicit: Twin::None,
    alpn: Some("managesieve"),
    fragments: Fragments::LinesAndBlocks,
    levels: &[
        (Property::NoSecretInClear, Level::Must, "RFC 9325 section 3.2"),
        (Property::NothingBetweenRequestAndHandshake, Level::Must, "RFC 5804 section 2.2"),
        (Property::NoClearRetry, Level::Must, "RFC 9325 section 3.2"),
        (Property::NoClearRedirect, Level::Must, "RFC 9325 section 3.2"),
        (Property::ClearKnowledgeForgotten, Level::Must, "RFC 5804 section 2.2"),
        (Property::ClearStateForgotten, Level::Must, "RFC 7457 section 2.2"),
        (Property::NoJump, Level::Must, "RFC 9325 section 3.2"),
        (Property::NameFromUser, Level::Must, "RFC 5804 section 2.2.1"),
        (Property::NoLoginInClear, Level::Should, "RFC 9325 section 3.2"),
        (Property::NoUpgradeInsideTls, Level::Should, "RFC 5804 section 2.2"),
    ],
    speech: Speech {
        replies: &[
            honest(
                Reply::offer(true),
                r#""IMPLEMENTATION" "x"
"SASL" ""
"STARTTLS"
OK"#,
            ),
            honest(
                Reply::offer(false),
                r#""IMPLEMENTATION" "x"
"SASL" "PLAIN"
OK"#,
            ),
            honest(
                Reply::lure(false),
                r#""SASL" "X-UPWARD-LURE"
OK"#,
            ),
            honest(
                Reply::lure(true),
                r#""STARTTLS"
"SASL" "X-UPWARD-LURE"
OK"#,
            ),
            honest(Reply::Accept, "OK"),
            honest(Reply::Refuse, "NO"),
            honest(Reply::Garbled, "%%%%"),
            honest(Reply::Unknown, "HELLO"),
            honest(Reply::Challenge, r#""PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4=""#),
            honest(Reply::LoggedIn, r#"OK "logged in""#),
            honest(Reply::Done, r#"OK "done""#),
            honest(Reply::Redirect, r#"BYE (REFERRAL "sieve://attacker.example")"#),
            honest(Reply::Notice, r#"OK (WARNINGS) "Your account is locked. Call 555-0100.""#),
            honest(Reply::Bye, "BYE"),
        ],
        commands: &[
            (Said::Upgrade, "STARTTLS"),
            (Said::Begin, "AUTHENTICATE CRAM-MD5"),
            (Said::Login, "AUTHENTICATE PLAIN <user name and password>"),
            (Said::Credential, "<digest of the password>"),
            (Said::Deliver, "PUTSCRIPT <the script>"),
            (Said::Goodbye, "LOGOUT"),
            (Said::Noop, "NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::None,
    },
};
