//! What users write: profiles, templates, vectors, waivers, reports; and what looks like TLS.
#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use upward::results::{self, Part, Results};
use upward::shard::Shard;
use upward::template::{self, Values};
use upward::waiver::Waivers;
use upward::{profile, tls};
use upward_model::vector::VectorFile;

fuzz_target!(|data: &[u8]| {
    if let Some(length) = tls::record_length(data) {
        assert!(length > 0);
    }
    if let Some(tail) = tls::clear_tail(data) {
        assert!(data.ends_with(tail));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let values = Values::of_no_run(PathBuf::from("."));
    assert_eq!(template::check(text).is_ok(), template::render(text, &values).is_ok());
    let _ = template::unescape(text);
    if let Ok(path) = template::inside(text) {
        assert!(path.is_relative());
    }
    if let Ok(profile) = profile::parse("x.toml", text) {
        let _ = profile.check();
    }
    let _ = serde_json::from_str::<VectorFile>(text);
    let _ = Waivers::parse("waivers.toml", text);
    let _ = text.parse::<Shard>();
    if let Ok(results) = Results::parse("report.json", text) {
        let _ = results::merge(vec![Part { file: String::new(), results }]);
    }
});
