//! What a client said inside TLS, as commands in their order.

use std::fmt;

use upward_model::message::Command;

use crate::codec::CONTINUED;

/// What a client said inside TLS with an authenticated server, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The connections on which it said something there, in order.
    pub dialogues: Vec<Dialogue>,
    /// Whether it said anything inside TLS at all, be the server's certificate good or bad.
    pub accepts_certificate: bool,
    /// Whether it ended as it does after success; `None` where that cannot be told.
    pub claims_success: Option<bool>,
}

/// What a client said inside TLS on one connection, until the server closed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    /// Its commands.
    pub steps: Vec<Step>,
    /// Whether the server closed because the client had nothing more to say.
    pub waits: bool,
}

/// One command, without what differs from run to run: tags, names, secrets, data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it means; `None` for what is not of the protocol.
    pub command: Option<Command>,
    /// Its verb, and the mechanism that it names, in upper case.
    pub word: String,
    /// Whether it came before the server had answered the command before it.
    pub ahead: bool,
}

impl Step {
    /// Whether the client logs in.
    pub(crate) const fn logs_in(&self) -> bool {
        matches!(self.command, Some(Command::Login(_) | Command::Begin(_)))
    }

    /// Whether it says anything that matters: taking leave and `NOOP` do not.
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
    /// Whether the client ever sends a command before the one before it is answered.
    pub fn pipelines(&self) -> bool {
        self.dialogues.iter().flat_map(|dialogue| &dialogue.steps).any(|step| step.ahead)
    }

    /// Whether the client said any command inside TLS with an authenticated server.
    pub fn says_something(&self) -> bool {
        self.dialogues.iter().any(|dialogue| !dialogue.counted().is_empty())
    }

    /// The same without what counts for nothing in a comparison of two honest runs.
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
