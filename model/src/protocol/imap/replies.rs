//! The replies of an IMAP server, and of an attacker in its place.

use crate::message::Reply;
use crate::protocol::speech::{forged, honest, other_name};
use crate::protocol::{At, Wording};

// Text for the user.
const ALERT: &str = "* OK [ALERT] Your account is locked. Call 555-0100.";
const PARSE: &str = "* OK [PARSE] Your account is locked. Call 555-0100.";
const BADCHARSET: &str = "* OK [BADCHARSET] Your account is locked. Call 555-0100.";

// Mailbox data that the client did not request. A client that uses the data shows the number in its output.
const LIST: &str = "* LIST (\\HasNoChildren) \"/\" \"555-0100\"";
const LSUB: &str = "* LSUB (\\HasNoChildren) \"/\" \"555-0100\"";
const STATUS: &str = "* STATUS \"555-0100\" (MESSAGES 7 UNSEEN 7)";
const SEARCH: &str = "* SEARCH 5550100";
const FLAGS: &str = "* FLAGS (\\Seen 555-0100)";
const EXISTS: &str = "* 5550100 EXISTS";
const RECENT: &str = "* 5550100 RECENT";
const EXPUNGE: &str = "* 5550100 EXPUNGE";
const FETCH: &str = "* 1 FETCH (FLAGS (\\Seen 555-0100))";

