//! Real programs. Where the environment promises them (`UPWARD_REQUIRE_CLIENTS`), a missing one is a
//! failure; elsewhere its test says that it was not run.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Runs `upward` in a fresh folder.
fn upward(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::cargo_bin("upward")
        .expect("the program is built")
        .current_dir(folder.path())
        .env_remove("GITHUB_STEP_SUMMARY")
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// Whether a program is there; panics where it was promised.
fn is_there(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    assert!(
        found || std::env::var_os("UPWARD_REQUIRE_CLIENTS").is_none(),
        "{program} was promised, and is not there"
    );
    if !found {
        eprintln!("not run: {program} is not installed");
    }
    found
}

/// What results look like.
fn schema() -> jsonschema::Validator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/schema/results-1.json");
    let text = std::fs::read_to_string(path).expect("a schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Runs a bundled client; its exit code and JSON report.
fn bundled(name: &str, more: &[&str]) -> (Option<i32>, Value) {
    let folder = TempDir::new().expect("a folder");
    let report = folder.path().join("report.json");
    let option = format!("json={}", report.display());
    let mut arguments = vec!["run", "--client", name, "--report", &option];
    arguments.extend(more);
    let output = upward(&folder, &arguments);
    let text = std::fs::read_to_string(&report)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let report = serde_json::from_str(&text).expect("JSON");
    let errors: Vec<String> = schema().iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    (output.status.code(), report)
}

fn results(report: &Value) -> &Vec<Value> {
    report["results"].as_array().expect("results")
}

fn with_verdict<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    results(report)
        .iter()
        .filter(|result| result["verdict"] == verdict)
        .map(|result| result["vector"].as_str().expect("an id"))
        .collect()
}

/// A client that must pass every vector of the tier.
fn passes(name: &str, program: &str) {
    if !is_there(program) {
        return;
    }
    let (code, report) = bundled(name, &[]);
    assert_eq!(with_verdict(&report, "fail"), Vec::<&str>::new());
    assert_eq!(with_verdict(&report, "inconclusive"), Vec::<&str>::new());
    assert_eq!(with_verdict(&report, "error"), Vec::<&str>::new());
    assert!(with_verdict(&report, "pass").len() > 100);
    assert_eq!(code, Some(0));
}

#[test]
fn curl_passes() {
    passes("curl", "curl");
}

#[test]
fn msmtp_passes() {
    passes("msmtp", "msmtp");
}

#[test]
fn python_smtplib_passes() {
    passes("python smtplib", "python3");
}

#[test]
fn s_nail_passes() {
    passes("s-nail", "s-nail");
}

/// A documented opportunistic mode: it must be found leaking, and only as announced.
fn leaks(name: &str, program: &str, tier: &str) {
    if !is_there(program) {
        return;
    }
    let (code, report) = bundled(name, &["--tier", tier]);
    for id in ["smtp/neg/capabilities-keyword-omitted", "smtp/neg/upgrade-454"] {
        let result = results(&report).iter().find(|result| result["vector"] == id).expect(id);
        assert_eq!(result["outcome"], "leaked", "{result}");
        assert_eq!(result["announced"], true, "{result}");
        assert!(result["evidence"]["canary"].is_string(), "{result}");
    }
    assert_eq!(code, Some(0), "{:?}", with_verdict(&report, "fail"));
}

#[test]
fn curl_try_is_found_leaking() {
    leaks("curl --ssl", "curl", "standard");
}

#[test]
fn swaks_tls_optional_is_found_leaking() {
    leaks("swaks --tls-optional", "swaks", "smoke");
}

/// It types without reading: nothing can be said about injection, and nothing is.
#[test]
fn openssl_is_blind_and_never_injected() {
    if !is_there("openssl") {
        return;
    }
    let (code, report) = bundled("openssl s_client", &[]);
    assert_eq!(report["controls"]["waits"], false);
    assert_eq!(with_verdict(&report, "fail"), Vec::<&str>::new());
    let accused = results(&report)
        .iter()
        .any(|result| result["outcome"] == "injected" && result["verdict"] != "inconclusive");
    assert!(!accused);
    assert_eq!(code, Some(0));
}

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
    assert!(text.contains("again     upward run --protocol smtp"), "{text}");
    assert!(Path::new(&folder.path().join("target/upward/curl")).is_dir());
}

/// Takes out of a report what differs from run to run.
fn without_times(report: &mut Value) {
    report["controls"].as_object_mut().expect("an object").remove("reaction_ms");
    for result in report["results"].as_array_mut().expect("results") {
        for field in ["duration_ms", "artefacts"] {
            result.as_object_mut().expect("an object").remove(field);
        }
    }
}

/// Ten runs of the same client give the same report, times aside.
#[test]
fn reports_repeat_themselves() {
    if !is_there("curl") {
        return;
    }
    let plain = || {
        let (_, mut report) = bundled("curl", &["--tier", "smoke"]);
        without_times(&mut report);
        report
    };
    let first = plain();
    for _ in 1..10 {
        assert_eq!(plain(), first);
    }
}

/// Three shards on three machines, and their reports put together: the report of one run.
#[test]
fn shards_make_a_whole() {
    if !is_there("curl") {
        return;
    }
    let (code, mut whole) = bundled("curl", &["--tier", "smoke"]);
    let folder = TempDir::new().expect("a folder");
    for shard in ["1/3", "2/3", "3/3"] {
        let (code, part) = bundled("curl", &["--tier", "smoke", "--shard", shard]);
        assert_eq!(code, Some(0));
        assert!((5..=6).contains(&results(&part).len()), "{part}");
        let path = folder.path().join(shard.replace('/', "-of-") + ".json");
        std::fs::write(path, part.to_string()).expect("a file");
    }
    let files = ["3-of-3.json", "1-of-3.json", "2-of-3.json"];
    let output =
        upward(&folder, &[&["report"], &files[..], &["--report", "json=all.json"]].concat());
    assert_eq!(output.status.code(), code);
    let text = std::fs::read_to_string(folder.path().join("all.json")).expect("a report");
    let mut merged: Value = serde_json::from_str(&text).expect("JSON");
    without_times(&mut whole);
    without_times(&mut merged);
    assert_eq!(merged, whole);
    let output = upward(&folder, &["report", files[0], files[1]]);
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
    assert!(said.contains("4 waived:\n  it only tries:"), "{said}");
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
        said.starts_with("TAP version 14\n1..2\nok 1 - curl: smtp/neg/upgrade-454\n"),
        "{said}"
    );
    assert!(
        said.contains("not ok 2 - curl --ssl: smtp/neg/upgrade-454 # TODO announced"),
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

/// Ctrl-C in the middle: what was played is reported, and nothing is left behind.
#[test]
fn an_interrupted_suite_reports_what_was_played() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    // At its twelfth run the client interrupts the suite, and would stay for a long time.
    let client = "echo >> ../runs; [ $(wc -l < ../runs) -lt 12 ] || { kill -INT $PPID; sleep 31.4161; }; \
                  exec curl -sS --ssl-reqd --cacert $UPWARD_CA -u $UPWARD_USER:$UPWARD_PASSWORD \
                  --mail-from a@example.org --mail-rcpt b@example.org -T mail \
                  smtp://$UPWARD_HOST:$UPWARD_PORT";
    let client = client.replace('{', "{{").replace('}', "}}");
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

/// A folder that cannot be written: what was found before stands.
#[test]
fn what_was_found_stands_when_the_rest_cannot_be_run() {
    if !is_there("curl") {
        return;
    }
    for (blocked, most) in [("control-last", 17), ("smtp-neg-upgrade-454", 16)] {
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
