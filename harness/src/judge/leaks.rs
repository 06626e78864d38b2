//! Finds the bytes that broke properties, and the properties broken at the client's end.

use std::ops::Range;

use upward_model::explain::{Event, Run};
use upward_model::message::Command;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Protocol, Public};

use crate::evidence::{ClearMessage, Evidence, Stage};

/// A piece of evidence: bytes that broke a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The property.
    pub property: Property,
    /// The connection, counted from 0.
    pub connection: usize,
    /// Its stage.
    pub stage: Stage,
    /// The place of the bytes in what the client sent on that connection in that layer.
    pub range: Range<usize>,
    /// The canary and its encoding, if the bytes contain one.
    pub canary: Option<(String, String)>,
}

impl Evidence {
    /// The leaks shown by the bytes, canaries first.
    pub(super) fn leaks(&self, protocol: &Protocol, policy: Policy) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = self
            .exposed
            .iter()
            .filter_map(|exposed| {
                let property = match (exposed.secret, exposed.stage) {
                    (true, Stage::Unauthenticated) => Property::NoSecretToUnauthenticatedPeer,
                    (true, _) => Property::NoSecretInClear,
                    // The user's name is no secret inside TLS with any server, and may be public in
                    // clear.
                    (false, Stage::Unauthenticated) => return None,
                    (false, _) if is_public(protocol, &exposed.canary) => return None,
                    (false, _) => Property::PolicyNotFromWire,
                };
                Some(Leak {
                    property,
                    connection: exposed.connection,
                    stage: exposed.stage,
                    range: exposed.range.clone(),
                    canary: Some((exposed.canary.clone(), exposed.form.clone())),
                })
            })
            .collect();
        for (at, message) in self.clear_messages.iter().enumerate() {
            if message.stage == Stage::Unauthenticated || self.takes_leave(at) {
                continue;
            }
            let leak = |property| Leak {
                property,
                connection: message.connection,
                stage: message.stage,
                range: message.range.clone(),
                canary: None,
            };
            let goodbye = message.command == Some(Command::Goodbye);
            if message.stage == Stage::Between
                && !goodbye
                && message.command != Some(Command::Upgrade)
            {
                leaks.push(leak(Property::NothingBetweenRequestAndHandshake));
            }
            if message.allowed {
                continue;
            }
            leaks.push(leak(Property::PolicyNotFromWire));
            if message.connection > self.first_connection {
                leaks.push(leak(Property::NoClearRetry));
            }
            if message.stage == Stage::After {
                leaks.push(leak(Property::TlsNotTakenAway));
            }
        }
        if !policy.needs_tls() {
            // An opportunistic client may send any command in clear; a secret in clear is still
            // reported.
            leaks.retain(|leak| leak.property == Property::NoSecretInClear);
        }
        leaks
    }

    /// Whether the client from this message on only says goodbye, without TLS and with harmless
    /// commands: `RSET` or `NOOP`, and then `QUIT`.
    fn takes_leave(&self, at: usize) -> bool {
        let connection = self.clear_messages[at].connection;
        let mut rest =
            self.clear_messages[at..].iter().filter(|message| message.connection == connection);
        let harmless = |message: &ClearMessage| {
            message.allowed && matches!(message.command, Some(Command::Noop | Command::Goodbye))
        };
        let goes_on_to_tls = || {
            // If a handshake follows the upgrade request, no command may be sent between the two.
            let events = self.run.get(connection).map_or(&[][..], Vec::as_slice);
            let asked = events.iter().position(is_upgrade);
            asked.is_some_and(|at| events[at..].contains(&Event::ClientHello))
        };
        rest.clone().all(harmless)
            && rest.any(|message| message.command == Some(Command::Goodbye))
            && !goes_on_to_tls()
    }

    /// The run, with the success that the client reported to its user at its end.
    pub(super) fn successful_run(&self) -> Run {
        let mut run = self.run.clone();
        if let Some(events) = run.last_mut() {
            events.push(Event::Succeeded);
        }
        run
    }

    /// The properties broken at the client's end.
    pub(super) fn at_the_end(&self) -> Properties {
        let mut broken = Properties::NONE;
        if self.hung || self.flooded {
            broken.insert(Property::AlwaysEnds);
        } else if self.claims_success == Some(true) && !self.confirmed {
            // If the data arrived without a confirmation, the client took a cut connection for one.
            broken.insert(if self.arrived {
                Property::TruncationIsNotSuccess
            } else {
                Property::UserTold
            });
        }
        if self.redirected {
            broken.insert(Property::NoClearRedirect);
        }
        if self.shows_clear_text {
            broken.insert(Property::NoClearTextShownAsTrusted);
        }
        if self.hands_over_data {
            broken.insert(Property::NoClearDataHandedOver);
        }
        broken
    }
}

const fn is_upgrade(event: &Event) -> bool {
    matches!(event, Event::Heard(Command::Upgrade, _))
}

/// Whether a protocol allows a canary that is not a secret to be sent in clear.
fn is_public(protocol: &Protocol, canary: &str) -> bool {
    canary == "user" && protocol.public_before_tls.contains(&Public::UserName)
}
