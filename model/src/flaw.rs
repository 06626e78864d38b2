//! Known flaws of implementations, as switches on the sound ones.
//!
//! A flaw is defined by its consequences: a lax reading that still ends in authenticated TLS breaks
//! nothing. Each flaw has a description, its effect, and the places where it was seen.

use std::fmt;

/// Declares the flaws: variant, stable name, side, summary, effect, CVEs and classes.
macro_rules! flaws {
    ($($variant:ident, $name:literal, $side:ident, $summary:literal, $effect:literal,
       [$($seen:literal),*], [$($class:literal),*];)*) => {
        /// One known mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Flaw {
            $(#[doc = $summary] $variant,)*
        }

        impl Flaw {
            /// All flaws, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, as in vectors, reports and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, what it costs and where it was seen.
            pub const fn note(self) -> Note {
                match self {
                    $(Self::$variant => Note {
                        side: Side::$side,
                        summary: $summary,
                        effect: $effect,
                        seen: &[$($seen),*],
                        classes: &[$($class),*],
                    },)*
                }
            }
        }
    };
}

flaws! {
    IgnoresMissingOffer, "ignores-missing-offer", Client,
        "Goes on in clear when the capability list does not offer the upgrade.",
        "An attacker who deletes one word of the list reads the password and the data.",
        ["CVE-2016-10027", "CVE-2015-3152"], ["NEG-STRIP-CAP", "NEG-STRIP-EMPTY"];
    IgnoresCapabilityError, "ignores-capability-error", Client,
        "Goes on in clear when the question for the capabilities is answered with an error.",
        "An attacker who forges one error reads the password and the data.",
        ["CVE-2021-22946"], ["NEG-STRIP-ASKERR", "NEG-PROTO-DOWN"];
    IgnoresRefusal, "ignores-refusal", Client,
        "Goes on in clear when the upgrade is refused.",
        "An attacker who forges one refusal reads the password and the data: the GnuTLS manual's attack.",
        ["CVE-2016-0772"], ["NEG-REFUSE-PERM", "NEG-REFUSE-TEMP"];
    AcceptsGarbledReply, "accepts-garbled-reply", Client,
        "Takes a reply that it cannot read for the end of the upgrade, and goes on in clear.",
        "Any nonsense in place of the reply has the force of a refusal that is ignored.",
        ["CVE-2020-28896"], ["NEG-REFUSE-GARBAGE", "NEG-REFUSE-CLASS"];
    TakesUnknownStatus, "takes-unknown-status", Client,
        "Takes a reply of unknown status for the end of the upgrade, and goes on in clear.",
        "One forged line whose status no standard defines ends the upgrade: the password and the data follow in clear.",
        ["CVE-2021-32066"], ["NEG-REFUSE-CLASS"];
    BelievesEarlyReply, "believes-early-reply", Client,
        "Takes a reply that came before the upgrade request for its answer, and goes on in clear.",
        "The upgrade is done for the program and never happened on the wire.",
        ["CVE-2026-42246"], ["NEG-EARLY-OK", "NEG-REORDER"];
    GoesOnAfterFailedHandshake, "goes-on-after-failed-handshake", Client,
        "Goes on in clear on the same connection after a failed handshake.",
        "An attacker who breaks the handshake reads the password and the data.",
        [], ["TLS-FAIL-FALLBACK", "RSP-FAKE-TLS"];
    ReusesAfterFailedHandshake, "reuses-after-failed-handshake", Client,
        "Gives up after a failed handshake, but keeps the connection, and a later session uses it.",
        "The first delivery fails, the second goes out in clear.",
        ["CVE-2026-7666"], ["TLS-FAIL-REUSE"];
    ReusesHalfOpenConnection, "reuses-half-open-connection", Client,
        "Gives up before TLS stands, for whatever reason, but keeps the connection, and a later session uses it in clear.",
        "The first delivery fails, and each one after it goes out in clear.",
        ["CVE-2026-7666"], ["TLS-FAIL-REUSE"];
    ReconnectsInClear, "reconnects-in-clear", Client,
        "Connects again after a failure, this time without TLS.",
        "An attacker who breaks the first connection reads everything on the second.",
        [], ["LIFE-RECONNECT", "NEG-CUT"];
    ReusesClearConnection, "reuses-clear-connection", Client,
        "Serves a session that needs TLS over a pooled connection that has none.",
        "One permitted transfer in clear opens the door for those that are not.",
        ["CVE-2026-4873", "CVE-2023-27535"], ["LIFE-REUSE-PLAIN", "LIFE-REUSE-CFG"];
    AcceptsUntrustedCertificate, "accepts-untrusted-certificate", Client,
        "Accepts a certificate that no trusted authority signed.",
        "An attacker who is on the path ends TLS with a certificate of their own and reads everything.",
        ["CVE-2021-26911"], ["TLS-SELF", "TLS-ROOT", "TLS-STARTTLS-ONLY"];
    AcceptsWrongName, "accepts-wrong-name", Client,
        "Accepts a trusted certificate for another name.",
        "An attacker who has any certificate at all ends TLS and reads everything.",
        ["CVE-2020-13163"], ["TLS-NAME", "TLS-NOID"];
    AcceptsExpired, "accepts-expired", Client,
        "Accepts a certificate whose time is over.",
        "A key that was once stolen stays good for ever.",
        [], ["TLS-EXPIRED"];
    KeepsBuffer, "keeps-buffer", Client,
        "Keeps replies that came in clear behind the reply to the upgrade request, and reads them as if they had come inside TLS.",
        "An attacker who appends lines to one segment speaks as the server inside TLS: false capabilities, false success, stolen mail.",
        ["CVE-2021-22947", "CVE-2020-14954", "CVE-2020-15685", "CVE-2021-38371", "CVE-2026-41319"],
        ["RSP-SUFFIX", "RSP-CAPS", "RSP-TAGS", "RSP-BYE", "RSP-SPLIT"];
    ReadsBufferLate, "reads-buffer-late", Client,
        "Keeps replies that came in clear behind the reply to the upgrade request, and reads them when the next bytes arrive inside TLS.",
        "The attacker's reply is taken for the server's first one inside TLS, and each later reply for the answer to the command after its own.",
        [], ["RSP-SUFFIX", "RSP-CAPS", "RSP-TAGS"];
    KeepsFragment, "keeps-fragment", Client,
        "Keeps the unfinished line that came in clear, and completes it with the first bytes from inside TLS.",
        "The attacker who appends half a line writes the head of the server's first protected reply.",
        [], ["RSP-FRAGMENT"];
    KeepsOpenReply, "keeps-open-reply", Client,
        "Keeps the lines of a reply of several lines whose end has not come when TLS begins, and completes it with the first lines from inside TLS.",
        "The attacker who opens a list writes its first entries: the server's own list only ends it.",
        [], ["RSP-LITERAL"];
    KeepsCapabilities, "keeps-capabilities", Client,
        "Uses inside TLS the capability list that it was given in clear.",
        "An attacker who writes the list chooses the login mechanism.",
        [], ["TMP-CAP-CACHE"];
    KeepsClearChallenge, "keeps-clear-challenge", Client,
        "Answers inside TLS a challenge that it was given in clear.",
        "An attacker who chose the challenge can prepare tables against the answer.",
        ["CVE-2017-3305"], ["TMP-NONCE"];
    BelievesPreauth, "believes-preauth", Client,
        "Believes a clear-text greeting that says it is logged in already, and skips the upgrade.",
        "An attacker who forges the greeting is given drafts and sent mail in clear.",
        ["CVE-2020-12398", "CVE-2020-14093", "CVE-2021-39272"], ["PRE-GREET", "PRE-EQUIV"];
    BelievesEarlySuccess, "believes-early-success", Client,
        "Believes inside TLS that it is logged in because a clear-text reply said so.",
        "Login is skipped: what follows goes to whatever account the connection has.",
        [], ["PRE-EQUIV"];
    PipelinesSecretWithRequest, "pipelines-secret-with-request", Client,
        "Sends a secret right behind the upgrade request, without waiting for TLS.",
        "A listener reads it, whatever the server answers.",
        [], ["NEG-PIPE-SECRET"];
    SendsSecretBeforeRequest, "sends-secret-before-request", Client,
        "Sends a secret before it asks for the upgrade.",
        "A listener reads it; no attack is needed.",
        ["CVE-2021-38373"], ["NEG-EAGER-SECRET", "NEG-AUTH-LURE", "NEG-POLICY-COUPLE"];
    BelievesPositiveReplyWithoutTls, "believes-positive-reply-without-tls", Client,
        "Takes the positive reply for TLS, and goes on in clear when clear text follows.",
        "An attacker who answers in the server's place needs no certificate.",
        [], ["NEG-OK-NOTLS"];
    FollowsClearRedirect, "follows-clear-redirect", Client,
        "Follows a redirection that came in clear to another server.",
        "An attacker who forges one names the server that is given the password.",
        [], ["RED-LOGIN", "RED-OTHER", "PRE-REFERRAL"];
    TakesNameFromWire, "takes-name-from-wire", Client,
        "Checks the certificate against a name that the peer gave in clear.",
        "Any valid certificate will do, since the attacker also says what name to look for.",
        [], ["TLS-NOID", "RED-OTHER"];
    TakesTruncationAsSuccess, "takes-truncation-as-success", Client,
        "Takes the end of the connection for the confirmation that it waits for.",
        "An attacker who cuts the line makes the user believe in a delivery that did not happen.",
        [], ["TLS-TRUNC"];
    TakesDeadlineAsSuccess, "takes-deadline-as-success", Client,
        "Reports success when the deadline passes and the confirmation has not come.",
        "An attacker who keeps silent makes the user believe in a delivery that did not happen.",
        [], ["NEG-SILENT"];
    NeverSendsData, "never-sends-data", Client,
        "Reports success after the login, and has not sent the data.",
        "The user believes in a delivery that did not happen; no attack is needed.",
        [], ["LIFE-EXIT"];
    ShowsClearAlert, "shows-clear-alert", Client,
        "Shows text that came in clear to its user as the server's word.",
        "An attacker who writes it gives instructions in the server's name.",
        ["CVE-2024-10977"], ["UI-ALERT", "RSP-ERRTEXT"];
    HandsOverClearData, "hands-over-clear-data", Client,
        "Hands data that came in clear, and that no command asked for, to the application.",
        "The attacker writes mailbox names, flags and counts into the session that the user takes for protected.",
        ["CVE-2021-38370", "CVE-2021-29969"], ["TMP-GREET-LIST", "TMP-GREET-FLAGS", "TMP-GREET-EXISTS", "TMP-STLS-LIST"];
    StaysSilent, "stays-silent", Client,
        "Gives up without telling its user.",
        "The user believes that all is well.",
        [], ["LIFE-EXIT"];
    NeverEnds, "never-ends", Client,
        "Stays on after the peer has closed and the deadline has passed.",
        "One forged silence stops the program for good.",
        [], ["NEG-SILENT", "NEG-CUT"];
    SecondChannelInClear, "second-channel-in-clear", Client,
        "Opens the second connection without protection.",
        "The commands are protected and the data are not.",
        [], ["RED-DATA"];
    LetsTlsBeTakenAway, "lets-tls-be-taken-away", Client,
        "Goes on in clear on the same connection after TLS was ended.",
        "What follows the end of TLS is read by everybody.",
        [], ["TLS-DOWN-AFTER"];
    KeepsCommandBuffer, "keeps-command-buffer", Server,
        "Keeps commands that came in clear behind the upgrade request, and runs them inside TLS.",
        "An attacker who appends lines to one segment gives commands in the client's session.",
        ["CVE-2011-0411", "CVE-2021-33515", "CVE-2021-38084", "CVE-2024-34083"],
        ["CMD-PIPE", "CMD-FRAGMENT", "CMD-BIN"];
    KeepsSessionState, "keeps-session-state", Server,
        "Keeps a login from before TLS.",
        "An attacker who logs in first is given what the client then delivers.",
        ["CVE-2021-37845"], ["FIX-SESSION", "FIX-STATE"];
    TakesLoginInClear, "takes-login-in-clear", Server,
        "Takes a login in clear although it requires TLS.",
        "Clients that leak are never found out, since they work.",
        [], ["NEG-AUTH-LURE"];
    OffersUpgradeInsideTls, "offers-upgrade-inside-tls", Server,
        "Offers and grants the upgrade again inside TLS.",
        "The second upgrade has its own buffer, its own state and its own bugs.",
        [], ["FIX-DOUBLE"];
}

