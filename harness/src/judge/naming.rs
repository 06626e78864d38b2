//! Names flaws that the steps of a run cannot distinguish.
//!
//! The model's flawed clients are deterministic, and real programs differ from them in some steps. If
//! no flawed client explains a run, the place of the leaked bytes, or the client's end, still suggests
//! a flaw.

use upward_model::client::Peer;
use upward_model::explain::Event;
use upward_model::flaw::Flaw;
use upward_model::message::{Command, Layer, Piece, Reply};
use upward_model::property::{Properties, Property};

use crate::evidence::{ClearMessage, Evidence, Stage};
use crate::judge::{Leak, Question, carryover, login};

/// The flaw suggested by the place of the first leak, if the steps suggest none.
pub(super) fn by_place(
    question: &Question<'_>,
    evidence: &Evidence,
    leaks: &[Leak],
) -> Option<Flaw> {
    let first = leaks.iter().min_by_key(|leak| (leak.connection, leak.range.start))?;
    match first.stage {
        Stage::After => Some(Flaw::LetsTlsBeTakenAway),
        Stage::Failed => {
            // An unknown command is not a login, whatever it contains.
            evidence
                .clear_messages
                .iter()
                .find(|words| words.stage == Stage::Failed && goes_on(words))?;
            let events = evidence.run.get(first.connection)?;
            // The client does begin TLS after the usual words, so it did not understand these.
            let unknown = question.reworded && never_begins_tls(events);
            goes_on_after(events).or_else(|| unknown.then_some(Flaw::TakesUnknownStatus))
        }
        // The client gave up TLS because of the reply after the positive answer, and kept the
        // connection.
        Stage::Between => {
            let events = evidence.run.get(first.connection)?;
            let more = carryover::has_surplus(std::slice::from_ref(events));
            (more && never_begins_tls(events)).then_some(Flaw::ReusesHalfOpenConnection)
        }
        Stage::Unauthenticated => evidence.run.get(first.connection)?.iter().find_map(accepts),
        Stage::Before if leaks.iter().any(|leak| leak.property == Property::NoClearRetry) => {
            Some(Flaw::ReconnectsInClear)
        }
        Stage::Before if was_welcomed(evidence.run.get(first.connection)?) => {
            Some(Flaw::BelievesPreauth)
        }
        Stage::Before => {
            // An unknown command is a login only if it contains a secret; an incomplete message is not
            // named.
            leaks.iter().find(|leak| leak.property == Property::NoSecretInClear)?;
            leaks.iter().find(|leak| leak.stage == Stage::Before && leak.canary.is_none())?;
            let events = evidence.run.get(first.connection)?;
            match answer(events, Command::Hello) {
                _ if was_offered(events) => Some(Flaw::SendsSecretBeforeRequest),
                Some(Reply::Refuse) => Some(Flaw::IgnoresCapabilityError),
                Some(Reply::Capabilities { .. }) => Some(Flaw::IgnoresMissingOffer),
                _ => None,
            }
        }
    }
}

/// The flaw of a client that accepted a bad certificate.
const fn accepts(event: &Event) -> Option<Flaw> {
    match event {
        Event::Handshake(Peer::Untrusted) => Some(Flaw::AcceptsUntrustedCertificate),
        Event::Handshake(Peer::WrongName | Peer::OtherHost) => Some(Flaw::AcceptsWrongName),
        Event::Handshake(Peer::Expired) => Some(Flaw::AcceptsExpired),
        _ => None,
    }
}

/// Whether a message is one that a client sends after the upgrade.
const fn goes_on(words: &ClearMessage) -> bool {
    matches!(words.command, Some(command) if comes_after(command))
}

/// Whether a command is sent after the upgrade.
const fn comes_after(command: Command) -> bool {
    matches!(command, Command::Begin(_) | Command::Login(_) | Command::Deliver)
}

/// The flaw of a client that went on in clear after the upgrade had failed.
fn goes_on_after(events: &[Event]) -> Option<Flaw> {
    match answer(events, Command::Upgrade) {
        Some(Reply::Refuse) => Some(Flaw::IgnoresRefusal),
        Some(Reply::Bye) => Some(Flaw::ReusesHalfOpenConnection),
        Some(Reply::Garbled | Reply::Challenge) => Some(Flaw::AcceptsGarbledReply),
        Some(Reply::Unknown) => Some(Flaw::TakesUnknownStatus),
        _ => None,
    }
}

/// Whether a client went on in clear after a positive answer, without beginning TLS.
fn never_begins_tls(events: &[Event]) -> bool {
    let accepted = |event: &Event| match event {
        Event::Said { segment, layer: Layer::Clear, answers: Some(Command::Upgrade) } => {
            segment.pieces().first() == Some(&Piece::Whole(Reply::Accept))
        }
        _ => false,
    };
    let Some(at) = events.iter().position(accepted) else { return false };
    let rest = &events[at..];
    let goes_on = |event: &Event| matches!(event, Event::Heard(command, Layer::Clear) if comes_after(*command));
    !rest.contains(&Event::ClientHello) && rest.iter().any(goes_on)
}

