//! The properties: the guarantees of a policy, each with a stable name.

use std::fmt;

use crate::level::Level;

/// Declares the properties: variant, name, group, default level, source, meaning, and how to mend what breaks it.
macro_rules! properties {
    ($($variant:ident, $name:literal, $group:ident, $level:ident, $source:literal, $doc:literal,
       $mend:literal;)*) => {
        /// Something that a policy is meant to guarantee.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Property {
            $(#[doc = $doc] $variant,)*
        }

        impl Property {
            /// All properties, in the order of the matrix.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, as in vectors and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is about.
            pub const fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)* }
            }

            /// What it says, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// What an implementation does that breaks it no more, in a sentence or two.
            pub const fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend,)* }
            }

            /// The level where a protocol's descriptor says nothing else, and its source.
            pub const fn default_level(self) -> (Level, &'static str) {
                match self { $(Self::$variant => (Level::$level, $source),)* }
            }
        }
    };
}

properties! {
    NoSecretInClear, "no-secret-in-clear", Confidentiality, Must, "RFC 8314 section 5.2",
        "No password and no confidential data leave the client outside TLS.",
        "Before each command that holds a secret or data, check that TLS stands; where it does not, end the session with an error.";
    NoSecretToUnauthenticatedPeer, "no-secret-to-unauthenticated-peer", Confidentiality, Must,
        "RFC 9525 section 6",
        "No secret goes to a peer whose certificate was not checked for the user's name.",
        "Verify the certificate - authority, dates, and the name that the user gave - before the first command inside TLS, and end the session where that fails.";
    NothingBetweenRequestAndHandshake, "nothing-between-request-and-handshake", Confidentiality,
        Must, "RFC 3207 section 4",
        "Between the upgrade request and the handshake the client sends nothing but a goodbye.",
        "Send the upgrade request alone, and nothing behind it before the handshake has ended.";
    NoClearSecondChannel, "no-clear-second-channel", Confidentiality, Must, "RFC 4217 section 9",
        "Confidential data do not travel on an unprotected second connection.",
        "Protect the second connection before data pass on it, or do not open it.";
    NoClearRetry, "no-clear-retry", Confidentiality, Must, "RFC 8314 section 5.2",
        "A further connection of the same user keeps the policy.",
        "Keep the policy with the user's account, not with the connection: each further connection requires TLS as the first did.";
    NoClearRedirect, "no-clear-redirect", Confidentiality, Must, "RFC 8314 section 5.1",
        "A redirection that came in clear is not followed.",
        "Ignore redirections that come before TLS.";
    TlsNotTakenAway, "tls-not-taken-away", Confidentiality, Must, "RFC 2595 section 2.2",
        "When TLS ends, the session ends.",
        "When TLS ends, close the connection.";
    NoClearBytesUsedInsideTls, "no-clear-bytes-used-inside-tls", Integrity, Must,
        "RFC 7457 section 2.2",
        "Nothing that the client received before TLS is taken for a reply inside it.",
        "Before the handshake, empty each buffer of what was read in clear; or end the session before the handshake if a buffer holds more than the answer to the upgrade request. To give up inside TLS is too late: the injected bytes were used.";
    NoClearCommandUsedInsideTls, "no-clear-command-used-inside-tls", Integrity, Must,
        "RFC 7457 section 2.2",
        "Nothing that the server received before TLS is run as a command inside it.",
        "Before the handshake, empty each buffer of what was read in clear.";
    ClearKnowledgeForgotten, "clear-knowledge-forgotten", Integrity, Must, "RFC 3207 section 4.2",
        "What the client learned before TLS plays no part inside it.",
        "After the handshake, forget what the server said in clear, and ask again.";
    ClearStateForgotten, "clear-state-forgotten", Integrity, Must, "RFC 3207 section 4.2",
        "What was done before TLS, a login above all, does not count inside it at the server.",
        "After the handshake, begin the session anew: no login and no transaction from before counts.";
    SurvivorsOnlyCauseRefusal, "survivors-only-cause-refusal", Integrity, Must,
        "RFC 7457 section 2.2",
        "Where a protocol keeps clear-text knowledge by design, changing it can at most make the session fail.",
        "Choose inside TLS, from what the user allows, never from what the server said in clear alone.";
    NoJump, "no-jump", Integrity, Must, "RFC 9051 section 7.1.4",
        "No clear-text reply moves the client past a step of the session.",
        "Let no reply in clear stand for the upgrade or the login: take each step, or end the session with an error.";
    TruncationIsNotSuccess, "truncation-is-not-success", Integrity, Must, "RFC 8446 section 6.1",
        "A cut connection is not taken for a confirmation.",
        "Report success only once the server has confirmed; a connection that ends before is a failure.";
    Agreement, "agreement", Integrity, Should, "RFC 9325 section 3.8",
        "What the client takes for the answer to a command inside TLS is what the server sent as its answer.",
        "Take a reply only for the command that was sent before it inside the same layer.";
    PolicyNotFromWire, "policy-not-from-wire", Input, Must, "GnuTLS manual, Upward negotiation",
        "Nothing that a peer says makes the client go on outside TLS.",
        "Let the user's setting alone decide whether the session goes on without TLS.";
    NameFromUser, "name-from-user", Input, Must, "RFC 2595 section 2.4",
        "The name in the certificate is compared with the user's, not with one from the wire.",
        "Compare the certificate with the name that the user gave, never with one that the server said.";
    OnlyDenialOfService, "only-denial-of-service", Users, Must, "GnuTLS manual, Upward negotiation",
        "Every end is delivery over authenticated TLS, or refusal with nothing given away.",
        "End each session with delivery inside TLS, or with an error and nothing given away.";
    UserTold, "user-told", Users, Should, "GnuTLS manual, Upward negotiation",
        "A client that gives up tells its user.",
        "Where the session fails, say so: with an exit code other than 0, or an error to the caller.";
    NoClearTextShownAsTrusted, "no-clear-text-shown-as-trusted", Users, Should,
        "as RFC 9051 section 11.3 asks of IMAP",
        "Text from before TLS is not shown to the user as the server's word.",
        "Do not show text that came before TLS, or say that nothing protected it.";
    NoClearDataHandedOver, "no-clear-data-handed-over", Users, Must,
        "RFC 9051 section 11.3",
        "Data from before TLS are not handed to the application as the server's.",
        "Drop data that come before TLS; hand none of them to the application.";
    AlwaysEnds, "always-ends", Users, Should, "RFC 9325 section 3.2",
        "After the peer has closed, or the deadline has passed, the client ends.",
        "Limit how long the client waits and how much it reads, and end when the server has closed.";
    HonestDelivers, "honest-delivers", Users, Must, "GnuTLS manual, Upward negotiation",
        "With a passive network and a server that offers TLS, every run ends in delivery.",
        "Let the client deliver where no attacker acts.";
    DeliversToNamedHost, "delivers-to-named-host", Users, Must,
        "GnuTLS manual, Upward negotiation: a datum before the handshake chooses certificate and password file",
        "The data reach the virtual host that the user named, whatever was said in clear about the host.",
        "Say the user's host again inside TLS, and check its answer there.";
    NoLoginInClear, "no-login-in-clear", Server, Should, "RFC 9051 section 11.7",
        "A server that requires TLS takes no login outside it.",
        "Refuse each login before TLS.";
    NoUpgradeInsideTls, "no-upgrade-inside-tls", Server, Should, "RFC 3207 section 4.2",
        "A server does not offer the upgrade inside TLS.",
        "Leave the upgrade out of what the server offers inside TLS.";
}

