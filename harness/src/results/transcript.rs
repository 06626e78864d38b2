//! The part of the dialogue around the evidence.

use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::property::Property;
use upward_model::protocol::TAG;
use upward_model::vector::{Do, Outcome, PeerRecord, Vector};

use crate::catalogue;
use crate::evidence::Stage;
use crate::judge::{Judgement, Leak};
use crate::trial::Trial;
use crate::wire::{Entry, Form, Side, What, escape};
use crate::words::plural;

/// How many lines of the dialogue are shown before the evidence.
const BEFORE: usize = 7;

/// How many lines of the dialogue are shown after it.
const BEHIND: usize = 4;

/// How many characters of a line are shown.
const WIDTH: usize = 110;

/// How many characters of the marked part of a line are shown.
const LONGEST_MARK: usize = 400;

/// How many characters are shown before a mark that is far from the start of its line.
const LEAD: usize = 20;

/// How many bytes of a line are used.
const LOOKED_AT: usize = 4096;

/// One line of a dialogue, with a mark on the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line.
    pub text: String,
    /// The range of the marked characters.
    pub marked: Option<Range<usize>>,
    /// A description of the marked characters.
    pub note: Option<String>,
}

impl Line {
    const fn plain(text: String) -> Self {
        Self { text, marked: None, note: None }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)?;
        if let Some(marked) = &self.marked {
            let mark = "^".repeat(marked.len().max(1));
            let note = self.note.as_deref().unwrap_or_default();
            write!(f, "\n{}{mark} {note}", " ".repeat(marked.start))?;
        }
        Ok(())
    }
}

/// The dialogue around the evidence; `vector` is `None` for an honest server.
pub(crate) fn transcript(
    trial: &Trial,
    vector: Option<&Vector>,
    judgement: &Judgement,
) -> Vec<Line> {
    let entries: Vec<Entry> = trial
        .record
        .entries()
        .into_iter()
        .filter(|entry| !matches!(&entry.what, What::Bytes { form: Form::Records, .. }))
        .collect();
    // The clearest evidence: a password first, then another canary, then a command.
    let leak = judgement.leaks.iter().min_by_key(|leak| {
        let canary = leak.canary.as_ref();
        let rank = canary.map_or(2, |(kind, _)| u8::from(kind != "password"));
        (leak.canary.is_none(), rank, leak.connection, leak.range.start)
    });
    let mut position = None;
    let mut sent = 0;
    let mut lines: Vec<Line> = Vec::new();
    for entry in &entries {
        let mut line = Line::plain(shown(entry));
        if let (Some(leak), What::Bytes { from: Side::Client, form, bytes }) = (leak, &entry.what) {
            let inside = leak.stage == Stage::Unauthenticated;
            let form_of_leak = if inside { Form::Inside } else { Form::Clear };
            if entry.line == leak.connection.into() && *form == form_of_leak {
                let range = sent..sent + bytes.len();
                sent = range.end;
                if position.is_none() && range.contains(&leak.range.start) {
                    position = Some(lines.len());
                    let at = leak.range.start - range.start;
                    let to = (leak.range.end - range.start).min(bytes.len());
                    line = marked(line, bytes, at..to, leak);
                }
            }
        }
        // Mark only the line after the attack: the true server may have sent the same before.
        let follows_attack = lines.last().is_some_and(tells_of_attack);
        let injects = leak.is_none() && judgement.outcome == Outcome::Injected && follows_attack;
        if let Some(vector) = vector.filter(|_| injects) {
            line = with_injection(line, &vector.peer);
        }
        lines.push(line);
    }
    let center = position
        .or_else(|| lines.iter().position(tells_of_attack))
        .unwrap_or(lines.len().saturating_sub(1));
    let first = match lines[..center.min(lines.len())].iter().rposition(tells_of_attack) {
        Some(attack) if position.is_some() => attack.min(center.saturating_sub(BEFORE)),
        _ => center.saturating_sub(BEFORE),
    };
    let last = (center + BEHIND + 8 * usize::from(position.is_none())).min(lines.len());
    let mut scene = Vec::new();
    if let Some([now, twin]) = &judgement.compared {
        scene.push(Line::plain(format!("commands inside TLS with the attack:    {now}")));
        scene.push(Line::plain(format!("commands inside TLS without the attack: {twin}")));
    }
    if first > 0 {
        scene.push(Line::plain(format!("({} before)", plural(first, "line"))));
    }
    scene.extend(lines[first..last].iter().cloned().map(fitting));
    if last < lines.len() {
        scene.push(Line::plain(format!(
            "({} more in wire.txt)",
            plural(lines.len() - last, "line")
        )));
    }
    scene
}

