//! Clients that are no more than a command line: what their maker is told.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;
use upward::vectors::committed;
use upward_model::policy::Policy;
use upward_model::vector::{Tier, Vector};

use crate::entries::{results, with_verdict};
use crate::programs::{is_there, upward};

/// The command line of the README, on both of curl's modes.
fn curl(mode: &str, folder: &TempDir) -> Output {
    upward(
        folder,
        &[
            "run",
            "--protocol",
            "smtp",
            "--file",
            r"mail=Subject: t\n\n{body}\n",
            "--tier",
            "smoke",
            "--",
            "curl",
            "-sS",
            mode,
            "--cacert",
            "{ca}",
            "-u",
            "{user}:{password}",
            "--mail-from",
            "a@x.test",
            "--mail-rcpt",
            "b@x.test",
            "-T",
            "{dir}/mail",
            "smtp://{host}:{port}",
        ],
    )
}

#[test]
fn a_command_line_is_enough() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    assert_eq!(curl("--ssl-reqd", &folder).status.code(), Some(0));
    let output = curl("--ssl", &folder);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("FAIL  leaked  smtp/neg/capabilities-keyword-omitted"), "{text}");
    assert!(text.contains("the password"), "{text}");
    // The line that says how to run it again does so.
    let again = text.lines().find_map(|line| line.strip_prefix("  again     ")).expect("a command");
    let again = Command::new("sh").args(["-c", again]).current_dir(folder.path()).output();
    let again = again.expect("a shell");
    assert_eq!(again.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&again.stdout).contains("smtp under policy required, 1 vector")
    );
    assert!(Path::new(&folder.path().join("target/upward/curl")).is_dir());
}

/// Who delivers and says that it failed, or says the same whatever happened, or sends something else, is
/// not taken for a client that passes.
#[test]
fn what_a_client_tells_its_user_is_asked_first() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let send = "curl -sS --ssl-reqd --cacert \"$UPWARD_CA\" -u \"$UPWARD_USER:$UPWARD_PASSWORD\" \
                --mail-from a@x.test --mail-rcpt b@x.test -T mail smtp://$UPWARD_HOST:$UPWARD_PORT";
    let elsewhere = send.replace("$UPWARD_USER:$UPWARD_PASSWORD", "me:secret");
    for (mail, script, says) in [
        (
            "{body}",
            format!("{send}; exit 1"),
            "tells its user that it failed; it ended with exit code 1",
        ),
        ("{body}", format!("{send}; exit 0"), "FAILURE LOOKS LIKE SUCCESS"),
        ("hello", elsewhere, "no leak could be seen"),
    ] {
        let file = format!("mail=Subject: t\\n\\n{mail}\\n");
        let options = ["run", "--protocol", "smtp", "--tier", "smoke", "--file", &file, "--"];
        let output = upward(&folder, &[&options[..], &["sh", "-c", &script]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(says), "{says}\n{text}");
    }
}

/// Who is told which authority to trust, and trusts any, fails; of who is not told, nothing is known.
#[test]
fn a_client_that_checks_no_certificate_fails_where_it_was_told_what_to_trust() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let options = ["run", "--protocol", "smtp"];
    let send = ["curl", "-k", "-sS", "--ssl-reqd", "-u", "{user}:{password}", "-T", "mail"];
    let to = ["--mail-from", "a@x.test", "--mail-rcpt", "b@x.test", "smtp://{host}:{port}"];
    let file = ["--file", "mail={body}", "--"];
    let told = &["--cacert", "{ca}"][..];
    let expired = "smtp/tls/certificate-expired";
    for (vector, told, code, says) in [
        (expired, told, 1, "FAIL  leaked  smtp/tls/certificate-expired"),
        (expired, &[], 3, "it was not told which to trust"),
        (
            "smtp/neg/upgrade-454",
            told,
            3,
            "0 failed, 0 inconclusive, 0 skipped; it accepts any authority",
        ),
    ] {
        let options = [&options[..], &["-f", vector]].concat();
        let output = upward(&folder, &[&options[..], &file, &send, told, &to].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains("ACCEPTS ANY AUTHORITY") && text.contains(says), "{text}");
    }
}

/// Who gives its password away although nobody attacks has failed, and no report of it looks like one of
/// a client in which nothing failed.
#[test]
fn a_client_that_leaks_to_an_honest_server_fails() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let reports = ["--report", "junit=x.xml", "--report", "tap=x.tap", "--report", "json=x.json"];
    let send = ["--", "curl", "-sS", "-u", "{user}:{password}", "--mail-from", "a@x.test"];
    let to = ["--mail-rcpt", "b@x.test", "-T", "{ca}", "smtp://{host}:{port}"];
    let options = ["run", "--protocol", "smtp"];
    let output = upward(&folder, &[&options[..], &reports, &send, &to].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let says = "with an honest server that offers TLS, the client sent a secret in clear";
    assert!(text.contains(&format!("FAIL  {says}")), "{text}");
    let all = count("smtp", Tier::Standard);
    assert!(text.contains(&format!("0 of {all} vectors")), "{text}");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("a report");
    assert!(read("x.xml").contains("failures=\"1\""), "{}", read("x.xml"));
    assert!(read("x.tap").contains("not ok 1 - curl: controls"), "{}", read("x.tap"));
    assert!(read("x.json").contains("\"broken\": true"), "{}", read("x.json"));
}

