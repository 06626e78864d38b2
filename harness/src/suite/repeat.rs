//! Repeats failures: a failure that was seen only once is not reported.

use upward_model::property::{Properties, Property};
use upward_model::vector::{Certificate, Need, Outcome, Point, Vector};

use crate::judge::{Judgement, Verdict};
use crate::profile::Trait;
use crate::results::{Controls, Row, WIRE, telling_line, transcript};
use crate::suite::subject::{Launched, Subject};
use crate::suite::{Job, PATIENCE, SuiteError};

/// How many runs must show a failure.
pub(super) const TIMES: usize = 3;

/// Runs a vector, and repeats a failure until the verdict is certain.
pub(crate) async fn until_sure(
    client: &(impl Subject + Sync),
    controls: &Controls,
    vector: &Vector,
) -> Result<Row, SuiteError> {
    // One unmet need is enough to skip the vector.
    if let Some(need) = vector.needs.first() {
        return Ok(Row::skipped(vector, &unmet(need)));
    }
    if !controls.reached.contains(&vector.reached) && is_optional(vector.reached, controls) {
        return Ok(Row::skipped(
            vector,
            "the client never comes to that point, not even with an honest server",
        ));
    }
    let folder = vector.id.as_str();
    let (launched, judgement) = client.vector(vector, folder, None).await?;
    let judgement = doubted(client, controls, vector, judgement);
    let judgement = explained_by_its_words(&launched, judgement);
    let first = (launched, judgement);
    match first.1.verdict {
        Verdict::Fail => {}
        Verdict::Inconclusive if first.1.compared.is_some() => {
            let (launched, judgement) = slow(client, controls, vector, first).await?;
            return Ok(row(client, vector, &launched, judgement));
        }
        _ => return Ok(row(client, vector, &first.0, first.1)),
    }
    let mut others = Vec::new();
    for again in 1..TIMES {
        let (launched, other) =
            client.vector(vector, &format!("{folder}-again-{again}"), None).await?;
        let other = doubted(client, controls, vector, other);
        let fails = other.verdict == Verdict::Fail;
        others.push((launched, other));
        if !fails {
            break;
        }
    }
    let (launched, judgement) = taken_together(first, others);
    Ok(row(client, vector, &launched, judgement))
}

/// Why a vector with this need is skipped.
fn unmet(need: &Need) -> String {
    match need {
        Need::TwoSessions => {
            "it needs a second session of the same running program, and a program is \
                              started anew for each session"
                .to_owned()
        }
        Need::Unknown(name) => format!("it needs `{name}`, which this version cannot do"),
    }
}

/// Combines several runs of a vector of which the first failed. If each breaks a `must`, returns the
/// run with the worst outcome; else the verdict is inconclusive.
fn taken_together<T>(first: (T, Judgement), others: Vec<(T, Judgement)>) -> (T, Judgement) {
    let told =
        |judgement: &Judgement| format!("{} ({})", judgement.outcome.name(), judgement.reason);
    let all_fail = others.iter().all(|(_, judgement)| judgement.verdict == Verdict::Fail);
    let outcomes = std::iter::once(&first).chain(&others).map(|(_, judgement)| judgement.outcome);
    let outcomes: Vec<Outcome> = outcomes.collect();
    let mut worst = first;
    let first = told(&worst.1);
    for (run, judgement) in others {
        if !all_fail {
            if judgement.verdict != Verdict::Fail {
                worst.1.verdict = Verdict::Inconclusive;
                worst.1.reason = format!(
                    "did not do the same each time: first {first}, then {}",
                    told(&judgement)
                );
            }
        } else if judgement.outcome < worst.1.outcome {
            worst = (run, judgement);
        }
    }
    if all_fail && outcomes.iter().any(|outcome| *outcome != worst.1.outcome) {
        let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name()).collect();
        let reason = &mut worst.1.reason;
        *reason = format!(
            "{reason}; each run broke a rule, but not in the same way: {}",
            names.join(", ")
        );
    }
    worst
}

/// A client that is silent inside TLS may only be slower than with an honest server. Repeats the run
/// with the longest time that a persona waits by default, or with the user's.
async fn slow(
    client: &(impl Subject + Sync),
    controls: &Controls,
    vector: &Vector,
    first: (Launched, Judgement),
) -> Result<(Launched, Judgement), SuiteError> {
    let patience = client.known().patience.unwrap_or(PATIENCE.1);
    for again in 1..TIMES {
        let folder = format!("{}-again-{again}", vector.id);
        let (launched, other) = client.vector(vector, &folder, Some(patience)).await?;
        let other = doubted(client, controls, vector, other);
        if other.compared.is_none() {
            return Ok((launched, other));
        }
    }
    Ok(first)
}

/// If a client ended without a connection, its last line of output is the best explanation.
fn explained_by_its_words(launched: &Launched, mut judgement: Judgement) -> Judgement {
    if judgement.verdict != Verdict::Inconclusive || !launched.trial.evidence.run.is_empty() {
        return judgement;
    }
    let said = telling_line(&launched.output)
        .map_or_else(|| "wrote nothing".to_owned(), |line| format!("wrote last: `{line}`"));
    judgement.reason = format!(
        "never connected, and {said}; if another run of it is in the way (a lock file, say), use -j 1, or \
         --isolate with --fresh FOLDER"
    );
    judgement
}