/// Whether a line announces that the attacker changes the next message.
fn tells_of_attack(line: &Line) -> bool {
    line.text.contains("(here the attacker")
}

/// Marks the bytes that the attacker put into a segment.
fn with_injection(line: Line, peer: &PeerRecord) -> Line {
    if !line.text.contains("SERVER: ") || line.text.contains("[tls]") {
        return line;
    }
    let codec = catalogue::by_name(&peer.persona).map(|entry| entry.codec());
    let injected = peer.deviations.iter().filter(|d| d.action == Do::Append).find_map(|d| {
        let text = d.text.as_deref()?;
        let escaped = |text: &str| Some(escape(&codec.as_ref()?.bytes(text)));
        // The tag in the bytes is the client's, so search for the words after it.
        let at = match text.strip_prefix(TAG) {
            Some(words) => {
                let at = line.text.rfind(&escaped(words)?)?;
                line.text[..at].rfind("\\n").map_or(at, |end| end + 2)
            }
            None => line.text.rfind(&escaped(text.split(TAG).next()?)?)?,
        };
        // The injected bytes end the segment.
        Some(line.text[..at].chars().count()..line.text.chars().count())
    });
    match injected {
        Some(range) => {
            let note = Some("these bytes came before TLS".to_owned());
            Line { marked: Some(range), note, ..line }
        }
        None => line,
    }
}

fn shown(entry: &Entry) -> String {
    match &entry.what {
        What::Connected => format!("(client connects, connection {})", entry.line.connection + 1),
        What::Bytes { from, form, bytes } => {
            let side = if *from == Side::Client { "CLIENT" } else { "SERVER" };
            let layer = if *form == Form::Inside { "  [tls] " } else { "        " };
            format!("{layer}{side}: {}", escape(&bytes[..bytes.len().min(LOOKED_AT)]))
        }
        What::TlsFailed(why) => format!("*** TLS FAILS ({why})"),
        other => other.render(),
    }
}

/// A line cut to the shown length. If the mark is too far right, the text before it is left out.
fn fitting(line: Line) -> Line {
    let length = line.text.chars().count();
    if length <= WIDTH {
        return line;
    }
    let part =
        |from: usize, to: usize| -> String { line.text.chars().take(to).skip(from).collect() };
    let Some(marked) = line.marked.clone().filter(|marked| marked.end > WIDTH) else {
        return Line { text: format!("{}...", part(0, WIDTH)), ..line };
    };
    let head = line.text.find(": ").map_or(0, |at| at + 2);
    let end = marked.end.min(marked.start + LONGEST_MARK);
    let from = if marked.start > WIDTH { marked.start - LEAD } else { head };
    let skipped = if from > head { "..." } else { "" };
    let rest = if end < length { "..." } else { "" };
    let text = format!("{}{skipped}{}{rest}", part(0, head), part(from, end));
    let shift = |at: usize| at - from + head + skipped.len();
    Line { text, marked: Some(shift(marked.start)..shift(end)), ..line }
}

