//! A certificate of a proof: the input of a checker that shares no code with the model.
//!
//! It holds client and server as raw tables, with one step for each input, without the classes of
//! [`Machine`](crate::machine::Machine), and the set of reachable states. The checker,
//! `certificate/check.py`, enumerates the inputs and the attacker's moves by itself. The format and the
//! rules are in `docs/certificate.md`.

mod table;
mod words;

use serde::Serialize;
use serde_json::Value;

use self::table::Table;
use crate::client::Client;
use crate::message::{Fragments, Reply};
use crate::property::{Properties, Property};
use crate::protocol::{
    Answer, Authentication, Channel, Closure, Mechanisms, Memory, Offer, Opening, Protocol, Welcome,
};
use crate::server::{Hosts, Server};
use crate::theorem::{title, users};
use crate::variant::Variant;
use crate::walk::explore;
use crate::world::{Alpn, Attacker, Offering, Shadow, State, World};

/// The name of the format.
const FORMAT: &str = "upward certificate 1";

/// A certificate; [`json`](Self::json) is the text that a checker reads.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Certificate {
    format: &'static str,
    protocol: Descriptor,
    setting: Setting,
    holds: Vec<&'static str>,
    broken: Vec<&'static str>,
    client: Table,
    server: Table,
    /// The honest server, with which clean clients speak, if the world's server is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    honest_server: Option<Table>,
    states: Vec<Value>,
}

/// The facts about a protocol that the composition needs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Descriptor {
    name: &'static str,
    opening: &'static str,
    welcome: bool,
    offer: &'static str,
    answer: bool,
    login: &'static str,
    mechanisms: &'static str,
    redirects: bool,
    second_channel: bool,
    memory_survives: bool,
    tls_may_end: bool,
    chooses_certificate: bool,
    implicit: bool,
    alpn: bool,
    data: bool,
    fragments: &'static str,
}

/// The parameters that are fixed during the walk.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Setting {
    attacker: &'static str,
    server: &'static str,
    hosts: &'static str,
    alpn: &'static str,
    sessions: Vec<&'static str>,
    endless: bool,
    messages: usize,
}

impl Certificate {
    /// The certificate of a world: its parties, all reachable states, and the properties that hold.
    pub fn of<C: Client>(world: &World<C>) -> Self {
        let mut broken = Properties::NONE;
        let first = world.initial().state;
        broken.extend(first.broken());
        let explored = explore(without_record(first), None, |state, successors| {
            for choice in world.choices(state) {
                if let Some(next) = world.next(state, &choice.action) {
                    broken.extend(next.state.broken());
                    successors.push(without_record(next.state));
                }
            }
        });
        let honest = Server::honest(world.protocol);
        let other = *world.server() != honest;
        let mut certificate = Self {
            format: FORMAT,
            protocol: Descriptor::of(world.protocol),
            setting: Setting::of(world),
            holds: Vec::new(),
            broken: Vec::new(),
            client: Table::of_client(world),
            server: Table::of_server(world.server(), world.servers(), world.bounds),
            honest_server: other.then(|| Table::of_honest_server(world.protocol, world.bounds)),
            states: (0..explored.store.len())
                .filter_map(|index| explored.store.get(index))
                .map(|state| row(state, world))
                .collect(),
        };
        certificate.claim(broken);
        certificate
    }

    /// The certificates of a protocol's matrix for the common sound client, one for each column. Passes
    /// each to `each`, with a file name.
    ///
    /// # Errors
    ///
    /// The first error of `each`.
    pub fn of_matrix<E>(
        protocol: &'static Protocol,
        mut each: impl FnMut(&str, Self) -> Result<(), E>,
    ) -> Result<(), E> {
        for (user, settings) in users(protocol, Variant::COMMON) {
            let Some(&first) = settings.first() else { continue };
            let sound = user.sound(first);
            for setting in settings {
                let name = file_name(&format!("{} {}", protocol.name, title(&user, &setting)));
                each(&name, Self::of(&sound.in_setting(setting)))?;
            }
        }
        Ok(())
    }

    /// The same with another claim: exactly these properties are broken. A checker rejects it if the
    /// claim is wrong.
    #[must_use]
    pub fn claiming(mut self, broken: Properties) -> Self {
        self.claim(broken);
        self
    }

    fn claim(&mut self, broken: Properties) {
        let names = |wanted: bool| {
            let chosen = Property::ALL.iter().filter(|&&property| broken.has(property) == wanted);
            chosen.map(|property| property.name()).collect()
        };
        self.holds = names(false);
        self.broken = names(true);
    }

    /// How many states are in the set.
    pub const fn states(&self) -> usize {
        self.states.len()
    }

