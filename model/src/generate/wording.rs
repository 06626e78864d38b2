//! The texts with which a message can be forged, and the attack class of each.

use crate::dialogue::printable;
use crate::message::{Mechanism, Piece, Reply};
use crate::protocol::{At, Protocol, Wording, shown};
use crate::vector::Point;

/// One way to word a reply at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) reply: Reply,
    pub(super) slug: String,
    pub(super) text: String,
    pub(super) class: &'static str,
    /// Whether real clients distinguish it from other words for the same reply.
    pub(super) apart: bool,
}

/// The honest server's reply at a point.
pub(super) fn honest_at(protocol: &Protocol, point: Point) -> Option<Reply> {
    use crate::protocol::Opening;
    match point {
        Point::Opening => match protocol.opening {
            Opening::Greeting => Some(Reply::Greeting),
            Opening::Capabilities => Some(Reply::offer(true)),
            Opening::Client => None,
        },
        Point::Capabilities => protocol.has_hello().then_some(Reply::offer(true)),
        Point::Upgrade => Some(Reply::Accept),
        _ => None,
    }
}

/// Every text that can replace the honest reply at a point.
pub(super) fn replacements(protocol: &Protocol, point: Point) -> Vec<Text> {
    let at = match point {
        Point::Opening => At::Opening,
        Point::Capabilities => At::Capabilities,
        _ => At::Upgrade,
    };
    let honest = honest_at(protocol, point);
    let mut texts = Vec::new();
    for reply in protocol.replies() {
        let written: Vec<Text> = protocol
            .wordings(reply)
            .filter(|wording| wording.at == at || wording.at == At::Anywhere)
            .map(written)
            .collect();
        // The honest text itself is not a forgery, but other words for it may be.
        if written.is_empty() && Some(reply) != honest {
            texts.push(plain(protocol, point, reply));
        } else {
            texts.extend(written);
        }
    }
    texts
}

/// The usual text of a reply, as a forgery at a point.
pub(super) fn plain(protocol: &Protocol, point: Point, reply: Reply) -> Text {
    Text {
        reply,
        slug: reply.word().to_owned(),
        text: format!("{}\n", protocol.text(reply)),
        class: class(point, reply),
        apart: false,
    }
}

/// The texts sent next to the honest reply at a point, without the usual ones.
pub(super) fn beside(protocol: &Protocol, at: At) -> impl Iterator<Item = Text> {
    protocol.speech.replies.iter().filter(move |wording| wording.at == at).map(written)
}

fn written(wording: &Wording) -> Text {
    Text {
        reply: wording.reply,
        slug: wording.slug.to_owned(),
        text: format!("{}\n", wording.text),
        class: wording.class,
        apart: wording.apart,
    }
}

/// The text of a piece after an honest reply; `None` if there is no such piece.
pub(super) fn piece_text(protocol: &Protocol, piece: Piece<Reply>) -> Option<String> {
    let text = protocol.text(piece.message());
    match piece {
        Piece::Whole(_) => Some(format!("{text}\n")),
        // Only its last line end is missing.
        Piece::Line(_) => Some(text.to_owned()),
        Piece::Block(_) => protocol.speech.blocks.open(text),
    }
}

/// The name of a piece in a slug.
pub(super) fn piece_name(piece: Piece<Reply>) -> String {
    let word = piece.message().word();
    match piece {
        Piece::Whole(_) => word.to_owned(),
        Piece::Line(_) => format!("half-{word}"),
        Piece::Block(_) => format!("open-{word}"),
    }
}

/// A text as quoted in a summary, between backquotes, line by line.
pub(super) fn quoted(text: &str) -> String {
    let lines: Vec<String> = shown(text.trim_end()).split('\n').map(printable).collect();
    lines.join("` `")
}

/// The attack class of a reply that replaces the honest one.
const fn class(point: Point, reply: Reply) -> &'static str {
    match (point, reply) {
        (_, Reply::Notice) => "UI-ALERT",
        (_, Reply::Bye) => "NEG-BYE",
        (_, Reply::Redirect) => "RED-OTHER",
        (Point::Opening, Reply::Welcome) => "PRE-GREET",
        (_, Reply::Welcome | Reply::LoggedIn) => "PRE-EQUIV",
        (Point::Opening, Reply::Refuse | Reply::Unknown) => "NEG-GREET-ERR",
        (Point::Opening, Reply::Garbled) => "XP-WRONGPROTO",
        (Point::Capabilities, Reply::Refuse | Reply::Unknown) => "NEG-STRIP-ASKERR",
        (Point::Upgrade, Reply::Refuse) => "NEG-REFUSE-PERM",
        (Point::Opening | Point::Capabilities, Reply::Accept) => "NEG-EARLY-OK",
        (
            Point::Opening | Point::Capabilities,
            Reply::Capabilities { mechanism: Mechanism::Lure, .. },
        ) => "TMP-CAP-CACHE",
        (Point::Opening | Point::Capabilities, Reply::Capabilities { .. }) => "NEG-STRIP-CAP",
        (Point::Opening | Point::Capabilities, Reply::Challenge) => "NEG-AUTH-LURE",
        (Point::Capabilities, Reply::Greeting) => "NEG-CAP-SPLIT",
        (Point::Opening | Point::Capabilities, _) => "NEG-REORDER",
        (_, Reply::Garbled) => "NEG-REFUSE-GARBAGE",
        _ => "NEG-REFUSE-CLASS",
    }
}

/// The attack class of a piece after the honest reply at a point.
pub(super) const fn class_behind(point: Point, piece: Piece<Reply>) -> &'static str {
    match (point, piece) {
        (Point::Upgrade, Piece::Line(_)) => "RSP-FRAGMENT",
        (Point::Upgrade, Piece::Block(_)) => "RSP-LITERAL",
        (Point::Upgrade, Piece::Whole(Reply::Capabilities { .. })) => "RSP-CAPS",
        (Point::Upgrade, Piece::Whole(Reply::Bye)) => "RSP-BYE",
        (Point::Upgrade, Piece::Whole(Reply::Challenge)) => "TMP-NONCE",
        (Point::Upgrade, Piece::Whole(_)) => "RSP-SUFFIX",
        (_, Piece::Whole(Reply::Accept)) => "NEG-EARLY-OK",
        (_, Piece::Whole(Reply::Notice)) => "UI-ALERT",
        (_, Piece::Whole(Reply::Welcome | Reply::LoggedIn)) => "PRE-EQUIV",
        (_, Piece::Whole(Reply::Challenge)) => "TMP-NONCE",
        (_, Piece::Whole(Reply::Redirect)) => "RED-OTHER",
        (_, Piece::Whole(_)) => "NEG-REORDER",
        (_, Piece::Line(_)) => "RSP-FRAGMENT",
        (_, Piece::Block(_)) => "RSP-LITERAL",
    }
}
