//! What others use in continuous integration: the action and the snippets of the book are what they
//! seem to be, and the action's script does what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(in_repository(path)).unwrap()
}

const ACTION: &str = ".github/actions/upward/action.yml";

/// The pages whose snippets are held against the program.
const PAGES: [&str; 4] = ["docs/ci.md", "docs/waivers.md", "docs/reports.md", "README.md"];

fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

fn keys(node: &Yaml<'_>) -> BTreeSet<String> {
    node.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

fn steps<'a>(action: &'a Yaml<'a>) -> &'a [Yaml<'a>] {
    action["runs"]["steps"].as_sequence().unwrap()
}

/// The blocks of a page that are in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let page = text(page);
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The inputs that a text refers to.
fn referred(text: &str) -> BTreeSet<String> {
    text.split("inputs.")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_action_uses_the_inputs_that_it_has() {
    let source = text(ACTION);
    let action = yaml(&source);
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let inputs = keys(&action["inputs"]);
    assert_eq!(referred(&source), inputs);
    for input in &inputs {
        assert!(action["inputs"][&**input]["description"].as_str().is_some(), "{input}");
    }
    for step in steps(&action) {
        let run = step.as_mapping_get("run");
        // A step of a composite action has to say what runs it; and inputs are no part of a script.
        assert!(run.is_none() || step["shell"].as_str() == Some("bash"), "{step:?}");
        let script = run.and_then(|run| run.as_str()).unwrap_or_default();
        assert!(!script.contains("${{"), "{script}");
    }
    let page = text("docs/ci.md");
    for input in inputs {
        assert!(page.contains(&format!("`{input}`")), "the book does not name {input}");
    }
}

/// The snippets are YAML, and what they give the action are inputs of it.
#[test]
fn the_snippets_are_yaml() {
    let source = text(ACTION);
    let action = yaml(&source);
    let inputs = keys(&action["inputs"]);
    let snippets = blocks("docs/ci.md", "yaml");
    assert_eq!(snippets.len(), 4);
    let mut used = 0;
    for snippet in &snippets {
        let snippet = yaml(snippet);
        let Some(jobs) = snippet.as_mapping_get("jobs") else { continue };
        for job in jobs.as_mapping().unwrap().values() {
            for step in job["steps"].as_sequence().unwrap() {
                let name = step.as_mapping_get("uses").and_then(|uses| uses.as_str());
                let Some(name) = name.filter(|name| name.contains("/upward/")) else { continue };
                // The path of the action, as it is in the repository.
                let (path, _) = name.split_once("/upward/").unwrap().1.split_once('@').unwrap();
                assert_eq!(format!("{path}/action.yml"), ACTION);
                let given = keys(&step["with"]);
                assert!(given.is_subset(&inputs), "{given:?}");
                used += 1;
            }
        }
    }
    assert_eq!(used, 3);
}

/// The options of a verb, as `--help` has them.
fn options(verb: &str) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_upward")).args([verb, "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    help.lines()
        .filter_map(|line| line.trim_start().strip_prefix('-'))
        .flat_map(|line| line.split([' ', ',']).map(|word| word.trim_start_matches('-').to_owned()))
        .collect()
}

/// Every option that is named with a verb of Upward is one of that verb.
#[test]
fn options_that_are_named_exist() {
    let mut checked = 0;
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for page in PAGES {
        let page = text(page).replace("\\\n", " ");
        // A paragraph, a line of code, or a folded text of YAML: up to where the program begins.
        for said in page.split("upward ").skip(1) {
            let verb = said.split(|c: char| !c.is_ascii_lowercase()).next().unwrap().to_owned();
            if !["run", "report", "waive"].contains(&&*verb) {
                continue;
            }
            let end = [" -- ", "\n\n", "`", "\n    upward", "\n```"];
            let end = end.iter().filter_map(|end| said.find(end)).min().unwrap_or(said.len());
            let known = known.entry(verb.clone()).or_insert_with(|| options(&verb));
            // What is quoted is a client's name, or what a file holds.
            let bare: String = said[..end].split('\'').step_by(2).collect();
            for option in bare.split_whitespace().filter(|word| word.starts_with("--")) {
                let name = option.trim_start_matches('-').trim_end_matches(['.', ',', ';', ')']);
                assert!(known.contains(name), "upward {verb} has no {option}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
    let source = text(ACTION);
    let action = yaml(&source);
    let script = steps(&action).iter().find(|step| step["name"].as_str() == Some("Run")).unwrap();
    let script = script["run"].as_str().unwrap();
    let run = options("run");
    let named: BTreeSet<&str> = script
        .split(|c: char| c.is_whitespace() || "()".contains(c))
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|name| !name.is_empty())
        .collect();
    assert!(named.iter().all(|name| run.contains(*name)), "{named:?}");
    assert!(named.len() >= 10, "{named:?}");
}

/// Runs the action's script as GitHub would: inputs as variables, what it says in files.
fn act(folder: &TempDir, inputs: &[(&str, &str)]) -> (BTreeMap<String, String>, Output) {
    let source = text(ACTION);
    let action = yaml(&source);
    let script = steps(&action).iter().find(|step| step["name"].as_str() == Some("Run")).unwrap();
    std::fs::write(folder.path().join("step.sh"), script["run"].as_str().unwrap()).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_upward")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    command
        .args(["--noprofile", "--norc", "-eo", "pipefail", "step.sh"])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", program.display()))
        .env("RUNNER_TEMP", folder.path().join("runner temp"))
        .env("GITHUB_OUTPUT", folder.path().join("output"))
        .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
    for name in keys(&action["inputs"]) {
        let default = action["inputs"][&*name]["default"].as_str().unwrap();
        let given = inputs.iter().find(|(input, _)| *input == name).map(|(_, value)| *value);
        command.env(name.to_uppercase(), given.unwrap_or(default));
    }
    let _ = std::fs::remove_file(folder.path().join("output"));
    let output = command.output().unwrap();
    let said = std::fs::read_to_string(folder.path().join("output")).unwrap_or_default();
    let said = said.lines().filter_map(|line| line.split_once('='));
    (said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), output)
}

/// A command with blanks, quotes and wild cards in it arrives as it is; the exit code, the reports and
/// the summary come out.
#[test]
fn the_script_of_the_action_runs_what_it_is_given() {
    let folder = TempDir::new().unwrap();
    let command =
        "sh\n-c\nprintf '%s|' \"$@\" > $0; exit 7\n{dir}/../../../said\ntwo  words\n*\n$HOME '\n";
    let inputs = [
        ("protocol", "smtp"),
        ("command", command),
        ("files", "a=x y\n\nb=*\n"),
        ("tier", "smoke"),
        ("shard", "2/3"),
        ("strict", "true"),
    ];
    let (said, output) = act(&folder, &inputs);
    assert_eq!(said["code"], "3", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said["name"], "upward-2-of-3");
    let arguments = std::fs::read_to_string(folder.path().join("runner temp/said")).unwrap();
    assert_eq!(arguments, "two  words|*|$HOME '|");
    let run = folder.path().join("runner temp/upward-2-of-3-files/sh/control-first");
    assert_eq!(std::fs::read_to_string(run.join("b")).unwrap(), "*");
    let report = std::fs::read_to_string(Path::new(&said["directory"]).join("sh.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["shard"]["index"], &report["strict"]), (&2.into(), &true.into()));
    assert!(Path::new(&said["directory"]).join("junit.xml").exists());
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.contains("### sh: smtp under policy required, shard 2/3"), "{summary}");
}

/// What an artifact could not hold - a Maildir's names, a pipe - is kept in one archive; and of each use
/// of the action only what it left itself.
#[test]
fn the_script_of_the_action_keeps_what_the_runs_left() {
    let folder = TempDir::new().unwrap();
    let kept = |inputs: &[(&str, &str)], code: &str| {
        let (said, _) = act(&folder, inputs);
        assert_eq!(said["code"], code);
        let list = Command::new("tar").args(["--list", "--file", &said["left"]]).output().unwrap();
        String::from_utf8(list.stdout).unwrap()
    };
    let command = "sh\n-c\nmkdir cur; echo mail > cur/1:2,S; mkfifo pipe; exit 7\n";
    let list = kept(&[("protocol", "smtp"), ("command", command), ("tier", "smoke")], "3");
    for file in ["cur/1:2,S", "pipe", "wire.txt", "stdout.txt"] {
        let file = format!("upward-files/sh/control-first/{file}");
        assert!(list.lines().any(|line| line == file), "no {file} in {list}");
    }
    let inputs = [("protocol", "smtp"), ("command", "no-such-program"), ("artifact", "other")];
    let list = kept(&inputs, "2");
    assert!(list.lines().all(|line| line.starts_with("other-files/")), "{list}");
    assert!(!list.contains("/sh/"), "{list}");
}

#[test]
fn the_script_of_the_action_passes_errors_on_and_puts_reports_together() {
    let folder = TempDir::new().unwrap();
    let (said, output) = act(&folder, &[("protocol", "smtp"), ("command", "no-such-program")]);
    assert_eq!(said["code"], "2");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`no-such-program` was not found"));
    for shard in ["1/2", "2/2"] {
        let inputs = [("protocol", "smtp"), ("command", "true"), ("shard", shard)];
        assert_eq!(act(&folder, &inputs).0["code"], "3");
    }
    let inputs = [("reports", "runner temp/**/*.json\n"), ("artifact", "together")];
    let (said, output) = act(&folder, &inputs);
    assert_eq!(said["code"], "3", "{}", String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read_to_string(Path::new(&said["directory"]).join("true.json")).unwrap();
    assert!(report.contains("\"shard\": null"), "{report}");
    let (said, _) = act(&folder, &[("reports", "nothing/**/*.json")]);
    assert_eq!(said["code"], "2");
}

/// The summary of a step is added to, and a run does not hang on it.
#[test]
fn the_summary_of_a_step_is_added_to() {
    let folder = TempDir::new().unwrap();
    let run = |summary: &Path| {
        Command::new(env!("CARGO_BIN_EXE_upward"))
            .args(["run", "--protocol", "smtp", "--", "true"])
            .current_dir(folder.path())
            .env("GITHUB_STEP_SUMMARY", summary)
            .output()
            .unwrap()
    };
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    assert_eq!((run(&summary).status.code(), run(&summary).status.code()), (Some(3), Some(3)));
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n## Upward\n"), "{text}");
    assert_eq!(text.matches("### true: smtp under policy required").count(), 2, "{text}");
    let output = run(&folder.path().join("no/such/folder"));
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("warning: failed to add to GITHUB_STEP_SUMMARY"), "{said}");
}
