//! The report for people: what happened, what caused it, what to do next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use upward_model::vector::Outcome;

use super::controls::{control_line, no_verdict};
use crate::results::{Entry, Problem, Results, Weight};
use crate::shell::{itself, quoted};
use crate::words::plural;

/// How much is printed about behaviour that the client's authors announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As much as about any other failure.
    All,
    /// One line, since the report covers many clients.
    Brief,
}

/// A number of vectors, in words.
pub fn vectors(count: usize) -> String {
    plural(count, "vector")
}

/// The whole report, failures first.
pub fn summary(results: &Results, detail: Detail) -> String {
    let mut text = String::new();
    let version = results.client.version.as_deref().map_or_else(String::new, |v| format!(" ({v})"));
    let _ = writeln!(
        text,
        "{}{version}: {} under policy {}, {}{}",
        results.client.name,
        results.protocol,
        results.policy,
        played(results),
        share(results)
    );
    if results.interrupted {
        let _ = writeln!(text, "INTERRUPTED: the other vectors were not played");
    }
    control_line(results, &mut text);
    if no_verdict(results, &mut text) {
        let _ = writeln!(text, "\nno vector was played (exit code {})", results.exit_code);
        waivers(&results.problems, &mut text);
        return text;
    }
    let brief = detail == Detail::Brief;
    let told = |entry: &&Entry| is_failure(results, entry) && !(brief && entry.announced);
    // Failures that are not announced come first.
    let (announced, news): (Vec<&Entry>, Vec<&Entry>) =
        results.results.iter().filter(told).partition(|entry| entry.announced);
    let mut shown = kinds(&news);
    shown.extend(kinds(&announced));
    for entry in shown.into_iter().take(SHOWN) {
        let _ = writeln!(text);
        for line in &entry.told {
            let _ = writeln!(text, "{line}");
        }
    }
    let failed = if results.strict { "failed, or weak and so not good enough" } else { "failed" };
    for (entries, title) in [(announced, "failed as announced"), (news, failed)] {
        if entries.is_empty() {
            continue;
        }
        let more = if entries.len() > SHOWN { "; -f ID shows one of them at length" } else { "" };
        let _ = writeln!(text, "\n{} {title}{more}:", entries.len());
        for entry in entries {
            let outcome = entry.outcome.map_or("", |outcome| outcome.name());
            let _ = writeln!(text, "  {:<10} {}", outcome, entry.vector);
        }
    }
    if brief {
        in_brief(results, &mut text);
    } else {
        others(results, &mut text);
        unexplained(results, &mut text);
    }
    cuts(results, &mut text);
    waivers(&results.problems, &mut text);
    let _ = writeln!(
        text,
        "{}{}{} (exit code {})",
        if brief { "" } else { "\n" },
        counts(results),
        results.beside_vectors().map_or_else(String::new, |(_, what)| format!("; {what}")),
        results.exit_code
    );
    text
}

/// What the brief report of one client among many leaves out, and the command that shows it.
fn in_brief(results: &Results, text: &mut String) {
    let command = format!("{} run --client {}", itself(), quoted(&results.client.name));
    let announced = |entry: &&Entry| entry.announced && entry.verdict == Weight::Fail;
    let leaking = results.results.iter().filter(announced).count();
    if leaking > 0 {
        let _ = writeln!(
            text,
            "gives secrets away in {}, as its authors document; to see how: {command}",
            vectors(leaking),
        );
    }
    let is_open = |entry: &&Entry| {
        let unsure = matches!(entry.verdict, Weight::Weak | Weight::Inconclusive);
        !entry.announced && (unsure || entry.unexplained.is_some())
    };
    let open = results.results.iter().filter(is_open).count();
    if open > 0 {
        let tier = results.selection.tier.as_deref().filter(|tier| *tier != "standard");
        let tier = tier.map_or_else(String::new, |tier| format!(" --tier {tier}"));
        let _ = writeln!(
            text,
            "weak, inconclusive or unexplained in {}; to see why: {command}{tier}",
            vectors(open)
        );
    }
}

