//! POP3 with STLS: RFC 2595 section 4, with AUTH (RFC 5034).
//!
//! Every positive reply begins with `+OK`, and there are no unsolicited replies. A client matches
//! replies to commands only by their order. The time stamp of the greeting is not repeated inside TLS:
//! a client that uses it there uses plaintext (RFC 1939 section 7), by design.

use super::{
    Answer, At, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Said, Speech, Twin, Unoffered, Welcome, Wording, forged, honest, other_name,
};
use crate::message::{Fragments, Reply};
use crate::property::Property;

/// POP3.
pub static POP3: Protocol = Protocol {
    name: "pop3",
    title: "POP3",
    standards: &["RFC 1939", "RFC 2449", "RFC 2595", "RFC 5034", "RFC 8314"],
    opening: Opening::Greeting,
    offer: Offer::OnRequest,
    unoffered: Unoffered::MayTry,
    answer: Answer::Message,
    inside: Inside::Client,
    welcome: Welcome::Unknown,
    login: Authentication::InSession,
    mechanisms: Mechanisms::Several,
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
        replies: REPLIES,
        commands: &[
            (Said::Hello, "CAPA"),
            (Said::Upgrade, "STLS"),
            (Said::Begin, "AUTH CRAM-MD5"),
            (Said::Login, "USER, PASS <user name and password>"),
            (Said::Credential, "<digest of the password>"),
            (Said::Deliver, "RETR 1 <asks for the mail>"),
            (Said::Goodbye, "QUIT"),
            (Said::Noop, "NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::Dot,
    },
};

const REPLIES: &[Wording] = &[
    honest(Reply::Greeting, "+OK POP3 localhost ready <1.1@localhost>"),
    honest(
        Reply::offer(true),
        "+OK Capability list follows\nSTLS\nUSER\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n.",
    ),
    honest(
        Reply::offer(false),
        "+OK Capability list follows\nUSER\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n.",
    ),
    honest(Reply::lure(false), "+OK Capability list follows\nSASL X-UPWARD-LURE\n."),
    honest(Reply::lure(true), "+OK Capability list follows\nSTLS\nSASL X-UPWARD-LURE\n."),
    honest(
        Reply::Bare,
        "+OK Capability list follows\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n.",
    ),
    honest(Reply::Accept, "+OK Begin TLS negotiation"),
    honest(Reply::Refuse, "-ERR Command not available"),
    honest(Reply::Challenge, "+ PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4="),
    honest(Reply::LoggedIn, "+OK Logged in"),
    honest(Reply::Done, "+OK"),
    honest(Reply::Bye, "+OK Bye"),
    other_name(
        Reply::Greeting,
        "+OK POP3 localhost.wrong.example ready <1.1@localhost.wrong.example>",
    ),
    // Stripping: forged answers to the request for the capabilities.
    forged(
        Reply::offer(false),
        "keyword-omitted",
        "+OK Capability list follows\nUSER\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n.",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "keyword-changed",
        "+OK Capability list follows\nXTLS\nUSER\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n.",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "empty-list",
        "+OK Capability list follows\n.",
        At::Capabilities,
        "NEG-STRIP-EMPTY",
    ),
    forged(
        Reply::offer(false),
        "only-sasl",
        "+OK Capability list follows\nSASL ANONYMOUS PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM EXTERNAL SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2\n.",
        At::Capabilities,
        "NEG-AUTH-LURE",
    ),
    forged(
        Reply::lure(false),
        "only-a-lure",
        "+OK Capability list follows\nSASL X-UPWARD-LURE\n.",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::lure(true),
        "offer-with-lure",
        "+OK Capability list follows\nSTLS\nSASL X-UPWARD-LURE\n.",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::lure(true),
        "offer-of-login-alone",
        "+OK Capability list follows\nSTLS\nSASL LOGIN\n.",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    // The model's client uses this mechanism in any case; other clients may not.
    forged(
        Reply::offer(true),
        "offer-of-plain-alone",
        "+OK Capability list follows\nSTLS\nSASL PLAIN\n.",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    forged(Reply::Refuse, "err", "-ERR CAPA failed", At::Capabilities, "NEG-STRIP-ASKERR"),
    // A server that is older than RFC 2449.
    forged(
        Reply::Refuse,
        "err-unknown",
        "-ERR Unknown command",
        At::Capabilities,
        "NEG-PROTO-DOWN",
    ),
    forged(
        Reply::Refuse,
        "err-sys-perm",
        "-ERR [SYS/PERM] CAPA is not available",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(
        Reply::Done,
        "scan-listing",
        "+OK Scan listing follows\n1 120\n2 200\n.",
        At::Capabilities,
        "NEG-REORDER",
    ),
    forged(Reply::Done, "ok", "+OK", At::Capabilities, "NEG-REORDER"),
    forged(Reply::Garbled, "nonsense", "%%%%", At::Capabilities, "NEG-REORDER"),
    // Refusals of the upgrade, by class of reply.
    forged(Reply::Refuse, "err", "-ERR TLS is not available", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(Reply::Refuse, "err-unknown", "-ERR Unknown command", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(
        Reply::Refuse,
        "err-sys-perm",
        "-ERR [SYS/PERM] TLS is not available",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(
        Reply::Refuse,
        "err-sys-temp",
        "-ERR [SYS/TEMP] TLS is not available now",
        At::Upgrade,
        "NEG-REFUSE-TEMP",
    ),
    // The reply that RFC 2595 section 4 prescribes inside TLS.
    forged(
        Reply::Refuse,
        "err-tls-active",
        "-ERR Command not permitted when TLS active",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(
        Reply::Accept,
        "ok-sys-perm",
        "+OK [SYS/PERM] Begin TLS negotiation",
        At::Upgrade,
        "NEG-REFUSE-CLASS",
    ),
    forged(Reply::Done, "ok", "+OK", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::Challenge, "continuation", "+ ", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::LoggedIn, "logged-in", "+OK Logged in", At::Upgrade, "PRE-EQUIV"),
    forged(Reply::Garbled, "nonsense", "%%%%", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    forged(Reply::Garbled, "no-status", "Begin TLS negotiation", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    forged(
        Reply::Unknown,
        "lower-case",
        "+ok Begin TLS negotiation",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    // A status is `+OK` or `-ERR`, in capitals (RFC 1939 section 3). Many parsers accept less.
    forged(Reply::Unknown, "unknown-status", "+HELLO whatever", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(
        Reply::Unknown,
        "no-plus",
        "OK Begin TLS negotiation",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Unknown,
        "glued-text",
        "+OKBegin TLS negotiation",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Unknown,
        "unknown-status",
        "+HELLO whatever",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(Reply::Unknown, "no-plus", "OK whatever", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Unknown, "lower-case", "+ok whatever", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Unknown, "unknown-status", "+HELLO POP3 ready", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "no-plus", "OK POP3 ready", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "lower-case", "+ok POP3 ready", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "glued-text", "+OKPOP3 ready", At::Opening, "NEG-GREET-ERR"),
    // The beginning of a list, which the true list inside TLS completes.
    forged(
        Reply::offer(false),
        "open-list",
        "+OK Capability list follows\nUSER\nSASL PLAIN LOGIN ",
        At::LeftOpen,
        "RSP-LITERAL",
    ),
    forged(
        Reply::Garbled,
        "imap-ok",
        "* OK Begin TLS negotiation",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    // The opening.
    forged(Reply::Refuse, "err", "-ERR Service not available", At::Opening, "NEG-GREET-ERR"),
    forged(
        Reply::Refuse,
        "err-sys-perm",
        "-ERR [SYS/PERM] Service not available",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(
        Reply::Refuse,
        "err-sys-temp",
        "-ERR [SYS/TEMP] Service not available now",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(
        Reply::Refuse,
        "err-escapes",
        "-ERR \u{1b}[2J\u{1b}[H\u{1b}]0;Mail\u{7}Service not available",
        At::Opening,
        "RSP-ENC",
    ),
    forged(
        Reply::Refuse,
        "err-time-stamp",
        "-ERR POP3 ready <0.0@attacker.example>",
        At::Opening,
        "NEG-AUTH-LURE",
    ),
    forged(
        Reply::Greeting,
        "ok-sys-perm",
        "+OK [SYS/PERM] POP3 ready",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(
        Reply::Greeting,
        "ok-sys-temp",
        "+OK [SYS/TEMP] POP3 ready",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(
        Reply::Greeting,
        "ok-escapes",
        "+OK POP3 ready \u{1b}[2J\u{1b}[H\u{1b}]0;Your account is locked. Call 555-0100.\u{7}",
        At::Opening,
        "RSP-ENC",
    ),
    forged(
        Reply::Greeting,
        "ok-time-stamp",
        "+OK POP3 ready <0.0@attacker.example>",
        At::Opening,
        "NEG-AUTH-LURE",
    ),
    forged(Reply::Garbled, "imap-greeting", "* OK IMAP4rev1 ready", At::Opening, "XP-WRONGPROTO"),
    forged(Reply::Garbled, "smtp-greeting", "220 localhost ESMTP", At::Opening, "XP-WRONGPROTO"),
    forged(
        Reply::Garbled,
        "http-greeting",
        "HTTP/1.1 400 Bad Request",
        At::Opening,
        "XP-WRONGPROTO",
    ),
    // Anywhere.
    forged(
        Reply::Notice,
        "notice",
        "+OK [SYS/PERM] Your account is locked. Call 555-0100.",
        At::Anywhere,
        "UI-ALERT",
    ),
    forged(Reply::Bye, "bye", "+OK Bye", At::Anywhere, "NEG-BYE"),
];
