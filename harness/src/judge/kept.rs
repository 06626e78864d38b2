//! What a client shows to have kept from before TLS, where the steps of the model do not tell.

use upward_model::explain::Event;
use upward_model::flaw::Flaw;
use upward_model::message::{Command, Layer, Piece};
use upward_model::property::Property;

use crate::judge::{Evidence, Question, naming};

/// What was kept.
pub(super) struct Kept {
    /// The property that is broken.
    pub(super) property: Property,
    /// The mistake that it looks like.
    pub(super) flaw: Flaw,
    /// What shows it, where that is a comparison with an honest run: a sentence without its subject.
    pub(super) why: Option<String>,
}

/// What a client shows to have kept.
pub(super) fn kept(question: &Question<'_>, evidence: &Evidence) -> Option<Kept> {
    if answers_what_came_before(evidence) {
        let (property, flaw) = (Property::NoClearBytesUsedInsideTls, Flaw::KeepsBuffer);
        return Some(Kept { property, flaw, why: None });
    }
    // Where all is honest inside TLS, what is done otherwise there comes from what was said before.
    if !evidence.honest_inside {
        return None;
    }
    let otherwise = logs_in_otherwise(question, evidence);
    let why = leaves_out_login(question, evidence).or(otherwise)?;
    let why = Some(format!("{why}: nothing but what came in clear was different"));
    let open = evidence.run.last().and_then(|events| left_open(events));
    let (property, flaw) = if let Some(flaw) = open {
        (Property::NoClearBytesUsedInsideTls, flaw)
    } else if question.likely.contains(&Flaw::KeepsCapabilities) {
        (Property::ClearKnowledgeForgotten, Flaw::KeepsCapabilities)
    } else {
        (Property::NoJump, Flaw::BelievesEarlySuccess)
    };
    Some(Kept { property, flaw, why })
}

/// Whether the client said more to a server that was silent inside TLS than it usually does to one that
/// is, or ended well where it usually fails: what was injected before is all that it can have taken for
/// an answer.
fn answers_what_came_before(evidence: &Evidence) -> bool {
    let (Some(now), Some(usually)) = (evidence.unanswered, evidence.usually_unanswered) else {
        return false;
    };
    let more = now.lines > usually.lines.max(1) || now.succeeds && !usually.succeeds;
    more && evidence.run.last().is_some_and(|events| was_told_more(events))
}

/// Whether more was said in clear than the answer to the upgrade request, once that was made.
fn was_told_more(events: &[Event]) -> bool {
    let asked = Event::Heard(Command::Upgrade, Layer::Clear);
    let since = events.iter().skip_while(|event| **event != asked);
    let pieces = |event: &Event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => segment.pieces().len(),
        _ => 0,
    };
    since.map(pieces).sum::<usize>() > 1
}

/// A client that logs in with an honest server delivered without, although nobody had said that it is
/// logged in.
fn leaves_out_login(question: &Question<'_>, evidence: &Evidence) -> Option<String> {
    let left_out = evidence.run.last().is_some_and(|events| naming::delivers_unknown(events));
    (question.habits.logs_in && left_out).then(|| {
        "delivered inside TLS without a login, and does log in with an honest server".to_owned()
    })
}

/// A client logs in otherwise than with an honest server, where it was offered something else in clear.
fn logs_in_otherwise(question: &Question<'_>, evidence: &Evidence) -> Option<String> {
    [Flaw::KeepsCapabilities, Flaw::KeepsFragment, Flaw::KeepsOpenReply]
        .iter()
        .find(|flaw| question.likely.contains(flaw))?;
    let (now, usually) = (evidence.login.as_ref()?, evidence.usual_login.as_ref()?);
    (now != usually).then(|| {
        format!("logged in by `{now}` inside TLS, and by `{usually}` with an honest server")
    })
}

