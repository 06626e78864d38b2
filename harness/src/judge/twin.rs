//! A vector's twin: the same vector without the attack in clear.
//!
//! Inside TLS the server sends the same in both. So a client that sends different commands there has
//! used the plaintext. Only the order of commands is compared, never the time.

use std::fmt;

use upward_model::message::Command;

use crate::evidence::{Dialogue, Inside, Step};

/// A difference between the client's behaviour here and with the twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It sends a different command.
    Says {
        /// The command that it sends here.
        now: Step,
        /// The command that it sends to the twin, if any.
        usual: Option<Step>,
        /// Whether it is the first command inside TLS.
        first: bool,
    },
    /// It stops after a command; with the twin it goes on.
    Stops {
        /// Its last command.
        after: Step,
        /// The next command that it sends to the twin.
        next: Step,
        /// Whether it kept the connection open until the server closed it.
        waits: bool,
    },
    /// It does not wait for an answer; with the twin it waits.
    Ahead {
        /// The command that it sends too early.
        now: Step,
        /// The command that is not answered yet.
        before: Step,
    },
    /// It ends as after success; with the twin it fails.
    Succeeds,
}

impl Difference {
    /// Whether the client logs in with another mechanism.
    pub(super) const fn is_about_mechanism(&self) -> bool {
        let Self::Says { now, usual: Some(usual), .. } = self else { return false };
        now.logs_in() && usual.logs_in()
    }
}

impl Inside {
    /// The difference of this run from one with the twin. A client that stops before its first command
    /// inside TLS does not differ: giving up there is always right.
    pub(super) fn differs(&self, twin: &Self) -> Option<Difference> {
        if !twin.says_something() {
            return None;
        }
        let differences = self.dialogues.iter().filter_map(|dialogue| {
            let compared = twin.dialogues.iter().map(|other| compared(dialogue, other));
            // If there are several connections with the twin, compare with the most similar one.
            compared.max_by_key(|(alike, difference)| (difference.is_none(), *alike))?.1
        });
        let said = differences.into_iter().next();
        let ahead = || if twin.pipelines() { None } else { self.goes_ahead(twin) };
        let succeeds = || {
            let is = self.claims_success == Some(true) && twin.claims_success == Some(false);
            is.then_some(Difference::Succeeds)
        };
        said.or_else(ahead).or_else(succeeds)
    }

    /// The first command that is sent before the previous one is answered. A goodbye counts only if the
    /// client also says goodbye to the twin: otherwise it has only given up sooner.
    fn goes_ahead(&self, twin: &Self) -> Option<Difference> {
        let is_goodbye = |step: &Step| step.command == Some(Command::Goodbye);
        let takes_leave =
            twin.dialogues.iter().flat_map(|dialogue| &dialogue.steps).any(is_goodbye);
        let early = |step: &Step| step.ahead && (takes_leave || !is_goodbye(step));
        self.dialogues.iter().find_map(|dialogue| {
            let pair = dialogue.steps.windows(2).find(|pair| early(&pair[1]))?;
            Some(Difference::Ahead { now: pair[1].clone(), before: pair[0].clone() })
        })
    }
}

/// The number of common commands at the beginning of two dialogues, and the first difference.
fn compared(now: &Dialogue, usual: &Dialogue) -> (usize, Option<Difference>) {
    let (said, usually) = (now.counted(), usual.counted());
    let alike = said.iter().zip(&usually).take_while(|(one, other)| one.is_same(other)).count();
    let difference = match (said.get(alike), usually.get(alike)) {
        (None, None) => None,
        (Some(step), other) => Some(Difference::Says {
            now: (*step).clone(),
            usual: other.map(|step| (*step).clone()),
            first: alike == 0,
        }),
        (None, Some(&next)) => {
            // Commands that are sent together count as one command.
            let group = 1 + usually.iter().skip(1).take_while(|step| step.ahead).count();
            let early = alike == 0 || (group > 1 && alike <= group);
            let last = said.last().filter(|_| !early);
            last.map(|after| Difference::Stops {
                after: (*after).clone(),
                next: next.clone(),
                waits: now.waits,
            })
        }
    };
    (alike, difference)
}

