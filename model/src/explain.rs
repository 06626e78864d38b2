//! Trace inclusion: whether a recorded run is a run of a client of the model, and of which one.
//!
//! A run is lifted to the model's alphabet: the peer's messages, segment by segment, and the client's,
//! in the order in which the peer sent and received them. A client may not have read the segment sent
//! before its own message, and it may read two segments at once; both are tried. A missing step proves
//! nothing, so the model explains every prefix of its runs.
//!
//! Harmless detours, which no property is about, are removed first: `NOOP` and its reply, a goodbye, a
//! request for the capabilities that is repeated or follows the login, further rounds of a delivery.

mod clients;
mod follow;
#[cfg(test)]
mod one_by_one;
mod reading;
mod straighten;

use self::clients::{Clients, Scope};
use self::follow::{Reach, follow};
use self::straighten::{Form, Question};
use crate::client::{Close, Peer};
use crate::flaw::{Flaw, Flaws};
use crate::message::{Command, Layer, Piece, Reply, Segment};
use crate::policy::Policy;
use crate::property::Properties;
use crate::protocol::Protocol;
use crate::variant::{Login, Variant};

/// An event on a connection, seen from the peer's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer sent something in one write.
    Said {
        /// The segment.
        segment: Segment<Reply>,
        /// Its layer.
        layer: Layer,
        /// The command that it answers, if any.
        answers: Option<Command>,
    },
    /// The client sent a command.
    Heard(Command, Layer),
    /// The client sent a ClientHello.
    ClientHello,
    /// The handshake was completed with this certificate.
    Handshake(Peer),
    /// The handshake failed.
    HandshakeFailed,
    /// The peer ended TLS and kept the connection open.
    TlsEnded,
    /// The peer closed.
    Closed(Close),
    /// The client opened the second channel: in clear, or for a handshake.
    ChannelOpened(Layer),
    /// The handshake of the second channel was completed with this certificate.
    Channel(Peer),
    /// The second channel could not be opened, or its handshake failed.
    ChannelFailed,
    /// The client moved the data over the second channel.
    DataMoved,
    /// The client told its user that the data were delivered.
    Succeeded,
}

impl Event {
    /// Whether it is a step of the client. Other events are inputs of the client.
    pub const fn shows_client(&self) -> bool {
        matches!(
            self,
            Self::Heard(..)
                | Self::ClientHello
                | Self::ChannelOpened(_)
                | Self::DataMoved
                | Self::Succeeded
        )
    }
}

/// A run, lifted: the events of each connection, in the order in which they were opened.
pub type Run = Vec<Vec<Event>>;

/// The clients that explain a run.
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
    /// Its flaw.
    pub flaw: Flaw,
    /// The properties that the flaw broke in this run, as far as the client's steps show.
    pub broken: Properties,
}

/// Facts about a client, from a run with an honest peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Whether it logs in. If so, a run without a login skips a step. False if unknown.
    pub logs_in: bool,
    /// The connection with which the user's last session began, counted from 0; `None` if unknown.
    pub last_session_at: Option<usize>,
}

impl Habits {
    /// The habits shown by an honest run.
    pub fn of(honest: &Run) -> Self {
        let secret = |event: &Event| {
            matches!(event, Event::Heard(Command::Login(_) | Command::Credential, _))
        };
        Self { last_session_at: None, logs_in: honest.iter().flatten().any(secret) }
    }

    /// The client's habits in a run. If the list inside TLS names no login, a missing login is not a
    /// skipped step.
    fn in_run(self, run: &Run) -> Self {
        let bare = |event: &Event| match event {
            Event::Said { segment, layer: Layer::Tls, .. } => {
                segment.pieces().contains(&Piece::Whole(Reply::Bare))
            }
            _ => false,
        };
        Self { logs_in: self.logs_in && !run.iter().flatten().any(bare), ..self }
    }

    fn fit(self, variant: Variant) -> bool {
        !self.logs_in || variant.login != Login::Never
    }
}

/// The first step of a client in a run that no sound client takes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexplainedStep {
    /// The connection, counted from 0.
    pub connection: usize,
    /// The place of the step among the events of the connection, counted from 0.
    pub position: usize,
    /// The step itself: a command, a ClientHello, or success.
    pub event: Event,
}

/// The first step in a run that no sound client takes; `None` if a sound client explains the run.
///
/// Some sound client takes all steps before it. Detours that no property is about are not steps.
pub fn first_unexplained_step(
    protocol: &'static Protocol,
    sessions: &[Policy],
    habits: Habits,
    run: &Run,
) -> Option<UnexplainedStep> {
    let habits = habits.in_run(run);
    let forms = forms(protocol, run, sessions.len());
    let sound = Clients::new(protocol, sessions, Flaws::NONE, Scope::All, habits);
    let Sound::None { farthest } = by_sound_clients(&sound, &forms) else {
        return None;
    };
    let steps = forms.iter().zip(farthest).take(PROOFS).filter_map(|(form, farthest)| {
        let places = form.run.iter().zip(&form.positions).enumerate();
        let all = places.flat_map(|(connection, (events, positions))| {
            events.iter().zip(positions).map(move |(event, &at)| (connection, at, event))
        });
        let mut steps = all.filter(|(_, _, event)| event.shows_client());
        steps
            .nth(farthest)
            .map(|(connection, position, event)| (connection, position, event.clone()))
    });
    steps
        .max_by_key(|&(connection, position, _)| (connection, position))
        .map(|(connection, position, event)| UnexplainedStep { connection, position, event })
}

