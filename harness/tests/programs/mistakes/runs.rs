//! Runs of the clients of this folder, and what their reports have to say.

use serde_json::Value;
use tempfile::TempDir;

use super::sources::Sources;
use crate::programs::upward;

/// What `upward run` says of a client.
pub(crate) struct Played {
    exit: Option<i32>,
    report: Value,
    text: String,
    /// What the client wrote to its standard error, over all runs.
    errors: String,
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
    let mut arguments = vec!["run", "--protocol", protocol, "-j", "2", "--name", "client"];
    arguments.extend(["--report", &option]);
    if dialogue.starts_with("handed_over/") {
        arguments.push("--output-is-data");
    }
    arguments.extend(filters.iter().flat_map(|filter| ["-f", filter]));
    arguments.extend(["--", "python3"]);
    arguments.extend(files.iter().map(String::as_str));
    let output = upward(&folder, &arguments);
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.concat();
    let report = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("{text}"));
    let report = serde_json::from_str(&report).expect("JSON");
    let runs = folder.path().join("target/upward/client");
    let runs = std::fs::read_dir(runs).expect("a folder for each run");
    let errors = runs.map(|run| run.expect("a run").path().join("stderr.txt"));
    let errors = errors.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
    Played { exit: output.status.code(), report, text, errors }
}

impl Played {
    /// The results with one of these verdicts.
    fn with(&self, verdicts: &[&str]) -> Vec<&Value> {
        let results = self.report["results"].as_array().expect("results");
        let has = |result: &&Value| verdicts.iter().any(|verdict| result["verdict"] == *verdict);
        results.iter().filter(has).collect()
    }

    /// The client failed. At least one failure has the first of these names, and each has one of them.
    pub(crate) fn assert_fails_as(&self, names: &[&str]) {
        let failures = self.with(&["fail"]);
        assert!(!failures.is_empty(), "nothing failed\n{}", self.text);
        let mut found = Vec::new();
        for failure in failures {
            let named = failure["flaws"][0].as_str().unwrap_or("nothing");
            let vector = &failure["vector"];
            assert!(names.contains(&named), "{vector} looks like {named}\n{}", self.text);
            found.push(named);
        }
        assert!(found.contains(&names[0]), "nothing looks like {}\n{}", names[0], self.text);
        assert_eq!(self.with(&["inconclusive", "error"]), Vec::<&Value>::new(), "{}", self.text);
        assert_eq!(self.exit, Some(1), "{}", self.text);
    }

    /// The client wrote this to its standard error in one of its runs.
    pub(crate) fn assert_quotes(&self, line: &str) {
        assert!(self.errors.contains(line), "{line} is not in\n{}", self.errors);
    }

    /// The client passed each vector that was played, and there are some.
    pub(crate) fn assert_passes(&self) {
        let other = self.with(&["fail", "weak", "inconclusive", "error"]);
        assert_eq!(other, Vec::<&Value>::new(), "{}", self.text);
        assert!(!self.with(&["pass"]).is_empty(), "nothing was played\n{}", self.text);
        assert_eq!(self.exit, Some(0), "{}", self.text);
    }
}
