//! Parses a file of waivers strictly: errors have line, column, and what was expected.

use std::ops::Range;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::place;
use crate::results::Waivable;
use crate::waiver::{Pattern, Waiver, WaiverError};

/// The structure of the TOML file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    waiver: Vec<Spanned<Entry>>,
}

/// One `[[waiver]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    vector: Spanned<String>,
    #[serde(default)]
    client: Option<Spanned<String>>,
    outcome: Waivable,
    reason: Spanned<String>,
    #[serde(default)]
    issue: Option<Spanned<String>>,
    #[serde(default)]
    expires: Option<Spanned<Datetime>>,
}

/// A text with its name, to describe places in it.
struct Text<'a> {
    name: &'a str,
    text: &'a str,
}

/// An error at a place of the text.
struct Wrong {
    span: Range<usize>,
    what: String,
    help: Option<&'static str>,
}

/// The waivers of a text.
pub(super) fn entries(name: &str, text: &str) -> Result<Vec<Waiver>, WaiverError> {
    let place = Text { name, text };
    let file: File = toml::from_str(text).map_err(|error| {
        place.error(Wrong {
            span: error.span().unwrap_or_default(),
            what: error
                .message()
                .replace('\n', ", ")
                .replace("a TOML datetime", "a day such as 2027-03-01, without quotation marks"),
            help: Some("`upward waive RUN.json` writes a file of waivers"),
        })
    })?;
    let mut waivers: Vec<Waiver> = Vec::new();
    for entry in file.waiver {
        let span = entry.span();
        let waiver = place.waiver(entry).map_err(|wrong| place.error(wrong))?;
        let client = |waiver: &Waiver| waiver.client.as_ref().map(|client| client.text.clone());
        let twin = waivers.iter().find(|other| {
            other.vector.text == waiver.vector.text && client(other) == client(&waiver)
        });
        if let Some(twin) = twin {
            let what = format!("this waiver repeats the one at {}", twin.place);
            return Err(place.error(Wrong { span, what, help: Some("remove one of the two") }));
        }
        waivers.push(waiver);
    }
    Ok(waivers)
}

impl Text<'_> {
    fn waiver(&self, entry: Spanned<Entry>) -> Result<Waiver, Wrong> {
        let (line, _) = place::of_byte(self.text, entry.span().start);
        let entry = entry.into_inner();
        let vector = pattern(&entry.vector, "the id of a vector, or a pattern of ids")?;
        let client = entry
            .client
            .as_ref()
            .map(|client| pattern(client, "the name of a client, or a pattern of names"))
            .transpose()?;
        if entry.reason.get_ref().trim().is_empty() {
            return Err(Wrong {
                span: entry.reason.span(),
                what: "the reason is empty, expected why this failure is tolerated".to_owned(),
                help: Some("say why, for whoever reads the report; or remove this waiver"),
            });
        }
        if let Some(issue) = entry.issue.as_ref().filter(|issue| issue.get_ref().trim().is_empty())
        {
            return Err(Wrong {
                span: issue.span(),
                what: "the issue is empty, expected a link".to_owned(),
                help: Some("leave `issue` out where there is none"),
            });
        }
        Ok(Waiver {
            place: format!("{}:{line}", self.name),
            vector,
            client,
            outcome: entry.outcome,
            reason: entry.reason.into_inner(),
            issue: entry.issue.map(Spanned::into_inner),
            expires: entry.expires.as_ref().map(day).transpose()?,
        })
    }

    fn error(&self, wrong: Wrong) -> WaiverError {
        let (line, column) = place::of_byte(self.text, wrong.span.start);
        let file = self.name.to_owned();
        WaiverError::Malformed { file, line, column, what: wrong.what, help: wrong.help }
    }
}

fn pattern(text: &Spanned<String>, expected: &str) -> Result<Pattern, Wrong> {
    let wrong = |what: String| Wrong { span: text.span(), what, help: None };
    if text.get_ref().trim().is_empty() {
        return Err(wrong(format!("this is empty, expected {expected}")));
    }
    Pattern::new(text.get_ref()).map_err(|error| wrong(format!("{error}, expected {expected}")))
}

