//! What the controls of a client show, and what follows from it: in every kind of report, the same.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "common/results.rs"]
mod results;

use upward::profile::Trait;
use upward::report::{Detail, Results, Weight, summary, to_junit, to_markdown, to_tap};
use upward_model::vector::Outcome;

use results::{run, weighed};

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