/// The description of a flaw, its effect, and where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The side that has the flaw.
    pub side: Side,
    /// The description, in one sentence.
    pub summary: &'static str,
    /// The effect, in one sentence.
    pub effect: &'static str,
    /// CVE numbers of programs that had it.
    pub seen: &'static [&'static str],
    /// Attack classes that show it.
    pub classes: &'static [&'static str],
}

/// The side that has a flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Flaw {
    /// Finds a flaw by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flaw| flaw.name() == name)
    }

    /// The flaws of a client that a vector can show. Other flaws need no vector: a client that never
    /// sends the data fails with an honest server, and a persona closes before a client's own deadline
    /// passes.
    pub fn played() -> impl Iterator<Item = Self> {
        Self::of(Side::Client)
            .filter(|flaw| !matches!(flaw, Self::NeverSendsData | Self::TakesDeadlineAsSuccess))
    }

    /// The flaws of one side.
    pub fn of(side: Side) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |flaw| flaw.note().side == side)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of flaws; empty for the sound implementation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flaws(u64);

impl Flaws {
    /// No flaw.
    pub const NONE: Self = Self(0);

    /// A set with exactly these flaws.
    pub fn of(flaws: &[Flaw]) -> Self {
        flaws.iter().copied().collect()
    }

    /// Whether a flaw is among them.
    pub const fn has(self, flaw: Flaw) -> bool {
        self.0 & (1 << flaw as u8) != 0
    }

    /// The flaws of one side.
    #[must_use]
    pub fn on(self, side: Side) -> Self {
        self.iter().filter(|flaw| flaw.note().side == side).collect()
    }

    /// The flaws in order.
    pub fn iter(self) -> impl Iterator<Item = Flaw> {
        Flaw::ALL.iter().copied().filter(move |&flaw| self.has(flaw))
    }
}

impl FromIterator<Flaw> for Flaws {
    fn from_iter<I: IntoIterator<Item = Flaw>>(flaws: I) -> Self {
        Self(flaws.into_iter().fold(0, |bits, flaw| bits | 1 << flaw as u8))
    }
}

impl From<Flaw> for Flaws {
    fn from(flaw: Flaw) -> Self {
        Self::of(&[flaw])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
        assert_eq!(names.len(), Flaw::ALL.len());
        assert!(Flaw::ALL.iter().all(|&flaw| Flaw::by_name(flaw.name()) == Some(flaw)));
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = Flaws::of(&[Flaw::KeepsBuffer, Flaw::OffersUpgradeInsideTls]);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Flaw::KeepsBuffer, Flaw::OffersUpgradeInsideTls]
        );
    }
}