/// Marks bytes of a line, and describes them.
fn marked(line: Line, bytes: &[u8], range: Range<usize>, leak: &Leak) -> Line {
    let Some(prefix) = line.text.find(": ") else { return line };
    let from = prefix + 2 + escape(&bytes[..range.start]).chars().count();
    let to = from + escape(&bytes[range]).trim_end_matches("\\r\\n").chars().count();
    let note = match &leak.canary {
        Some((kind, form)) => {
            let decoded = if form.contains("base64") { decoded(bytes) } else { None };
            let decoded =
                decoded.map_or_else(String::new, |text| format!("; the whole decodes to {text}"));
            format!("the {kind}, {form}{decoded}")
        }
        None if leak.property == Property::NothingBetweenRequestAndHandshake => {
            "not allowed between the upgrade request and the handshake".to_owned()
        }
        None => "not allowed outside TLS".to_owned(),
    };
    let width = line.text.chars().count();
    Line { marked: Some(from.min(width)..to.min(width)), note: Some(note), ..line }
}

/// The longest word of base64 in a line, decoded.
fn decoded(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let word = text.split_whitespace().max_by_key(|word| word.len())?;
    let plain = STANDARD.decode(word).ok()?;
    Some(escape(&plain))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use upward_model::client::Negotiator;
    use upward_model::explain::Habits;
    use upward_model::flaw::Flaw;
    use upward_model::policy::Policy;
    use upward_model::protocol::SMTP;

    use super::*;
    use crate::certificate::Certificates;
    use crate::scene::Scene;
    use crate::trial::{Stagehand, against_reference, judge_vector};

    #[test]
    fn what_is_marked_is_shown_whole() {
        let line = |length: usize, marked: Option<Range<usize>>| {
            let text: String = "SERVER: ".chars().chain(('a'..='z').cycle()).take(length).collect();
            let line = Line { text, marked, note: None };
            let fitted = fitting(line.clone());
            if let (Some(before), Some(after)) = (&line.marked, &fitted.marked) {
                assert_eq!(line.text[before.clone()], fitted.text[after.clone()], "{fitted:?}");
            }
            fitted.text
        };
        assert_eq!(line(WIDTH, None).len(), WIDTH);
        assert_eq!(line(300, None).len(), WIDTH + 3);
        assert_eq!(line(300, Some(8..20)).len(), WIDTH + 3);
        assert!(line(300, Some(280..300)).starts_with("SERVER: ..."));
        assert!(line(300, Some(280..290)).ends_with("..."));
        assert_eq!(line(300, Some(8..300)).len(), 300);
        assert!(line(300, Some(120..300)).starts_with("SERVER: ..."));
        assert_eq!(line(300, Some(60..300)).len(), 300);
    }

    /// The injected list is the same as the one that the true server has sent before.
    #[tokio::test]
    async fn marks_what_the_attacker_said_and_not_the_same_words_of_the_server() {
        let vectors = crate::vectors::committed(SMTP.name).unwrap().vectors;
        let id = "smtp/rsp/upgrade-then-offer";
        let vector = vectors.into_iter().find(|vector| vector.id == id).unwrap();
        let codec = Arc::new(crate::codec::Smtp);
        let certificates = Arc::new(Certificates::new().unwrap());
        let stagehand = Stagehand::new(codec, certificates, Duration::from_secs(1));
        let client = Negotiator::sound(&SMTP, Policy::Required).with_flaws(Flaw::KeepsBuffer);
        let played = Scene::of(&SMTP, &vector);
        let (trial, _) = against_reference(&stagehand, &played, &client, 1).await.unwrap();
        let judgement = judge_vector(&played, &vector, Habits::default(), &trial.evidence);
        let lines = transcript(&trial, Some(&vector), &judgement);
        let marked: Vec<usize> =
            (0..lines.len()).filter(|&at| lines[at].marked.is_some()).collect();
        let [at] = marked[..] else { panic!("{lines:#?}") };
        assert!(tells_of_attack(&lines[at - 1]), "{lines:#?}");
        assert!(lines[at].text.contains("220 2.0.0 Ready to start TLS"), "{lines:#?}");
    }
}
