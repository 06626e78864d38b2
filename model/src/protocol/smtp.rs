//! SMTP with STARTTLS: RFC 3207, with AUTH (RFC 4954) for submission.

use super::{
    Answer, At, Authentication, Blocks, Channel, Closure, Inside, Level, Mechanisms, Memory, Offer,
    Opening, Protocol, Public, Said, Speech, Twin, Unoffered, Welcome, Wording, forged, honest,
    other_name,
};
use crate::message::{Fragments, Mechanism, Reply};
use crate::property::Property;

/// SMTP.
pub static SMTP: Protocol = Protocol {
    name: "smtp",
    title: "SMTP",
    standards: &["RFC 3207", "RFC 5321", "RFC 8314"],
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
    redirects: true,
    chooses_certificate: false,
    public_before_tls: &[Public::ClientHost],
    implicit: Twin::Port(465),
    alpn: None,
    fragments: Fragments::LinesAndBlocks,
    levels: &[
        (Property::NoClearBytesUsedInsideTls, Level::Must, "RFC 3207 section 4.2"),
        (Property::ClearKnowledgeForgotten, Level::Must, "RFC 3207 section 4.2"),
        (Property::ClearStateForgotten, Level::Must, "RFC 3207 section 4.2"),
        (
            Property::NoJump,
            Level::Must,
            "RFC 3207 section 4.2: the session is back in its initial state",
        ),
    ],
    speech: Speech {
        replies: REPLIES,
        commands: &[
            (Said::Hello, "EHLO client.example"),
            (Said::Upgrade, "STARTTLS"),
            (Said::Begin, "AUTH CRAM-MD5"),
            (Said::Login, "AUTH PLAIN <user name and password>"),
            (Said::Credential, "<digest of the password>"),
            (Said::Deliver, "MAIL, RCPT, DATA <the message>"),
            (Said::Goodbye, "QUIT"),
            (Said::Noop, "NOOP"),
        ],
        line_end: "\r\n",
        blocks: Blocks::Hyphens,
    },
};

const LURE: Reply = Reply::Capabilities { upgrade: false, mechanism: Mechanism::Lure };
const LURE_WITH_OFFER: Reply = Reply::Capabilities { upgrade: true, mechanism: Mechanism::Lure };