/// Whether a sound client may never reach a point. Inside TLS clients differ; before TLS, a client may
/// send the upgrade request without asking for the capabilities.
fn is_optional(point: Point, controls: &Controls) -> bool {
    match point {
        Point::InsideCapabilities | Point::Login | Point::Delivery => true,
        Point::Capabilities => controls.reached.contains(&Point::Upgrade),
        Point::Opening | Point::Upgrade | Point::Handshake | Point::Inside => false,
    }
}

fn row(client: &impl Subject, vector: &Vector, launched: &Launched, judgement: Judgement) -> Row {
    let announced = client.announced(vector, &judgement);
    // A failure was seen in each run.
    let runs = if judgement.verdict == Verdict::Fail { TIMES } else { 1 };
    Row {
        vector: vector.clone(),
        transcript: transcript(&launched.trial, Some(vector), &judgement),
        wire: launched.trial.record.render_at_most(WIRE),
        cut: launched.cut.clone(),
        judgement: Some(judgement),
        skipped: None,
        announced,
        exit: launched.exit.clone(),
        printed: telling_line(&launched.output),
        duration_ms: launched.duration.as_millis(),
        runs,
        artefacts: launched.directory.clone(),
        again: client.again(&vector.id),
    }
}

/// Lowers a verdict to inconclusive if the controls show that it cannot be trusted.
fn doubted(
    client: &impl Subject,
    controls: &Controls,
    vector: &Vector,
    mut judgement: Judgement,
) -> Judgement {
    let acted_on = Properties::of(&[
        Property::NoClearBytesUsedInsideTls,
        Property::ClearKnowledgeForgotten,
        Property::NoJump,
        // Such a client does not wait for a confirmation either.
        Property::TruncationIsNotSuccess,
        Property::UserTold,
    ]);
    let only_acted_on =
        !judgement.broken.is_empty() && judgement.broken.iter().all(|p| acted_on.has(p));
    if !controls.waits && only_acted_on {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "types without reading, also when nothing is injected: what it acted upon cannot be told"
                .to_owned();
    }
    if !controls.tells
        && names(vector, Property::TruncationIsNotSuccess)
        && judgement.verdict == Verdict::Pass
    {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "ends as after success also where nobody listens: what its user is told cannot be judged"
                .to_owned();
    }
    // The verdict stands if the client was given the authority, or its authors announce that it checks
    // none.
    let is_doubtful = !controls.checks
        && !client.is_told_authority()
        && !client.announces(Trait::VerifiesNoCertificate);
    if is_doubtful
        && vector.peer.certificate != Certificate::Genuine
        && judgement.verdict == Verdict::Fail
    {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason =
            "accepts any authority, also in the control: it was not told which to trust ({ca}), or does not check"
                .to_owned();
    }
    judgement
}

fn names(vector: &Vector, property: Property) -> bool {
    vector.properties.iter().any(|name| name == property.name())
}

impl Job {
    /// How to run one vector again.
    pub(crate) fn replay(&self, id: &str) -> String {
        self.again.replace("{id}", id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(verdict: Verdict, outcome: Outcome) -> (Outcome, Judgement) {
        let judgement = Judgement {
            outcome,
            broken: Properties::NONE,
            verdict,
            reason: format!("was {}", outcome.name()),
            flaws: Vec::new(),
            leaks: Vec::new(),
            unexplained: None,
            compared: None,
        };
        (outcome, judgement)
    }

    #[test]
    fn three_runs_that_each_break_a_rule_fail_with_the_worst_of_them() {
        let downgraded = || ends(Verdict::Fail, Outcome::Downgraded);
        let leaked = || ends(Verdict::Fail, Outcome::Leaked);
        let (run, worst) = taken_together(downgraded(), vec![leaked(), downgraded()]);
        assert_eq!(
            (run, worst.verdict, worst.outcome),
            (Outcome::Leaked, Verdict::Fail, Outcome::Leaked)
        );
        assert_eq!(
            worst.reason,
            "was leaked; each run broke a rule, but not in the same way: downgraded, leaked, downgraded"
        );
        let (_, same) = taken_together(leaked(), vec![leaked(), leaked()]);
        assert_eq!((same.verdict, &*same.reason), (Verdict::Fail, "was leaked"));
    }

    #[test]
    fn runs_of_which_one_breaks_no_rule_have_no_verdict() {
        let leaked = ends(Verdict::Fail, Outcome::Leaked);
        let (_, unsure) = taken_together(leaked, vec![ends(Verdict::Pass, Outcome::Refused)]);
        assert_eq!((unsure.verdict, unsure.outcome), (Verdict::Inconclusive, Outcome::Leaked));
        assert_eq!(
            unsure.reason,
            "did not do the same each time: first leaked (was leaked), then refused (was refused)"
        );
    }
}
