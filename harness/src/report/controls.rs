//! The results of the controls, for people.

use std::fmt::Write as _;

use crate::profile::Trait;
use crate::results::{DELIVERED, Results};

/// The results of the controls alone.
pub fn controls(results: &Results) -> String {
    let mut text = String::new();
    control_line(results, &mut text);
    no_verdict(results, &mut text);
    text
}

/// The results of the controls, in one line.
pub(super) fn control_line(results: &Results, text: &mut String) {
    let controls = &results.controls;
    let honest = if results.is_judged() { "delivers inside TLS" } else { "FAILED" };
    let mut line = format!("controls: honest server: {honest}");
    if results.is_judged() {
        let announced = |traits: &[Trait]| {
            let is = traits.iter().any(|one| results.client.announced.contains(one));
            if is { " (as announced)" } else { "" }
        };
        let say = |fine: bool, yes: &str, no: &str, traits: &[Trait]| {
            if fine { format!("; {yes}") } else { format!("; {no}{}", announced(traits)) }
        };
        let unchecked = [Trait::VerifiesNoCertificate, Trait::Opportunistic];
        line += &say(controls.waits, "waits for replies", "TYPES WITHOUT READING", &[Trait::Blind]);
        line += &say(controls.tells_failure, "tells failure", "FAILURE LOOKS LIKE SUCCESS", &[]);
        let checks = controls.checks_authority;
        line += &say(checks, "checks the authority", "ACCEPTS ANY AUTHORITY", &unchecked);
        line += &format!("; answers within {} ms", controls.reaction_ms.max(1));
        if controls.last != DELIVERED && !results.interrupted {
            line += &format!("; LAST CONTROL FAILED: {}", controls.last);
        }
    }
    let _ = writeln!(text, "{line}");
    for fault in results.faults() {
        let _ = writeln!(text, "  {}\n    help: {}", fault.what, fault.help);
    }
}

/// If there is no verdict because the client did not deliver to an honest server, writes why, and what
/// may help; returns whether that is so.
pub(super) fn no_verdict(results: &Results, text: &mut String) -> bool {
    if results.is_judged() {
        return false;
    }
    if results.controls.broken {
        let _ = writeln!(text, "\nFAIL  {}", results.controls.honest);
        let _ = writeln!(text, "each time that it was tried; nobody has to attack it");
    } else {
        let _ = writeln!(text, "\nno verdict: {}", results.controls.honest);
    }
    if results.controls.wire.is_empty() {
        let _ = writeln!(
            text,
            "help: each run has a folder of its own: arguments that are paths have to be whole; \
             {{host}} and {{port}} say where to connect"
        );
    } else {
        let _ = writeln!(text, "what went over the wire:");
        for line in &results.controls.wire {
            let _ = writeln!(text, "    | {line}");
        }
    }
    if !results.controls.output.is_empty() {
        let _ = writeln!(text, "what the client wrote:");
        for line in &results.controls.output {
            let _ = writeln!(text, "    | {line}");
        }
    }
    true
}
