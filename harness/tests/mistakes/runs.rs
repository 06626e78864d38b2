//! Runs of the clients of this folder, and what their reports have to say.

use serde_json::Value;
use tempfile::TempDir;

use crate::programs::upward;
use crate::sources::Sources;

/// What `upward run` says of a client.
pub(crate) struct Played {
    exit: Option<i32>,
    report: Value,
    text: String,
}

/// Plays vectors to a client: a dialogue, whose name ends in the id of its protocol, over a connection.
/// Filters leave out the protocol.
pub(crate) fn play(
    sources: &Sources,
    dialogue: &str,
    connection: &str,
    filters: &[&str],
) -> Played {
    let folder = TempDir::new().expect("a folder");
    let report = folder.path().join("report.json");
    let option = format!("json={}", report.display());
    let protocol = dialogue.rsplit('/').next().expect("a name");
    let filters: Vec<String> = filters.iter().map(|rest| format!("{protocol}/{rest}")).collect();
    let files = ["session", dialogue, connection].map(|file| sources.path(file));
    let mut arguments = vec!["run", "--protocol", protocol, "-j", "2", "--report", &option];
    arguments.extend(filters.iter().flat_map(|filter| ["-f", filter]));
    arguments.extend(["--", "python3"]);
    arguments.extend(files.iter().map(String::as_str));
    let output = upward(&folder, &arguments);
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.concat();
    let report = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("{text}"));
    let report = serde_json::from_str(&report).expect("JSON");
    Played { exit: output.status.code(), report, text }
}

impl Played {
    /// The results with one of these verdicts.
    fn with(&self, verdicts: &[&str]) -> Vec<&Value> {
        let results = self.report["results"].as_array().expect("results");
        let has = |result: &&Value| verdicts.iter().any(|verdict| result["verdict"] == *verdict);
        results.iter().filter(has).collect()
    }

    /// The client failed, and each failure looks like one of these mistakes.
    pub(crate) fn assert_fails_as(&self, flaws: &[&str]) {
        let failures = self.with(&["fail"]);
        assert!(!failures.is_empty(), "nothing failed\n{}", self.text);
        for failure in failures {
            let named = failure["flaws"].as_array().expect("flaws").first();
            let right = named.is_some_and(|named| flaws.iter().any(|flaw| *named == **flaw));
            assert!(
                right,
                "{} looks like {named:?}, not {flaws:?}\n{}",
                failure["vector"], self.text
            );
        }
        assert_eq!(self.with(&["inconclusive", "error"]), Vec::<&Value>::new(), "{}", self.text);
        assert_eq!(self.exit, Some(1), "{}", self.text);
    }

    /// The client passed each vector that was played, and there are some.
    pub(crate) fn assert_passes(&self) {
        let other = self.with(&["fail", "weak", "inconclusive", "error"]);
        assert_eq!(other, Vec::<&Value>::new(), "{}", self.text);
        assert!(!self.with(&["pass"]).is_empty(), "nothing was played\n{}", self.text);
        assert_eq!(self.exit, Some(0), "{}", self.text);
    }
}
