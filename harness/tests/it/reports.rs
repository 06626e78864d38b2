//! Reports: every format of the same results; shards merged; runs compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use upward::profile::Trait;
use upward::report::{Detail, matrix, summary, to_junit, to_markdown, to_page, to_tap};
use upward::results::{Comparison, MergeError, Part, Results, Selected, Weight, compare, merge};
use upward::shard::Shard;
use upward::waiver::{Universe, Waivers};
use upward_model::vector::{Outcome, Vector};

use crate::results::{entry, part_of, run, smoke, vectors, weighed, whole};

/// How many vectors `smoke` has.
const SMOKE: usize = 18;

const OMITTED: &str = "smtp/neg/capabilities-keyword-omitted";
const REFUSED: &str = "smtp/neg/upgrade-454";
const LOGGED_IN: &str = "smtp/pre/opening-then-logged-in";
const POOL: &str = "smtp/tls/pool-after-failed-handshake";
const NOTICE: &str = "smtp/ui/opening-notice";
const UNTRUSTED: &str = "smtp/tls/certificate-untrusted";
const EXPIRED: &str = "smtp/tls/certificate-expired";

/// Two waivers that hold, two that are wrong.
const WAIVERS: &str = r#"
[[waiver]]
vector = "smtp/neg/upgrade-454"
outcome = "leaked"
reason = "the *old* server # has | no TLS"
issue = "https://example.test/1"

[[waiver]]
vector = "smtp/nge/*"
outcome = "leaked"
reason = "a slip"

[[waiver]]
vector = "smtp/red/*"
outcome = "leaked"
reason = "mended long ago"
"#;

fn under_waivers(mut results: Results, selected: &[Vector]) -> Results {
    let all = vectors();
    let waivers = Waivers::parse("w.toml", WAIVERS).unwrap();
    waivers.apply(&mut results, Universe { all, selected }, date(2027, 3, 1));
    results
}

/// Of the failures, the likeliest cause is told first, by the plainest vector.
#[test]
fn the_likeliest_cause_is_told_first() {
    let looks_like = |id: &str, flaw: &str| {
        let vector = vectors().iter().find(|vector| vector.id == id).unwrap().clone();
        let mut entry = entry(&vector, Weight::Fail, Outcome::Leaked);
        entry.flaws = Some(flaw.to_owned()).filter(|flaw| !flaw.is_empty()).into_iter().collect();
        (vector, entry)
    };
    let (selected, entries): (Vec<Vector>, Vec<_>) = [
        ("smtp/neg/capabilities-then-bye", "believes-early-reply"),
        ("smtp/neg/upgrade-334", ""),
        ("smtp/neg/upgrade-354", ""),
        ("smtp/neg/upgrade-250", ""),
        ("smtp/neg/upgrade-502", "ignores-refusal"),
        (REFUSED, "ignores-refusal"),
    ]
    .into_iter()
    .map(|(id, flaw)| looks_like(id, flaw))
    .unzip();
    let text = summary(&whole("x", &selected, entries), Detail::All);
    let told: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("FAIL  leaked  ")).collect();
    assert_eq!(told[..2], [REFUSED, "smtp/neg/capabilities-then-bye"], "{text}");
}

/// A run with something of everything.
fn colourful() -> Results {
    let mut results = run(
        "a|b #1 <i>",
        &[
            (OMITTED, Weight::Fail, Outcome::Leaked),
            (REFUSED, Weight::Fail, Outcome::Leaked),
            (LOGGED_IN, Weight::Inconclusive, Outcome::Downgraded),
            (POOL, Weight::Skipped, Outcome::Refused),
            (NOTICE, Weight::Weak, Outcome::Silent),
            (UNTRUSTED, Weight::Error, Outcome::Refused),
            (EXPIRED, Weight::Fail, Outcome::Leaked),
        ],
    );
    let expired = results.results.iter_mut().find(|entry| entry.vector == EXPIRED).unwrap();
    expired.announced = true;
    under_waivers(weighed(results), &smoke())
}

