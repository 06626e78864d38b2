//! Waivers over results: what is waived, and what makes a waiver fail the run.

use std::fmt::Write as _;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use upward::results::{Kind, Part, Results, Weight, merge};
use upward::shard::Shard;
use upward::waiver::{Given, Universe, Waivers, skeleton};
use upward_model::policy::Policy;
use upward_model::vector::{Outcome, Tier, Vector};

use crate::results::{entry, part_of, run, smoke, vectors, weighed, whole};

const OMITTED: &str = "smtp/neg/capabilities-keyword-omitted";
const REFUSED: &str = "smtp/neg/upgrade-454";
const LOGGED_IN: &str = "smtp/pre/opening-then-logged-in";
const POOL: &str = "smtp/tls/pool-after-failed-handshake";

/// The day of these tests.
const TODAY: Date = date(2027, 3, 1);

/// One waiver for everybody.
fn waiver(vector: &str, outcome: &str, more: &str) -> String {
    format!("[[waiver]]\nvector = {vector:?}\noutcome = {outcome:?}\nreason = \"known\"\n{more}\n")
}

/// A run over `smoke`, under waivers.
fn waived(mut results: Results, waivers: &str) -> Results {
    let (all, selected) = (vectors(), smoke());
    let waivers = Waivers::parse("w.toml", waivers).unwrap();
    waivers.apply(&mut results, Universe { all, selected: &selected }, TODAY);
    results
}

/// Two vectors leak.
fn leaky() -> Results {
    run(
        "example",
        &[(OMITTED, Weight::Fail, Outcome::Leaked), (REFUSED, Weight::Fail, Outcome::Leaked)],
    )
}

fn verdict(results: &Results, id: &str) -> Weight {
    results.results.iter().find(|entry| entry.vector == id).unwrap().verdict
}

