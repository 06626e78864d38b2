//! For people: what happened, whose fault it is, what to do next.

use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upward_model::vector::{Do, Outcome, Vector};

use crate::judge::{Judgement, Stage};
use crate::report::{Report, Row, worst};
use crate::trial::Trial;
use crate::wire::{Entry, Form, Side, What, escape};

/// How many lines of the dialogue are shown before the evidence.
const BEFORE: usize = 7;

/// How many after it.
const BEHIND: usize = 4;

/// How much of a line is shown.
const WIDTH: usize = 110;

/// One line of a dialogue, and what of it is the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line.
    pub text: String,
    /// The characters of it that are marked.
    pub marked: Option<Range<usize>>,
    /// What the marked characters are.
    pub note: Option<String>,
}

impl Line {
    const fn plain(text: String) -> Self {
        Self { text, marked: None, note: None }
    }
}

/// The dialogue around the evidence.
pub(super) fn scene(trial: &Trial, vector: &Vector, judgement: &Judgement) -> Vec<Line> {
    let entries: Vec<Entry> = trial
        .record
        .entries()
        .into_iter()
        .filter(|entry| !matches!(&entry.what, What::Bytes { form: Form::Records, .. }))
        .collect();
    // The plainest evidence: a secret as it is, before one in disguise, before a mere command.
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
            if entry.connection == leak.connection && *form == form_of_leak {
                let range = sent..sent + bytes.len();
                sent = range.end;
                if position.is_none() && range.contains(&leak.range.start) {
                    position = Some(lines.len());
                    let at = leak.range.start - range.start;
                    let to = (leak.range.end - range.start).min(bytes.len());
                    line = marked(line, bytes, at..to, leak.canary.as_ref());
                }
            }
        }
        if leak.is_none() && judgement.outcome == Outcome::Injected {
            line = with_injection(line, vector);
        }
        lines.push(line);
    }
    let injected = |line: &Line| line.text.contains("(here the attacker");
    let center = position
        .or_else(|| lines.iter().position(injected))
        .unwrap_or(lines.len().saturating_sub(1));
    let first = match lines[..center.min(lines.len())].iter().rposition(injected) {
        Some(attack) if position.is_some() => attack.min(center.saturating_sub(BEFORE)),
        _ => center.saturating_sub(BEFORE),
    };
    let last = (center + BEHIND + 8 * usize::from(position.is_none())).min(lines.len());
    let mut scene = Vec::new();
    if first > 0 {
        scene.push(Line::plain(format!("({first} lines before)")));
    }
    scene.extend(lines[first..last].iter().cloned());
    if last < lines.len() {
        scene.push(Line::plain(format!("({} lines more in wire.txt)", lines.len() - last)));
    }
    scene
}