/// How many vectors were played, in words.
fn played(results: &Results) -> String {
    let (played, meant) = (results.results.len(), results.meant());
    if played < meant { format!("{played} of {}", vectors(meant)) } else { vectors(played) }
}

/// How many failures are printed in full: at most so many, each of another kind.
const SHOWN: usize = 3;

/// The share of the selection in a report, in words; empty if the report covers all of it.
fn share(results: &Results) -> String {
    results.shard.map_or_else(String::new, |shard| {
        format!(" (shard {shard} of {})", vectors(results.selection.vectors))
    })
}

/// Whether an entry fails, announced or not.
pub(super) fn is_failure(results: &Results, entry: &Entry) -> bool {
    matches!(entry.verdict, Weight::Fail | Weight::Error)
        || (results.strict && entry.verdict == Weight::Weak)
}

/// How many of each verdict, in words.
pub(super) fn counts(results: &Results) -> String {
    let counts = results.summary;
    let announced = |verdict| {
        results.results.iter().filter(|entry| entry.announced && entry.verdict == verdict).count()
    };
    let (failed, unsure) = (announced(Weight::Fail), announced(Weight::Inconclusive));
    let news = counts.fail.saturating_sub(failed);
    let weak = if results.strict && counts.weak > 0 { " (failed, by --strict)" } else { "" };
    let mut text = format!("{} passed, {} weak{weak}, {news} failed", counts.pass, counts.weak);
    if failed > 0 {
        let _ = write!(text, ", {failed} failed as announced");
    }
    if counts.waived > 0 {
        let _ = write!(text, ", {} waived", counts.waived);
    }
    let _ = write!(text, ", {} inconclusive", counts.inconclusive.saturating_sub(unsure));
    if unsure > 0 {
        let _ = write!(text, ", {unsure} inconclusive as announced");
    }
    let _ = write!(text, ", {} skipped", counts.skipped);
    if counts.unexplained > 0 {
        let _ = write!(text, ", {} unexplained", counts.unexplained);
    }
    if counts.error > 0 {
        let _ = write!(text, ", {} of ours", plural(counts.error, "error"));
    }
    let wrong = wrong_waivers(&results.problems);
    if wrong > 0 {
        let _ = write!(text, "; {} to correct", plural(wrong, "waiver"));
    }
    text
}

/// The simplest failure of each kind: of the smallest tier, with the fewest flaws, with the shortest
/// dialogue. A kind is an outcome and a flaw. The first kind of every outcome comes first, ordered by
/// outcome, the worst first; then the second kind of every outcome, and so on. The first kind of an
/// outcome is the one with the simplest failure and the most frequent flaw, the likeliest cause.
pub(super) fn kinds<'a>(entries: &[&'a Entry]) -> Vec<&'a Entry> {
    let mut kinds: BTreeMap<(Option<Outcome>, Option<&str>), &'a Entry> = BTreeMap::new();
    let plain = |entry: &Entry| (entry.tier, entry.flaws.len(), entry.transcript.len());
    for &entry in entries {
        let flaw = entry.flaws.first().map(String::as_str);
        let plainest = kinds.entry((entry.outcome, flaw)).or_insert(entry);
        if plain(entry) < plain(plainest) {
            *plainest = entry;
        }
    }
    let named = |flaw: &str| {
        entries.iter().filter(|entry| entry.flaws.iter().any(|other| other == flaw)).count()
    };
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    // A kind without a flaw is the least informative.
    kinds.sort_by_key(|&((outcome, flaw), entry)| {
        (outcome, flaw.is_none(), entry.tier, Reverse(flaw.map_or(0, named)))
    });
    let before = |at: usize| {
        let ((outcome, _), _) = kinds[at];
        kinds[..at].iter().filter(|((other, _), _)| *other == outcome).count()
    };
    let mut ranked: Vec<usize> = (0..kinds.len()).collect();
    ranked.sort_by_key(|&at| (before(at), kinds[at].0.0));
    ranked.into_iter().map(|at| kinds[at].1).collect()
}

