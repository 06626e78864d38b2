//! What the vectors of a protocol cover: transitions, flaws, pairs of flaws, attack classes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use upward_model::flaw::Flaw;
use upward_model::generate::{Generated, Standing};
use upward_model::policy::Policy;
use upward_model::property::Property;
use upward_model::vector::Tier;

use crate::generated::GENERATED;

#[test]
fn what_the_vectors_cover() {
    for (protocol, Generated { file, coverage, standings }) in GENERATED.iter() {
        let mut text = String::new();
        let up_to = |tier| file.vectors.iter().filter(|vector| vector.tier <= tier).count();
        writeln!(
            text,
            "{} smoke, {} standard, {} full",
            up_to(Tier::Smoke),
            up_to(Tier::Standard),
            up_to(Tier::Full)
        )
        .unwrap();
        for (policy, coverage) in coverage {
            writeln!(
                text,
                "{policy}: {} of {} states, {} of {} possible transitions; the machine has {}",
                coverage.states.0,
                coverage.states.1,
                coverage.taken,
                coverage.possible,
                coverage.transitions
            )
            .unwrap();
            for missing in coverage.missing.iter().filter(|_| *policy != Policy::Opportunistic) {
                writeln!(text, "    not taken: {missing}").unwrap();
            }
        }
        writeln!(text, "{standings}").unwrap();
        for (flaws, standing) in standings.iter() {
            let names: Vec<&str> = flaws.iter().map(Flaw::name).collect();
            let what = match standing {
                Standing::Killed => continue,
                Standing::Explained(variants) => {
                    let first = variants.first().map(|variant| variant.name());
                    format!("as {}, and {} more", first.unwrap(), variants.len() - 1)
                }
                Standing::Benign => "breaks nothing".to_owned(),
                Standing::Missed(broken) => {
                    // What happens in the client alone: whatever it shows, a sound one may show.
                    assert!(broken.iter().all(Property::is_inner), "{names:?}: {broken:?}");
                    let broken: Vec<&str> = broken.iter().map(Property::name).collect();
                    format!("breaks {}, which cannot be seen from outside", broken.join(", "))
                }
            };
            writeln!(text, "    {}: {what}", names.join(" + ")).unwrap();
        }
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        for vector in &file.vectors {
            *classes.entry(&vector.class).or_default() += 1;
        }
        for (class, count) in classes {
            writeln!(text, "{class}: {count}").unwrap();
        }
        insta::assert_snapshot!(protocol.name, text);
    }
}
