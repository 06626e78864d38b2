//! The report as JUnit XML, for continuous integration.
//!
//! Waived failures are *skipped*, with the reason, as pytest reports expected failures: dashboards show
//! them without turning red. A problem with a waiver is a test case of its own.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::report::human::{because, is_failure};
use crate::results::Problem;
use crate::results::{Entry, Results, Weight};

/// The reports as one JUnit document: a suite for each report, with one test case for each vector.
///
/// # Errors
///
/// If serialization fails; it cannot for any valid input.
pub fn to_junit(reports: &[Results]) -> Result<String, quick_junit::SerializeError> {
    let mut document = Document::new("upward");
    for results in reports {
        let mut suite = TestSuite::new(format!("{} {}", results.client.name, results.protocol));
        for entry in &results.results {
            let mut case = TestCase::new(entry.vector.clone(), status(results, entry));
            case.set_classname(format!("upward.{}.{}", results.protocol, entry.family));
            case.set_time(Duration::from_millis(entry.duration_ms));
            if let Some(step) = &entry.unexplained {
                case.set_system_out(format!(
                    "unexplained: no sound client takes this step: {step}"
                ));
            }
            suite.add_test_case(case);
        }
        let unexplained = results.summary.unexplained.to_string();
        suite.add_property(("unexplained", &*unexplained));
        let mut controls = TestCase::new("controls", beside(results));
        controls.set_classname("upward.controls");
        suite.add_test_case(controls);
        for problem in &results.problems {
            let name = format!("{} {}", problem.place, problem.kind.name());
            let mut case = TestCase::new(name, wrong(problem));
            case.set_classname("upward.waivers");
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    document.to_string()
}

/// The controls, and other problems outside the vectors, as a test case. Without it, a suite in which
/// no vector was played would look like one without failures.
fn beside(results: &Results) -> TestCaseStatus {
    let Some((weight, what)) = results.beside_vectors() else { return TestCaseStatus::success() };
    let kind = if weight == Weight::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(format!("upward.{}", weight.name())).set_message(what);
    status
}

fn status(results: &Results, entry: &Entry) -> TestCaseStatus {
    let reason = because(results, entry);
    let failure = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(reason.clone()).set_description(entry.told.join("\n"));
        status
    };
    match entry.verdict {
        Weight::Error => failure(NonSuccessKind::Error),
        _ if is_failure(results, entry) && !entry.announced => failure(NonSuccessKind::Failure),
        Weight::Pass | Weight::Weak | Weight::Fail => TestCaseStatus::success(),
        Weight::Waived | Weight::Inconclusive | Weight::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_type(format!("upward.{}", entry.verdict.name())).set_message(reason);
            status
        }
    }
}

fn wrong(problem: &Problem) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let more = [std::slice::from_ref(&problem.help), &problem.vectors].concat().join("\n");
    status.set_message(problem.what.clone()).set_description(more);
    status
}