fn others(results: &Results, text: &mut String) {
    for (verdict, title) in [
        (Weight::Waived, "waived"),
        (Weight::Weak, "weak; --strict -f ID shows one of them at length"),
        (Weight::Inconclusive, "inconclusive"),
        (Weight::Skipped, "skipped"),
    ] {
        if verdict == Weight::Weak && results.strict {
            continue;
        }
        let entries: Vec<&Entry> =
            results.results.iter().filter(|entry| entry.verdict == verdict).collect();
        if entries.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{} {title}:", entries.len());
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for entry in entries {
            let reason = because(results, entry);
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, ids)) => ids.push(&entry.vector),
                None => reasons.push((reason, vec![&entry.vector])),
            }
        }
        for (reason, ids) in reasons {
            listed(&reason, &ids, text);
        }
    }
}

/// Lists runs that break no rule and that no sound client of the model explains, by the first step that
/// no sound client takes.
fn unexplained(results: &Results, text: &mut String) {
    let entries = strange(results);
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{} unexplained: no sound client of the model takes this step, and no rule was broken:",
        entries.len()
    );
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for (entry, step) in entries {
        match steps.iter_mut().find(|(other, _)| *other == step) {
            Some((_, ids)) => ids.push(&entry.vector),
            None => steps.push((step, vec![&entry.vector])),
        }
    }
    for (step, ids) in steps {
        listed(step, &ids, text);
    }
}

/// The unexplained entries, with the unexplained step.
pub(super) fn strange(results: &Results) -> Vec<(&Entry, &str)> {
    let step = |entry: &'_ Entry| entry.unexplained.is_some();
    let entries = results.results.iter().filter(|entry| step(entry));
    entries.map(|entry| (entry, entry.unexplained.as_deref().unwrap_or_default())).collect()
}

/// Vectors under a common title, at most four of them.
fn listed(title: &str, ids: &[&str], text: &mut String) {
    let _ = writeln!(text, "  {title}:");
    for id in ids.iter().take(4) {
        let _ = writeln!(text, "    {id}");
    }
    if ids.len() > 4 {
        let _ = writeln!(text, "    and {} more", ids.len() - 4);
    }
}

/// Lists entries with data that were not recorded. Their verdicts rely on the recorded data.
fn cuts(results: &Results, text: &mut String) {
    let entries: Vec<&Entry> =
        results.results.iter().filter(|entry| !entry.cut.is_empty()).collect();
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nnot everything was kept in {}:", vectors(entries.len()));
    for entry in entries.iter().take(4) {
        let _ = writeln!(text, "  {}: {}", entry.vector, entry.cut.join("; "));
    }
    if entries.len() > 4 {
        let _ = writeln!(text, "  and {} more", entries.len() - 4);
    }
}

/// The reason of an entry's verdict, or the waiver's reason.
pub(super) fn because(results: &Results, entry: &Entry) -> String {
    let record = entry.waiver.and_then(|index| results.waivers.get(index));
    match record.filter(|_| entry.verdict == Weight::Waived) {
        Some(record) => match &record.issue {
            Some(issue) => format!("{} ({issue})", record.reason),
            None => record.reason.clone(),
        },
        None => entry.reason.clone().unwrap_or_default(),
    }
}

/// How many waivers have a problem.
fn wrong_waivers(problems: &[Problem]) -> usize {
    let places: BTreeSet<&str> = problems.iter().map(|problem| problem.place.as_str()).collect();
    places.len()
}

fn waivers(problems: &[Problem], text: &mut String) {
    if problems.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{} to correct:", plural(wrong_waivers(problems), "waiver"));
    for problem in problems {
        let _ = writeln!(text, "  {}: {}: {}", problem.place, problem.kind.name(), problem.what);
        if problem.vectors.len() > 1 {
            for id in problem.vectors.iter().take(4) {
                let _ = writeln!(text, "    {id}");
            }
            if problem.vectors.len() > 4 {
                let _ = writeln!(text, "    and {} more", problem.vectors.len() - 4);
            }
        }
        let _ = writeln!(text, "    help: {}", problem.help);
    }
}