pub(super) const REPLIES: &[Wording] = &[
    honest(
        Reply::Greeting,
        "* OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED] localhost ready",
    ),
    honest(Reply::Welcome, "* PREAUTH IMAP4rev1 logged in as alice"),
    honest(
        Reply::offer(true),
        "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED SASL-IR ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256\n{tag} OK CAPABILITY completed",
    ),
    honest(
        Reply::offer(false),
        "* CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ NAMESPACE UIDPLUS UNSELECT AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256\n{tag} OK CAPABILITY completed",
    ),
    honest(
        Reply::lure(false),
        "* CAPABILITY IMAP4rev1 SASL-IR AUTH=X-UPWARD-LURE\n{tag} OK CAPABILITY completed",
    ),
    honest(
        Reply::lure(true),
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=X-UPWARD-LURE\n{tag} OK CAPABILITY completed",
    ),
    honest(
        Reply::Bare,
        "* CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ LOGINDISABLED\n{tag} OK CAPABILITY completed",
    ),
    honest(Reply::Accept, "{tag} OK Begin TLS negotiation now"),
    honest(Reply::Refuse, "{tag} BAD Command unknown"),
    honest(Reply::Garbled, "%%%%"),
    honest(Reply::Challenge, "+ PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4="),
    honest(Reply::LoggedIn, "{tag} OK Logged in"),
    honest(Reply::Done, "{tag} OK done"),
    honest(Reply::Redirect, "{tag} NO [REFERRAL imap://attacker.example/] Try elsewhere"),
    honest(Reply::Notice, "* NO [ALERT] Your account is locked. Call 555-0100."),
    honest(Reply::Data, LIST),
    honest(Reply::Unknown, "{tag} HELLO whatever"),
    honest(Reply::Bye, "* BYE Server closing"),
    other_name(
        Reply::Greeting,
        "* OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED] localhost.wrong.example ready",
    ),
    // The opening.
    forged(
        Reply::Welcome,
        "preauth",
        "* PREAUTH IMAP4rev1 logged in as alice",
        At::Opening,
        "PRE-GREET",
    ),
    forged(
        Reply::Welcome,
        "preauth-with-offer",
        "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] logged in as alice",
        At::Opening,
        "PRE-GREET-CAPS",
    ),
    forged(
        Reply::Welcome,
        "preauth-without-offer",
        "* PREAUTH [CAPABILITY IMAP4rev1] logged in as alice",
        At::Opening,
        "PRE-GREET-CAPS",
    ),
    forged(
        Reply::Welcome,
        "preauth-with-login",
        "* PREAUTH [CAPABILITY IMAP4rev1 AUTH=PLAIN] logged in as alice",
        At::Opening,
        "PRE-GREET-CAPS",
    ),
    forged(
        Reply::Welcome,
        "preauth-with-offer-and-login",
        "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] logged in as alice",
        At::Opening,
        "PRE-GREET-CAPS",
    ),
    forged(
        Reply::offer(false),
        "greeting-without-offer",
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
        At::Opening,
        "NEG-CAP-SPLIT",
    ),
    forged(
        Reply::lure(false),
        "greeting-with-lure",
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=X-UPWARD-LURE] ready",
        At::Opening,
        "NEG-AUTH-LURE",
    ),
    forged(
        Reply::lure(true),
        "greeting-with-offer-and-lure",
        "* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=X-UPWARD-LURE] ready",
        At::Opening,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::lure(true),
        "greeting-with-offer-of-login-alone",
        "* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=LOGIN] ready",
        At::Opening,
        "TMP-CAP-CACHE",
    )
    .apart(),
    forged(
        Reply::offer(true),
        "greeting-with-offer-and-login",
        "* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN] ready",
        At::Opening,
        "NEG-AUTH-LURE",
    ),
    forged(
        Reply::offer(false),
        "greeting-keyword-changed",
        "* OK [CAPABILITY IMAP4rev1 XTARTTLS SASL-IR AUTH=PLAIN] ready",
        At::Opening,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "greeting-empty-list",
        "* OK [CAPABILITY IMAP4rev1] ready",
        At::Opening,
        "NEG-STRIP-EMPTY",
    ),
    forged(
        Reply::offer(false),
        "greeting-imap2",
        "* OK [CAPABILITY IMAP4] ready",
        At::Opening,
        "NEG-PROTO-DOWN",
    ),
    // The case of a status does not matter (RFC 9051 section 9).
    forged(
        Reply::Greeting,
        "lower-case-greeting",
        "* ok localhost ready",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(
        Reply::Unknown,
        "unknown-status-greeting",
        "* HELLO localhost ready",
        At::Opening,
        "NEG-GREET-ERR",
    ),
    forged(Reply::Unknown, "glued-greeting", "* OKlocalhost ready", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Refuse, "no-greeting", "* NO Not today", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Refuse, "bad-greeting", "* BAD Not today", At::Opening, "NEG-GREET-ERR"),
    forged(Reply::Done, "tagged-greeting", "{tag} OK done", At::Opening, "NEG-GREET-ERR"),
    forged(
        Reply::Redirect,
        "referral-greeting",
        "* OK [REFERRAL imap://attacker.example/] Try elsewhere",
        At::Opening,
        "RED-LOGIN",
    ),
    forged(Reply::Garbled, "smtp-greeting", "220 localhost ESMTP", At::Opening, "XP-WRONGPROTO"),
    forged(
        Reply::Garbled,
        "http-greeting",
        "HTTP/1.1 400 Bad Request",
        At::Opening,
        "XP-WRONGPROTO",
    ),
    // Stripping: forged answers to the request for the capabilities.
    forged(
        Reply::offer(false),
        "keyword-omitted",
        "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "keyword-changed",
        "* CAPABILITY IMAP4rev1 XTARTTLS SASL-IR AUTH=PLAIN\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "NEG-STRIP-CAP",
    ),
    forged(
        Reply::offer(false),
        "empty-list",
        "* CAPABILITY IMAP4rev1\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "NEG-STRIP-EMPTY",
    ),
    forged(
        Reply::offer(false),
        "imap2",
        "* CAPABILITY IMAP4\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "NEG-PROTO-DOWN",
    ),
    forged(
        Reply::offer(true),
        "login-enabled",
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN AUTH=LOGIN\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "NEG-AUTH-LURE",
    ),
    forged(
        Reply::lure(false),
        "only-a-lure",
        "* CAPABILITY IMAP4rev1 SASL-IR AUTH=X-UPWARD-LURE\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::lure(true),
        "offer-with-lure",
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=X-UPWARD-LURE\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::lure(true),
        "offer-of-login-alone",
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=LOGIN\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    forged(
        Reply::offer(true),
        "offer-of-plain-alone",
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN\n{tag} OK CAPABILITY completed",
        At::Capabilities,
        "TMP-CAP-CACHE",
    )
    .apart(),
    forged(
        Reply::Refuse,
        "capability-bad",
        "{tag} BAD Command unknown",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(
        Reply::Refuse,
        "capability-no",
        "{tag} NO Not now",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(
        Reply::Unknown,
        "unknown-status",
        "* CAPABILITY IMAP4rev1 STARTTLS\n{tag} HELLO whatever",
        At::Capabilities,
        "NEG-STRIP-ASKERR",
    ),
    forged(Reply::Unknown, "no-status", "{tag}", At::Capabilities, "NEG-STRIP-ASKERR"),
    // Replies of unknown status: RFC 9051 section 7.1 defines OK, NO and BAD after a tag.
    forged(
        Reply::Unknown,
        "unknown-status",
        "{tag} HELLO whatever",
        At::Upgrade,
        "NEG-REFUSE-CLASS",
    ),
    forged(
        Reply::Unknown,
        "glued-text",
        "{tag} OKBegin TLS negotiation now",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(Reply::Unknown, "no-status", "{tag}", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    // Legal, or nearly: the case does not matter (RFC 9051 section 9), and some servers omit the text.
    forged(
        Reply::Accept,
        "lower-case",
        "{tag} ok Begin TLS negotiation now",
        At::Upgrade,
        "NEG-REFUSE-CLASS",
    ),
    forged(Reply::Accept, "no-text", "{tag} OK", At::Upgrade, "NEG-REFUSE-CLASS"),
    // A list that a client may use although it requested none: before the answer, and in its response
    // code (RFC 9051 section 7.1).
    forged(
        Reply::Accept,
        "list-before-grant",
        "* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=X-UPWARD-LURE\n{tag} OK Begin TLS negotiation now",
        At::Upgrade,
        "TMP-CAP-CACHE",
    ),
    forged(
        Reply::Accept,
        "list-in-grant",
        "{tag} OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=X-UPWARD-LURE] Begin TLS negotiation now",
        At::Upgrade,
        "TMP-CAP-CACHE",
    ),
    // The beginning of a list, which the true list inside TLS completes: as one line, and as a whole
    // list with the beginning of a literal that swallows the true one.
    forged(
        Reply::offer(false),
        "half-list",
        "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN ",
        At::LeftOpen,
        "RSP-FRAGMENT",
    ),
    forged(
        Reply::offer(false),
        "open-list",
        "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN\n* OK [X ",
        At::LeftOpen,
        "RSP-LITERAL",
    ),
    // Refusals of the upgrade, by class of reply.
    forged(Reply::Refuse, "bad", "{tag} BAD STARTTLS unknown", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(Reply::Refuse, "no", "{tag} NO TLS is not available", At::Upgrade, "NEG-REFUSE-PERM"),
    forged(
        Reply::Refuse,
        "no-unavailable",
        "{tag} NO [UNAVAILABLE] Try again later",
        At::Upgrade,
        "NEG-REFUSE-TEMP",
    ),
    forged(
        Reply::Challenge,
        "continuation",
        "+ continue with something.",
        At::Upgrade,
        "NEG-REFUSE-CLASS",
    ),
    forged(Reply::LoggedIn, "logged-in", "{tag} OK Logged in", At::Upgrade, "PRE-EQUIV"),
    forged(Reply::Garbled, "nonsense", "%%%%", At::Upgrade, "NEG-REFUSE-GARBAGE"),
    forged(
        Reply::Garbled,
        "untagged",
        "OK Begin TLS negotiation now",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    forged(
        Reply::Garbled,
        "other-tag",
        "zz9 OK Begin TLS negotiation now",
        At::Upgrade,
        "NEG-REFUSE-GARBAGE",
    ),
    // Messages that answer no request, after the greeting and before the grant: text for the user, and
    // mailbox data. They contain a number that only the attacker sends, to show whether the client uses
    // them.
    forged(Reply::Notice, "alert", ALERT, At::BehindOpening, "UI-ALERT"),
    forged(Reply::Notice, "parse", PARSE, At::BehindOpening, "UI-ALERT"),
    forged(Reply::Notice, "badcharset", BADCHARSET, At::BehindOpening, "UI-ALERT"),
    forged(Reply::Notice, "alert", ALERT, At::BeforeUpgrade, "UI-ALERT"),
    forged(Reply::Notice, "parse", PARSE, At::BeforeUpgrade, "UI-ALERT"),
    forged(Reply::Notice, "badcharset", BADCHARSET, At::BeforeUpgrade, "UI-ALERT"),
    forged(Reply::Data, "list", LIST, At::BehindOpening, "TMP-GREET-LIST"),
    forged(Reply::Data, "lsub", LSUB, At::BehindOpening, "TMP-GREET-LSUB"),
    forged(Reply::Data, "status", STATUS, At::BehindOpening, "TMP-GREET-STATUS"),
    forged(Reply::Data, "search", SEARCH, At::BehindOpening, "TMP-GREET-SEARCH"),
    forged(Reply::Data, "flags", FLAGS, At::BehindOpening, "TMP-GREET-FLAGS"),
    forged(Reply::Data, "exists", EXISTS, At::BehindOpening, "TMP-GREET-EXISTS"),
    forged(Reply::Data, "recent", RECENT, At::BehindOpening, "TMP-GREET-RECENT"),
    forged(Reply::Data, "expunge", EXPUNGE, At::BehindOpening, "TMP-GREET-EXPUNGE"),
    forged(Reply::Data, "fetch", FETCH, At::BehindOpening, "TMP-GREET-FETCH"),
    forged(Reply::Data, "list", LIST, At::BeforeUpgrade, "TMP-STLS-LIST"),
    forged(Reply::Data, "lsub", LSUB, At::BeforeUpgrade, "TMP-STLS-LSUB"),
    forged(Reply::Data, "status", STATUS, At::BeforeUpgrade, "TMP-STLS-STATUS"),
    forged(Reply::Data, "search", SEARCH, At::BeforeUpgrade, "TMP-STLS-SEARCH"),
    forged(Reply::Data, "flags", FLAGS, At::BeforeUpgrade, "TMP-STLS-FLAGS"),
    forged(Reply::Data, "exists", EXISTS, At::BeforeUpgrade, "TMP-STLS-EXISTS"),
    forged(Reply::Data, "recent", RECENT, At::BeforeUpgrade, "TMP-STLS-RECENT"),
    forged(Reply::Data, "expunge", EXPUNGE, At::BeforeUpgrade, "TMP-STLS-EXPUNGE"),
    forged(Reply::Data, "fetch", FETCH, At::BeforeUpgrade, "TMP-STLS-FETCH"),
    forged(Reply::Bye, "bye", "* BYE Server closing", At::Anywhere, "NEG-BYE"),
];