#[test]
fn every_format_shows_the_same() {
    let both = [colourful(), run("plain", &[])];
    insta::assert_snapshot!("human", summary(&both[0], Detail::All));
    let brief = summary(&both[0], Detail::Brief);
    // Here, what is to be called again is this test.
    let called = std::env::args().next().unwrap();
    insta::assert_snapshot!("brief", brief.replace(&called, "upward"));
    insta::assert_snapshot!("matrix", matrix(&both));
    insta::assert_snapshot!("junit", to_junit(&both).unwrap());
    insta::assert_snapshot!("markdown", to_markdown(&both));
    insta::assert_snapshot!("tap", to_tap(&both));
}

/// The page of the book names who conforms and who does what is announced, and nobody else.
#[test]
fn a_page_names_nobody_with_a_finding_of_their_own() {
    let mut announcing = run("tries | only", &[(OMITTED, Weight::Fail, Outcome::Leaked)]);
    announcing.client.announced = vec![Trait::Opportunistic];
    announcing.results.iter_mut().for_each(|entry| entry.announced = entry.vector == OMITTED);
    let found = run("has a hole", &[(OMITTED, Weight::Fail, Outcome::Leaked)]);
    let page = to_page(&[run("conforms", &[]), weighed(announcing), found]);
    assert!(!page.contains("has a hole"), "{page}");
    insta::assert_snapshot!("page", page);
}

/// With `--strict` what is weak fails, in every format.
#[test]
fn strict_reports_fail_what_is_weak() {
    let mut results = run("plain", &[(NOTICE, Weight::Weak, Outcome::Silent)]);
    let said = |results: &Results| {
        let reports = std::slice::from_ref(results);
        let lines = [to_junit(reports).unwrap(), to_tap(reports)].concat();
        (results.exit_code, lines.contains("<failure"), lines.contains("not ok"))
    };
    assert_eq!(said(&weighed(results.clone())), (0, false, false));
    results.strict = true;
    assert_eq!(said(&weighed(results)), (1, true, true));
}

#[test]
fn results_follow_their_schema_and_are_read_as_they_were_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/schema/results-1.json");
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for results in [colourful(), part_of(&colourful(), Shard { index: 2, total: 3 })] {
        let text = results.to_text().unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(Results::parse("x", &text).unwrap(), results);
    }
    let text = colourful().to_text().unwrap();
    let said = |text: &str| Results::parse("x.json", text).unwrap_err().to_string();
    assert_eq!(
        said(&text.replacen("\"schema\": 1", "\"schema\": 9", 1)),
        "x.json: results of format 9, but this program knows format 1"
    );
    assert_eq!(
        said("{\n  \"schema\": \"1\"\n}"),
        "x.json:2:15: invalid type: string \"1\", expected u32"
    );
    assert_eq!(said(""), "x.json:1:0: EOF while parsing a value");
}

fn part(file: &str, results: Results) -> Part {
    Part { file: file.to_owned(), results }
}

fn shard(of: &Results, index: usize, total: usize) -> Part {
    part(&format!("{index}.json"), part_of(of, Shard { index, total }))
}

/// What does not belong together, is missing or is there twice is named.
#[test]
fn what_cannot_be_merged_is_said() {
    let whole = run("example", &[]);
    let other = |change: fn(&mut Results)| {
        let mut other = whole.clone();
        change(&mut other);
        vec![shard(&whole, 1, 2), shard(&other, 2, 2)]
    };
    let few: Vec<Vector> = smoke().into_iter().skip(1).collect();
    let mut changed = whole.clone();
    changed.selection = Selected::of(&few, None, &["smtp/neg/*".to_owned()]);
    let mut reworded = smoke();
    reworded[0].summary.push('!');
    let mut same_ids = whole.clone();
    same_ids.selection.digest = Selected::of(&reworded, None, &[]).digest;
    assert_ne!(same_ids.selection.digest, whole.selection.digest);
    let mut waived = whole.clone();
    waived = under_waivers(waived, &smoke());
    let cases: Vec<Vec<Part>> = vec![
        vec![shard(&whole, 1, 4), shard(&whole, 3, 4)],
        vec![shard(&whole, 2, 2)],
        vec![
            shard(&whole, 1, 2),
            part("again.json", shard(&whole, 1, 2).results),
            shard(&whole, 2, 2),
        ],
        vec![part("a.json", whole.clone()), part("b.json", whole.clone())],
        vec![part("a.json", whole.clone()), shard(&whole, 1, 2)],
        vec![shard(&whole, 1, 2), shard(&whole, 2, 3)],
        other(|results| results.client.version = Some("2.0".to_owned())),
        other(|results| results.client.name = "another".to_owned()),
        other(|results| results.protocol = "manual".to_owned()),
        other(|results| results.policy = "implicit".to_owned()),
        other(|results| results.tool.version = Some("0.2.0".to_owned())),
        other(|results| results.strict = true),
        vec![shard(&whole, 1, 2), shard(&changed, 2, 2)],
        vec![shard(&whole, 1, 2), shard(&same_ids, 2, 2)],
        vec![shard(&whole, 1, 2), shard(&waived, 2, 2)],
    ];
    let mut said = String::new();
    for parts in cases {
        let mut reversed = parts.clone();
        reversed.reverse();
        let error: MergeError = merge(parts).unwrap_err();
        assert_eq!(merge(reversed).unwrap_err(), error);
        writeln!(said, "{error}").unwrap();
    }
    let filters = vec![(r"[0-9a-f]{64}", "[digest]")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(said) });
}

