//! Clients that are as library authors write them, without a switch for their mistake: each has to fail,
//! by the right name, and has to pass once a diff has mended it.

use super::runs::play;
use super::sources::{Sources, stems};
use crate::programs::is_there;

/// A connection without a mistake, once it is mended.
const SOUND: &str = "connections/asyncio_buffer";

/// Whole replies behind the positive one.
const WHOLE: &[&str] = &["rsp/upgrade-then-offer-with-lure", "rsp/upgrade-then-offer-alone"];

/// Whole replies, with the true server answering inside TLS.
const ANSWERED: &[&str] = &["rsp/upgrade-then-offer", "rsp/upgrade-then-offer-with-lure"];

/// Replies without their end: a line, or a list. In place of the list's end, the true server's follows.
const FRAGMENTS: &[&str] = &[
    "rsp/upgrade-then-*-list",
    "rsp/upgrade-then-half-offer",
    "rsp/upgrade-then-half-challenge",
    "rsp/upgrade-then-half-refuse",
];

/// The names of a buffer that is read at once. Where the server answers in time, it looks like one that is
/// read late.
const AT_ONCE: &[&str] = &["keeps-buffer", "reads-buffer-late"];

/// A mistake of a connection, over which the dialogues of all protocols can be led.
struct Mistake {
    /// The connection's file; the diff beside it mends it.
    connection: &'static str,
    /// The vectors, without their protocol. At least one has to show the mistake.
    vectors: &'static [&'static str],
    /// The names that a failure may be given. The first of them has to be given to at least one.
    names: &'static [&'static str],
}

impl Mistake {
    /// Plays the client in each protocol, then the same clients mended.
    fn is_found(&self) {
        if !is_there("python3") {
            return;
        }
        let Self { connection, vectors, names } = self;
        let (broken, mended) = (Sources::mended(&[]), Sources::mended(&[connection]));
        for protocol in stems("protocols") {
            let dialogue = format!("protocols/{protocol}");
            play(&broken, &dialogue, connection, vectors).assert_fails_as(names);
            play(&mended, &dialogue, connection, vectors).assert_passes();
        }
    }
}

#[test]
fn a_buffer_over_asyncio_is_found() {
    let connection = "connections/asyncio_buffer";
    Mistake { connection, vectors: WHOLE, names: AT_ONCE }.is_found();
}

#[test]
fn a_buffered_file_is_found() {
    let connection = "connections/buffered_file";
    Mistake { connection, vectors: WHOLE, names: AT_ONCE }.is_found();
}

/// The client sends its next commands in one record, ahead of the reply.
#[test]
fn commands_that_are_sent_together_because_of_a_kept_reply_are_found() {
    let connection = "connections/corked";
    Mistake { connection, vectors: WHOLE, names: AT_ONCE }.is_found();
}

/// The client is one reply behind for the rest of the session.
#[test]
fn a_buffer_that_is_read_late_is_found() {
    let names = &["reads-buffer-late", "keeps-buffer"];
    Mistake { connection: "connections/asyncio_late", vectors: ANSWERED, names }.is_found();
}

/// The true server completes inside TLS what the attacker has begun.
const COMPLETED: &[&str] =
    &["keeps-fragment", "keeps-open-reply", "keeps-buffer", "reads-buffer-late"];

#[test]
fn a_parser_that_keeps_its_state_is_found() {
    let connection = "connections/callback_parser";
    Mistake { connection, vectors: FRAGMENTS, names: &COMPLETED[..2] }.is_found();
}

#[test]
fn fragments_in_a_buffer_over_asyncio_are_found() {
    let connection = "connections/asyncio_buffer";
    Mistake { connection, vectors: FRAGMENTS, names: COMPLETED }.is_found();
}

#[test]
fn fragments_in_a_buffered_file_are_found() {
    let connection = "connections/buffered_file";
    Mistake { connection, vectors: FRAGMENTS, names: COMPLETED }.is_found();
}

#[test]
fn fragments_in_a_buffer_that_is_read_late_are_found() {
    let connection = "connections/asyncio_late";
    Mistake { connection, vectors: FRAGMENTS, names: COMPLETED }.is_found();
}

/// Plays each dialogue of a folder over a sound connection, then the same dialogue mended.
fn are_found(folder: &str, connection: &str, vectors: &[&str], names: &[&str]) {
    if !is_there("python3") {
        return;
    }
    let broken = Sources::mended(&[connection]);
    for protocol in stems(folder) {
        let dialogue = format!("{folder}/{protocol}");
        let mended = Sources::mended(&[connection, &dialogue]);
        play(&broken, &dialogue, connection, vectors).assert_fails_as(names);
        play(&mended, &dialogue, connection, vectors).assert_passes();
    }
}

#[test]
fn replies_of_unknown_status_that_end_the_upgrade_are_found() {
    are_found(
        "unknown_status",
        SOUND,
        &["neg/upgrade-*"],
        &["takes-unknown-status", "accepts-garbled-reply"],
    );
}

/// The client prints data only: what it prints is for a program behind a pipe.
#[test]
fn data_from_before_tls_that_are_handed_over_are_found() {
    let vectors = ["tmp/opening-then-flags", "tmp/upgrade-after-list", "tmp/upgrade-after-exists"];
    are_found("handed_over", SOUND, &vectors, &["hands-over-clear-data"]);
}

/// The connection of a delivery that failed before TLS stood is used for the next one, in clear.
#[test]
fn half_open_connections_that_are_used_again_are_found() {
    let vectors = ["rsp/upgrade-then-logged-in", "rsp/upgrade-then-offer", "neg/upgrade-b*"];
    let names = ["reuses-half-open-connection", "ignores-refusal", "accepts-garbled-reply"];
    are_found("half_open", "connections/corked", &vectors, &names);
}

/// A command that the standard lets a client send ahead is no haste.
#[test]
fn clients_that_pipeline_inside_tls_pass() {
    if !is_there("python3") {
        return;
    }
    let sources = Sources::mended(&[SOUND]);
    for protocol in stems("pipelined") {
        let vectors = [WHOLE, &["neg/upgrade-withheld"]].concat();
        play(&sources, &format!("pipelined/{protocol}"), SOUND, &vectors).assert_passes();
    }
}

/// The client refuses what comes behind the reply to its request, and quotes it in its error.
#[test]
fn clients_that_quote_a_line_in_their_error_pass() {
    if !is_there("python3") {
        return;
    }
    let connection = "connections/corked";
    let sources = Sources::mended(&[connection]);
    for protocol in stems("protocols") {
        let vectors = ["ui/upgrade-*", "rsp/upgrade-then-notice*", "rsp/upgrade-then-half-notice"];
        let played = play(&sources, &format!("protocols/{protocol}"), connection, &vectors);
        played.assert_passes();
        played.assert_quotes("555-0100");
    }
}
