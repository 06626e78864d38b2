//! Builds the candidates: every way to send every message to a client, at every point.

use super::Candidate;
use crate::generate::wording::{
    Text, beside, class_behind, honest_at, piece_name, piece_text, plain, quoted, replacements,
};
use crate::message::{Piece, Reply};
use crate::policy::Policy;
use crate::protocol::{At, Authentication, Closure, Protocol};
use crate::vector::{Certificate, Deviation, Do, Meaning, Point, SegmentOf};

pub(in crate::generate) struct Build<'a> {
    pub(in crate::generate) protocol: &'a Protocol,
    pub(in crate::generate) policy: Policy,
    pub(in crate::generate) all: &'a mut Vec<Candidate>,
}

impl Build<'_> {
    pub(in crate::generate) fn push(
        &mut self,
        slug: String,
        class: &'static str,
        summary: String,
        deviations: Vec<Deviation>,
    ) -> &mut Candidate {
        let prefix = match self.policy {
            Policy::Required => "",
            Policy::Implicit => "implicit-",
            Policy::Opportunistic => "opportunistic-",
        };
        let reached = deviations.last().map_or(Point::Handshake, |deviation| deviation.at);
        let index = self.all.len();
        self.all.push(Candidate {
            slug: format!("{prefix}{slug}"),
            class,
            summary,
            policy: self.policy,
            first_session: None,
            certificate: Certificate::Genuine,
            deviations,
            reached,
            requirements: vec!["RFC 9325 section 3.2"],
            searched: false,
            apart: false,
        });
        &mut self.all[index]
    }

    pub(super) fn spoken_points(&self) -> Vec<Point> {
        [Point::Opening, Point::Capabilities, Point::Upgrade]
            .into_iter()
            .filter(|&point| honest_at(self.protocol, point).is_some())
            .collect()
    }

    /// Another message in place of the honest one.
    pub(super) fn replaced(&mut self) {
        for point in self.spoken_points() {
            for text in replacements(self.protocol, point) {
                let summary =
                    format!("The attacker replaces {} by `{}`.", words(point), quoted(&text.text));
                let slug = format!("{}-{}", point.name(), text.slug);
                let said = saying(point, Do::Replace, text.text, vec![Piece::Whole(text.reply)]);
                self.push(slug, text.class, summary, vec![said]).apart = text.apart;
            }
        }
    }

    pub(super) fn silent_and_cut(&mut self, points: &[Point]) {
        for &point in points {
            let inside = matches!(point, Point::Inside | Point::Login | Point::Delivery);
            let spoken = honest_at(self.protocol, point).is_some() || inside;
            let cut_class = if inside { "TLS-TRUNC" } else { "NEG-CUT" };
            for (action, word, class, does) in [
                (Do::Withhold, "withheld", "NEG-SILENT", "withholds"),
                (Do::Close, "closed", cut_class, "closes the connection in place of"),
                (Do::Cut, "cut", cut_class, "cuts the connection in place of"),
            ] {
                if action == Do::Withhold && !spoken {
                    continue;
                }
                self.push(
                    format!("{}-{word}", point.name()),
                    class,
                    format!("The attacker {does} {}.", words(point)),
                    vec![deviation(point, action)],
                );
                if action == Do::Cut && !inside {
                    let once = Deviation { connection: Some(1), ..deviation(point, action) };
                    self.push(
                        format!("{}-{word}-once", point.name()),
                        "LIFE-RECONNECT",
                        format!(
                            "The attacker {does} {} on the first connection; a second one would be honest.",
                            words(point)
                        ),
                        vec![once],
                    );
                }
            }
        }
    }

    /// An additional message, whole or not, after the honest one in the same segment.
    pub(super) fn behind(&mut self) {
        for point in self.spoken_points() {
            for reply in self.protocol.replies() {
                // A fragment in clear is completed in clear, unless TLS begins in between.
                let pieces = self.protocol.fragments.pieces(reply);
                for piece in pieces.filter(|p| point == Point::Upgrade || !p.is_fragment()) {
                    self.one_behind(point, piece);
                }
            }
        }
        for text in beside(self.protocol, At::BehindOpening) {
            let point = Point::Opening;
            let slug = format!("{}-then-{}", point.name(), text.slug);
            let summary = format!(
                "The attacker adds to the segment of {}: `{}`.",
                words(point),
                quoted(&text.text)
            );
            let said = saying(point, Do::Append, text.text, vec![Piece::Whole(text.reply)]);
            self.push(slug, text.class, summary, vec![said]);
        }
    }

    /// An unfinished list of login mechanisms after the positive reply. The true server's list inside
    /// TLS names none: a client that logs in has read the unfinished list as the beginning of the true
    /// one.
    pub(super) fn left_open(&mut self) {
        let Some(bare) = self.protocol.wordings(Reply::Bare).next() else { return };
        for text in beside(self.protocol, At::LeftOpen) {
            let piece = if text.text.trim_end_matches('\n').contains('\n') {
                Piece::Block(text.reply)
            } else {
                Piece::Line(text.reply)
            };
            // An unfinished text has no final line end.
            let unfinished = text.text.trim_end_matches('\n').to_owned();
            let summary = format!(
                "The attacker adds the head of a list to the segment of {}: `{}`. Inside TLS the true server lists no login.",
                words(Point::Upgrade),
                quoted(&unfinished)
            );
            let head = saying(Point::Upgrade, Do::Append, unfinished, vec![piece]);
            let list = saying(
                Point::InsideCapabilities,
                Do::Replace,
                format!("{}\n", bare.text),
                vec![Piece::Whole(bare.reply)],
            );
            // A client that rejects the plaintext has treated it as an answer.
            self.push(
                format!("upgrade-then-{}", text.slug),
                text.class,
                summary,
                vec![head, list],
            )
            .reached = Point::Upgrade;
        }
    }

    fn one_behind(&mut self, point: Point, piece: Piece<Reply>) {
        let said = match piece {
            Piece::Whole(_) => "adds to the segment of",
            Piece::Line(_) => "adds half a line to the segment of",
            Piece::Block(_) => "adds an open block to the segment of",
        };
        let Some(text) = piece_text(self.protocol, piece) else { return };
        let class = class_behind(point, piece);
        let base = format!("{}-then-{}", point.name(), piece_name(piece));
        let summary = format!("The attacker {said} {}: `{}`.", words(point), quoted(&text));
        let behind = saying(point, Do::Append, text.clone(), vec![piece]);
        self.push(base.clone(), class, summary.clone(), vec![behind.clone()]);
        let early = piece == Piece::Whole(Reply::Accept) && point != Point::Upgrade;
        if early {
            self.push(
                format!("{base}-only"),
                class,
                format!("{summary} The true reply to the upgrade request is withheld."),
                vec![behind.clone(), deviation(Point::Upgrade, Do::Withhold)],
            );
        }
        if point == Point::Upgrade {
            self.push(
                format!("{base}-alone"),
                class,
                format!("{summary} Inside TLS the true server is kept silent."),
                vec![behind.clone(), deviation(Point::Inside, Do::Withhold)],
            )
            .reached = Point::Upgrade;
            if matches!(piece, Piece::Whole(_)) {
                let own = Deviation { segment: Some(SegmentOf::Own), ..behind };
                self.push(
                    format!("{base}-apart"),
                    "RSP-SPLIT",
                    format!(
                        "After {}, and before the ServerHello, the attacker sends `{}`.",
                        words(point),
                        quoted(&text)
                    ),
                    vec![own],
                );
            }
        }
    }

    /// An additional message before the honest one, in the same segment.
    pub(super) fn before(&mut self) {
        for point in self.spoken_points() {
            for reply in self.protocol.replies() {
                let class = if reply == Reply::Notice { "UI-ALERT" } else { "RSP-PREFIX" };
                self.one_before(point, Text { class, ..plain(self.protocol, point, reply) });
            }
        }
        for text in beside(self.protocol, At::BeforeUpgrade) {
            self.one_before(Point::Upgrade, text);
        }
    }

    fn one_before(&mut self, point: Point, text: Text) {
        let summary = format!(
            "The attacker puts `{}` before {}, in the same segment.",
            quoted(&text.text),
            words(point)
        );
        let slug = format!("{}-after-{}", point.name(), text.slug);
        let said = saying(point, Do::Prepend, text.text, vec![Piece::Whole(text.reply)]);
        self.push(slug, text.class, summary, vec![said]);
    }

    pub(super) fn handshakes(&mut self) {
        let point = Point::Handshake;
        for (action, word, class, summary) in [
            (
                Do::Alert,
                "alert",
                "TLS-FAIL-FALLBACK",
                "The attacker answers the ClientHello with a fatal alert.",
            ),
            (
                Do::Withhold,
                "withheld",
                "NEG-SILENT",
                "The attacker does not answer the ClientHello.",
            ),
            (Do::Close, "closed", "NEG-CUT", "The attacker closes in place of the TLS handshake."),
            (
                Do::Cut,
                "cut",
                "NEG-CUT",
                "The attacker cuts the connection in place of the TLS handshake.",
            ),
        ] {
            self.push(
                format!("{}-{word}", point.name()),
                class,
                summary.to_owned(),
                vec![deviation(point, action)],
            );
        }
        let once = Deviation { connection: Some(1), ..deviation(point, Do::Alert) };
        self.push(
            "handshake-alert-once".to_owned(),
            "LIFE-RECONNECT",
            "The attacker breaks the handshake of the first connection; a second one would be honest.".to_owned(),
            vec![once],
        );
        if self.policy == Policy::Implicit {
            return;
        }
        for reply in self.protocol.replies() {
            let text = plain(self.protocol, point, reply);
            let summary = format!(
                "The attacker grants the upgrade and answers the ClientHello in clear: `{}`.",
                quoted(&text.text)
            );
            let said = saying(point, Do::Replace, text.text, vec![Piece::Whole(reply)]);
            self.push(format!("handshake-{}", reply.word()), "NEG-OK-NOTLS", summary, vec![said]);
        }
    }

    pub(super) fn certificates(&mut self) {
        let mut shown = vec![
            (Certificate::Untrusted, "untrusted", "TLS-ROOT", "that no trusted authority signed"),
            (Certificate::WrongName, "wrong-name", "TLS-NAME", "for another name"),
            (Certificate::Expired, "expired", "TLS-EXPIRED", "whose time is over"),
        ];
        if self.protocol.chooses_certificate {
            shown.push((
                Certificate::OtherHost,
                "other-host",
                "TLS-NAME",
                "of another virtual host of the same server",
            ));
        }
        for (certificate, word, class, what) in shown {
            let mut summary = format!("The attacker ends TLS with a certificate {what}.");
            let mut deviations = Vec::new();
            if certificate == Certificate::WrongName && self.policy != Policy::Implicit {
                deviations
                    .extend(beside(self.protocol, At::OtherName).map(|text| self.named(text)));
            }
            if !deviations.is_empty() {
                summary.push_str(" In clear, too, it names that host.");
            }
            let candidate = self.push(format!("certificate-{word}"), class, summary, deviations);
            candidate.certificate = certificate;
            candidate.requirements.push("RFC 9525 section 6");
        }
    }

    /// The honest server's message at its usual point, in other words.
    fn named(&self, text: Text) -> Deviation {
        let points = [Point::Opening, Point::Capabilities];
        let said = |point: &Point| honest_at(self.protocol, *point) == Some(text.reply);
        let point = points.into_iter().find(said).unwrap_or(Point::Opening);
        saying(point, Do::Replace, text.text, vec![Piece::Whole(text.reply)])
    }

    /// The persona ends TLS.
    pub(super) fn taken_away(&mut self) {
        if self.protocol.closure == Closure::EndsConnection {
            return;
        }
        let mut points = vec![Point::Delivery];
        if self.protocol.login != Authentication::None {
            points.insert(0, Point::Login);
        }
        for point in points {
            self.push(
                format!("{}-without-tls", point.name()),
                "TLS-DOWN-AFTER",
                format!("TLS is ended before {}, and the connection stays.", words(point)),
                vec![deviation(point, Do::EndTls)],
            );
        }
    }
}

/// A point in words: the message that the persona is about to send there.
pub(in crate::generate) const fn words(point: Point) -> &'static str {
    match point {
        Point::Opening => "the server's first words",
        Point::Capabilities => "the reply to the question for the capabilities",
        Point::Upgrade => "the reply to the upgrade request",
        Point::Handshake => "the TLS handshake",
        Point::Inside => "the server's first words inside TLS",
        Point::InsideCapabilities => "the reply to the question for the capabilities inside TLS",
        Point::Login => "the reply to the login inside TLS",
        Point::Delivery => "the confirmation of the delivery",
    }
}

pub(super) fn deviation(at: Point, action: Do) -> Deviation {
    Deviation {
        session: 1,
        connection: None,
        at,
        action,
        text: None,
        hex: None,
        meaning: Vec::new(),
        segment: None,
    }
}

pub(in crate::generate) fn saying(
    at: Point,
    action: Do,
    text: String,
    pieces: Vec<Piece<Reply>>,
) -> Deviation {
    Deviation {
        text: Some(text),
        meaning: pieces.into_iter().map(Meaning).collect(),
        segment: (action != Do::Replace).then_some(SegmentOf::Same),
        ..deviation(at, action)
    }
}