/// A day without a time; TOML's type may hold either, or both.
fn day(expires: &Spanned<Datetime>) -> Result<Date, Wrong> {
    let whole = expires.get_ref();
    let date = whole.date.filter(|_| whole.time.is_none() && whole.offset.is_none());
    let date = date.and_then(|date| {
        let (year, month, day) = (date.year, date.month, date.day);
        Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
    });
    date.ok_or_else(|| Wrong {
        span: expires.span(),
        what: format!("`{whole}` is no day, expected one such as 2027-03-01"),
        help: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use crate::waiver::{WaiverError, Waivers};

    /// A correct file.
    const FINE: &str = r#"
[[waiver]]
vector  = "smtp/rsp/*"
client  = "example*"
outcome = "injected"           # another outcome is still a failure
reason  = "the buffer is not emptied before the handshake"
issue   = "https://example.test/issues/1"
expires = 2027-03-01           # the run fails after this day

[[waiver]]
vector = "smtp/neg/upgrade-454"
outcome = "leaked"
reason = "known"
"#;

    #[test]
    fn reads_all_that_an_entry_can_say() {
        let waivers = Waivers::parse("w.toml", FINE).unwrap();
        let [first, second] = waivers.entries() else { panic!("two entries") };
        assert_eq!((&*first.place, &*second.place), ("w.toml:2", "w.toml:10"));
        assert!(first.vector.matches("smtp/rsp/upgrade-then-no-offer"));
        assert!(!first.vector.matches("smtp/neg/upgrade-454"));
        assert!(first.client.as_ref().unwrap().matches("exampleclient"));
        assert_eq!(first.outcome.name(), "injected");
        assert_eq!(first.expires.unwrap().to_string(), "2027-03-01");
        assert_eq!(first.issue.as_deref(), Some("https://example.test/issues/1"));
        assert_eq!((second.client.is_none(), second.expires), (true, None));
        assert!(Waivers::parse("w.toml", "# nothing is waived\n").unwrap().entries().is_empty());
    }

    /// Every kind of error, with its place and what was expected.
    #[test]
    fn slips_are_named_with_their_place() {
        let entry = |lines: &str| format!("[[waiver]]\nvector = \"smtp/*\"\n{lines}\n");
        let mut said = String::new();
        for text in [
            "[[waiver]\n".to_owned(),
            "[[waivers]]\nvector = \"x\"\n".to_owned(),
            "[[waiver]]\ncase = \"x\"\n".to_owned(),
            entry("outcome = \"leaked\""),
            entry("outcome = \"leakd\"\nreason = \"x\""),
            entry("outcome = \"leaked\"\nreason = \"\""),
            entry("outcome = \"leaked\"\nreason = \"  \\n\""),
            entry("outcome = \"leaked\"\nreason = 7"),
            entry("outcome = \"leaked\"\nreason = \"x\"\nexpires = \"2027-03-01\""),
            entry("outcome = \"leaked\"\nreason = \"x\"\nexpires = 2027-02-30"),
            entry("outcome = \"leaked\"\nreason = \"x\"\nexpires = 2027-03-01T00:00:00Z"),
            entry("outcome = \"leaked\"\nreason = \"x\"\nissue = \"\""),
            entry("outcome = \"leaked\"\nreason = \"x\"\nclient = \"\""),
            entry("outcome = \"leaked\"\nreason = \"x\"\nclient = \"a[\""),
            entry("outcome = \"leaked\"\nreason = \"x\"\nreason = \"y\""),
            entry("outcome = \"leaked\"\nreason = \"x\"").repeat(2),
        ] {
            let error = Waivers::parse("w.toml", &text).unwrap_err();
            writeln!(said, "{error}").unwrap();
            if let WaiverError::Malformed { help: Some(help), .. } = error {
                writeln!(said, "    help: {help}").unwrap();
            }
        }
        insta::assert_snapshot!(said);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Any file is either parsed, or its error has a place inside the file.
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            placed(&text)?;
        }

        /// The same for a file that is almost correct.
        #[test]
        fn parsing_never_panics_near_a_file(at in 0..FINE.len(), cut in 0_usize..9, put in "\\PC{0,3}") {
            let mut text = FINE.to_owned();
            let end = (at + cut).min(text.len());
            text.replace_range(at..end, &put);
            placed(&text)?;
        }
    }

    fn placed(text: &str) -> Result<(), TestCaseError> {
        if let Err(WaiverError::Malformed { line, column, what, .. }) = Waivers::parse("w", text) {
            prop_assert!(line >= 1 && line <= text.matches('\n').count() + 1);
            let there = text.split('\n').nth(line - 1).unwrap_or_default();
            prop_assert!(column >= 1 && column <= there.chars().count() + 1, "{}:{}", line, column);
            prop_assert!(!what.is_empty());
        }
        Ok(())
    }
}