/// What a client keeps that completes what was left open in clear: half a line, or a reply of several
/// lines; `None` if nothing was left open.
fn left_open(events: &[Event]) -> Option<Flaw> {
    let clear = events.iter().filter_map(|event| match event {
        Event::Said { segment, layer: Layer::Clear, .. } => Some(segment),
        _ => None,
    });
    clear.flat_map(|segment| segment.pieces()).find_map(|piece| match piece {
        Piece::Whole(_) => None,
        Piece::Line(_) => Some(Flaw::KeepsFragment),
        Piece::Block(_) => Some(Flaw::KeepsOpenReply),
    })
}

#[cfg(test)]
mod tests {
    use upward_model::explain::{Habits, Run};
    use upward_model::message::{Reply, Segment};
    use upward_model::policy::Policy;
    use upward_model::protocol::SMTP;

    use super::*;
    use crate::judge::Unanswered;

    #[test]
    fn what_is_done_otherwise_where_only_the_clear_text_differs_was_kept() {
        let delivers = vec![vec![Event::Heard(Command::Deliver, Layer::Tls)]];
        let question = |logs_in, likely: &'static [Flaw]| Question {
            protocol: &SMTP,
            sessions: &[Policy::Required],
            reached: None,
            likely,
            habits: Habits { logs_in },
        };
        let honest = Evidence { honest_inside: true, ..Evidence::default() };
        let left_out = Evidence { run: delivers, ..honest.clone() };
        let found = |question: &Question<'_>, evidence: &Evidence| {
            kept(question, evidence).map(|kept| (kept.flaw, kept.why.is_some()))
        };
        let by_list = Some((Flaw::KeepsCapabilities, true));
        assert_eq!(found(&question(true, &[Flaw::KeepsCapabilities]), &left_out), by_list);
        let by_words = Some((Flaw::BelievesEarlySuccess, true));
        assert_eq!(found(&question(true, &[]), &left_out), by_words);
        // It never logs in; somebody else spoke inside TLS.
        assert_eq!(found(&question(false, &[]), &left_out), None);
        let attacked = Evidence { honest_inside: false, ..left_out };
        assert_eq!(found(&question(true, &[]), &attacked), None);
        let logs_in = |now: &str| Evidence {
            login: Some(now.to_owned()),
            usual_login: Some("AUTH PLAIN".to_owned()),
            ..honest.clone()
        };
        let listed = question(true, &[Flaw::KeepsCapabilities]);
        assert_eq!(found(&listed, &logs_in("AUTH LOGIN")), by_list);
        // As usual; nothing else was offered in clear.
        assert_eq!(found(&listed, &logs_in("AUTH PLAIN")), None);
        assert_eq!(found(&question(true, &[]), &logs_in("AUTH LOGIN")), None);
    }

    #[test]
    fn what_was_injected_is_taken_for_an_answer_where_nothing_else_was_said() {
        let did = |lines, succeeds| Some(Unanswered { lines, succeeds });
        let said = |pieces: &[Reply], layer| Event::Said {
            segment: Segment::new(
                &pieces.iter().map(|&reply| Piece::Whole(reply)).collect::<Vec<_>>(),
            ),
            layer,
            answers: None,
        };
        let run = |answer: &[Reply]| {
            let asked = Event::Heard(Command::Upgrade, Layer::Clear);
            let inside = said(&[Reply::Done, Reply::Done], Layer::Tls);
            vec![vec![
                said(&[Reply::Greeting], Layer::Clear),
                asked,
                said(answer, Layer::Clear),
                inside,
            ]]
        };
        let injected = run(&[Reply::Accept, Reply::LoggedIn]);
        let takes = |run: &Run, unanswered, usually_unanswered| {
            let evidence = Evidence {
                run: run.clone(),
                unanswered,
                usually_unanswered,
                ..Evidence::default()
            };
            answers_what_came_before(&evidence)
        };
        assert!(takes(&injected, did(2, false), did(1, false)));
        assert!(takes(&injected, did(1, true), did(1, false)));
        // It always does; it is the first line; it is not known; nothing was injected.
        assert!(!takes(&injected, did(2, true), did(2, true)));
        assert!(!takes(&injected, did(1, false), did(0, false)));
        assert!(!takes(&injected, did(2, true), None) && !takes(&injected, None, did(1, false)));
        assert!(!takes(&run(&[Reply::Accept]), did(2, true), did(1, false)));
    }
}
