//! Clients that are as library authors write them, without a switch for their mistake: each has to fail,
//! by the right name, and has to pass once a diff has mended it.

use crate::programs::is_there;
use crate::runs::play;
use crate::sources::{Sources, stems};

/// A mistake of a connection, over which the dialogues of all protocols can be led.
struct Mistake {
    /// The connection's file, and the diff beside it.
    connection: &'static str,
    /// The vectors, without their protocol, that have to show the mistake; some of them may not.
    vectors: &'static [&'static str],
    /// The names that it may be given.
    flaws: &'static [&'static str],
}

/// Plays a mistake in each protocol, then the same clients mended.
fn is_found_in_each_protocol(mistake: &Mistake) {
    if !is_there("python3") {
        return;
    }
    let Mistake { connection, vectors, flaws } = mistake;
    let (broken, mended) = (Sources::mended(&[]), Sources::mended(&[connection]));
    for protocol in stems("protocols") {
        let dialogue = format!("protocols/{protocol}");
        play(&broken, &dialogue, connection, vectors).assert_fails_as(flaws);
        play(&mended, &dialogue, connection, vectors).assert_passes();
    }
}

/// Whole replies behind the positive one.
const WHOLE: &[&str] = &["rsp/upgrade-then-offer-with-lure", "rsp/upgrade-then-offer-alone"];

/// Replies without their end: a line, or a reply of several lines.
const FRAGMENTS: &[&str] = &["rsp/upgrade-then-half-*", "rsp/upgrade-then-open-*"];

#[test]
fn a_buffer_over_asyncio_is_found() {
    is_found_in_each_protocol(&Mistake {
        connection: "connections/asyncio_buffer",
        vectors: WHOLE,
        flaws: &["keeps-buffer"],
    });
}

#[test]
fn a_buffer_that_is_read_late_is_found() {
    is_found_in_each_protocol(&Mistake {
        connection: "connections/asyncio_late",
        vectors: WHOLE,
        flaws: &["keeps-buffer"],
    });
}

#[test]
fn a_buffered_file_is_found() {
    is_found_in_each_protocol(&Mistake {
        connection: "connections/buffered_file",
        vectors: WHOLE,
        flaws: &["keeps-buffer"],
    });
}

#[test]
fn commands_that_are_sent_together_because_of_a_kept_reply_are_found() {
    is_found_in_each_protocol(&Mistake {
        connection: "connections/corked",
        vectors: WHOLE,
        flaws: &["keeps-buffer"],
    });
}

#[test]
fn a_parser_that_keeps_its_state_is_found() {
    is_found_in_each_protocol(&Mistake {
        connection: "connections/callback_parser",
        vectors: FRAGMENTS,
        flaws: &["keeps-fragment"],
    });
}

/// A mistake of a dialogue, over a connection that has none.
fn is_found_in_dialogues(folder: &str, vectors: &[&str], flaws: &[&str]) {
    if !is_there("python3") {
        return;
    }
    let connection = "connections/asyncio_buffer";
    for protocol in stems(folder) {
        let dialogue = format!("{folder}/{protocol}");
        let broken = Sources::mended(&[connection]);
        play(&broken, &dialogue, connection, vectors).assert_fails_as(flaws);
        let mended = Sources::mended(&[connection, &dialogue]);
        play(&mended, &dialogue, connection, vectors).assert_passes();
    }
}

#[test]
fn a_reply_of_unknown_status_that_ends_the_upgrade_is_found() {
    is_found_in_dialogues("unknown_status", &["neg/upgrade-*"], &["accepts-garbled-reply"]);
}

#[test]
fn data_from_before_tls_that_are_handed_over_are_found() {
    is_found_in_dialogues("handed_over", &["ui/*"], &["shows-clear-alert"]);
}

/// What is pipelined by right is no haste.
#[test]
fn clients_that_pipeline_inside_tls_pass() {
    if !is_there("python3") {
        return;
    }
    let connection = "connections/asyncio_buffer";
    let sources = Sources::mended(&[connection]);
    for protocol in stems("pipelined") {
        let vectors = [WHOLE, &["neg/upgrade-withheld"]].concat();
        play(&sources, &format!("pipelined/{protocol}"), connection, &vectors).assert_passes();
    }
}

/// Each client says in its error which line it did not like.
#[test]
fn clients_that_quote_a_line_in_their_error_pass() {
    if !is_there("python3") {
        return;
    }
    let connection = "connections/corked";
    let sources = Sources::mended(&[connection]);
    for protocol in stems("protocols") {
        play(&sources, &format!("protocols/{protocol}"), connection, &["ui/*"]).assert_passes();
    }
}
