//! The client's commands inside TLS, in order.

use std::fmt;

use upward_model::message::Command;

use crate::codec::CONTINUED;

/// The client's commands inside TLS with an authenticated server, and its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The connections on which it sent commands there, in order.
    pub dialogues: Vec<Dialogue>,
    /// Whether it sent any bytes inside TLS, whether the server's certificate was good or bad.
    pub accepts_certificate: bool,
    /// Whether its end looks like success; `None` if that cannot be told.
    pub claims_success: Option<bool>,
}

/// The client's commands inside TLS on one connection, until the server closed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    /// Its commands.
    pub steps: Vec<Step>,
    /// Whether the server closed because the client sent nothing more.
    pub waits: bool,
}

/// One command, without the parts that differ from run to run: tags, names, secrets, data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its command in the model; `None` if it is not of the protocol.
    pub command: Option<Command>,
    /// Its verb, and the mechanism that it names, in upper case.
    pub word: String,
    /// Whether it was sent before the server had answered the previous command.
    pub ahead: bool,
}

impl Step {
    /// Whether the client logs in.
    pub(crate) const fn logs_in(&self) -> bool {
        matches!(self.command, Some(Command::Login(_) | Command::Begin(_)))
    }

    /// Whether it matters for a comparison: a goodbye and `NOOP` do not.
    pub(crate) fn counts(&self) -> bool {
        !matches!(self.command, Some(Command::Goodbye | Command::Noop))
    }

    /// Whether two commands are the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.command == other.command && self.word == other.word
    }
}

impl Dialogue {
    /// The commands that matter.
    pub(crate) fn counted(&self) -> Vec<&Step> {
        self.steps.iter().filter(|step| step.counts()).collect()
    }
}

impl Inside {
    /// Whether the client sends any command before the previous one is answered.
    pub fn pipelines(&self) -> bool {
        self.dialogues.iter().flat_map(|dialogue| &dialogue.steps).any(|step| step.ahead)
    }

    /// Whether the client sent any command that matters inside TLS with an authenticated server.
    pub fn says_something(&self) -> bool {
        self.dialogues.iter().any(|dialogue| !dialogue.counted().is_empty())
    }

    /// Whether two honest runs have the same commands that matter, and the same end.
    pub fn is_same(&self, other: &Self) -> bool {
        let words = |inside: &Self| -> Vec<Vec<(Option<Command>, String)>> {
            let step = |step: &&Step| (step.command, step.word.clone());
            let steps = |dialogue: &Dialogue| dialogue.counted().iter().map(step).collect();
            inside.dialogues.iter().map(steps).filter(|steps: &Vec<_>| !steps.is_empty()).collect()
        };
        words(self) == words(other)
            && self.accepts_certificate == other.accepts_certificate
            && self.claims_success == other.claims_success
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.word)
    }
}

impl fmt::Display for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<&str> = self.steps.iter().map(|step| &*step.word).collect();
        words.dedup_by(|next, word| next == word && *next == CONTINUED);
        f.write_str(&words.join(", "))
    }
}
