//! Vectors as cases, in process: a sound client passes them all, flawed ones fail those that show
//! it, and the command line is the one that `cargo test` and nextest know.
//!
//! This target has no test harness of its own. Its `main` runs the cases of the sound client and the
//! tests below, which start the target once more with a flawed client in its place.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "in_process/dialogue.rs"]
mod dialogue;
#[path = "in_process/mailer.rs"]
mod mailer;

use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use upward::in_process::Visit;
use upward::vectors::committed;
use upward_model::policy::Policy;
use upward_model::vector::{Tier, Vector};

use self::mailer::{Mistake, deliver};

/// The variable that puts another client in the place of the sound one.
const CLIENT: &str = "UPWARD_TEST_CLIENT";

/// The variable that says in which protocol only it is to be run.
const PROTOCOL: &str = "UPWARD_TEST_PROTOCOL";

/// The variable that names a file of waivers.
const WAIVERS: &str = "UPWARD_TEST_WAIVERS";

/// Clients by name.
const MISTAKES: [(&str, Mistake); 7] = [
    ("sound", Mistake::None),
    ("goes-on-in-clear", Mistake::GoesOnInClear),
    ("trusts-anybody", Mistake::TrustsAnybody),
    ("says-ok", Mistake::SaysOk),
    ("panics", Mistake::Panics),
    ("waits-for-ever", Mistake::WaitsForEver),
    ("never-delivers", Mistake::NeverDelivers),
];

fn main() -> ExitCode {
    let name = std::env::var(CLIENT).unwrap_or_default();
    let mistake = MISTAKES.iter().find(|(known, _)| *known == name).map(|(_, mistake)| *mistake);
    let only = std::env::var(PROTOCOL).ok();
    let mut cases = Vec::new();
    for protocol in ["smtp", "imap", "pop3"] {
        if only.as_ref().is_some_and(|only| only != protocol) {
            continue;
        }
        let client = move |visit: Visit| deliver(protocol, visit, mistake.unwrap_or(Mistake::None));
        let mut suite = upward::in_process(protocol).tier(Tier::Smoke).named("mailer").strict();
        if protocol == "imap" {
            // It fetches, and appends nothing.
            suite = suite.only_logs_in();
        }
        if mistake == Some(Mistake::WaitsForEver) {
            suite = suite.deadline(Duration::from_secs(2));
        }
        if let Some(file) = std::env::var_os(WAIVERS) {
            suite = suite.waivers(file);
        }
        match suite.cases(client) {
            Ok(of_protocol) => cases.extend(of_protocol),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(2);
            }
        }
    }
    if mistake.is_none() {
        cases.extend(tests());
    }
    libtest_mimic::run(&Arguments::from_args(), cases).exit_code()
}

fn tests() -> Vec<Trial> {
    let test = |name: &str, run: fn()| {
        Trial::test(name, move || -> Result<(), Failed> {
            run();
            Ok(())
        })
    };
    vec![
        test("lists_what_nextest_asks_for", lists_what_nextest_asks_for),
        test("a_failure_is_told_as_of_a_program", a_failure_is_told_as_of_a_program),
        test("a_mailbox_is_as_much_worth_as_a_mail", a_mailbox_is_as_much_worth_as_a_mail),
        test(
            "what_is_waived_is_ignored_with_its_reason",
            what_is_waived_is_ignored_with_its_reason,
        ),
        test("a_waiver_that_is_not_right_fails", a_waiver_that_is_not_right_fails),
        test("a_bad_certificate_is_noticed", a_bad_certificate_is_noticed),
        test("what_is_told_is_what_is_returned", what_is_told_is_what_is_returned),
        test("a_panic_is_a_crash", a_panic_is_a_crash),
        test("who_never_returns_is_hung", who_never_returns_is_hung),
        test("who_does_not_deliver_is_not_judged", who_does_not_deliver_is_not_judged),
    ]
}

/// Runs this target with a client, in SMTP; its exit code, and what it prints.
fn run(client: &str, arguments: &[&str]) -> (Option<i32>, String) {
    run_in("smtp", client, arguments)
}

fn run_in(protocol: &str, client: &str, arguments: &[&str]) -> (Option<i32>, String) {
    ended(again(protocol, client, arguments))
}

/// This target once more, with a client in one protocol.
fn again(protocol: &str, client: &str, arguments: &[&str]) -> Command {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(arguments).env(CLIENT, client).env(PROTOCOL, protocol);
    again
}

/// The exit code, and all that is printed.
fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// Runs a client in the vector that refuses TLS with a 454, with one waiver.
fn waived(client: &str, vector: &str, outcome: &str) -> (Option<i32>, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[[waiver]]\nvector = \"{vector}\"\noutcome = \"{outcome}\"\nreason = \"mended in 2.0\"\n"
    );
    std::fs::write(file.path(), text).unwrap();
    let mut command = again("smtp", client, &["--exact", "smtp/neg/upgrade-454"]);
    command.env(WAIVERS, file.path());
    ended(command)
}

fn what_is_waived_is_ignored_with_its_reason() {
    let (code, told) = waived("goes-on-in-clear", "smtp/neg/upgrade-4*", "leaked");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("ignored (waived, leaked: mended in 2.0)"), "{told}");
}

