//! What was judged, beside what the model computed.

use upward::evidence::Inside;
use upward::judge::{Judgement, Verdict};
use upward::trial::{Trial, judge_vector};
use upward_model::explain::Habits;
use upward_model::flaw::{Flaw, Flaws};
use upward_model::generate::is_claimed;
use upward_model::message::Command;
use upward_model::play::Play;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{Authentication, Level, Protocol};
use upward_model::variant::Login;
use upward_model::vector::Vector;

use super::{Bout, model_plays};

/// The properties that no recording can show: they speak of what the peer cannot see, or follow
/// from others.
fn is_visible(property: Property) -> bool {
    !matches!(
        property,
        Property::Agreement | Property::OnlyDenialOfService | Property::HonestDelivers
    )
}

fn weigh(protocol: &Protocol, vector: &Vector, broken: Properties) -> Verdict {
    let level = broken
        .iter()
        .filter(|&p| is_visible(p) && is_claimed(vector.policy, p))
        .map(|p| protocol.level(p).0)
        .min();
    match level {
        Some(Level::Must) => Verdict::Fail,
        Some(Level::Should) => Verdict::Weak,
        _ => Verdict::Pass,
    }
}

/// Whether what the client said inside TLS is the beginning of what it says to the twin, leave-taking aside.
fn is_cut_short(now: &Inside, twin: &Inside) -> bool {
    let words = |inside: &Inside| -> Vec<String> {
        let steps = inside.dialogues.first().map_or(&[][..], |dialogue| &dialogue.steps);
        let said = steps.iter().filter(|step| step.command != Some(Command::Goodbye));
        said.map(|step| step.word.clone()).collect()
    };
    let (now, twin) = (words(now), words(twin));
    twin.starts_with(&now)
}

impl Bout {
    /// The judgement of a trial.
    pub(crate) fn judgement(&self, trial: &Trial) -> Judgement {
        let logs_in = self.client.variant.login != Login::Never
            && self.scene.protocol.login != Authentication::None;
        let habits = Habits { logs_in, ..Habits::default() };
        judge_vector(&self.scene, &self.vector, habits, &trial.evidence)
    }

    /// How the judgement differs from what the model computed.
    pub(crate) fn complaint(&self, trial: &Trial) -> Option<String> {
        // A persona takes the second connection for the second session's. Where the first session connected
        // again, it played another scene.
        if trial.evidence.last_session_at.is_some_and(|at| at > 1) {
            return None;
        }
        let played = model_plays(&self.scene, self.client.clone());
        let judgement = self.judgement(trial);
        let flaws = self.client.flaws;
        let named = judgement.verdict == Verdict::Pass
            || judgement.flaws.is_empty()
            || flaws == Flaws::NONE
            || flaws.has(Flaw::StaysSilent)
            || flaws.iter().any(|flaw| judgement.flaws.contains(&flaw));
        let is_fine = if flaws.iter().count() > 1 {
            self.is_fine_with_several(&played, &judgement, trial)
        } else {
            named && self.is_fine(&played, &judgement, trial)
        };
        (!is_fine).then(|| self.describe(&played, &judgement, trial))
    }

    /// What the model computed to be broken weighs.
    fn expected(&self, played: &Play) -> Verdict {
        let kills = |flaw: Flaw| self.vector.kills.iter().any(|name| name == flaw.name());
        let kills = self.client.flaws.iter().all(kills);
        // What only the client itself knows is no part of its vector's kills.
        let seen = |property: &Property| kills || !property.is_inner();
        weigh(self.scene.protocol, &self.vector, played.broken.iter().filter(seen).collect())
    }