/// What went wrong in one shard went wrong in the run.
#[test]
fn a_shard_that_went_wrong_is_not_hidden_by_the_others() {
    let whole = run("example", &[]);
    let merged = |change: fn(&mut Results)| {
        let mut parts = vec![shard(&whole, 1, 3), shard(&whole, 2, 3), shard(&whole, 3, 3)];
        change(&mut parts[1].results);
        merge(parts).unwrap().remove(0)
    };
    assert_eq!(merged(|_| ()).exit_code, 0);
    let failed = merged(|results| {
        results.controls.honest = "the client never connected".to_owned();
        results.controls.output = vec!["no route".to_owned()];
        results.results.clear();
    });
    assert_eq!((failed.exit_code, &*failed.controls.output), (3, &["no route".to_owned()][..]));
    assert_eq!(merged(|results| results.controls.last = "broken off".to_owned()).exit_code, 3);
    assert_eq!(merged(|results| results.interrupted = true).exit_code, 130);
    assert!(!merged(|results| results.controls.waits = false).controls.waits);
    let late = merged(|results| results.controls.reaction_ms = 99);
    assert_eq!(late.controls.reaction_ms, 99);
}

/// What is announced need not show in each shard, and must show in the run.
#[test]
fn an_announcement_is_asked_of_the_run_and_not_of_its_shards() {
    let mut whole = run("example", &[]);
    whole.client.announced = vec![Trait::Opportunistic];
    let whole = weighed(whole);
    assert_eq!(whole.exit_code, 1);
    let parts: Vec<Part> = (1..=2).map(|index| shard(&whole, index, 2)).collect();
    assert!(parts.iter().all(|part| part.results.exit_code == 0));
    assert_eq!(merge(parts).unwrap().remove(0), whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Shards of a run, in any order and beside those of another client, give the report of the run.
    #[test]
    fn shards_in_any_order_give_the_report_of_the_whole(
        count in 1_usize..=SMOKE,
        total in 1_usize..=SMOKE,
        ends in prop::collection::vec((any_weight(), any_outcome()), SMOKE),
        waive in any::<bool>(),
        order in Just((0..2 * SMOKE).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let selected: Vec<Vector> = smoke().into_iter().take(count).collect();
        let entries = selected.iter().zip(&ends).map(|(vector, (v, o))| entry(vector, *v, *o));
        let entries: Vec<_> = entries.collect();
        let total = total.min(count);
        let mut parts = Vec::new();
        let mut wholes = Vec::new();
        for client in ["one", "other"] {
            let ran = whole(client, &selected, entries.clone());
            let under = |results| if waive { under_waivers(results, &selected) } else { results };
            wholes.push(under(ran.clone()));
            parts.extend((1..=total).map(|index| {
                part("x.json", under(part_of(&ran, Shard { index, total })))
            }));
        }
        let mut shuffled: Vec<(usize, Part)> = order.into_iter().zip(parts).collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let merged = merge(shuffled.into_iter().map(|(_, part)| part).collect());
        prop_assert_eq!(merged.unwrap(), wholes);
    }

    /// Without one of its shards there is no report.
    #[test]
    fn no_shard_can_be_left_out(total in 2_usize..9, kept in subsequence((1..9).collect::<Vec<usize>>(), 1..8)) {
        let whole = run("example", &[]);
        let kept: BTreeSet<usize> = kept.into_iter().filter(|index| *index <= total).collect();
        prop_assume!(!kept.is_empty() && kept.len() < total);
        let parts = kept.into_iter().map(|index| shard(&whole, index, total)).collect();
        let missing = matches!(merge(parts), Err(MergeError::Missing { .. }));
        prop_assert!(missing);
    }

    /// Nothing changes from a run to itself.
    #[test]
    fn a_run_is_no_worse_than_itself(ends in prop::collection::vec((any_weight(), any_outcome()), SMOKE)) {
        let selected = smoke();
        let entries = selected.iter().zip(&ends).map(|(vector, (v, o))| entry(vector, *v, *o));
        let results = [whole("example", &selected, entries.collect())];
        let found = compare(&results, &results).remove(0);
        prop_assert_eq!((found.worse.len(), found.better.len(), found.other.len(), found.same), (0, 0, 0, SMOKE));
    }
}

fn any_weight() -> impl Strategy<Value = Weight> {
    select(vec![
        Weight::Pass,
        Weight::Weak,
        Weight::Fail,
        Weight::Inconclusive,
        Weight::Skipped,
        Weight::Error,
    ])
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    select(vec![Outcome::Leaked, Outcome::Injected, Outcome::Silent, Outcome::Refused])
}

/// Every pair of results of a vector, and whether the second is worse than the first.
#[test]
fn what_is_worse() {
    let states: [(&str, Weight, Outcome, bool); 10] = [
        ("pass refused", Weight::Pass, Outcome::Refused, false),
        ("pass upgraded", Weight::Pass, Outcome::Upgraded, false),
        ("weak", Weight::Weak, Outcome::Silent, false),
        ("fail injected", Weight::Fail, Outcome::Injected, false),
        ("fail leaked", Weight::Fail, Outcome::Leaked, false),
        ("announced", Weight::Fail, Outcome::Leaked, true),
        ("waived", Weight::Waived, Outcome::Leaked, false),
        ("inconclusive", Weight::Inconclusive, Outcome::Leaked, false),
        ("skipped", Weight::Skipped, Outcome::Refused, false),
        ("error", Weight::Error, Outcome::Refused, false),
    ];
    let one = |(_, weight, outcome, announced): (&str, Weight, Outcome, bool)| {
        let mut results = run("example", &[(OMITTED, weight, outcome)]);
        for entry in &mut results.results {
            entry.announced = announced && entry.vector == OMITTED;
        }
        [weighed(results)]
    };
    let mut table = format!("{:<15}", "");
    for (name, ..) in states {
        write!(table, "{name:<15}").unwrap();
    }
    for old in states {
        write!(table, "\n{:<15}", old.0).unwrap();
        for new in states {
            let found: Comparison = compare(&one(old), &one(new)).remove(0);
            let said = match (found.worse.len(), found.better.len(), found.other.len()) {
                (0, 0, 0) => "same",
                (1, 0, 0) => "WORSE",
                (0, 1, 0) => "better",
                (0, 0, 1) => "other",
                _ => "?",
            };
            write!(table, "{said:<15}").unwrap();
        }
    }
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// What people are told of a change, of a run that was not finished, and of clients and vectors that
/// only one side has.
#[test]
fn changes_are_told() {
    let old = run("example", &[(REFUSED, Weight::Fail, Outcome::Leaked)]);
    let mut new = run("example", &[(OMITTED, Weight::Fail, Outcome::Leaked)]);
    new.client.version = Some("2.0".to_owned());
    let gone = run("gone", &[]);
    let mut broken = run("broken", &[]);
    broken.controls.honest = "the client never connected".to_owned();
    broken.results.clear();
    let fewer: Vec<Vector> = smoke().into_iter().skip(2).collect();
    let filtered = whole(
        "filtered",
        &fewer,
        fewer.iter().map(|vector| entry(vector, Weight::Pass, Outcome::Refused)).collect(),
    );
    let compared = compare(
        &[old, gone, run("broken", &[]), run("filtered", &[])],
        &[new, weighed(broken), filtered],
    );
    let texts: Vec<String> = compared.iter().map(Comparison::to_text).collect();
    insta::assert_snapshot!("changes", texts.join("\n"));
    let markdown: Vec<String> = compared.iter().map(Comparison::to_markdown).collect();
    insta::assert_snapshot!("changes_markdown", markdown.join("\n"));
}
