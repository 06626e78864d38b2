//! Nothing outside descriptor, codec and catalogue names a protocol: a further one needs no more than these.

use std::path::{Path, PathBuf};

use upward_model::protocol::PROTOCOLS;

/// Where protocols are named.
const HOMES: [&str; 5] = [
    "harness/src/catalogue.rs",
    "harness/src/codec.rs",
    "harness/src/codec/",
    "model/src/protocol.rs",
    "model/src/protocol/",
];

/// All files of Rust below a folder.
fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
}

/// Whether a line of code names a protocol: its descriptor, or its name and nothing else.
fn names(line: &str, protocol: &str) -> bool {
    let (constant, code) = (protocol.to_uppercase(), line.split("//").next().unwrap_or_default());
    let is_word = |at: usize| {
        let around = [code[..at].chars().next_back(), code[at + constant.len()..].chars().next()];
        around.iter().flatten().all(|c| !c.is_alphanumeric() && *c != '_')
    };
    // In a text, between quotation marks, a protocol is only spoken of.
    let is_code = |at: usize| code[..at].matches('"').count() % 2 == 0;
    let found = code.match_indices(&constant).any(|(at, _)| is_word(at) && is_code(at));
    found || code.contains(&format!("\"{protocol}\""))
}

#[test]
fn only_their_homes_name_protocols() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut all = Vec::new();
    files(&root.join("harness/src"), &mut all);
    files(&root.join("model/src"), &mut all);
    let mut found = Vec::new();
    for path in all {
        let name = path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
        if HOMES.iter().any(|home| name.starts_with(home)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        // Tests name the protocols that they are about.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            if PROTOCOLS.iter().any(|protocol| names(line, protocol.name)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_name_is_told_from_a_mention() {
    for named in ["use x::{SMTP, Y};", "by_name(\"smtp\")", "&SMTP.name"] {
        assert!(names(named, "smtp"), "{named}");
    }
    for other in ["// SMTP", "\"as SMTP has it\"", "SMTPS", "\"smtp/neg/upgrade-454\""] {
        assert!(!names(other, "smtp"), "{other}");
    }
}