    /// The text for a checker.
    ///
    /// # Errors
    ///
    /// If serialization fails; it cannot for a certificate.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// The letters and digits of a title, joined by hyphens.
fn file_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// A state without the record of past events, which affects no move.
fn without_record(mut state: State) -> State {
    state.ghost.broken = Properties::NONE;
    state.ghost.refused = false;
    state
}

/// A state as a list of numbers, in the order of the documentation.
fn row<C: Client>(state: &State, world: &World<C>) -> Value {
    let (replies, commands) = (world.protocol.replies(), world.protocol.commands());
    let ghost = &state.ghost;
    let to_client: Vec<usize> = state
        .to_client
        .iter()
        .flat_map(|spoken| [place(&replies, &spoken.reply), spoken.answers as usize])
        .collect();
    let to_server: Vec<usize> =
        state.to_server.iter().map(|command| place(&commands, command)).collect();
    let shadow = match ghost.shadow {
        Shadow::None => -1,
        Shadow::Stalled => -2,
        Shadow::At(clean) => i64::from(clean),
    };
    let mut row: Vec<Value> = vec![
        state.client.into(),
        state.server.into(),
        words::wire(state.wire).into(),
        words::channel(state.channel).into(),
        to_client.into(),
        to_server.into(),
        ghost.session.into(),
        ghost.connection.into(),
        u8::from(ghost.implicit).into(),
        u8::from(ghost.requested).into(),
        u8::from(ghost.taken).into(),
        ghost.outstanding.into(),
        u8::from(ghost.gave_away).into(),
        u8::from(ghost.told).into(),
        ghost.executed.into(),
    ];
    let flags = [ghost.confirmed, ghost.elsewhere, ghost.moved, ghost.logged_in];
    row.extend(flags.map(|flag| Value::from(u8::from(flag))));
    row.push(shadow.into());
    let flags = [ghost.unclean, ghost.lured, ghost.ended, ghost.fresh];
    row.extend(flags.map(|flag| Value::from(u8::from(flag))));
    Value::Array(row)
}

/// The number of a message in an alphabet. For a message outside it, the alphabet's length, which a
/// checker rejects.
fn place<M: PartialEq>(alphabet: &[M], message: &M) -> usize {
    alphabet.iter().position(|other| other == message).unwrap_or(alphabet.len())
}

impl Descriptor {
    fn of(protocol: &Protocol) -> Self {
        Self {
            name: protocol.name,
            opening: match protocol.opening {
                Opening::Greeting => "greeting",
                Opening::Capabilities => "capabilities",
                Opening::Client => "client",
            },
            welcome: protocol.welcome != Welcome::Unknown,
            offer: match protocol.offer {
                Offer::InOpening => "in-opening",
                Offer::OnRequest => "on-request",
                Offer::Never => "never",
                Offer::Unsaid => "unsaid",
            },
            answer: protocol.answer == Answer::Message,
            login: match protocol.login {
                Authentication::None => "none",
                Authentication::InSession => "in-session",
                Authentication::FromOpening => "from-opening",
            },
            mechanisms: match protocol.mechanisms {
                Mechanisms::One => "one",
                Mechanisms::Several => "several",
            },
            redirects: protocol.redirects,
            second_channel: protocol.channel == Channel::Second,
            memory_survives: protocol.memory == Memory::Survives,
            tls_may_end: protocol.closure == Closure::MayGoOnInClear,
            chooses_certificate: protocol.chooses_certificate,
            implicit: protocol.has_implicit(),
            alpn: protocol.alpn.is_some(),
            data: protocol.replies().contains(&Reply::Data),
            fragments: match protocol.fragments {
                Fragments::None => "none",
                Fragments::Lines => "lines",
                Fragments::LinesAndBlocks => "lines-and-blocks",
            },
        }
    }
}

impl Setting {
    fn of<C: Client>(world: &World<C>) -> Self {
        Self {
            attacker: match world.attacker {
                Attacker::Passive => "passive",
                Attacker::Active => "active",
            },
            server: match world.offering {
                Offering::Both => "both",
                Offering::Upgrade => "upgrade",
                Offering::Implicit => "implicit",
                Offering::Neither => "neither",
                Offering::Breaks => "breaks",
            },
            hosts: match world.server().hosts {
                Hosts::One => "one",
                Hosts::TwoCertificates => "two-certificates",
                Hosts::OneCertificate => "one-certificate",
            },
            alpn: match world.alpn {
                Alpn::Off => "off",
                Alpn::Strict => "strict",
            },
            sessions: world.sessions.iter().map(|policy| policy.name()).collect(),
            endless: world.is_endless(),
            messages: world.bounds.messages,
        }
    }
}