/// The server's first reply in clear to a command.
fn answer(events: &[Event], command: Command) -> Option<Reply> {
    events.iter().find_map(|event| match event {
        Event::Said { segment, layer: Layer::Clear, answers } if *answers == Some(command) => {
            segment.pieces().first().map(|piece| piece.message())
        }
        _ => None,
    })
}

/// Whether a client was welcomed in clear, and delivered there without a login.
fn was_welcomed(events: &[Event]) -> bool {
    let delivers = events.contains(&Event::Heard(Command::Deliver, Layer::Clear));
    delivers && login::said_in_clear(events, Reply::Welcome) && !login::logs_in(events)
}

/// Whether the upgrade was offered in clear.
fn was_offered(events: &[Event]) -> bool {
    events.iter().any(|event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => segment
            .pieces()
            .iter()
            .any(|piece| matches!(piece.message(), Reply::Capabilities { upgrade: true, .. })),
        _ => false,
    })
}

/// The flaws suggested by the client's end.
pub(super) fn by_end(at_the_end: Properties) -> impl Iterator<Item = Flaw> {
    [
        (Property::NoClearRedirect, Flaw::FollowsClearRedirect),
        (Property::NoClearTextShownAsTrusted, Flaw::ShowsClearAlert),
        (Property::NoClearDataHandedOver, Flaw::HandsOverClearData),
        (Property::UserTold, Flaw::StaysSilent),
        (Property::AlwaysEnds, Flaw::NeverEnds),
    ]
    .into_iter()
    .filter(move |(property, _)| at_the_end.has(*property))
    .map(|(_, flaw)| flaw)
}

#[cfg(test)]
mod tests {
    use upward_model::message::{Mechanism, Segment};

    use super::*;

    fn said(reply: Reply, layer: Layer) -> Event {
        Event::Said { segment: Segment::one(reply), layer, answers: None }
    }

    fn heard(command: Command, layer: Layer) -> Event {
        Event::Heard(command, layer)
    }

    #[test]
    fn who_is_welcomed_and_goes_on_in_clear_believes_it() {
        let delivers = heard(Command::Deliver, Layer::Clear);
        let welcome = said(Reply::Welcome, Layer::Clear);
        let begins = heard(Command::Begin(Mechanism::Own), Layer::Clear);
        assert!(was_welcomed(&[welcome.clone(), delivers.clone()]));
        assert!(!was_welcomed(&[welcome.clone(), begins, delivers.clone()]));
        assert!(!was_welcomed(&[welcome]));
        assert!(!was_welcomed(&[delivers]));
    }

    #[test]
    fn what_failed_says_what_was_ignored() {
        let answered = |answer| Event::Said {
            segment: Segment::one(answer),
            layer: Layer::Clear,
            answers: Some(Command::Upgrade),
        };
        let refused = answered(Reply::Refuse);
        assert_eq!(goes_on_after(&[refused]), Some(Flaw::IgnoresRefusal));
        assert_eq!(goes_on_after(&[answered(Reply::Garbled)]), Some(Flaw::AcceptsGarbledReply));
        // A failed handshake is seen in the client's steps.
        assert_eq!(goes_on_after(&[answered(Reply::Accept), Event::HandshakeFailed]), None);
        assert_eq!(goes_on_after(&[said(Reply::Refuse, Layer::Clear)]), None);
    }

    #[test]
    fn a_positive_answer_is_not_known_where_no_tls_follows() {
        let accepted = Event::Said {
            segment: Segment::one(Reply::Accept),
            layer: Layer::Clear,
            answers: Some(Command::Upgrade),
        };
        let logs_in = heard(Command::Login(Mechanism::Own), Layer::Clear);
        assert!(never_begins_tls(&[accepted.clone(), logs_in.clone()]));
        assert!(!never_begins_tls(&[logs_in.clone(), accepted.clone()]));
        assert!(!never_begins_tls(&[accepted.clone(), Event::ClientHello, logs_in]));
        assert!(!never_begins_tls(&[accepted]));
    }

    #[test]
    fn an_offer_is_one_of_the_upgrade_in_clear() {
        assert!(was_offered(&[said(Reply::offer(true), Layer::Clear)]));
        assert!(!was_offered(&[said(Reply::offer(false), Layer::Clear)]));
        assert!(!was_offered(&[said(Reply::offer(true), Layer::Tls)]));
        assert!(!was_offered(&[said(Reply::Greeting, Layer::Clear)]));
    }
}
