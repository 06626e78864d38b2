//! The claims, from the standards and the literature, independent of the computed values.

use crate::policy::Policy;
use crate::property::Property;
use crate::protocol::{Level, Memory, Offer, Opening, Protocol, Twin};
use crate::server::Hosts;
use crate::world::{Alpn, Attacker, Offering, Setting};

/// The claim about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// The property holds in every test.
    Holds,
    /// It does not hold: some dialogue breaks it.
    Broken,
    /// Nothing is claimed.
    NotClaimed,
}

/// The claim about a property, and its source.
pub fn claim(
    protocol: &Protocol,
    policy: Policy,
    setting: &Setting,
    property: Property,
) -> (Claim, &'static str) {
    let (level, source) = protocol.level(property);
    if level == Level::NotClaimed {
        return (Claim::NotClaimed, source);
    }
    if property == Property::SurvivorsOnlyCauseRefusal && chooses_mechanism_in_clear(protocol) {
        // A server that grants no TLS gives no occasion to use the attacker's data inside it.
        let grants = matches!(setting.offering, Offering::Both | Offering::Upgrade);
        return match setting.attacker {
            Attacker::Active if grants => (
                Claim::Broken,
                "MySQL manual, Connection Phase; Riddle (openwall oss-security, 2017-03-17)",
            ),
            Attacker::Active | Attacker::Passive => (Claim::Holds, source),
        };
    }
    if property == Property::DeliversToNamedHost
        && setting.hosts == Hosts::OneCertificate
        && protocol.offer == Offer::Unsaid
    {
        return (
            Claim::Broken,
            "GnuTLS manual, Upward negotiation: the client says HELLO once, in clear",
        );
    }
    if policy == Policy::Opportunistic {
        return opportunistic(setting, property, source);
    }
    if property == Property::Agreement {
        return agreement(protocol, policy, setting);
    }
    (Claim::Holds, source)
}

/// Whether the client takes the login mechanism for the session inside TLS from the clear-text
/// greeting, and the server accepts several.
fn chooses_mechanism_in_clear(protocol: &Protocol) -> bool {
    protocol.memory == Memory::Survives && protocol.mechanisms().count() > 1
}

/// A client that goes on without TLS if it has to: the manual's second conversation.
fn opportunistic(
    setting: &Setting,
    property: Property,
    source: &'static str,
) -> (Claim, &'static str) {
    match property {
        Property::NoSecretInClear => match (setting.attacker, setting.offering) {
            // There is no port for clear text, so no client can use it.
            (Attacker::Passive, Offering::Implicit) => {
                (Claim::Holds, "RFC 7435 section 1: no service, no data")
            }
            (Attacker::Passive, Offering::Breaks) => (
                Claim::Broken,
                "RFC 7435 section 3: a failed handshake is no reason not to deliver",
            ),
            (Attacker::Passive, Offering::Neither) => {
                (Claim::Broken, "RFC 7435 section 1: without an offer there is no encryption")
            }
            (Attacker::Passive, _) => {
                (Claim::Holds, "RFC 7435 section 1: passive listeners learn nothing")
            }
            (Attacker::Active, _) => {
                (Claim::Broken, "GnuTLS manual, Upward negotiation: the client was fooled")
            }
        },
        // Inside TLS, plaintext from before has no more effect than under any other policy.
        Property::NoClearBytesUsedInsideTls
        | Property::ClearKnowledgeForgotten
        | Property::SurvivorsOnlyCauseRefusal
        | Property::NoJump
        | Property::TruncationIsNotSuccess => (Claim::Holds, source),
        // The reports to the user, and that the client ends.
        Property::UserTold
        | Property::NoClearTextShownAsTrusted
        | Property::NoClearDataHandedOver
        | Property::AlwaysEnds => (Claim::Holds, source),
        // A server's behaviour does not depend on the client's policy.
        Property::NoClearCommandUsedInsideTls
        | Property::ClearStateForgotten
        | Property::NoLoginInClear
        | Property::NoUpgradeInsideTls
        | Property::HonestDelivers => (Claim::Holds, source),
        _ => (Claim::NotClaimed, "an opportunistic client promises no more (RFC 7435)"),
    }
}

/// Opossum: an attacker who can redirect a connection from one port of the server to the other shifts
/// the answers, if only one of the ports greets inside TLS. The attacker can play the clear-text part
/// of the upgrade himself, so he needs only an implicit port of the server.
fn agreement(protocol: &Protocol, policy: Policy, setting: &Setting) -> (Claim, &'static str) {
    let two_ways = protocol.implicit != Twin::None
        && matches!(setting.offering, Offering::Both | Offering::Implicit);
    let shifted = protocol.opening == Opening::Greeting && policy == Policy::Required;
    let told_apart = setting.alpn == Alpn::Strict && protocol.alpn.is_some();
    if setting.attacker == Attacker::Active && two_ways && shifted && !told_apart {
        (Claim::Broken, "Opossum attack (2025): implicit and upgraded TLS on one server")
    } else {
        (Claim::Holds, "RFC 9325 section 3.8")
    }
}
