//! Trace inclusion: whether a recorded run is a run of a client of the model, and of which.
//!
//! A run is lifted to the model's alphabet: what the peer said, segment by segment, and what the
//! client said, in the order in which the peer sent and received. A client may not have read what
//! was sent before it spoke, and it may read two segments at once; both are tried. What a client
//! does not do proves nothing, so every prefix of a run of the model is explained by it.
//!
//! Harmless detours that no property speaks of are taken out first: `NOOP` and its reply, a
//! goodbye, a question for the capabilities that is asked again or after the login, further rounds
//! of a delivery.

mod follow;
mod straighten;
mod strange;

use self::follow::follows;
use self::straighten::{Question, straightened};
pub use self::strange::first_strange;
use crate::client::{Close, Negotiator, Peer};
use crate::flaw::{Flaw, Flaws, Side};
use crate::message::{Bounds, CAPACITY, Command, Layer, Reply, Segment};
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::Protocol;
use crate::variant::{Login, Variant};

/// One thing that was seen on a connection, from the peer's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer said something in one write.
    Said {
        /// What.
        segment: Segment<Reply>,
        /// In which layer.
        layer: Layer,
        /// Which command it answers, if any.
        answers: Option<Command>,
    },
    /// The client said something.
    Heard(Command, Layer),
    /// The client sent a ClientHello.
    ClientHello,
    /// The handshake was completed with this certificate.
    Handshake(Peer),
    /// The handshake failed.
    HandshakeFailed,
    /// The peer ended TLS and kept the connection.
    TlsEnded,
    /// The peer closed.
    Closed(Close),
    /// The client told its user that the data were delivered.
    Succeeded,
}

/// A run, lifted: the events of each connection, in the order in which they were opened.
pub type Run = Vec<Vec<Event>>;

/// Who explains a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// A sound client, with these choices.
    Sound(Variant),
    /// No sound client, but flawed ones.
    Flawed(Vec<Suspect>),
    /// No client of the model.
    Nobody,
}

/// A flawed client that explains a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its mistake.
    pub flaw: Flaw,
    /// What the mistake broke in this run, as far as the client's own steps show.
    pub broken: Properties,
}

/// What is known of a client beforehand, from what it does with an honest peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Whether it logs in: one that does not in some run then skips a step. False where it is not
    /// known.
    pub logs_in: bool,
}

impl Habits {
    /// What an honest run shows.
    pub fn of(honest: &Run) -> Self {
        let secret = |event: &Event| {
            matches!(event, Event::Heard(Command::Login(_) | Command::Credential, _))
        };
        Self { logs_in: honest.iter().flatten().any(secret) }
    }

    fn fit(self, variant: &Variant) -> bool {
        !self.logs_in || variant.login != Login::Never
    }
}

/// Explains a run of a client whose user has these sessions, and of whom this is known.
///
/// Where no sound client explains all of it, the first thing that was seen and that none of them
/// would have done decides: the flawed clients that explain more than any sound one are suspects,
/// whatever came after that.
pub fn explain(
    protocol: &'static Protocol,
    sessions: &[Policy],
    habits: Habits,
    run: &Run,
) -> Explanation {
    // The third is no proof of soundness: it hides a question that was asked again.
    let runs = [
        straightened(run, sessions.len(), Question::Last),
        run.clone(),
        straightened(run, sessions.len(), Question::First),
    ];
    let fitting = |variants: Vec<Variant>| variants.into_iter().filter(move |one| habits.fit(one));
    let client = |variant, flaws: Flaws| negotiator(protocol, sessions, variant, flaws);
    let mut farthest = [0; 3];
    for variant in fitting(Variant::all()) {
        for (index, (run, farthest)) in runs.iter().zip(&mut farthest).enumerate() {
            let reach = follows(&client(variant, Flaws::NONE), run);
            if reach.complete && index < 2 {
                return Explanation::Sound(variant);
            }
            *farthest = reach.seen.max(*farthest);
        }
    }
    // Who explains most is suspected; what all of its variants would have broken on the way is what
    // the run proves. The variants in one choice are enough to give a mistake its name.
    let mut suspects: Vec<(usize, Suspect)> = Vec::new();
    for flaw in Flaw::of(Side::Client) {
        let mut best: Option<Reach> = None;
        for variant in fitting(Variant::single()) {
            for (run, farthest) in runs.iter().zip(farthest) {
                let reach = follows(&client(variant, flaw.into()), run);
                // Counted from what no sound client would have done, in either form of the run.
                let Some(beyond) = reach.seen.checked_sub(farthest).filter(|&more| more > 0) else {
                    continue;
                };
                let reach = Reach { seen: beyond, ..reach };
                best = Some(match best {
                    Some(other) if other.seen > reach.seen => other,
                    Some(other) if other.seen == reach.seen => Reach {
                        broken: other.broken.iter().filter(|&p| reach.broken.has(p)).collect(),
                        ..reach
                    },
                    _ => reach,
                });
            }
        }
        suspects.extend(best.map(|reach| (reach.seen, Suspect { flaw, broken: reach.broken })));
    }
    let most = suspects.iter().map(|(seen, _)| *seen).max().unwrap_or_default();
    let suspects: Vec<Suspect> = suspects
        .into_iter()
        .filter(|(seen, _)| *seen == most)
        .map(|(_, suspect)| suspect)
        .collect();
    if suspects.is_empty() { Explanation::Nobody } else { Explanation::Flawed(suspects) }
}

/// A client of the model whose user has these sessions.
fn negotiator(
    protocol: &'static Protocol,
    sessions: &[Policy],
    variant: Variant,
    flaws: Flaws,
) -> Negotiator {
    let bounds = Bounds { messages: CAPACITY };
    Negotiator { protocol, sessions: sessions.to_vec(), variant, flaws, bounds }
}

/// How far a client explains a run.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    /// Whether it explains all of it.
    complete: bool,
    /// How much of what was seen of the client it explains.
    seen: usize,
    /// What it broke on the way.
    broken: Properties,
}