/// The subject of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Data that leave the client.
    Confidentiality,
    /// Data that the client uses.
    Integrity,
    /// The source of policy and name.
    Input,
    /// The report and the data for the user.
    Users,
    /// The server's own behaviour.
    Server,
}

impl Property {
    /// Finds a property by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|property| property.name() == name)
    }

    /// Whether it is about the inside of the client: a violation is visible only if no sound client
    /// would have done the same.
    pub const fn is_inner(self) -> bool {
        matches!(
            self,
            Self::NoClearBytesUsedInsideTls
                | Self::ClearKnowledgeForgotten
                | Self::SurvivorsOnlyCauseRefusal
                | Self::NoJump
                | Self::Agreement
        )
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of properties.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Properties(u32);

impl Properties {
    /// No property.
    pub const NONE: Self = Self(0);

    /// A set with exactly these properties.
    pub fn of(properties: &[Property]) -> Self {
        properties.iter().copied().collect()
    }

    /// Adds one.
    pub const fn insert(&mut self, property: Property) {
        self.0 |= 1 << property as u8;
    }

    /// Takes one out.
    pub const fn remove(&mut self, property: Property) {
        self.0 &= !(1 << property as u8);
    }

    /// Adds all of another set.
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether a property is in it.
    pub const fn has(self, property: Property) -> bool {
        self.0 & (1 << property as u8) != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The properties in order.
    pub fn iter(self) -> impl Iterator<Item = Property> {
        Property::ALL.iter().copied().filter(move |&property| self.has(property))
    }

    /// The set as bits, one a property in the order of declaration.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl FromIterator<Property> for Properties {
    fn from_iter<I: IntoIterator<Item = Property>>(properties: I) -> Self {
        let mut set = Self::NONE;
        for property in properties {
            set.insert(property);
        }
        set
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Property::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_fit_their_set() {
        assert!(Property::ALL.len() <= 32);
        let all: Properties = Property::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Property::ALL.len());
    }
}