impl fmt::Display for Difference {
    /// What the client did, as a sentence without its subject, and the conclusion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: &str = "in a second run, without the attack";
        match self {
            Self::Says { now, usual: Some(usual), .. } if now.word == usual.word => {
                write!(f, "sent {now} inside TLS to another end than {SECOND}")
            }
            Self::Says { now, usual: Some(usual), .. } => {
                write!(f, "sent {now} inside TLS; {SECOND}, it sent {usual} there")
            }
            Self::Says { now, usual: None, .. } => {
                write!(f, "sent {now} inside TLS; {SECOND}, it sent nothing there")
            }
            Self::Stops { after, next, waits: false } => {
                write!(f, "gave up inside TLS after {after}; {SECOND}, it went on to {next}")
            }
            Self::Stops { after, next, waits: true } => write!(
                f,
                "sent nothing more inside TLS after {after} was answered; {SECOND}, it went on to {next}"
            ),
            Self::Ahead { now, before } => write!(
                f,
                "sent {now} inside TLS before {before} was answered; {SECOND}, it waited for that answer"
            ),
            Self::Succeeds => {
                write!(f, "reported success; {SECOND}, it reported a failure")
            }
        }?;
        let follows = match self {
            Self::Stops { waits: true, .. } => "but how long a client waits proves nothing",
            _ => "so what came in clear made the difference",
        };
        write!(f, ". Up to there the server had said the same inside TLS in both, {follows}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(words: &[&[&str]]) -> Inside {
        let step = |word: &&str| Step {
            command: word.ends_with("QUIT").then_some(Command::Goodbye),
            word: word.trim_start_matches('+').to_owned(),
            ahead: word.starts_with('+'),
        };
        let dialogue =
            |words: &&[&str]| Dialogue { steps: words.iter().map(step).collect(), waits: false };
        Inside {
            dialogues: words.iter().map(dialogue).collect(),
            accepts_certificate: true,
            claims_success: None,
        }
    }

    fn differs(now: &[&[&str]], twin: &[&[&str]]) -> Option<String> {
        let difference = inside(now).differs(&inside(twin))?;
        Some(difference.to_string().split(". Up to there").next().unwrap_or_default().to_owned())
    }

    const USUAL: &[&[&str]] = &[&["EHLO", "AUTH PLAIN", "MAIL", "QUIT"]];

    #[test]
    fn the_same_commands_are_no_difference() {
        assert_eq!(differs(USUAL, USUAL), None);
        // A goodbye may be missing; a second connection may repeat the first.
        assert_eq!(differs(&[&["EHLO", "AUTH PLAIN", "MAIL"]], USUAL), None);
        assert_eq!(differs(&[USUAL[0], USUAL[0]], USUAL), None);
    }

    #[test]
    fn another_command_is_a_difference_and_stopping_at_once_is_none() {
        let says = "sent `AUTH LOGIN` inside TLS; in a second run, without the attack, it sent `AUTH PLAIN` there";
        assert_eq!(differs(&[&["EHLO", "AUTH LOGIN"]], USUAL).as_deref(), Some(says));
        let more =
            "sent `MAIL` inside TLS; in a second run, without the attack, it sent nothing there";
        assert_eq!(differs(&[&["EHLO", "MAIL"]], &[&["EHLO"]]).as_deref(), Some(more));
        let stops = "gave up inside TLS after `EHLO`; in a second run, without the attack, it went on to `AUTH PLAIN`";
        assert_eq!(differs(&[&["EHLO", "QUIT"]], USUAL).as_deref(), Some(stops));
        assert_eq!(differs(&[&["QUIT"]], USUAL), None);
        assert_eq!(differs(&[], USUAL), None);
    }

    #[test]
    fn a_command_that_comes_early_is_a_difference_for_a_client_that_waits() {
        let ahead: &[&[&str]] = &[&["EHLO", "+AUTH PLAIN", "MAIL", "QUIT"]];
        let says = "sent `AUTH PLAIN` inside TLS before `EHLO` was answered; in a second run, without the \
                    attack, it waited for that answer";
        assert_eq!(differs(ahead, USUAL).as_deref(), Some(says));
        assert_eq!(differs(ahead, ahead), None);
        assert_eq!(differs(USUAL, ahead), None);
        // A goodbye to a silent server means giving up sooner.
        let leaves: &[&[&str]] = &[&["EHLO", "+QUIT"]];
        assert_eq!(differs(leaves, &[&["EHLO"]]), None);
        // A client that sends two commands together has given up before the answer to the first.
        assert_eq!(differs(&[&["EHLO", "+AUTH PLAIN"]], ahead), None);
        assert!(
            differs(&[&["EHLO", "+AUTH PLAIN"]], &[&["EHLO", "+AUTH PLAIN", "MAIL"], &["x"]])
                .is_none()
        );
    }

    #[test]
    fn success_is_a_difference_where_the_twin_fails() {
        let ends = |claims_success| Inside { claims_success, ..inside(&[&["EHLO"]]) };
        let found = |now, twin| ends(now).differs(&ends(twin));
        assert_eq!(found(Some(true), Some(false)), Some(Difference::Succeeds));
        for (now, twin) in [(Some(true), Some(true)), (None, Some(false)), (Some(false), None)] {
            assert_eq!(found(now, twin), None);
        }
    }

    #[test]
    fn nothing_is_compared_with_a_twin_that_shows_nothing() {
        assert_eq!(differs(USUAL, &[]), None);
        assert_eq!(differs(USUAL, &[&["QUIT"]]), None);
    }
}
