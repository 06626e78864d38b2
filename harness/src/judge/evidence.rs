//! What a judge is given of a run, and what its bytes show.

use std::collections::BTreeSet;
use std::ops::Range;

use upward_model::explain::{Event, Run};
use upward_model::message::Command;
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Protocol, Public};
use upward_model::vector::Point;

use crate::judge::Inside;

/// What a judge is given of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The run in the model's alphabet.
    pub run: Run,
    /// The points that the persona came to.
    pub reached: BTreeSet<Point>,
    /// The first connection of the session under test, counted from 0.
    pub first_connection: usize,
    /// The connection with which the user's last of several sessions began, where that is known.
    pub last_session_at: Option<usize>,
    /// Everything that left the client outside TLS with an authenticated peer, message by message.
    pub words: Vec<Words>,
    /// Secrets and names that were found in it.
    pub exposed: Vec<Exposed>,
    /// Whether the data of the last session arrived inside authenticated TLS and were confirmed.
    pub delivered: bool,
    /// Whether the data arrived there, confirmed or not.
    pub arrived: bool,
    /// Whether the client sent a secret of the run anywhere: of one that never does, no leak is seen.
    pub recognised: bool,
    /// Whether the data were confirmed anywhere, in clear as well.
    pub confirmed: bool,
    /// Whether it ended as it does after success; `None` where that cannot be told.
    pub claims_success: Option<bool>,
    /// Whether it went where a forged redirection sent it.
    pub redirected: bool,
    /// Whether it crashed.
    pub crashed: bool,
    /// Whether it was still alive after the peer had closed and the deadline had passed.
    pub hung: bool,
    /// Whether the client said or printed more than was looked at, where that can decide.
    pub cut: bool,
    /// Whether the connection was cut because the client sent more than the recording limit.
    pub flooded: bool,
    /// What the client said inside TLS with an authenticated server.
    pub inside: Inside,
    /// The same in runs of the vector's twin, which has the same server inside TLS and no attacker
    /// before it. `None` where it was not played, or did not come out the same each time.
    pub twin: Option<Inside>,
    /// Whether the attacker did anything in clear: else the vector is its own twin.
    pub attacked_in_clear: bool,
    /// Whether a marker that was sent in clear is in what it printed.
    pub shows_clear_text: bool,
    /// Whether a marker that was sent in clear is in the data that it handed to the application.
    pub hands_over_data: bool,
}

/// At which stage of its connection something was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// In clear, before any upgrade request.
    Before,
    /// In clear, after the upgrade request and before its answer, or after a positive one.
    Between,
    /// In clear, after the upgrade has failed.
    Failed,
    /// In clear, after TLS had been ended.
    After,
    /// Inside TLS whose peer showed a bad certificate.
    Unauthenticated,
}

/// A message that left the client outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage.
    pub stage: Stage,
    /// What it means; `None` for what is not of the protocol.
    pub command: Option<Command>,
    /// Whether it is of the allowed clear-text language.
    pub allowed: bool,
    /// Whether it was sent in clear before the server had said anything upon the message before it.
    pub ahead: bool,
    /// Where it is, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// A canary outside TLS with an authenticated peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage.
    pub stage: Stage,
    /// Whether it is a secret, or only tells who the user is.
    pub secret: bool,
    /// Which canary it is: `user`, `password`, `body`.
    pub canary: String,
    /// In which form it was found.
    pub form: String,
    /// Where it is, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
}

/// A piece of evidence: which bytes broke which property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The property.
    pub property: Property,
    /// The connection, counted from 0.
    pub connection: usize,
    /// At which stage.
    pub stage: Stage,
    /// Where the bytes are, in what the client sent on that connection in that layer.
    pub range: Range<usize>,
    /// The canary and its form, where there is one.
    pub canary: Option<(String, String)>,
}

impl Evidence {
    /// What the bytes show, canaries first.
    pub(super) fn leaks(&self, protocol: &Protocol, policy: Policy) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = self
            .exposed
            .iter()
            .filter_map(|exposed| {
                let property = match (exposed.secret, exposed.stage) {
                    (true, Stage::Unauthenticated) => Property::NoSecretToUnauthenticatedPeer,
                    (true, _) => Property::NoSecretInClear,
                    // Who the user is may be public, and is no secret inside TLS with anybody.
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
        for (at, words) in self.words.iter().enumerate() {
            if words.stage == Stage::Unauthenticated || self.takes_leave(at) {
                continue;
            }
            let leak = |property| Leak {
                property,
                connection: words.connection,
                stage: words.stage,
                range: words.range.clone(),
                canary: None,
            };
            let goodbye = words.command == Some(Command::Goodbye);
            if words.stage == Stage::Between && !goodbye && words.command != Some(Command::Upgrade)
            {
                leaks.push(leak(Property::NothingBetweenRequestAndHandshake));
            }
            if words.allowed {
                continue;
            }
            leaks.push(leak(Property::PolicyNotFromWire));
            if words.connection > self.first_connection {
                leaks.push(leak(Property::NoClearRetry));
            }
            if words.stage == Stage::After {
                leaks.push(leak(Property::TlsNotTakenAway));
            }
        }
        if !policy.needs_tls() {
            // An opportunistic client may say in clear what it likes; that a secret was among it
            // is still what the run shows.
            leaks.retain(|leak| leak.property == Property::NoSecretInClear);
        }
        leaks
    }

    /// Whether from this message on the client does nothing but take leave, in words that give nothing
    /// away: `RSET` or `NOOP`, and then `QUIT`, without TLS.
    fn takes_leave(&self, at: usize) -> bool {
        let connection = self.words[at].connection;
        let mut rest = self.words[at..].iter().filter(|words| words.connection == connection);
        let harmless = |words: &Words| {
            words.allowed && matches!(words.command, Some(Command::Noop | Command::Goodbye))
        };
        let goes_on_to_tls = || {
            // A handshake after the upgrade request: nothing may stand between the two.
            let events = self.run.get(connection).map_or(&[][..], Vec::as_slice);
            let asked = events.iter().position(is_upgrade);
            asked.is_some_and(|at| events[at..].contains(&Event::ClientHello))
        };
        rest.clone().all(harmless)
            && rest.any(|words| words.command == Some(Command::Goodbye))
            && !goes_on_to_tls()
    }

    /// The run, with what the client told its user at its end.
    pub(super) fn successful_run(&self) -> Run {
        let mut run = self.run.clone();
        if let Some(events) = run.last_mut() {
            events.push(Event::Succeeded);
        }
        run
    }

    /// What the end of the client shows.
    pub(super) fn at_the_end(&self) -> Properties {
        let mut broken = Properties::NONE;
        if self.hung || self.flooded {
            broken.insert(Property::AlwaysEnds);
        } else if self.claims_success == Some(true) && !self.confirmed {
            // Data that went out and were not confirmed: a cut was taken for the confirmation.
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

/// Whether a protocol lets a canary that is no secret go out in clear.
fn is_public(protocol: &Protocol, canary: &str) -> bool {
    canary == "user" && protocol.public_before_tls.contains(&Public::UserName)
}
