//! The small clients that the README names: the good ones pass, and each bad one has the mistake that it says.

use tempfile::TempDir;

use crate::entries::{results, with_verdict};
use crate::programs::{is_there, upward};

/// Plays `smoke` to an example client.
fn plays(language: &str, file: &str) -> Option<(Option<i32>, serde_json::Value)> {
    if !is_there(language) {
        return None;
    }
    let folder = TempDir::new().expect("a folder");
    let client = format!("{}/examples/clients/{file}", env!("CARGO_MANIFEST_DIR"));
    let read =
        ["run", "--protocol", "smtp", "--tier", "smoke", "--stdin", "Subject: t\\n\\n{body}\\n"];
    let command = ["--report", "json=r.json", "--", language, &client, "{host}", "{port}", "{ca}"];
    let output = upward(&folder, &[&read[..], &command].concat());
    let text = std::fs::read_to_string(folder.path().join("r.json"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_str(&text.unwrap_or_else(|_| panic!("{said}")));
    Some((output.status.code(), report.expect("JSON")))
}

const LANGUAGES: [(&str, &str, &str); 3] = [
    ("python3", "py", "keeps-buffer"),
    ("ruby", "rb", "ignores-refusal"),
    ("node", "js", "accepts-wrong-name"),
];

#[test]
fn good_clients_pass() {
    for (language, suffix, _) in LANGUAGES {
        let Some((code, report)) = plays(language, &format!("good.{suffix}")) else { continue };
        assert_eq!(code, Some(0), "{language}");
        for verdict in ["fail", "weak", "inconclusive"] {
            assert_eq!(with_verdict(&report, verdict), Vec::<&str>::new(), "{language}");
        }
    }
}

#[test]
fn bad_clients_fail_with_their_mistake() {
    for (language, suffix, flaw) in LANGUAGES {
        let Some((code, report)) = plays(language, &format!("bad.{suffix}")) else { continue };
        assert_eq!(code, Some(1), "{language}");
        let mut failed = results(&report).iter().filter(|result| result["verdict"] == "fail");
        let names = |result: &serde_json::Value| {
            result["flaws"].as_array().is_some_and(|flaws| flaws.iter().any(|name| name == flaw))
        };
        assert!(failed.any(names), "{language} {flaw}");
    }
}