fn kinds(results: &Results) -> Vec<Kind> {
    results.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn what_is_waived_does_not_fail_the_run() {
    assert_eq!(leaky().exit_code, 1);
    let both = waiver(OMITTED, "leaked", "") + &waiver(REFUSED, "leaked", "");
    let results = waived(leaky(), &both);
    assert_eq!(kinds(&results), []);
    assert_eq!((results.exit_code, results.summary.waived, results.summary.fail), (0, 2, 0));
    assert_eq!(verdict(&results, OMITTED), Weight::Waived);
    let one = waived(leaky(), &waiver(OMITTED, "leaked", ""));
    assert_eq!((one.exit_code, one.summary.waived, one.summary.fail), (1, 1, 1));
}

/// What a waiver waives is played: it decides about results, it leaves none out.
#[test]
fn nothing_is_left_out() {
    let results = waived(leaky(), &waiver("*", "leaked", ""));
    assert_eq!(results.results.len(), smoke().len());
}

/// Each way in which a waiver can be wrong, with what people are told.
#[test]
fn wrong_waivers_fail_the_run() {
    let fine = || waiver(OMITTED, "leaked", "") + &waiver(REFUSED, "leaked", "");
    let skips = || {
        let mut results = leaky();
        let pool = results.results.iter_mut().find(|entry| entry.vector == POOL).unwrap();
        (pool.verdict, pool.outcome) = (Weight::Skipped, None);
        weighed(results)
    };
    let mut said = String::new();
    for (what, results, more) in [
        ("a name that means nothing", leaky(), waiver("smtp/nge/*", "leaked", "")),
        ("all that it names is skipped", skips(), waiver(POOL, "leaked", "")),
        ("others decide", leaky(), waiver("smtp/neg/upgrade-45[4]", "leaked", "")),
        ("it expired yesterday", leaky(), waiver(LOGGED_IN, "leaked", "expires = 2027-02-28")),
        ("it passes", leaky(), waiver(LOGGED_IN, "leaked", "")),
        ("some of it passes", leaky(), waiver("smtp/tls/*", "leaked", "")),
    ] {
        let results = waived(results, &(fine() + &more));
        let [problem] = &results.problems[..] else { panic!("{what}: {:?}", results.problems) };
        assert_eq!(results.exit_code, 1, "{what}");
        assert_eq!(problem.place, "w.toml:11");
        writeln!(
            said,
            "{what}\n  {}: {}\n  help: {}",
            problem.kind.name(),
            problem.what,
            problem.help
        )
        .unwrap();
    }
    let results = waived(leaky(), &waiver("smtp/neg/*e*-*4*", "injected", ""));
    let [problem] = &results.problems[..] else { panic!("{:?}", results.problems) };
    assert_eq!((results.exit_code, verdict(&results, REFUSED)), (1, Weight::Fail));
    writeln!(
        said,
        "another outcome\n  {}: {}\n  help: {}",
        problem.kind.name(),
        problem.what,
        problem.help
    )
    .unwrap();
    insta::assert_snapshot!(said);
}

#[test]
fn a_waiver_holds_on_its_last_day_and_not_after_it() {
    let on = |day: &str| {
        let second = waiver(REFUSED, "leaked", &format!("expires = {day}"));
        waived(leaky(), &(waiver(OMITTED, "leaked", "") + &second))
    };
    assert_eq!((on("2027-03-01").exit_code, on("2027-03-02").exit_code), (0, 0));
    let late = on("2027-02-28");
    assert_eq!((late.exit_code, kinds(&late)), (1, vec![Kind::Expired]));
    assert_eq!(verdict(&late, REFUSED), Weight::Fail);
}

#[test]
fn a_waiver_is_about_the_clients_that_it_names() {
    let for_client = |client: &str| {
        let more = format!("client = {client:?}");
        let file = waiver(OMITTED, "leaked", &more) + &waiver(REFUSED, "leaked", &more);
        waived(leaky(), &file)
    };
    assert_eq!(for_client("example").exit_code, 0);
    assert_eq!(for_client("ex*").exit_code, 0);
    let other = for_client("other");
    assert_eq!((other.exit_code, other.waivers.len(), kinds(&other)), (1, 0, vec![]));
}

/// Nobody can tell that a waiver is not needed where what it names was not selected: it may be of
/// another tier, another policy, another protocol.
#[test]
fn what_was_not_selected_is_not_judged() {
    let one = |is: fn(&Vector) -> bool| {
        let vector = vectors().iter().find(|vector| is(vector)).expect("a vector");
        vector.id.clone()
    };
    let full = one(|vector| vector.tier == Tier::Full && vector.policy == Policy::Required);
    let opportunistic = one(|vector| vector.policy == Policy::Opportunistic);
    let ids = [full, opportunistic, "manual/neg/*".to_owned()];
    for id in ids {
        let results = waived(run("example", &[]), &waiver(&id, "leaked", "expires = 2020-01-01"));
        assert_eq!((results.exit_code, kinds(&results)), (0, vec![]), "{id}");
    }
    // Part of what this one names was selected, and passes: that much can be told.
    let results = waived(run("example", &[]), &waiver("smtp/pre/*", "leaked", ""));
    assert_eq!(kinds(&results), [Kind::Passing]);
}

/// A run that was stopped, or whose control failed, says nothing of waivers that it did not come to.
#[test]
fn an_unfinished_run_calls_no_waiver_unused() {
    let mut stopped = run("example", &[]);
    stopped.interrupted = true;
    stopped.results.retain(|entry| entry.vector != LOGGED_IN);
    let results = waived(stopped, &waiver(LOGGED_IN, "leaked", ""));
    assert_eq!((results.exit_code, kinds(&results)), (130, vec![]));
    let mut failed = run("example", &[]);
    failed.controls.honest = "the client never connected".to_owned();
    failed.results.clear();
    let results = waived(failed, &waiver(LOGGED_IN, "leaked", ""));
    assert_eq!((results.exit_code, kinds(&results)), (3, vec![]));
    // A shard neither; all of them together do.
    let file = waiver("smtp/tls/pool-after-failed-*", "leaked", "");
    let mut whole = run("example", &[]);
    for entry in whole.results.iter_mut().filter(|entry| entry.vector.contains("/pool-")) {
        (entry.verdict, entry.outcome) = (Weight::Skipped, None);
    }
    let shards: Vec<Results> = (1..=2)
        .map(|index| waived(part_of(&weighed(whole.clone()), Shard { index, total: 2 }), &file))
        .collect();
    assert!(shards.iter().all(|shard| shard.problems.is_empty()));
    let parts = shards.into_iter().map(|results| Part { file: String::new(), results }).collect();
    assert_eq!(kinds(&merge(parts).unwrap()[0]), [Kind::Unused]);
}

/// A run that says nothing can be waived, by that name only; a mistake of Upward cannot.
#[test]
fn what_can_be_waived() {
    let with = |verdict, waivable| {
        let results = run("example", &[(OMITTED, verdict, Outcome::Leaked)]);
        waived(results, &waiver(OMITTED, waivable, "")).exit_code
    };
    assert_eq!(with(Weight::Inconclusive, "inconclusive"), 0);
    assert_eq!(with(Weight::Inconclusive, "leaked"), 3);
    assert_eq!(with(Weight::Fail, "inconclusive"), 1);
    assert_eq!(with(Weight::Weak, "leaked"), 0);
    assert_eq!(with(Weight::Error, "leaked"), 1);
}

/// Some of the ways in which `smoke` can end.
fn any_entries() -> impl Strategy<Value = Vec<(Weight, Outcome)>> {
    let verdicts = [
        Weight::Pass,
        Weight::Pass,
        Weight::Fail,
        Weight::Weak,
        Weight::Inconclusive,
        Weight::Skipped,
    ];
    let outcomes = [Outcome::Leaked, Outcome::Injected, Outcome::Refused];
    let one =
        (proptest::sample::select(verdicts.to_vec()), proptest::sample::select(outcomes.to_vec()));
    prop::collection::vec(one, smoke().len())
}

fn made(selected: &[Vector], ends: &[(Weight, Outcome)]) -> Results {
    let entries = selected.iter().zip(ends).map(|(vector, (v, o))| entry(vector, *v, *o)).collect();
    whole("a \"b\" [c", selected, entries)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A skeleton without reasons is refused with the place of the first; with a reason it is what
    /// the run needs: everything that failed is waived, and nothing is wrong with it.
    #[test]
    fn a_skeleton_fits_the_report_that_it_was_made_from(ends in any_entries(), strict in any::<bool>()) {
        let selected = smoke();
        let mut results = made(&selected, &ends);
        results.strict = strict;
        let results = weighed(results);
        let fails = |entry: &&upward::results::Entry| {
            entry.verdict == Weight::Fail || (strict && entry.verdict == Weight::Weak)
        };
        let failing = results.results.iter().filter(fails).count();
        let empty = skeleton(std::slice::from_ref(&results), &Given::default());
        let refused = Waivers::parse("w.toml", &empty);
        if failing == 0 {
            prop_assert_eq!(&empty, "");
        } else {
            let error = refused.unwrap_err().to_string();
            prop_assert!(error.contains(":7:11: the reason is empty"), "{}", error);
        }
        let given = Given {
            reason: "\"known\"\\\n".to_owned(),
            issue: Some("https://example.test/1".to_owned()),
            expires: Some(TODAY),
        };
        let twice = [results.clone(), results.clone()];
        let results = waived(results, &skeleton(&twice, &given));
        prop_assert_eq!(results.problems.len(), 0);
        prop_assert_eq!(results.summary.waived, failing);
        prop_assert_eq!(results.summary.fail, 0);
        prop_assert!(results.exit_code != 1);
    }
}
