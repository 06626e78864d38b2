//! Conformance vectors: generated from the model, committed, and replayed by harnesses.
//!
//! A vector is an honest peer (the persona) with deviations, not a linear script: clients differ in
//! their requests and in the order of them. Every claim about a vector is computed.

mod meaning;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::Command;
use crate::policy::Policy;

pub use self::meaning::Meaning;

/// The version of the format.
pub const FORMAT: u32 = 1;

/// One file: all vectors of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// Where the schema of this file is, relative to it.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// The version of the format: [`FORMAT`].
    pub format: u32,
    /// The protocol's name.
    pub protocol: String,
    /// Each flaw that a vector of this file can show, explained once.
    pub notes: BTreeMap<String, NoteRecord>,
    /// The vectors, sorted by id.
    pub vectors: Vec<Vector>,
}

/// What a flaw is, what it costs, and where it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRecord {
    /// What it is, in one sentence.
    pub summary: String,
    /// What it costs, in one sentence.
    pub effect: String,
    /// CVE numbers of programs that had it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
}

/// One conformance vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// `<protocol>/<family>/<slug>`; lower case, never reused.
    pub id: String,
    /// Former ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What the attacker does, in one sentence.
    pub summary: String,
    /// Who is under test.
    pub role: Role,
    /// What the user asked for.
    pub policy: Policy,
    /// The policy of the session that the same user has before the one under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_session: Option<Policy>,
    /// The attack class, whose prefix is the family.
    pub class: String,
    /// The smallest tier that holds it.
    pub tier: Tier,
    /// The highest level among the properties at stake.
    pub level: VectorLevel,
    /// Sections of standards, and properties with theirs.
    pub requirements: Vec<String>,
    /// Abilities that a runner must have; one that does not know an ability skips the vector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The peer: persona, certificate, deviations.
    pub peer: PeerRecord,
    /// The point without which a run says nothing: it must have been reached.
    pub reached: Point,
    /// The properties at stake: those that some flawed client loses here.
    pub properties: Vec<String>,
    /// What sound variants show, worst first.
    pub sound: Vec<Outcome>,
    /// The flaws that it shows.
    pub kills: Vec<String>,
    /// The model's actions, with the common sound client.
    pub trace: Vec<String>,
    /// The same run as a dialogue.
    pub transcript: Vec<String>,
}

/// Who is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A client.
    Client,
    /// A server.
    Server,
}

/// An ability that a runner must have to play a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A second session of the same running program.
    TwoSessions,
    /// One that this version does not know.
    #[serde(untagged)]
    Unknown(String),
}

/// How large a selection a vector belongs to; each tier holds those before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// A small set that shows every flaw in one way.
    Smoke,
    /// One vector for each way to put each class of input to each state.
    Standard,
    /// All.
    Full,
}

/// How much a vector weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VectorLevel {
    /// A `must` property is at stake.
    Must,
    /// A `should` property is at stake.
    Should,
    /// No flaw of the model shows here: any client that behaves passes.
    May,
}

/// The peer of a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerRecord {
    /// The honest peer that the deviations change: the protocol's name.
    pub persona: String,
    /// The certificate that it shows.
    pub certificate: Certificate,
    /// What it does otherwise than the honest one.
    pub deviations: Vec<Deviation>,
}

/// The certificate that a peer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// Valid for the user's name.
    Genuine,
    /// Signed by nobody whom the client trusts.
    Untrusted,
    /// Trusted, for another name.
    WrongName,
    /// Trusted, for the right name, expired.
    Expired,
    /// Trusted, for another virtual host of the same server.
    OtherHost,
}

/// One thing that the attacker does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The session, counted from 1.
    pub session: u8,
    /// The connection, counted from 1; every one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u8>,
    /// At which point of the dialogue.
    pub at: Point,
    /// What is done there.
    #[serde(rename = "do")]
    pub action: Do,
    /// The wire text; `\n` stands for the protocol's line end. A text without a final `\n` is sent
    /// without a line end. `{tag}` stands for a tag of the client's (RFC 9051 section 2.2.1): that of
    /// the command which is answered, where the text stands in place of its reply or before it, and
    /// else the one that the client will use next, and for each further `{tag}` the one after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The wire bytes, where they are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// What the text means, piece by piece, in the model's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meaning: Vec<Meaning>,
    /// Whether the text shares a write with the reply that it stands beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentOf>,
}

