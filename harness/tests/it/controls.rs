//! What the controls of a client show, and what follows from it: in every kind of report, the same.

use upward::profile::Trait;
use upward::report::{Detail, summary, to_junit, to_markdown, to_page, to_tap};
use upward::results::{Results, Weight};
use upward_model::vector::Outcome;

use crate::results::{run, weighed};

/// A run in which every vector passed, changed.
fn but(change: impl Fn(&mut Results)) -> Results {
    let mut results = run("it", &[]);
    change(&mut results);
    weighed(results)
}

#[test]
fn what_is_wrong_is_said_everywhere() {
    let announcing = |what| but(|it| it.client.announced = vec![what]);
    let cases = [
        but(|it| it.controls.tells_failure = false),
        but(|it| it.controls.checks_authority = false),
        but(|it| it.controls.waits = false),
        announcing(Trait::Blind),
        announcing(Trait::VerifiesNoCertificate),
        announcing(Trait::Opportunistic),
    ];
    let mut text = String::new();
    for results in &cases {
        let (weight, what) = results.beside_vectors().unwrap();
        let reports = std::slice::from_ref(results);
        for report in [
            summary(results, Detail::All),
            to_junit(reports).unwrap(),
            to_markdown(reports),
            to_tap(reports),
        ] {
            assert!(report.contains(&what), "{what}: {report}");
        }
        let code = if weight == Weight::Fail { 1 } else { 3 };
        assert_eq!((results.exit_code, results.controls_code()), (code, code), "{what}");
        text += &format!("{}: {what}\n", weight.name());
        for fault in results.faults() {
            text += &format!("  {}\n", fault.help);
        }
    }
    insta::assert_snapshot!(text);
}

/// What is announced and shows is as it should be.
#[test]
fn what_is_announced_is_no_fault() {
    let blind = but(|it| {
        it.client.announced = vec![Trait::Blind];
        it.controls.waits = false;
    });
    let unchecking = but(|it| {
        it.client.announced = vec![Trait::VerifiesNoCertificate];
        it.controls.checks_authority = false;
    });
    let mut leaking = run("it", &[("smtp/neg/upgrade-454", Weight::Fail, Outcome::Leaked)]);
    leaking.client.announced = vec![Trait::Opportunistic];
    leaking.controls.checks_authority = false;
    for entry in &mut leaking.results {
        entry.announced = entry.verdict == Weight::Fail;
    }
    for results in [blind, unchecking, weighed(leaking)] {
        assert_eq!((results.faults(), results.exit_code), (Vec::new(), 0));
    }
}

/// What only all of a suite can show is not missed in a part of it.
#[test]
fn an_announced_leak_is_asked_of_the_whole() {
    let parts: [&dyn Fn(&mut Results); 3] = [
        &|it| it.interrupted = true,
        &|it| it.selection.filters = vec!["smtp/tls/*".to_owned()],
        &|it| {
            it.results.pop();
        },
    ];
    for part in parts {
        let results = but(|it| {
            it.client.announced = vec![Trait::Opportunistic];
            part(it);
        });
        assert_eq!(results.faults(), Vec::new());
    }
}

/// A broken SHOULD is said, and fails with `--strict` only.
#[test]
fn capabilities_that_are_not_asked_for_again_are_weak() {
    let lenient = but(|it| it.controls.asks_again = false);
    let strict = but(|it| {
        it.controls.asks_again = false;
        it.strict = true;
    });
    assert_eq!(
        (lenient.exit_code, lenient.controls_code(), lenient.beside_vectors()),
        (0, 0, None)
    );
    assert_eq!((strict.exit_code, strict.controls_code()), (1, 1));
    for results in [&lenient, &strict] {
        let text = summary(results, Detail::All);
        assert!(text.contains("does not ask for the capabilities again inside TLS"), "{text}");
        assert!(text.contains("RFC 3207 section 4.2"), "{text}");
    }
    assert!(to_tap(&[strict]).contains("not ok"), "a report of its own");
}

/// A run that no sound client explains is counted and listed everywhere, and passes.
#[test]
fn unexplained_runs_are_said_everywhere() {
    let results = but(|it| it.results[0].unexplained = Some("login inside TLS".to_owned()));
    assert_eq!((results.summary.unexplained, results.exit_code), (1, 0));
    let reports = std::slice::from_ref(&results);
    let id = &results.results[0].vector;
    let json = results.to_text().unwrap();
    assert!(
        json.contains("\"unexplained\": 1")
            && json.contains("\"unexplained\": \"login inside TLS\"")
    );
    for report in [
        summary(&results, Detail::All),
        to_junit(reports).unwrap(),
        to_markdown(reports),
        to_tap(reports),
    ] {
        for part in ["nexplained", "login inside TLS", id] {
            assert!(report.contains(part), "{part}: {report}");
        }
    }
    let page = to_page(reports);
    assert!(page.contains("| unexplained |") && page.contains("| 1 |"), "{page}");
    // Reports that were written before this was counted say nothing of it.
    let old: String = json.lines().filter(|line| !line.contains("unexplained")).collect();
    let old = old.replace(",  }", "  }");
    let old = Results::parse("old", &old).unwrap();
    assert_eq!((old.summary.unexplained, old.controls.asks_again), (0, true));
}
