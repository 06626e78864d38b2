//! What the client says once TLS stands, in each protocol, and how the answers to it end.

use upward::in_process::Visit;
use upward_model::message::Layer;

/// Something that is said, and the line that ends the answer.
pub(crate) struct Turn {
    pub(crate) says: String,
    /// How that line begins where all is well.
    pub(crate) ends: &'static str,
    /// How the lines before it may begin.
    pub(crate) before: Before,
}

/// The lines before the last of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Before {
    /// There are none, but for such as begin as the last does, with a hyphen behind it.
    Continued,
    /// Any.
    Any,
    /// A line that begins with `+OK`, then any.
    Listing,
}

/// All that is said in a protocol.
pub(crate) fn turns(protocol: &str, visit: &Visit, layer: Layer, plain: &str) -> Vec<Turn> {
    let turn = |says: String, ends, before| Turn { says, ends, before };
    let (asks, turns) = match protocol {
        "imap" => (
            Some(turn("t1 CAPABILITY".to_owned(), "t1 OK", Before::Any)),
            vec![
                turn(format!("t2 LOGIN {} {}", visit.user, visit.password), "t2 OK", Before::Any),
                turn("t3 SELECT INBOX".to_owned(), "t3 OK", Before::Any),
                turn("t4 FETCH 1 BODY[]".to_owned(), "t4 OK", Before::Any),
            ],
        ),
        "pop3" => (
            None,
            vec![
                turn(format!("USER {}", visit.user), "+OK", Before::Continued),
                turn(format!("PASS {}", visit.password), "+OK", Before::Continued),
                turn("RETR 1".to_owned(), ".", Before::Listing),
            ],
        ),
        _ => {
            let mail = format!("Subject: t\r\n\r\n{}\r\n.", visit.body);
            let turns = [
                (format!("AUTH PLAIN {plain}"), "235"),
                ("MAIL FROM:<a@example.org>".to_owned(), "250"),
                ("RCPT TO:<b@example.org>".to_owned(), "250"),
                ("DATA".to_owned(), "354"),
                (mail, "250"),
            ];
            let turns = turns.map(|(says, ends)| turn(says, ends, Before::Continued));
            (Some(turn("EHLO client.example".to_owned(), "250", Before::Continued)), turns.into())
        }
    };
    // What was learned in clear may be used there.
    asks.filter(|_| layer == Layer::Tls).into_iter().chain(turns).collect()
}

/// What is said at the end.
pub(crate) fn farewell(protocol: &str) -> &'static str {
    if protocol == "imap" { "t5 LOGOUT" } else { "QUIT" }
}
