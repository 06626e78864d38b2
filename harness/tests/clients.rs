//! Real programs. Where the environment promises them (`UPWARD_REQUIRE_CLIENTS`), a missing one is a
//! failure; elsewhere its test says that it was not run.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;
use upward::process::Keeper;
use upward::profile::{self, Installed, Profile, Trait, probe};
use upward_model::policy::Policy;

/// Runs `upward` in a fresh folder.
fn upward(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::cargo_bin("upward")
        .expect("the program is built")
        .env("UPWARD_CLIENTS", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/clients"))
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
    // Mail servers give up root, and must still come to their files.
    let everybody = std::fs::Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(everybody).tempdir().expect("a folder");
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

/// Whether the environment promises a bundled client: all, but those that `UPWARD_LEAVE_OUT` names.
fn is_promised(name: &str) -> bool {
    let left_out = std::env::var("UPWARD_LEAVE_OUT").unwrap_or_default();
    std::env::var_os("UPWARD_REQUIRE_CLIENTS").is_some()
        && !left_out.split(',').any(|other| other.trim() == name)
}

/// Runs `smoke` and the controls of a bundled client that is there.
fn is_as_announced(profile: &Profile) {
    let (code, report) = bundled(&profile.name, &["--tier", "smoke"]);
    let name = &profile.name;
    let controls = &report["controls"];
    assert_eq!(controls["honest"], "delivered", "{name}: {controls}");
    assert_eq!(controls["last"], "delivered", "{name}: {controls}");
    assert_eq!(controls["tells_failure"], true, "{name}: {controls}");
    assert_eq!(controls["waits"], !profile.announces(Trait::Blind), "{name}: {controls}");
    let checks = !profile.announces(Trait::VerifiesNoCertificate);
    assert_eq!(controls["checks_authority"], checks, "{name}: {controls}");
    let wrong: Vec<_> = results(&report)
        .iter()
        .filter(|result| result["verdict"] == "fail" || result["verdict"] == "inconclusive")
        .filter(|result| result["announced"] == false)
        .collect();
    assert_eq!(code, Some(0), "{name}: {wrong:?}");
}

/// Every bundled client: its controls show what can be judged, or what is announced, and it does on
/// the smallest set of vectors what a sound client does, or what is announced.
#[test]
fn every_bundled_client_is_as_announced() {
    let profiles = profile::bundled().expect("they are sound");
    let list = upward(&TempDir::new().expect("a folder"), &["clients"]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let is_missing = |profile: &&Profile| {
        let line = list.lines().find(|line| line.starts_with(&format!("{}  ", profile.name)));
        line.expect("each is listed").contains("  missing: ")
    };
    let (missing, there): (Vec<_>, Vec<_>) = profiles.iter().partition(is_missing);
    for profile in missing {
        assert!(!is_promised(&profile.name), "{} was promised, and is not there", profile.name);
        eprintln!("not run: {} is not installed", profile.name);
    }
    // Two at a time: most of the time they wait.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(profile) = there.get(next.fetch_add(1, Ordering::Relaxed)) {
                    is_as_announced(profile);
                }
            });
        }
    });
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
        ("{body}", format!("{send}; exit 1"), "tells its user that it failed; exit code 1"),
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
    assert!(text.contains("0 of 138 vectors"), "{text}");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("a report");
    assert!(read("x.xml").contains("failures=\"1\""), "{}", read("x.xml"));
    assert!(read("x.tap").contains("not ok 1 - curl: controls"), "{}", read("x.tap"));
    assert!(read("x.json").contains("\"broken\": true"), "{}", read("x.json"));
}

/// Ten runs of the same client give the same report, times aside.
#[test]
fn reports_repeat_themselves() {
    if !is_there("curl") {
        return;
    }
    let plain = || {
        let (_, mut report) = bundled("curl", &["--tier", "smoke"]);
        report["controls"].as_object_mut().expect("an object").remove("reaction_ms");
        for result in report["results"].as_array_mut().expect("results") {
            for field in ["duration_ms", "artefacts"] {
                result.as_object_mut().expect("an object").remove(field);
            }
        }
        report
    };
    let first = plain();
    for _ in 1..10 {
        assert_eq!(plain(), first);
    }
}

/// Ctrl-C in the middle: what was played is reported, and nothing is left behind.
#[test]
fn an_interrupted_suite_reports_what_was_played() {
    if !is_there("curl") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    // At its twelfth run the client interrupts the suite, and would stay for a long time.
    let client = "echo >> ../runs; [ $(wc -l < ../runs) -lt 12 ] || { kill -INT $(awk '{print $4}' /proc/$PPID/stat); sleep 31.4161; }; \
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

/// Whether a client is there is what its version command says.
#[tokio::test]
async fn the_version_command_says_whether_a_client_is_there() {
    async fn found(version: &[&str]) -> Installed {
        let argv = vec!["no-such-program".to_owned()];
        let mut profile = Profile::of_command("smtp".into(), Policy::Required, argv);
        profile.version = version.iter().map(|&word| word.to_owned()).collect();
        probe(&profile, &Keeper::new(env!("CARGO_BIN_EXE_upward"))).await
    }
    let yes = |text: &str| Installed::Yes(Some(text.to_owned()));
    assert_eq!(found(&["sh", "-c", "echo; echo ' v1 '; echo more"]).await, yes("v1"));
    assert_eq!(found(&["sh", "-c", "echo v2 >&2"]).await, yes("v2"));
    assert_eq!(found(&["sh", "-c", "echo v3; exit 1"]).await, Installed::No);
    assert_eq!(found(&["true"]).await, Installed::Yes(None));
    assert_eq!(found(&["no-such-program"]).await, Installed::No);
    assert_eq!(found(&[]).await, Installed::No);
}
