//! Candidates with deviations at several points, or with several sessions.

use super::build::{Build, deviation, saying, words};
use crate::generate::wording::{Text, quoted, replacements};
use crate::message::{Piece, Reply};
use crate::policy::Policy;
use crate::vector::{Deviation, Do, Point};

impl Build<'_> {
    /// The upgrade fails, and the attacker offers logins in clear. The honest list may name no logins
    /// there, and a client that goes on in clear would stop at such a list.
    pub(super) fn lured(&mut self) {
        let offers: Vec<Deviation> = self
            .spoken_points()
            .into_iter()
            .filter(|&point| point != Point::Upgrade)
            .filter_map(|point| {
                let mut texts = replacements(self.protocol, point).into_iter();
                let offer = texts.find(|text| text.reply == Reply::offer(true))?;
                let pieces = vec![Piece::Whole(offer.reply)];
                Some(saying(point, Do::Replace, offer.text, pieces))
            })
            .collect();
        if offers.is_empty() {
            return;
        }
        for text in self.failures(Point::Upgrade) {
            let summary = format!(
                "The attacker offers logins in clear, and replaces {} by `{}`.",
                words(Point::Upgrade),
                quoted(&text.text)
            );
            let slug = format!("upgrade-{}-with-login", text.reply.word());
            let said =
                saying(Point::Upgrade, Do::Replace, text.text, vec![Piece::Whole(text.reply)]);
            let deviations = offers.iter().cloned().chain([said]).collect();
            self.push(slug, text.class, summary, deviations);
        }
    }

    /// The first text of each way to make the negotiation fail at a point.
    fn failures(&self, point: Point) -> Vec<Text> {
        let mut found: Vec<Text> = Vec::new();
        for text in replacements(self.protocol, point) {
            let fails = matches!(
                text.reply,
                Reply::Refuse
                    | Reply::Garbled
                    | Reply::Unknown
                    | Reply::Capabilities { upgrade: false, .. }
            );
            if fails && !found.iter().any(|other| other.reply == text.reply) {
                found.push(text);
            }
        }
        found
    }

    /// A session that fails before TLS, followed by another session, which needs a new connection.
    fn half_open(&mut self) {
        for point in self.spoken_points() {
            for text in self.failures(point) {
                let summary = format!(
                    "The first session fails: the attacker replaces {} by `{}`. Another session of the same user comes next.",
                    words(point),
                    quoted(&text.text)
                );
                let slug = format!("pool-after-{}-{}", point.name(), text.reply.word());
                let said = saying(point, Do::Replace, text.text, vec![Piece::Whole(text.reply)]);
                let candidate = self.push(slug, "TLS-FAIL-REUSE", summary, vec![said]);
                candidate.first_session = Some(Policy::Required);
            }
        }
    }

    /// Two sessions of one user.
    pub(super) fn sessions(&mut self) {
        if self.policy != Policy::Required {
            return;
        }
        let stripped = replacements(self.protocol, Point::Capabilities)
            .into_iter()
            .chain(replacements(self.protocol, Point::Upgrade))
            .find(|text| {
                matches!(text.reply, Reply::Refuse | Reply::Capabilities { upgrade: false, .. })
            });
        if let Some(text) = stripped {
            let at = if self.protocol.has_hello() { Point::Capabilities } else { Point::Upgrade };
            let said = saying(at, Do::Replace, text.text, vec![Piece::Whole(text.reply)]);
            let candidate = self.push(
                "pool-after-clear-session".to_owned(),
                "LIFE-REUSE-PLAIN",
                "A session that may do without TLS is stripped of it; one that may not comes next."
                    .to_owned(),
                vec![said],
            );
            candidate.first_session = Some(Policy::Opportunistic);
        }
        self.half_open();
        let candidate = self.push(
            "pool-after-failed-handshake".to_owned(),
            "TLS-FAIL-REUSE",
            "The handshake of one session fails; another session of the same user comes next."
                .to_owned(),
            vec![deviation(Point::Handshake, Do::Alert)],
        );
        candidate.first_session = Some(Policy::Required);
    }
}
