//! The committed vectors: what the model generates, and what their schema says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use upward::catalogue::CATALOGUE;
use upward::vectors::{committed, load, to_text};
use upward_model::generate::generate;
use upward_model::vector::{Need, Tier, Vector};

#[test]
fn committed_vectors_are_generated_byte_for_byte() {
    for entry in &CATALOGUE {
        let generated = generate(entry.protocol);
        assert_eq!(to_text(&generated.file), entry.vectors, "{}", entry.protocol.name);
    }
}

#[test]
fn committed_vectors_follow_their_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/schema/vectors-1.json");
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for entry in &CATALOGUE {
        let name = entry.protocol.name;
        let file: serde_json::Value = serde_json::from_str(entry.vectors).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&file).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

/// What a runner cannot do is skipped by its name; who is under test must be known.
#[test]
fn an_unknown_need_is_kept_and_an_unknown_role_is_an_error() {
    let path = tempfile::NamedTempFile::new().unwrap();
    let mut file = committed(CATALOGUE[0].protocol.name).unwrap();
    file.vectors[0].needs = vec![Need::TwoSessions, Need::Unknown("two-roads".to_owned())];
    let text = to_text(&file);
    assert!(text.contains("\"two-sessions\",\n        \"two-roads\""), "{text}");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(load(path.path()).unwrap(), file);
    std::fs::write(&path, text.replace(r#""role": "client""#, r#""role": "relay""#)).unwrap();
    let error = load(path.path()).unwrap_err().to_string();
    assert!(error.contains("relay") && error.contains("client"), "{error}");
}

#[test]
fn ids_are_unique_and_tell_protocol_and_family() {
    for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
        let vectors = committed(name).unwrap().vectors;
        let ids: BTreeSet<&String> = vectors.iter().map(|vector| &vector.id).collect();
        assert_eq!(ids.len(), vectors.len());
        for vector in &vectors {
            assert!(
                vector.id.starts_with(&format!("{name}/{}/", vector.family())),
                "{}",
                vector.id
            );
        }
    }
}

/// Every client flaw that shows at all in a protocol is shown by `smoke`.
#[test]
fn smoke_shows_what_full_shows() {
    for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
        let vectors = committed(name).unwrap().vectors;
        let shown = |tier| -> BTreeSet<String> {
            vectors.iter().filter(|v| v.tier <= tier).flat_map(|v| v.kills.clone()).collect()
        };
        assert_eq!(shown(Tier::Smoke), shown(Tier::Full), "{name}");
    }
}

/// The dialogues for review: whole for `smoke` and the first vector of each class, a line for each
/// of the rest.
#[test]
fn dialogues() {
    for name in CATALOGUE.iter().map(|entry| entry.protocol.name) {
        let mut text = String::new();
        let mut classes = BTreeSet::new();
        for vector in committed(name).unwrap().vectors {
            let whole = vector.tier == Tier::Smoke || classes.insert(vector.class.clone());
            digest(&mut text, &vector, whole);
        }
        insta::with_settings!({ snapshot_path => "../../../vectors/dialogues", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

fn digest(text: &mut String, vector: &Vector, whole: bool) {
    let sound: Vec<&str> = vector.sound.iter().map(|outcome| outcome.name()).collect();
    writeln!(
        text,
        "{} [{}] sound: {}; shows: {}",
        vector.id,
        vector.class,
        sound.join(" "),
        vector.kills.join(" ")
    )
    .unwrap();
    if whole {
        for line in &vector.transcript {
            writeln!(text, "    {line}").unwrap();
        }
    }
}

/// The book's list of attack classes: in plain type those that have a vector, in italics those that
/// have none.
#[test]
fn the_book_knows_which_classes_have_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/classes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut plain = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let names = row.split('|').nth(1).unwrap();
        for name in names.split(", ").map(str::trim) {
            if let Some(class) = name.strip_prefix('`') {
                plain.insert(class.trim_end_matches('`').to_owned());
            }
        }
    }
    let covered: BTreeSet<String> = CATALOGUE
        .iter()
        .flat_map(|entry| committed(entry.protocol.name).unwrap().vectors)
        .map(|vector| vector.class)
        .collect();
    let beyond = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).cloned().collect()
    };
    assert_eq!(beyond(&covered, &plain), [""; 0], "classes of vectors that docs/classes.md lacks");
    assert_eq!(beyond(&plain, &covered), [""; 0], "classes of docs/classes.md without a vector");
}
