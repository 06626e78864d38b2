//! The persona's mailbox: one message, in answer to every request.
//!
//! No request is rejected: a client that gets an answer goes on, and shows what else it would have
//! sent. Unknown commands are confirmed without data.

/// The only message.
const MESSAGE: &str = "From: a@example.org\r\n\
    To: b@example.org\r\n\
    Subject: upward\r\n\
    Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n\
    Message-ID: <1@localhost>\r\n\
    \r\n\
    Hello.\r\n";

/// The most items of one request that get an answer.
const MOST: usize = 32;

/// The untagged responses before the confirmation of a command, with line ends. `verb` and `arguments`
/// are the client's, `verb` in capitals and without `UID`.
pub(super) fn data(verb: &str, arguments: &str, by_uid: bool) -> String {
    match verb {
        "SELECT" | "EXAMINE" => "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
            * 1 EXISTS\r\n\
            * 0 RECENT\r\n\
            * OK [UNSEEN 1] first unseen\r\n\
            * OK [UIDVALIDITY 1] valid\r\n\
            * OK [UIDNEXT 2] next\r\n\
            * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] limited\r\n"
            .to_owned(),
        "LIST" | "LSUB" | "XLIST" => {
            // An empty name asks for the hierarchy delimiter (RFC 9051 section 6.3.9).
            if arguments.trim_end().ends_with("\"\"") {
                format!("* {verb} (\\Noselect) \"/\" \"\"\r\n")
            } else {
                format!("* {verb} (\\HasNoChildren) \"/\" INBOX\r\n")
            }
        }
        "STATUS" => {
            let name = arguments.split(" (").next().unwrap_or_default();
            let name = if name.is_empty() { "INBOX" } else { name };
            format!("* STATUS {name} (MESSAGES 1 RECENT 0 UIDNEXT 2 UIDVALIDITY 1 UNSEEN 1)\r\n")
        }
        "SEARCH" | "SORT" => format!("* {verb} 1\r\n"),
        "FETCH" => fetched(arguments, by_uid),
        "NAMESPACE" => "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".to_owned(),
        "ID" => "* ID NIL\r\n".to_owned(),
        "ENABLE" => "* ENABLED\r\n".to_owned(),
        _ => String::new(),
    }
}

/// The response code of the confirmation, with a space after it.
pub(super) const fn code(verb: &str) -> &'static str {
    match verb.as_bytes() {
        b"SELECT" => "[READ-WRITE] ",
        b"EXAMINE" => "[READ-ONLY] ",
        _ => "",
    }
}

/// The answer to a `FETCH`: the requested items of the only message (RFC 9051 section 6.4.5).
fn fetched(arguments: &str, by_uid: bool) -> String {
    let (set, items) = arguments.split_once(' ').unwrap_or((arguments, "FLAGS"));
    // Message 1 is in every set that begins with it or ends with `*`.
    let first = set.split([':', ',']).next().unwrap_or_default();
    if first != "1" && !set.ends_with('*') {
        return String::new();
    }
    let mut data: Vec<String> = items_of(items).iter().filter_map(|item| value(item)).collect();
    if by_uid && !data.iter().any(|item| item.starts_with("UID ")) {
        data.insert(0, "UID 1".to_owned());
    }
    format!("* 1 FETCH ({})\r\n", data.join(" "))
}

/// The items of a request, in capitals; text in square brackets is part of its item.
fn items_of(text: &str) -> Vec<String> {
    let text = text.trim().to_uppercase();
    let text = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text);
    let mut items = Vec::new();
    let mut item = String::new();
    let mut inside = false;
    for character in text.chars() {
        match character {
            ' ' if !inside => items.push(std::mem::take(&mut item)),
            _ => {
                inside = (inside || character == '[') && character != ']';
                item.push(character);
            }
        }
    }
    items.push(item);
    items.retain(|item| !item.is_empty());
    items.truncate(MOST);
    items
}

/// An item and its value; `None` if it is unknown.
fn value(item: &str) -> Option<String> {
    let (header, text) = MESSAGE.split_once("\r\n\r\n").unwrap_or((MESSAGE, ""));
    let header = format!("{header}\r\n\r\n");
    let size = MESSAGE.len();
    let literal = |name: &str, text: &str| format!("{name} {{{}}}\r\n{text}", text.len());
    let address = "((NIL NIL \"a\" \"example.org\"))";
    Some(match item {
        "FLAGS" => "FLAGS ()".to_owned(),
        "UID" => "UID 1".to_owned(),
        "RFC822.SIZE" => format!("RFC822.SIZE {size}"),
        "INTERNALDATE" => "INTERNALDATE \" 1-Jan-2024 00:00:00 +0000\"".to_owned(),
        "MODSEQ" => "MODSEQ (1)".to_owned(),
        "ENVELOPE" => format!(
            "ENVELOPE (\"Mon, 1 Jan 2024 00:00:00 +0000\" \"upward\" {address} {address} {address} {address} NIL NIL NIL \"<1@localhost>\")"
        ),
        "BODY" | "BODYSTRUCTURE" => format!(
            "{item} (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" {} 1)",
            text.len()
        ),
        "ALL" | "FAST" | "FULL" => format!("FLAGS () RFC822.SIZE {size}"),
        "RFC822" => literal(item, MESSAGE),
        "RFC822.HEADER" => literal(item, &header),
        "RFC822.TEXT" => literal(item, text),
        _ => {
            let section = item.strip_prefix("BODY.PEEK[").or_else(|| item.strip_prefix("BODY["))?;
            let (section, partial) = section.split_once(']')?;
            let part = match section {
                "" => MESSAGE,
                "TEXT" | "1" => text,
                _ if section.starts_with("HEADER") => &header,
                _ => "",
            };
            let origin = if partial.is_empty() { "" } else { "<0>" };
            literal(&format!("BODY[{section}]{origin}"), part)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fetch_is_answered_item_by_item() {
        assert_eq!(data("FETCH", "1 (UID FLAGS)", false), "* 1 FETCH (UID 1 FLAGS ())\r\n");
        assert_eq!(data("FETCH", "1:* flags", true), "* 1 FETCH (UID 1 FLAGS ())\r\n");
        assert_eq!(data("FETCH", "2 (UID)", false), "");
        let answer =
            data("FETCH", "1 (BODY.PEEK[HEADER.FIELDS (DATE FROM)] BODY[TEXT]<0.9>)", false);
        assert!(answer.starts_with("* 1 FETCH (BODY[HEADER.FIELDS (DATE FROM)] {"), "{answer}");
        assert!(answer.ends_with("BODY[TEXT]<0> {8}\r\nHello.\r\n)\r\n"), "{answer}");
    }

    #[test]
    fn the_delimiter_can_be_asked_for() {
        assert_eq!(data("LIST", "\"\" \"\"", false), "* LIST (\\Noselect) \"/\" \"\"\r\n");
        assert_eq!(data("LIST", "\"\" *", false), "* LIST (\\HasNoChildren) \"/\" INBOX\r\n");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_answered_in_whole_lines(verb in "SELECT|LIST|STATUS|FETCH|X", arguments: String) {
            let answer = data(&verb, &arguments, true);
            prop_assert!(answer.is_empty() || answer.ends_with("\r\n"));
        }
    }
}
