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
    /// The client opened the second channel: in clear, or for a handshake.
    ChannelOpened(Layer),
    /// The handshake of the second channel was completed with this certificate.
    Channel(Peer),
    /// The second channel could not be had, or its handshake failed.
    ChannelFailed,
    /// The client moved the data over the second channel.
    DataMoved,
    /// The client told its user that the data were delivered.
    Succeeded,
}

impl Event {
    /// Whether it is a step of the client; else it is something that the client can notice.
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
    /// The connection with which the user's last session began, counted from 0, where that is known.
    pub last_session_at: Option<usize>,
}

impl Habits {
    /// What an honest run shows.
    pub fn of(honest: &Run) -> Self {
        let secret = |event: &Event| {
            matches!(event, Event::Heard(Command::Login(_) | Command::Credential, _))
        };
        Self { last_session_at: None, logs_in: honest.iter().flatten().any(secret) }
    }

    /// What is known of the client in a run: where no login is listed inside TLS, none is left out.
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

/// The first step in a run that no sound client takes; `None` where a sound client explains the run.
///
/// The steps before it are those of some sound client. Detours that no property speaks of are no
/// steps.
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
    explain_by(protocol, sessions, habits, run, &|clients| clients)
}

/// Explains a run; the clients are first prepared to be followed.
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
    // Who explains most is suspected; what all of its variants would have broken on the way is what
    // the run proves. A few variants are enough to give a mistake its name.
    let mut suspects: Vec<(usize, Suspect)> = Vec::new();
    for flaw in Flaw::played() {
        let flawed = Clients::new(protocol, sessions, flaw.into(), Scope::Usual, habits);
        let clients = prepared(flawed);
        // How far beyond what any sound client does, in either form of the run.
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

/// How many of the forms of a run prove that a client is sound. The last form does not: it hides a
/// question that the client asked again.
const PROOFS: usize = 2;

/// The forms of a run that clients are compared with; the first [`PROOFS`] prove soundness.
fn forms(protocol: &Protocol, run: &Run, sessions: usize) -> [Form; 3] {
    [
        Form::straightened(protocol, run, sessions, Question::Last),
        Form::recorded(run),
        Form::straightened(protocol, run, sessions, Question::First),
    ]
}

/// What the sound clients explain of a run.
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

/// How far one client explains a run: of all ways of reading, the one that explains most.
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
