//! Real programs. Where the environment promises them (`UPWARD_REQUIRE_CLIENTS`), a missing one is a
//! failure; elsewhere its test says that it was not run.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use upward::process::Keeper;
use upward::profile::{self, Installed, Profile, Trait, probe};
use upward_model::policy::Policy;

use crate::entries::{results, with_verdict};
use crate::programs::{is_there, upward};

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
    assert_ends_as_its_bytes_show(name, code, &report);
}

/// Checks that a client failed in nothing that is not announced, but where the bytes show it.
fn assert_ends_as_its_bytes_show(name: &str, code: Option<i32>, report: &Value) {
    let told = |result: &&Value| {
        let verdict = result["verdict"].as_str().expect("a verdict");
        matches!(verdict, "fail" | "error" | "inconclusive") && result["announced"] == false
    };
    let told: Vec<&Value> = results(report).iter().filter(told).collect();
    for result in &told {
        assert!(acts_on_what_came_in_clear(result), "{name}: {result}");
    }
    let fails = told.iter().any(|result| result["verdict"] == "fail");
    let meant = if fails { 1 } else { 3 * i32::from(!told.is_empty()) };
    assert_eq!(code, Some(meant), "{name}: {told:?}");
}

/// Whether the bytes show that a client acted inside TLS upon what came before it: it says
/// two things there before the server says one, or its commands there are others than those to the same
/// server without an attacker. What it does may hang on how the segments arrive.
fn acts_on_what_came_in_clear(result: &Value) -> bool {
    let lines = |field: &str| -> Vec<&str> {
        let lines = result[field].as_array().expect("lines").iter();
        lines.map(|line| line.as_str().expect("a line")).collect()
    };
    let inside =
        lines("transcript").into_iter().skip_while(|line| !line.ends_with("*** TLS STARTS"));
    let unanswered = inside.take_while(|line| !line.contains(" S [tls]: "));
    let said = unanswered.filter_map(|line| line.split_once(" C [tls]: "));
    let said: usize = said.map(|(_, said)| said.matches("\\r\\n").count()).sum();
    let told = lines("told");
    let commands = |of: &str| {
        let line = told.iter().find_map(|line| line.split_once(of));
        line.map(|(_, commands)| commands.trim())
    };
    let [here, twin] =
        [commands("inside TLS with the attack:"), commands("inside TLS without the attack:")];
    result["outcome"] == "injected" && (said > 1 || here.is_some() && here != twin)
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
    assert_ends_as_its_bytes_show(name, code, &report);
}

/// Every bundled client: its controls show what can be judged, or what is announced, and it does on
/// the smallest set of vectors what a sound client does, what is announced, or what its bytes show beyond
/// doubt: that somebody finds something out about one of them is no defect of ours.
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
