//! As JUnit, for continuous integration.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::report::{Report, Row, human};

/// The report as a JUnit document; one test case a vector.
///
/// # Errors
///
/// Where the document cannot be written, which no input brings about.
pub fn to_junit(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("{} {}", report.client, report.protocol));
    for row in &report.rows {
        let mut case = TestCase::new(row.vector.id.clone(), status(row, &report.client));
        case.set_classname(format!("upward.{}.{}", report.protocol, row.vector.family()));
        case.set_time(Duration::from_millis(row.duration_ms.try_into().unwrap_or_default()));
        suite.add_test_case(case);
    }
    let mut document = Document::new("upward");
    document.add_test_suite(suite);
    document.to_string()
}

fn status(row: &Row, client: &str) -> TestCaseStatus {
    let reason = row
        .judgement
        .as_ref()
        .map_or_else(|| row.skipped.clone().unwrap_or_default(), |j| j.reason.clone());
    match row.verdict() {
        "pass" | "weak" => TestCaseStatus::success(),
        "fail" if row.announced.is_some() => TestCaseStatus::success(),
        "fail" => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(reason).set_description(human::failure(row, client));
            status
        }
        "error" => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(reason);
            status
        }
        _ => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
    }
}