    /// Whether the judgement of a sound client, or of one with a single mistake, is what the model computed.
    fn is_fine(&self, played: &Play, judgement: &Judgement, trial: &Trial) -> bool {
        let (flaws, evidence) = (self.client.flaws, &trial.evidence);
        let expected = self.expected(played);
        let unreached = !played.reached.contains(&self.vector.reached);
        // Two writes may arrive as one: what a sound client then shows is as sound. And a client that
        // gives up in silence after the peer has confirmed the delivery cannot be told from one that
        // does not give up.
        let shown = expected == Verdict::Pass || judgement.outcome == played.outcome;
        let silently = flaws.has(Flaw::StaysSilent) && evidence.delivered;
        // Silence after data that went out unconfirmed is taken for success.
        let unconfirmed = flaws.has(Flaw::StaysSilent) && evidence.arrived;
        // The model excuses a client that gives up inside TLS. Behind its first command the twin shows what
        // made it give up there, and that it only waits proves nothing.
        let twin = evidence.twin.as_ref();
        let stops =
            flaws != Flaws::NONE && twin.is_some_and(|twin| is_cut_short(&evidence.inside, twin));
        let used = self.used_clear_text(judgement);
        let waits =
            judgement.verdict == Verdict::Inconclusive && judgement.broken == Properties::NONE;
        // To the model a reply is one message. Half a line before a reply of several lines spoils the first
        // of them, and the last still counts.
        let finer = flaws.has(Flaw::KeepsFragment) && used;
        if expected == Verdict::Pass && (stops && (used || waits) || finer) {
            true
        } else if unconfirmed && !evidence.delivered {
            judgement.broken.has(Property::TruncationIsNotSuccess)
        } else if silently {
            judgement.verdict == Verdict::Pass
        } else if unreached && expected != Verdict::Fail {
            matches!(judgement.verdict, Verdict::Inconclusive | Verdict::Pass)
        } else {
            judgement.verdict == expected && shown
        }
    }

    /// Whether the judgement of a client with several mistakes agrees with what the model computed. One
    /// mistake may keep a client from where the other shows, and the wire tells more than the model where
    /// both meet in one reply. But no failure is hidden from a user who requires TLS, and none is invented.
    fn is_fine_with_several(&self, played: &Play, judgement: &Judgement, trial: &Trial) -> bool {
        let confirmed = trial.evidence.confirmed;
        // A persona confirms what the model's server leaves open.
        let is_open = |p: &Property| *p != Property::TruncationIsNotSuccess || !confirmed;
        let broken = played.broken.iter().filter(is_open).collect();
        let broken = weigh(self.scene.protocol, &self.vector, broken) == Verdict::Fail;
        match judgement.verdict {
            Verdict::Inconclusive => true,
            Verdict::Pass | Verdict::Weak => {
                let hidden = broken && self.expected(played) == Verdict::Fail;
                !hidden || !self.vector.policy.needs_tls()
            }
            Verdict::Fail => broken || self.used_clear_text(judgement),
            Verdict::Error => false,
        }
    }

    /// Whether a mistake of the client is named for what the client did inside TLS.
    fn used_clear_text(&self, judgement: &Judgement) -> bool {
        self.client.flaws.iter().any(|flaw| judgement.flaws.contains(&flaw))
            && judgement.verdict == Verdict::Fail
            && judgement.broken.iter().all(Property::is_inner)
    }

    /// Which vector is played against which client.
    pub(crate) fn describe_party(&self) -> String {
        let flaws: Vec<&str> = self.client.flaws.iter().map(Flaw::name).collect();
        format!("{} {} {flaws:?}", self.vector.id, self.client.variant.name())
    }

    fn describe(&self, played: &Play, judgement: &Judgement, trial: &Trial) -> String {
        format!(
            "{}: MODEL {:?} {:?} {:?}, judged {:?} {:?} {:?} {:?} {}\n{}\ntwin: {:?}",
            self.describe_party(),
            self.expected(played),
            played.outcome,
            played.broken,
            judgement.verdict,
            judgement.outcome,
            judgement.broken,
            judgement.flaws,
            judgement.reason,
            trial.record.render() + &format!("{:?}", trial.evidence.run),
            trial.evidence.twin
        )
    }
}