fn a_waiver_that_is_not_right_fails() {
    let (code, told) = waived("goes-on-in-clear", "smtp/neg/upgrade-454", "hung");
    assert_eq!(code, Some(101), "{told}");
    assert!(told.contains("FAIL  leaked  smtp/neg/upgrade-454"), "{told}");
    let (code, told) = waived("sound", "smtp/neg/upgrade-454", "leaked");
    assert_eq!(code, Some(101), "{told}");
    assert!(told.contains("smtp/neg/upgrade-454 passes: remove this waiver"), "{told}");
    let (code, told) = waived("sound", "smtp/neg/upgrade-4545", "leaked");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains(":1: `smtp/neg/upgrade-4545` names no vector that there is"), "{told}");
    let (code, told) = waived("sound", "smtp/neg/upgrade-454", "sunk");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("sunk"), "{told}");
}

fn lists_what_nextest_asks_for() {
    let (code, all) = run("sound", &["--list", "--format", "terse"]);
    assert_eq!(code, Some(0));
    let ids: Vec<&str> = all.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    assert_eq!(ids.len(), count("smtp", Tier::Smoke), "{all}");
    assert!(ids.contains(&"smtp/neg/upgrade-454"));
    let (_, ignored) = run("sound", &["--list", "--format", "terse", "--ignored"]);
    let sessions: Vec<&str> = ignored.lines().collect();
    assert_eq!(sessions.len(), 2, "{ignored}");
    let (code, one) = run("sound", &["--exact", "smtp/neg/upgrade-454", "--nocapture"]);
    assert_eq!(code, Some(0));
    assert!(one.contains("1 passed; 0 failed"), "{one}");
}

/// How many vectors under policy required are played at a tier.
fn count(protocol: &str, tier: Tier) -> usize {
    let file = committed(protocol).unwrap();
    let played = |v: &&Vector| v.tier <= tier && v.policy == Policy::Required;
    file.vectors.iter().filter(played).count()
}

fn a_failure_is_told_as_of_a_program() {
    let (code, told) = run("goes-on-in-clear", &["--exact", "smtp/neg/upgrade-454"]);
    assert_eq!(code, Some(101));
    for part in [
        "FAIL  leaked  smtp/neg/upgrade-454",
        "  attack    The attacker replaces the reply to the upgrade request by `454 ",
        "  rule      No password and no confidential data leave the client outside TLS. (must: RFC 8314",
        "  expected  a sound client gives up and says so (refused)",
        "  actual    mailer sent a secret in clear\n  ended     with `Ok`",
        "  looks like ignores-refusal: ",
        "CLIENT: AUTH PLAIN ",
        "^ the password, in base64",
        "  again     cargo test -p upward --test in_process -- --exact smtp/neg/upgrade-454",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let files = told.lines().find_map(|line| line.trim().strip_prefix("files ")).unwrap();
    let wire = std::fs::read_to_string(format!("{}/wire.txt", files.trim())).unwrap();
    assert!(wire.contains("AUTH PLAIN"), "{wire}");
}

fn a_mailbox_is_as_much_worth_as_a_mail() {
    for (protocol, id, says) in [
        ("imap", "imap/neg/upgrade-bad", "CLIENT: t2 LOGIN "),
        ("pop3", "pop3/neg/upgrade-err", "CLIENT: PASS "),
    ] {
        let (code, told) = run_in(protocol, "goes-on-in-clear", &["--exact", id]);
        assert_eq!(code, Some(101), "{told}");
        for part in [&format!("FAIL  leaked  {id}"), says, "looks like ignores-refusal"] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
}

/// A function is handed the authority to trust: one that checks nothing has no excuse.
fn a_bad_certificate_is_noticed() {
    let (code, told) = run("trusts-anybody", &["smtp/tls/certificate"]);
    assert_eq!(code, Some(101));
    assert!(told.contains("FAIL  leaked  smtp/tls/certificate-untrusted"), "{told}");
}

/// Who says `Ok` also where nobody listens tells its user nothing.
fn what_is_told_is_what_is_returned() {
    let (code, told) = run("says-ok", &["--exact", "smtp/neg/upgrade-454"]);
    assert_eq!(code, Some(101));
    assert!(told.contains("no verdict: the function returns `Ok` where nobody listens"), "{told}");
}

fn a_panic_is_a_crash() {
    let (code, told) = run("panics", &["--exact", "smtp/neg/upgrade-454"]);
    assert_eq!(code, Some(101));
    assert!(told.contains("WEAK  crashed  smtp/neg/upgrade-454"), "{told}");
    assert!(told.contains("ended     with a panic: the server refused to start TLS"), "{told}");
}

fn who_never_returns_is_hung() {
    let (code, told) = run("waits-for-ever", &["--exact", "smtp/neg/upgrade-454"]);
    assert_eq!(code, Some(101));
    assert!(told.contains("WEAK  hung  smtp/neg/upgrade-454"), "{told}");
    assert!(told.contains("ended     with no result at the deadline"), "{told}");
}

fn who_does_not_deliver_is_not_judged() {
    let (code, told) = run("never-delivers", &["--exact", "smtp/neg/upgrade-454"]);
    assert_eq!(code, Some(101));
    assert!(told.contains("no verdict: the client did not deliver to an honest server"), "{told}");
    assert!(told.contains("the error `no mail`"), "{told}");
}
