//! A vector's twin: the same vector without what the attacker does in clear.
//!
//! Inside TLS, the server says the same in both. So a client that says something else there than with
//! the twin has used what came in clear. Only the order of commands counts, never the time.

use std::fmt;

use upward_model::message::Command;

use crate::evidence::{Dialogue, Inside, Step};

/// How a client differs from what it does with the twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It says something else.
    Says {
        /// What it says.
        now: Step,
        /// What it says to the twin, if anything.
        usual: Option<Step>,
        /// Whether it is the first thing that it says there.
        first: bool,
    },
    /// It goes no further than this, and goes on with the twin.
    Stops {
        /// Its last command.
        after: Step,
        /// What it says next to the twin.
        next: Step,
        /// Whether it stayed there, waiting for more, until the server closed.
        waits: bool,
    },
    /// It does not wait for an answer for which it waits with the twin.
    Ahead {
        /// What it says.
        now: Step,
        /// The command whose answer was still to come.
        before: Step,
    },
    /// It ends as after success, and fails with the twin.
    Succeeds,
}

impl Difference {
    /// Whether the client logs in by another mechanism.
    pub(super) const fn is_about_mechanism(&self) -> bool {
        let Self::Says { now, usual: Some(usual), .. } = self else { return false };
        now.logs_in() && usual.logs_in()
    }
}

impl Inside {
    /// How this run differs from one with the twin. A client that stops before its first command inside
    /// TLS does not differ: giving up there is always right.
    pub(super) fn differs(&self, twin: &Self) -> Option<Difference> {
        if !twin.says_something() {
            return None;
        }
        let differences = self.dialogues.iter().filter_map(|dialogue| {
            let compared = twin.dialogues.iter().map(|other| compared(dialogue, other));
            // Of several connections with the twin, the most alike is the one to compare with.
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

    /// The first command that comes before the one before it is answered. A goodbye counts only if the
    /// client takes leave of the twin, too: else it has only given up sooner.
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

/// How many commands two dialogues have in common, and how the first differs from the second.
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
            // What is said in one go counts as one command.
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
    /// What the client did, as a sentence without its subject, and what follows from it.
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
        // Leave is taken or not; a second connection does what the first did.
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
        // To take leave while the server is silent is to give up sooner.
        let leaves: &[&[&str]] = &[&["EHLO", "+QUIT"]];
        assert_eq!(differs(leaves, &[&["EHLO"]]), None);
        // A client that sends two commands in one go has given up before the answer to the first.
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
