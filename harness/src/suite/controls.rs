//! The controls of a client: its behaviour without an attack, and how its failure looks.

use upward_model::explain::{Event, Run};
use upward_model::message::{Command, Layer};
use upward_model::protocol::Protocol;
use upward_model::vector::Point;

use crate::evidence::{Confirmed, Lifted};
use crate::judge::{Judgement, Verdict};
use crate::results::{Controls, Failed, WIRE, transcript};
use crate::scene::Scene;
use crate::subject::{Destination, UserReport};
use crate::suite::repeat::TIMES;
use crate::suite::subject::{Launched, Subject};
use crate::suite::{SuiteError, blind, end};
use crate::wire::{Form, Record, Side, What};

impl Controls {
    /// Plays all controls.
    pub(super) async fn run(client: &mut (impl Subject + Sync)) -> Result<Self, SuiteError> {
        let controls = Self::first(client).await?;
        if controls.honest.is_err() {
            return Ok(controls);
        }
        controls.rest(client).await
    }

    /// Plays the controls that every vector needs: the honest server and the deserted port. Assumes
    /// that the other controls show nothing wrong.
    pub(crate) async fn first(client: &mut (impl Subject + Sync)) -> Result<Self, SuiteError> {
        let (launched, judgement) = client.honest("control-first").await?;
        let reaction = launched.trial.record.slowest_reaction();
        client.known_mut().learn(&launched.trial);
        let honest = Scene::honest(client.protocol(), client.policy());
        let reached = launched.trial.evidence.reached.clone();
        let mut controls = Self {
            honest: Ok(()),
            waits: true,
            tells: true,
            checks: true,
            asks_again: asks_again(&launched.trial.evidence.run),
            reached,
            reaction,
        };
        if let Some(why) = why_not(&launched, &judgement) {
            let broken = breaks_a_rule(&judgement) && fails_again(client).await?;
            let why = if broken { why + &rule(client.protocol(), &judgement) } else { why };
            controls.honest = Err(failed(&launched, &judgement, why, broken));
            return Ok(controls);
        }
        client.known().twins.add(&honest.peer, launched.trial.evidence.inside).await;
        let deserted = client.launch(&honest, "control-deserted", Destination::Deserted).await?;
        controls.tells = deserted.told == UserReport::Failure;
        client.known_mut().tells = controls.tells;
        Ok(controls)
    }

    /// Plays the other controls.
    pub(crate) async fn rest(
        mut self,
        client: &mut (impl Subject + Sync),
    ) -> Result<Self, SuiteError> {
        let honest = Scene::honest(client.protocol(), client.policy());
        let stranger =
            client.launch(&honest, "control-authority", Destination::OtherAuthority).await?;
        self.checks = !stranger.trial.evidence.arrived || !client.policy().needs_tls();
        let scene = blind::withheld(&honest, Point::Inside);
        let kept_waiting = client.launch(&scene, "control-withheld", Destination::Persona).await?;
        let evidence = kept_waiting.trial.evidence;
        client.known_mut().goes_on_at_the_end = end::goes_on(&evidence.run);
        self.waits = !blind::goes_on_unanswered(&evidence.run)
            || blind::may_run_ahead(&*client.known().stagehand.codec, &evidence.run)
                && blind::waits_in_clear(client, &honest).await?;
        client.known().twins.add(&scene.peer, evidence.inside).await;
        Ok(self)
    }
}

/// Whether the bytes of a run with an honest server show that a rule was broken. The exit code is not
/// used: it is not known yet how the client's success looks.
fn breaks_a_rule(judgement: &Judgement) -> bool {
    judgement.verdict == Verdict::Fail && !judgement.leaks.is_empty()
}