/// A point of the dialogue, named after what the persona is about to say or do there.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// The server's first words; where the client speaks first, the moment of the connection.
    Opening,
    /// The answer to the question for the capabilities, in clear.
    Capabilities,
    /// The answer to the upgrade request.
    Upgrade,
    /// The handshake: the answer to the ClientHello.
    Handshake,
    /// The first words of the server inside TLS: its own, or the answer to the first command.
    Inside,
    /// The answer to the question for the capabilities inside TLS, whether or not it is the server's
    /// first words there.
    InsideCapabilities,
    /// The answer to a login, or to a part of one.
    Login,
    /// The answer to the delivery.
    Delivery,
}

impl Point {
    /// Whether it is inside TLS.
    pub const fn is_inside(self) -> bool {
        matches!(self, Self::Inside | Self::InsideCapabilities | Self::Login | Self::Delivery)
    }

    /// The point at which the answer to a command is said, inside TLS or not; `None` where nothing
    /// deviates. The first answer inside TLS is at [`Point::Inside`] as well.
    pub const fn of(command: Command, inside: bool) -> Option<Self> {
        match (inside, command) {
            (false, Command::Hello) => Some(Self::Capabilities),
            (false, Command::Upgrade) => Some(Self::Upgrade),
            (true, Command::Hello) => Some(Self::InsideCapabilities),
            (true, Command::Begin(_) | Command::Login(_) | Command::Credential) => {
                Some(Self::Login)
            }
            (true, Command::Deliver | Command::Protect) => Some(Self::Delivery),
            _ => None,
        }
    }

    /// The point at which the first answer inside TLS is said: [`Point::Inside`], unless something
    /// is `planned` at the point that the command [names](Self::of), which would else be lost.
    pub fn of_first_inside(command: Command, planned: impl FnOnce(Self) -> bool) -> Self {
        Self::of(command, true).filter(|&point| planned(point)).unwrap_or(Self::Inside)
    }

    /// The stable name, as in vectors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Capabilities => "capabilities",
            Self::Upgrade => "upgrade",
            Self::Handshake => "handshake",
            Self::Inside => "inside",
            Self::InsideCapabilities => "inside-capabilities",
            Self::Login => "login",
            Self::Delivery => "delivery",
        }
    }
}

/// What is done at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// The text is sent in place of what the persona would say. At the handshake: instead of
    /// ending TLS, the text is sent in clear and the persona goes on in clear.
    Replace,
    /// The text is sent behind what the persona says.
    Append,
    /// The text is sent before what the persona says.
    Prepend,
    /// Nothing is sent.
    Withhold,
    /// The connection is closed in order (FIN; close_notify inside TLS).
    Close,
    /// The connection is cut (RST in clear; FIN without close_notify inside TLS).
    Cut,
    /// The handshake is answered with a fatal TLS alert, in clear.
    Alert,
    /// TLS is ended with a close_notify, and the persona goes on in clear.
    EndTls,
}

/// Whether a text shares a write with the reply beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentOf {
    /// One write for both.
    Same,
    /// A write of its own, once the client has read the other: for the upgrade reply, between the
    /// ClientHello and the ServerHello.
    Own,
}

/// What a run shows; the worst comes first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A secret went out outside authenticated TLS.
    Leaked,
    /// The client acted on clear-text bytes as if they were protected.
    Injected,
    /// Traffic of a session that needs TLS went on outside it; no secret was seen.
    Downgraded,
    /// The client crashed.
    Crashed,
    /// The client was still alive after the peer had closed and the deadline had passed.
    Hung,
    /// It gave up safely, but its user cannot tell.
    Silent,
    /// It gave up and said so.
    Refused,
    /// It delivered inside authenticated TLS.
    Upgraded,
}

impl Outcome {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leaked => "leaked",
            Self::Injected => "injected",
            Self::Downgraded => "downgraded",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Upgraded => "upgraded",
        }
    }
}

impl Vector {
    /// The family: the prefix of the class, in lower case.
    pub fn family(&self) -> String {
        self.class.split('-').next().unwrap_or_default().to_ascii_lowercase()
    }
}