/// Explains a run of a client whose user has these sessions, with these habits.
///
/// If no sound client explains the whole run, the first event that none of them would have caused
/// decides. The flawed clients that explain more events than any sound client are suspects, whatever
/// happens after that event.
pub fn explain(
    protocol: &'static Protocol,
    sessions: &[Policy],
    habits: Habits,
    run: &Run,
) -> Explanation {
    explain_by(protocol, sessions, habits, run, &|clients| clients)
}

/// Explains a run; `prepared` can change the set of clients first.
fn explain_by(
    protocol: &'static Protocol,
    sessions: &[Policy],
    habits: Habits,
    run: &Run,
    prepared: &dyn Fn(Clients) -> Clients,
) -> Explanation {
    let habits = habits.in_run(run);
    let forms = forms(protocol, run, sessions.len());
    let sound = prepared(Clients::new(protocol, sessions, Flaws::NONE, Scope::All, habits));
    let farthest = match by_sound_clients(&sound, &forms) {
        Sound::Explains(variant) => return Explanation::Sound(variant),
        Sound::None { farthest } => farthest,
    };
    // The clients that explain most are suspects. The run proves only what all variants of a suspect
    // would have broken. A few variants are enough to name a flaw.
    let mut suspects: Vec<(usize, Suspect)> = Vec::new();
    for flaw in Flaw::played() {
        let flawed = Clients::new(protocol, sessions, flaw.into(), Scope::Usual, habits);
        let clients = prepared(flawed);
        // How many events it explains beyond any sound client, in any form of the run.
        let mut best: Option<(usize, Properties)> = None;
        for (form, farthest) in forms.iter().zip(farthest) {
            let reaches = follow(&clients, &form.run);
            if reaches.iter().all(|reach| reach.seen <= farthest) {
                continue;
            }
            for variant in Variant::usual().into_iter().filter(|&one| habits.fit(one)) {
                let Some(reach) = farthest_of(variant, &reaches) else { continue };
                let Some(beyond) = reach.seen.checked_sub(farthest).filter(|&more| more > 0) else {
                    continue;
                };
                best = Some(match best {
                    Some((most, broken)) if most > beyond => (most, broken),
                    Some((most, broken)) if most == beyond => {
                        (most, broken.iter().filter(|&p| reach.broken.has(p)).collect())
                    }
                    _ => (beyond, reach.broken),
                });
            }
        }
        suspects.extend(best.map(|(seen, broken)| (seen, Suspect { flaw, broken })));
    }
    let most = suspects.iter().map(|(seen, _)| *seen).max().unwrap_or_default();
    let suspects: Vec<Suspect> = suspects
        .into_iter()
        .filter(|(seen, _)| *seen == most)
        .map(|(_, suspect)| suspect)
        .collect();
    if suspects.is_empty() { Explanation::Nobody } else { Explanation::Flawed(suspects) }
}

/// How many forms of a run can prove that a client is sound. The last form cannot: it hides a repeated
/// request of the client.
const PROOFS: usize = 2;

/// The forms of a run that clients are compared with; the first [`PROOFS`] prove soundness.
fn forms(protocol: &Protocol, run: &Run, sessions: usize) -> [Form; 3] {
    [
        Form::straightened(protocol, run, sessions, Question::Last),
        Form::recorded(run),
        Form::straightened(protocol, run, sessions, Question::First),
    ]
}

/// How much of a run the sound clients explain.
enum Sound {
    /// One of them explains all of it.
    Explains(Variant),
    /// None explains all of it. For each form: how many steps the best of them explains.
    None { farthest: [usize; 3] },
}

fn by_sound_clients(clients: &Clients, forms: &[Form; 3]) -> Sound {
    let mut farthest = [0; 3];
    for (index, (form, farthest)) in forms.iter().zip(&mut farthest).enumerate() {
        let reaches = follow(clients, &form.run);
        if index < PROOFS
            && let Some(reach) = reaches.iter().find(|reach| reach.complete)
        {
            return Sound::Explains(reach.set.variant);
        }
        *farthest = reaches.iter().map(|reach| reach.seen).max().unwrap_or_default();
    }
    Sound::None { farthest }
}

/// How much of a run one client explains, for the way of reading that explains most.
fn farthest_of(client: Variant, reaches: &[Reach]) -> Option<Reach> {
    let mut farthest: Option<Reach> = None;
    for reach in reaches.iter().filter(|reach| reach.set.has(client)) {
        let rank = |reach: &Reach| (reach.connection, reach.complete, reach.seen);
        if farthest.is_none_or(|other| rank(reach) > rank(&other)) {
            farthest = Some(*reach);
        }
    }
    farthest
}