/// Marks the bytes that the attacker put into a segment.
fn with_injection(line: Line, vector: &Vector) -> Line {
    if !line.text.contains("SERVER: ") || line.text.contains("[tls]") {
        return line;
    }
    let injected = vector.peer.deviations.iter().filter(|d| d.action == Do::Append).find_map(|d| {
        let text = escape(d.text.as_deref()?.replace('\n', "\r\n").as_bytes());
        // The line may have been cut: its first words are enough.
        let start: String = text.chars().take(24).collect();
        let at = line.text.rfind(&start)?;
        let from = line.text[..at].chars().count();
        let to = (from + text.chars().count()).min(line.text.chars().count());
        Some(from..to)
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
    let text = match &entry.what {
        What::Connected => format!("(client connects, connection {})", entry.connection + 1),
        What::Bytes { from, form, bytes } => {
            let side = if *from == Side::Client { "CLIENT" } else { "SERVER" };
            let layer = if *form == Form::Inside { "  [tls] " } else { "        " };
            format!("{layer}{side}: {}", escape(bytes))
        }
        What::TlsStarted => "*** TLS STARTS".to_owned(),
        What::TlsFailed(why) => format!("*** TLS FAILS ({why})"),
        What::TlsEnded => "*** TLS ENDS".to_owned(),
        What::Closed(Side::Client, how) => format!("(client closes{how})"),
        What::Closed(Side::Server, how) => format!("(server closes{how})"),
        What::Deviates(how) => format!("(here the attacker {how})"),
    };
    if text.chars().count() > WIDTH {
        let cut: String = text.chars().take(WIDTH).collect();
        format!("{cut}...")
    } else {
        text
    }
}

/// Marks bytes of a line, and says what they are.
fn marked(
    line: Line,
    bytes: &[u8],
    range: Range<usize>,
    canary: Option<&(String, String)>,
) -> Line {
    let Some(prefix) = line.text.find(": ") else { return line };
    let from = prefix + 2 + escape(&bytes[..range.start]).chars().count();
    let to = from + escape(&bytes[range]).trim_end_matches("\\r\\n").chars().count();
    let note = match canary {
        Some((kind, form)) => {
            let decoded = if form.contains("base64") { decoded(bytes) } else { None };
            let decoded = decoded.map_or_else(String::new, |text| format!("; decoded: {text}"));
            format!("the {kind}, {form}{decoded}")
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

/// A failure at length.
pub fn failure(row: &Row, client: &str) -> String {
    let mut text = String::new();
    let Some(judgement) = &row.judgement else { return text };
    let _ = writeln!(
        text,
        "{}  {}  {}",
        row.verdict().to_uppercase(),
        judgement.outcome.name(),
        row.vector.id
    );
    let _ = writeln!(text, "  attack    {}", row.vector.summary);
    if let Some((property, level, source)) = worst(row) {
        let _ = writeln!(text, "  rule      {} ({}: {source})", property.meaning(), level.name());
    }
    let sound: Vec<&str> = row.vector.sound.iter().map(|outcome| outcome.name()).collect();
    let _ = writeln!(text, "  expected  a sound client shows here: {}", sound.join(" or "));
    let _ = writeln!(text, "  actual    {client} {} ({})", judgement.reason, row.exit);
    for flaw in judgement.flaws.iter().take(3) {
        let _ = writeln!(text, "  looks like {}: {}", flaw.name(), flaw.note().summary);
    }
    if row.announced {
        let _ =
            writeln!(text, "  announced its authors document this mode: no surprise, and no bug");
    }
    let _ = writeln!(text, "  dialogue");
    for line in &row.scene {
        let _ = writeln!(text, "    | {}", line.text);
        if let Some(marked) = &line.marked {
            let mark = "^".repeat(marked.len().max(1));
            let note = line.note.as_deref().unwrap_or_default();
            let _ = writeln!(text, "    | {}{mark} {note}", " ".repeat(marked.start));
        }
    }
    let _ = writeln!(text, "  files     {}", row.artefacts.display());
    let _ = writeln!(text, "  again     {}", row.again);
    text
}

/// How much is told of what the client's authors announce themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As much as of anything else.
    All,
    /// One line: the reader has asked about many clients.
    Brief,
}

/// A number of vectors, in words.
pub fn vectors(count: usize) -> String {
    format!("{count} vector{}", if count == 1 { "" } else { "s" })
}

/// The whole report, failures first.
pub fn summary(report: &Report, strict: bool, detail: Detail) -> String {
    let mut text = String::new();
    let version = report.version.as_deref().map_or_else(String::new, |v| format!(" ({v})"));
    let _ = writeln!(
        text,
        "{}{version}: {} under policy {}, {}",
        report.client,
        report.protocol,
        report.policy,
        vectors(report.rows.len())
    );
    if report.interrupted {
        let _ = writeln!(text, "INTERRUPTED: the other vectors were not played");
    }
    controls(report, &mut text);
    if let Some(failed) = report.control_failure() {
        let _ = writeln!(text, "\nno verdict: {}", failed.reason);
        let _ = writeln!(text, "what went over the wire:");
        for line in failed.wire.lines().take(40) {
            let _ = writeln!(text, "    | {line}");
        }
        if !failed.output.trim().is_empty() {
            let _ = writeln!(text, "what the client wrote:");
            for line in failed.output.lines() {
                let _ = writeln!(text, "    | {line}");
            }
        }
        return text;
    }
    let told = |row: &&Row| {
        let verdict = row.verdict();
        verdict == "fail" || verdict == "error" || (strict && verdict == "weak")
    };
    let brief = detail == Detail::Brief;
    let told = |row: &&Row| told(row) && !(brief && row.announced);
    let failures: Vec<&Row> = row_groups(report.rows.iter().filter(told));
    for row in failures.iter().take(SHOWN) {
        let _ = write!(text, "\n{}", failure(row, &report.client));
    }
    let all = report.rows.iter().filter(told).count();
    if all > 0 {
        let _ = writeln!(text, "\n{all} failed:");
        for row in report.rows.iter().filter(told) {
            let outcome = row.judgement.as_ref().map_or("", |judgement| judgement.outcome.name());
            let _ = writeln!(text, "  {:<10} {}", outcome, row.vector.id);
        }
    }
    if brief {
        let announced = |row: &&Row| row.announced && row.verdict() == "fail";
        let leaking = report.rows.iter().filter(announced).count();
        if leaking > 0 {
            let _ = writeln!(
                text,
                "gives secrets away in {}, as its authors document; to see how: upward run --client '{}'",
                vectors(leaking),
                report.client
            );
        }
    } else {
        others(report, strict, &mut text);
    }
    let counts = report.counts;
    let _ = write!(
        text,
        "{}{} passed, {} weak, {} failed, {} inconclusive, {} skipped",
        if brief { "" } else { "\n" },
        counts.pass,
        counts.weak,
        counts.fail,
        counts.inconclusive,
        counts.skipped
    );
    if counts.error > 0 {
        let _ = write!(text, ", {} errors of ours", counts.error);
    }
    if let Some(broken) = report.broken_announcement() {
        let _ = write!(text, "; {broken}");
    }
    if counts.announced > 0 {
        let _ = write!(text, "; {} of them as announced", counts.announced);
    }
    text.push('\n');
    text
}

/// How many failures are told at length: one of each kind, and no more than this.
const SHOWN: usize = 3;

/// One failure of each kind: what it shows, and what it looks like.
fn row_groups<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'a Row> {
    let mut kinds = Vec::new();
    let mut groups = Vec::new();
    for row in rows {
        let kind = row.judgement.as_ref().map(|j| (j.outcome, j.flaws.first().copied()));
        if !kinds.contains(&kind) {
            kinds.push(kind);
            groups.push(row);
        }
    }
    groups
}

fn controls(report: &Report, text: &mut String) {
    let controls = &report.controls;
    let honest = if controls.honest.is_ok() { "delivers inside TLS" } else { "FAILED" };
    let mut line = format!("controls: honest server: {honest}");
    if controls.honest.is_ok() {
        let say = |fine: bool, yes: &str, no: &str| format!("; {}", if fine { yes } else { no });
        line += &say(controls.waits, "waits for replies", "TYPES WITHOUT READING");
        line += &say(controls.tells, "tells failure", "FAILURE LOOKS LIKE SUCCESS");
        line += &say(controls.checks, "checks the authority", "ACCEPTS ANY AUTHORITY");
        line += &format!("; answers within {} ms", controls.reaction.as_millis().max(1));
        if let Err(reason) = &report.last {
            line += &format!("; LAST CONTROL FAILED: {reason}");
        }
    }
    let _ = writeln!(text, "{line}");
}

fn others(report: &Report, strict: bool, text: &mut String) {
    for (verdict, title) in
        [("weak", "weak"), ("inconclusive", "inconclusive"), ("skipped", "skipped")]
    {
        if verdict == "weak" && strict {
            continue;
        }
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.verdict() == verdict).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{} {title}:", rows.len());
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for row in rows {
            let reason = row
                .judgement
                .as_ref()
                .map_or_else(|| row.skipped.clone().unwrap_or_default(), |j| j.reason.clone());
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, ids)) => ids.push(&row.vector.id),
                None => reasons.push((reason, vec![&row.vector.id])),
            }
        }
        for (reason, ids) in reasons {
            let _ = writeln!(text, "  {reason}:");
            for id in ids.iter().take(4) {
                let _ = writeln!(text, "    {id}");
            }
            if ids.len() > 4 {
                let _ = writeln!(text, "    and {} more", ids.len() - 4);
            }
        }
    }
}

/// A judgement of a run that was started by hand.
pub fn by_hand(vector: &Vector, trial: &Trial, judgement: Judgement) -> String {
    let row = Row {
        vector: vector.clone(),
        scene: scene(trial, vector, &judgement),
        wire: String::new(),
        judgement: Some(judgement),
        skipped: None,
        announced: false,
        exit: "started by hand".to_owned(),
        duration_ms: 0,
        artefacts: std::path::PathBuf::new(),
        again: format!("upward serve {}", vector.id),
    };
    failure(&row, "the client")
}
