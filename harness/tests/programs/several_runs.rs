//! Several runs of real clients, and what becomes of their reports: shards put together, failures
//! waived, clients reported side by side.

use serde_json::Value;
use tempfile::TempDir;

use crate::programs::{is_there, upward};

/// A JSON report.
fn read(folder: &TempDir, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.path().join(name)).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

/// Takes out of a report what differs from run to run.
fn without_times(mut report: Value) -> Value {
    report["controls"].as_object_mut().expect("an object").remove("reaction_ms");
    for result in report["results"].as_array_mut().expect("results") {
        for field in ["duration_ms", "artefacts"] {
            result.as_object_mut().expect("an object").remove(field);
        }
    }
    report
}

/// Three shards on three machines, and their reports put together: the report of one run.
#[test]
fn shards_make_a_whole() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let run = |more: &[&str], report: &str| {
        let report = format!("json={report}");
        let arguments = ["run", "--client", "curl", "--tier", "smoke", "--report", &report];
        upward(&folder, &[&arguments[..], more].concat()).status.code()
    };
    assert_eq!(run(&[], "whole.json"), Some(0));
    for shard in 1..=3 {
        let code = run(&["--shard", &format!("{shard}/3")], &format!("{shard}.json"));
        assert_eq!(code, Some(0));
        let report = read(&folder, &format!("{shard}.json"));
        assert_eq!(report["shard"]["index"], shard);
        let played = report["results"].as_array().expect("results").len();
        assert!((7..=8).contains(&played), "{report}");
    }
    let files = ["report", "3.json", "1.json", "2.json", "--report", "json=merged.json"];
    assert_eq!(upward(&folder, &files).status.code(), Some(0));
    let [merged, whole] = ["merged.json", "whole.json"].map(|name| read(&folder, name));
    assert_eq!(without_times(merged), without_times(whole));
    let output = upward(&folder, &["report", "3.json", "1.json"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("curl (smtp, required): of 3 shards there is no report of 2/3"),
        "{said}"
    );
}

/// A client that leaks, waived step by step: the skeleton is refused until somebody says why.
#[test]
fn failures_are_waived() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let run = |more: &[&str]| {
        let arguments = ["run", "--protocol", "smtp", "--tier", "smoke", "--file"];
        let mail = [r"mail=Subject: t\n\n{body}\n"];
        let curl = ["--", "curl", "-sS", "--ssl", "--cacert", "{ca}", "-u", "{user}:{password}"];
        let to = ["--mail-from", "a@x.test", "--mail-rcpt", "b@x.test", "-T", "{dir}/mail"];
        let place = ["smtp://{host}:{port}"];
        upward(&folder, &[&arguments[..], &mail, more, &curl, &to, &place].concat())
    };
    let write = |name: &str, text: &[u8]| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    assert_eq!(run(&["--report", "json=run.json"]).status.code(), Some(1));
    let skeleton = upward(&folder, &["waive", "run.json"]);
    write("waivers.toml", &skeleton.stdout);
    let refused = run(&["--waivers", "waivers.toml"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("waivers.toml:7:11: the reason is empty"), "{said}");
    let reasoned = upward(&folder, &["waive", "run.json", "--reason", "it only tries"]);
    write("waivers.toml", &reasoned.stdout);
    let waived = run(&["--waivers", "waivers.toml", "--report", "json=waived.json"]);
    let said = String::from_utf8_lossy(&waived.stdout).into_owned();
    assert_eq!(waived.status.code(), Some(0), "{said}");
    assert!(said.contains("5 waived:\n  it only tries:"), "{said}");
    // The waiver names `curl`: it does not apply to a client that is called `mailer`, and the run says so.
    let renamed = run(&["--waivers", "waivers.toml", "--name", "mailer"]);
    let said = String::from_utf8_lossy(&renamed.stderr).into_owned();
    assert_eq!(renamed.status.code(), Some(1), "{said}");
    let hint = "this waiver is about client `curl`, and does not apply: the run has mailer";
    assert!(said.contains(hint), "{said}");
    let compared = upward(&folder, &["report", "--compare", "run.json", "waived.json"]);
    let said = String::from_utf8_lossy(&compared.stdout).into_owned();
    assert_eq!(compared.status.code(), Some(0), "{said}");
    assert!(said.contains("fail (leaked) -> waived (leaked)"), "{said}");
    let back = upward(&folder, &["report", "--compare", "waived.json", "run.json"]);
    assert_eq!(back.status.code(), Some(1));
    let nothing = upward(&folder, &["waive", "waived.json"]);
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(0), 0));
}

/// Several clients: each has its JSON, one document of each other kind holds all, and what goes to
/// standard output has it for itself.
#[test]
fn several_clients_are_reported_together() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let arguments = ["run", "--client", "curl*", "--tier", "smoke", "-f", "smtp/neg/upgrade-454"];
    let reports =
        ["--report", "json={client}.json", "--report", "junit=all.xml", "--report", "tap=-"];
    let output = upward(&folder, &[&arguments[..], &reports].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with(
            "TAP version 14\n1..4\nok 1 - curl: smtp/neg/upgrade-454\n# curl: 0 unexplained\nok 2 - curl: controls\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("not ok 3 - curl --ssl: smtp/neg/upgrade-454 # TODO announced"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(0), "{said}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("1 passed, 0 weak, 0 failed"), "{told}");
    let xml = std::fs::read_to_string(folder.path().join("all.xml")).expect("a report");
    assert_eq!(xml.matches("<testsuite ").count(), 2, "{xml}");
    let output = upward(&folder, &["report", "curl.json", "curl---ssl.json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with("passed/weak/failed    neg    all\ncurl                1/0/0  1/0/0\n"),
        "{said}"
    );
}