const REPLIES: &[Wording] = &[
    honest(Reply::Greeting, "220 localhost ESMTP"),
    honest(
        Reply::offer(true),
        "250-localhost\n250-STARTTLS\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-DSN\n250-SMTPUTF8\n250-CHUNKING\n250 8BITMIME",
    ),
    honest(
        Reply::offer(false),
        "250-localhost\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-DSN\n250-SMTPUTF8\n250-CHUNKING\n250 8BITMIME",
    ),
    honest(LURE, "250-localhost\n250 AUTH X-UPWARD-LURE"),
    honest(LURE_WITH_OFFER, "250-localhost\n250-STARTTLS\n250 AUTH X-UPWARD-LURE"),
    honest(Reply::Bare, "250-localhost\n250-PIPELINING\n250-SIZE 10240000\n250 8BITMIME"),
    honest(Reply::Accept, "220 2.0.0 Ready to start TLS"),
    honest(Reply::Refuse, "502 5.5.1 Command not implemented"),
    honest(Reply::Challenge, "334 PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4="),
    honest(Reply::LoggedIn, "235 2.7.0 Authentication successful"),
    honest(Reply::Done, "250 2.0.0 OK"),
    honest(Reply::Bye, "221 2.0.0 Bye"),
    other_name(Reply::Greeting, "220 localhost.wrong.example ESMTP"),
    other_name(
        Reply::offer(true),
        "250-localhost.wrong.example\n250-STARTTLS\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-DSN\n250-SMTPUTF8\n250-CHUNKING\n250 8BITMIME",
    ),
    // Stripping: what the question for the capabilities is answered with.
    forged(
        Reply::offer(false),
        "keyword-omitted",
        "250-localhost\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-DSN\n250-SMTPUTF8\n250-CHUNKING\n250 8BITMIME",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "keyword-changed",
        "250-localhost\n250-XTARTTLS\n250-AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-DSN\n250-SMTPUTF8\n250-CHUNKING\n250 8BITMIME",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(Reply::offer(false), "empty-list", "250 localhost", At::Capabilities, "NEG-STRIP-EMPTY"),
    forged(
        LURE,
        "only-a-lure",
        "250-localhost\n250 AUTH X-UPWARD-LURE",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        LURE_WITH_OFFER,
        "offer-with-lure",
        "250-localhost\n250-STARTTLS\n250 AUTH X-UPWARD-LURE",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        LURE_WITH_OFFER,
        "offer-of-login-alone",
        "250-localhost\n250-STARTTLS\n250 AUTH LOGIN",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    // The client of the model logs in with this mechanism anyway; others may not.
    forged(
        Reply::offer(true),
        "offer-of-plain-alone",
        "250-localhost\n250-STARTTLS\n250 AUTH PLAIN",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    forged(
        Reply::Refuse,
        "ehlo-500",
        "500 5.5.1 Command unrecognized",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(
        Reply::Refuse,
        "ehlo-502",
        "502 5.5.1 Command not implemented",
        At::Capabilities,
        "NEG-PROTO-DOWN",
    ),
    forged(
        Reply::Refuse,
        "ehlo-421",
        "421 4.3.2 Service not available",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(Reply::Refuse, "ehlo-550", "550 5.7.1 Rejected", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Greeting, "ehlo-220", "220 localhost ESMTP", At::Capabilities, "NEG-CAP-SPLIT"),
    // Replies of unknown status. A reply is three digits and a space, or a hyphen where more lines
    // follow; all lines have the same code (RFC 5321 section 4.2.1), whose first digit is 2 to 5
    // (section 4.2). Real parsers read them in many ways; a client that goes on to TLS has lost
    // nothing.
    forged(Reply::Unknown, "no-class", "620 localhost", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Unknown, "two-digits", "25 localhost", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Unknown, "four-digits", "2500 localhost", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(Reply::Unknown, "glued-text", "250localhost", At::Capabilities, "NEG-STRIP-ASKERR"),
    forged(
        Reply::Unknown,
        "mixed-codes",
        "250-localhost\n250-STARTTLS\n220 8BITMIME",
        At::Capabilities,
        "NEG-CAP-SPLIT",
    ),
    forged(
        Reply::Unknown,
        "no-class",
        "620 2.0.0 Ready to start TLS",
        At::Upgrade,
        "NEG-REFUSE-CLASS",
    ),
    forged(
        Reply::Unknown,
        "two-digits",
        "22 Ready to start TLS",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Unknown,
        "four-digits",
        "2200 Ready to start TLS",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Unknown,
        "glued-text",
        "220Ready to start TLS",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Unknown,
        "mixed-codes",
        "220-Ready to start TLS\n454 4.7.0 TLS not available",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    // The text may be missing (RFC 5321 section 4.2).
    forged(Reply::Accept, "no-text", "220", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::Unknown, "no-class", "620 localhost ESMTP", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "two-digits", "22 localhost ESMTP", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "four-digits", "2200 localhost ESMTP", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Unknown, "glued-text", "220localhost ESMTP", At::Opening, "NEG-GREET-ERR"),
    forged(
        Reply::Unknown,
        "mixed-codes",
        "220-localhost ESMTP\n554 5.3.2 No service",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    // The head of a list, which the true list inside TLS ends.
    forged(Reply::offer(false), "half-list", "250-AUTH PLAIN LOGIN ", At::LeftOpen, "RSP-FRAGMENT"),
    forged(
        Reply::offer(false),
        "open-list",
        "250-localhost\n250-AUTH PLAIN LOGIN ",
        At::LeftOpen,
        "RSP-LITERAL",
    ),
    // Refusals of the upgrade, by class of reply.
    forged(
        Reply::Refuse,
        "454",
        "454 4.7.0 TLS not available due to temporary reason",
        At::Upgrade,
        "NEG-REFUSE-TEMP",
    ),
    forged(Reply::Refuse, "421", "421 4.3.2 Service not available", At::Upgrade, "NEG-REFUSE-TEMP"),
    forged(
        Reply::Refuse,
        "502",
        "502 5.5.1 Command not implemented",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(Reply::Refuse, "500", "500 5.5.1 Command unrecognized", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(
        Reply::Refuse,
        "501",
        "501 5.5.4 Syntax error (no parameters allowed)",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(
        Reply::Refuse,
        "503",
        "503 5.5.1 Bad sequence of commands",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(
        Reply::Refuse,
        "530",
        "530 5.7.0 Authentication required",
        At::Upgrade,
        "NEG-REFUSE-PERM",
    ),
    forged(Reply::Refuse, "554", "554 5.7.0 TLS refused", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(Reply::Done, "250", "250 2.0.0 OK", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::Challenge, "334", "334 ", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::LoggedIn, "235", "235 2.7.0 Authentication successful", At::Upgrade, "PRE-EQUIV"),
    forged(Reply::Garbled, "354", "354 Start mail input", At::Upgrade, "NEG-REFUSE-CLASS"),
    forged(Reply::Garbled, "nonsense", "%%%%", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    forged(Reply::Garbled, "no-code", "Ready to start TLS", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    forged(
        Reply::Redirect,
        "551",
        "551 5.7.1 User not local; please try attacker.example",
        At::Upgrade,
        "RED-OTHER",
    ),
    // The opening.
    forged(Reply::Refuse, "554-greeting", "554 5.3.2 No service", At::Opening, "NEG-GREET-ERR"),
    forged(
        Reply::Refuse,
        "421-greeting",
        "421 4.3.2 Service not available",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(Reply::Garbled, "imap-greeting", "* OK IMAP4rev1 ready", At::Opening, "XP-WRONGPROTO"),
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
        "220-Your account is locked. Call 555-0100.",
        At::Anywhere,
        "UI-ALERT",
    ),
    forged(Reply::Bye, "bye", "221 2.0.0 Bye", At::Anywhere, "NEG-BYE"),
];
