//! The results in a JSON report.

use serde_json::Value;

pub(crate) fn results(report: &Value) -> &Vec<Value> {
    report["results"].as_array().expect("results")
}

pub(crate) fn with_verdict<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    results(report)
        .iter()
        .filter(|result| result["verdict"] == verdict)
        .map(|result| result["vector"].as_str().expect("an id"))
        .collect()
}