/// Whether a client that broke a rule with an honest server breaks one in every repetition. Repeats as
/// often as for any failure.
async fn fails_again(client: &(impl Subject + Sync)) -> Result<bool, SuiteError> {
    for again in 1..TIMES {
        let (_, judgement) = client.honest(&format!("control-first-again-{again}")).await?;
        if !breaks_a_rule(&judgement) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Why a run with an honest server cannot be the control with which all other runs are compared; `None`
/// if it can.
fn why_not(launched: &Launched, judgement: &Judgement) -> Option<String> {
    let evidence = &launched.trial.evidence;
    if evidence.run.is_empty() {
        Some("the client never connected".to_owned())
    } else if evidence.run.iter().all(Vec::is_empty) {
        Some("the client connected, and said nothing".to_owned())
    } else if breaks_a_rule(judgement) {
        Some(format!("with an honest server that offers TLS, the client {}", judgement.reason))
    } else if !evidence.recognised
        && [Point::Login, Point::Delivery].iter().any(|point| evidence.reached.contains(point))
    {
        Some(SENDS_NEITHER.to_owned())
    } else if let Some(version) = old_version(&launched.trial.record) {
        Some(format!(
            "the client offers {version} and nothing newer; the server speaks TLS 1.2 and TLS 1.3 \
             (RFC 8996 forbids older versions)"
        ))
    } else if !evidence.arrived && logs_in_only(&launched.trial.lifted) {
        Some(
            "the client logged in, and its {body} never came to the server: take {body} away from a \
             client that only logs in, or let it deliver"
                .to_owned(),
        )
    } else if !evidence.arrived {
        Some(format!(
            "the client did not deliver to an honest server: the run's {{body}} or, of a client that \
             only logs in, its {{password}} did not come to it inside TLS ({})",
            judgement.reason
        ))
    } else if !evidence.recognised {
        Some(SENDS_NEITHER.to_owned())
    } else if !evidence.delivered {
        Some(format!(
            "an honest server was given the data and the run did not end well ({})",
            judgement.reason
        ))
    } else if evidence.hung {
        Some("the client delivered to an honest server, and did not end by itself".to_owned())
    } else if launched.told == UserReport::Failure {
        Some(
            "the client delivered to an honest server, and tells its user that it failed"
                .to_owned(),
        )
    } else {
        None
    }
}

/// Whether the client asked for the capabilities again inside TLS, if it reached TLS and had asked in
/// clear.
fn asks_again(honest: &Run) -> bool {
    honest.iter().all(|events| {
        let inside = events.iter().any(|event| matches!(event, Event::Handshake(_)));
        let asks = |layer| events.contains(&Event::Heard(Command::Hello, layer));
        !inside || !asks(Layer::Clear) || asks(Layer::Tls)
    })
}

/// Whether at least one login was confirmed inside TLS, and no other login or delivery.
fn logs_in_only(lifted: &Lifted) -> bool {
    let confirmed = lifted.confirmed();
    let login = |one: &Confirmed| !one.delivery && one.authenticated;
    confirmed.iter().any(login) && confirmed.iter().all(login)
}

/// The newest TLS version that a client offers, if the server supports only newer ones.
fn old_version(record: &Record) -> Option<&'static str> {
    let entries = record.entries();
    if entries.iter().any(|entry| entry.what == What::TlsStarted) {
        return None;
    }
    // The version in a ClientHello is after the headers of its record and of its message (RFC 5246
    // section 7.4.1.2). Versions after TLS 1.2 send the number of TLS 1.2 there.
    let hello = entries.iter().find_map(|entry| match &entry.what {
        What::Bytes { from: Side::Client, form: Form::Records, bytes } => bytes.get(..11),
        _ => None,
    })?;
    match (hello[0], hello[5], &hello[9..]) {
        (0x16, 1, [3, 0]) => Some("SSL 3.0"),
        (0x16, 1, [3, 1]) => Some("TLS 1.0"),
        (0x16, 1, [3, 2]) => Some("TLS 1.1"),
        _ => None,
    }
}

/// The rule that was broken, and its source.
fn rule(protocol: &Protocol, judgement: &Judgement) -> String {
    let levels = judgement.broken.iter().map(|property| protocol.level(property));
    levels
        .min()
        .map_or_else(String::new, |(level, source)| format!(" ({}: {source})", level.name()))
}

const SENDS_NEITHER: &str = "the client sends neither the run's {password} nor its {body}, not even \
                             inside TLS: no leak could be seen";

fn failed(launched: &Launched, judgement: &Judgement, what: String, broken: bool) -> Failed {
    let text = String::from_utf8_lossy(&launched.output).into_owned();
    let from = text.char_indices().rev().nth(1200).map_or(0, |(at, _)| at);
    Failed {
        reason: format!("{what}; it ended with {}", launched.exit),
        broken,
        wire: if broken {
            let lines = transcript(&launched.trial, None, judgement);
            let files = launched.directory.display();
            lines.iter().map(|line| format!("{line}\n")).chain([format!("({files})\n")]).collect()
        } else {
            launched.trial.record.render_at_most(WIRE)
        },
        output: text[from..].to_owned(),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_question_that_is_not_asked_again_is_seen() {
        let asks = |layer| Event::Heard(Command::Hello, layer);
        let tls = Event::Handshake(upward_model::client::Peer::Genuine);
        let clear = asks(Layer::Clear);
        assert!(!asks_again(&vec![vec![clear.clone(), tls.clone()]]));
        assert!(asks_again(&vec![vec![clear.clone(), tls.clone(), asks(Layer::Tls)]]));
        // The client does not ask in clear, or does not reach TLS.
        assert!(asks_again(&vec![vec![tls], vec![clear]]));
    }

    #[test]
    fn an_old_version_is_read_from_the_client_hello() {
        let offers = |version: [u8; 2]| {
            let record = Record::default();
            let head = [0x16, 3, 1, 0, 100, 1, 0, 0, 96];
            let bytes = [&head[..], &version].concat();
            record.push(0, What::Bytes { from: Side::Client, form: Form::Records, bytes });
            old_version(&record)
        };
        assert_eq!(offers([3, 1]), Some("TLS 1.0"));
        assert_eq!(offers([3, 2]), Some("TLS 1.1"));
        assert_eq!(offers([3, 3]), None);
        assert_eq!(old_version(&Record::default()), None);
    }
}