/// What is sent in clear to an honest server, and is no secret, is underlined, and said to be what it is.
#[test]
fn what_an_honest_server_is_given_in_clear_is_shown() {
    if !is_there("python3") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let early = "c.docmd('MAIL FROM:<a@x.test>')";
    for (hello, before, says, underlined) in [
        ("'x.test'", early, "in clear what may only be sent inside TLS", "not allowed outside TLS"),
        ("e('USER')", "pass", "its user's name in clear", "the user, as it is"),
    ] {
        let script = format!(
            "import os, smtplib, ssl; e = lambda name: os.environ['UPWARD_' + name]; \
             c = smtplib.SMTP(e('HOST'), int(e('PORT')), local_hostname={hello}); c.ehlo(); {before}; \
             c.starttls(context=ssl.create_default_context(cafile=e('CA'))); \
             c.login(e('USER'), e('PASSWORD')); c.sendmail('a@x.test', 'b@x.test', e('BODY'))"
        );
        let output =
            upward(&folder, &["run", "--protocol", "smtp", "--", "python3", "-c", &script]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        let says = format!("FAIL  with an honest server that offers TLS, the client sent {says}");
        assert!(text.contains(&says), "{says}\n{text}");
        assert!(text.contains(&format!("^ {underlined}")), "{text}");
    }
}

/// A client that only knows the upgrade has not what a policy asks for that wants TLS from the start.
#[test]
fn an_upgrade_is_no_implicit_tls() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let file = ["--file", "mail={body}", "--", "curl", "-sS", "--ssl-reqd", "--cacert", "{ca}"];
    let from = ["-u", "{user}:{password}", "--mail-from", "a@x.test", "--mail-rcpt", "b@x.test"];
    for (scheme, code, says) in [
        ("smtp", 1, "spoke in clear, although policy implicit has TLS come first (must"),
        ("smtps", 0, "0 failed, 0 inconclusive"),
    ] {
        let options = ["run", "--protocol", "smtp", "--policy", "implicit"];
        let place = format!("{scheme}://{{host}}:{{port}}");
        let to = ["-T", "mail", &place];
        let output = upward(&folder, &[&options[..], &file, &from, &to].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

/// Two runs of one client would write their files over each other's.
#[test]
fn a_folder_is_used_by_one_run_at_a_time() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let place = folder.path().join("target/upward/curl");
    std::fs::create_dir_all(&place).expect("a folder");
    let lock = std::fs::File::create(place.join(".lock")).expect("a file");
    lock.lock().expect("nobody else has it");
    let refused = curl("--ssl-reqd", &folder);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("another run is at work in target/upward/curl"), "{said}");
    drop(lock);
    assert_eq!(curl("--ssl-reqd", &folder).status.code(), Some(0));
}

/// Ctrl-C in the middle, or the signal by which a job of CI is ended: what was played is reported, and
/// nothing is left behind.
#[test]
fn an_interrupted_suite_reports_what_was_played() {
    if !is_there("curl") {
        return;
    }
    for signal in ["INT", "TERM"] {
        is_interrupted_by(signal);
    }
}

fn is_interrupted_by(signal: &str) {
    let folder = TempDir::new().expect("a folder");
    // At its twelfth run the client interrupts the suite, and would stay for a long time.
    let client = "echo >> ../runs; [ $(wc -l < ../runs) -lt 12 ] || { kill -SIGNAL $(awk '{print $4}' /proc/$PPID/stat); sleep 31.4161; }; \
                  exec curl -sS --ssl-reqd --cacert $UPWARD_CA -u $UPWARD_USER:$UPWARD_PASSWORD \
                  --mail-from a@example.org --mail-rcpt b@example.org -T mail \
                  smtp://$UPWARD_HOST:$UPWARD_PORT";
    let client = client.replace('{', "{{").replace('}', "}}").replace("SIGNAL", signal);
    let mail = r"mail=Subject: t\r\n\r\n{body}\r\n";
    let mut arguments = vec!["run", "--protocol", "smtp", "-j", "1", "--file", mail];
    arguments.extend(["--report", "json=report.json", "--", "sh", "-c", &client]);
    let output = upward(&folder, &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}{complained}");
    assert!(said.contains("INTERRUPTED"), "{said}");
    assert!(complained.contains("interrupted"), "{complained}");
    let text = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["interrupted"], true);
    assert!((1..12).contains(&results(&report).len()), "{said}");
    assert_eq!(with_verdict(&report, "fail"), Vec::<&str>::new());
    assert!(!with_verdict(&report, "pass").is_empty(), "{said}");
    let left = std::fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok);
    let left = left.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("31.4161\0")
    });
    assert_eq!(left.count(), 0);
}

/// How many vectors under policy required are played at a tier.
fn count(protocol: &str, tier: Tier) -> usize {
    let file = committed(protocol).expect("vectors");
    let played = |v: &&Vector| v.tier <= tier && v.policy == Policy::Required;
    file.vectors.iter().filter(played).count()
}

/// A folder that cannot be written: what was found before stands.
#[test]
fn what_was_found_stands_when_the_rest_cannot_be_run() {
    if !is_there("curl") {
        return;
    }
    let all = count("smtp", Tier::Smoke);
    for (blocked, most) in [("control-last", all), ("smtp-neg-upgrade-454", all - 1)] {
        let folder = TempDir::new().expect("a folder");
        let place = folder.path().join("runs/curl");
        std::fs::create_dir_all(&place).expect("a folder");
        std::fs::write(place.join(blocked), "in the way").expect("a file");
        let arguments = ["run", "--client", "curl", "--tier", "smoke", "-j", "1"];
        let more = ["--directory", "runs", "--report", "json=report.json"];
        let output = upward(&folder, &[&arguments[..], &more].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("LAST CONTROL FAILED") && said.contains(blocked), "{said}");
        let text = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        assert!((1..=most).contains(&results(&report).len()), "{said}");
        assert!(!with_verdict(&report, "pass").is_empty(), "{said}");
    }
}
