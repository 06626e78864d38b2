//! Nothing is reported that was seen once.

use upward_model::property::{Properties, Property};
use upward_model::vector::{Certificate, Point, Vector};

use crate::judge::{Judgement, Verdict};
use crate::profile::Trait;
use crate::report::Row;
use crate::suite::controls::Controls;
use crate::suite::subject::{Launched, Subject};
use crate::suite::{Job, SuiteError};

/// How often what fails must be seen.
pub(super) const TIMES: usize = 3;

/// Runs a vector, and again what fails, until it is sure or not.
pub(crate) async fn until_sure(
    client: &(impl Subject + Sync),
    controls: &Controls,
    vector: &Vector,
) -> Result<Row, SuiteError> {
    if vector.first_session.is_some() {
        return Ok(Row::skipped(
            vector,
            "it takes two sessions of one program, which is started for one",
        ));
    }
    if !controls.reached.contains(&vector.reached) && is_optional(vector.reached, controls) {
        return Ok(Row::skipped(
            vector,
            "the client never comes to that point, not even with an honest server",
        ));
    }
    let folder = vector.id.as_str();
    let (launched, judgement) = client.vector(vector, folder).await?;
    let judgement = doubted(client, controls, vector, judgement);
    if judgement.verdict != Verdict::Fail {
        return Ok(row(client, vector, &launched, judgement));
    }
    for again in 1..TIMES {
        let (_, other) = client.vector(vector, &format!("{folder}-again-{again}")).await?;
        let other = doubted(client, controls, vector, other);
        if other.verdict != judgement.verdict || other.outcome != judgement.outcome {
            let reason = format!(
                "did not do the same each time: first {} ({}), then {} ({})",
                judgement.outcome.name(),
                judgement.reason,
                other.outcome.name(),
                other.reason
            );
            let unsure = Judgement { verdict: Verdict::Inconclusive, reason, ..judgement };
            return Ok(row(client, vector, &launched, unsure));
        }
    }
    Ok(row(client, vector, &launched, judgement))
}

/// Whether a sound client may never come to a point: inside TLS clients differ in what they do, and
/// before it one may ask for the upgrade without asking whether there is one.
fn is_optional(point: Point, controls: &Controls) -> bool {
    match point {
        Point::InsideCapabilities | Point::Login | Point::Delivery => true,
        Point::Capabilities => controls.reached.contains(&Point::Upgrade),
        Point::Opening | Point::Upgrade | Point::Handshake | Point::Inside => false,
    }
}

fn row(client: &impl Subject, vector: &Vector, launched: &Launched, judgement: Judgement) -> Row {
    let announced = client.announced(vector, &judgement);
    Row::new(vector, launched, judgement, announced, client.again(&vector.id))
}

/// What the controls take away from a judgement.
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
        // It waits for no confirmation either.
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
    // Where it was told which to trust, or its authors say that it checks none, there is nothing to doubt.
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
