//! The protocol of the GnuTLS manual: one line a message, LF, CRLF accepted.

use upward_model::message::{Command, Piece, Reply};
use upward_model::protocol::MANUAL;

use crate::canary::{Canaries, Challenge};
use crate::codec::{ClientSide, Codec, Cut, Heard, Part, ServerSide, Verbs, lines};

/// The codec of the manual's protocol.
#[derive(Clone, Copy, Debug)]
pub struct Manual;

impl Codec for Manual {
    fn verbs(&self) -> Verbs {
        Verbs { later: &[], with_argument: &[], goodbye: &["BYE"], announcing: &[] }
    }

    fn server(&self, _: &Canaries) -> Box<dyn ServerSide> {
        Box::new(ManualServer { name: "XXX".to_owned() })
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(ManualClient)
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        lines::with_ends(text, "\n")
    }
}

struct ManualServer {
    name: String,
}

impl ServerSide for ManualServer {
    fn cut(&mut self, bytes: &[u8]) -> Option<Heard> {
        let (line, length) = lines::first(bytes)?;
        let text = String::from_utf8_lossy(line);
        let heard = |command: Option<Command>, allowed| Heard {
            length,
            command,
            allowed,
            part: Part::Whole,
        };
        if let Some(name) = text.strip_prefix("HELLO I'M MR. ") {
            name.clone_into(&mut self.name);
            return Some(heard(Some(Command::Hello), true));
        }
        Some(match &*text {
            "PLEASE START TLS" => heard(Some(Command::Upgrade), true),
            "BYE" => heard(Some(Command::Goodbye), true),
            "NOTHING" => heard(Some(Command::Noop), true),
            // Any other line is the client's data.
            _ => heard(Some(Command::Deliver), false),
        })
    }

    fn say(&mut self, reply: Reply, _: bool) -> Vec<u8> {
        let text = MANUAL.text(reply).replace("XXX", &self.name);
        format!("{text}\n").into_bytes()
    }

    fn at_boundary(&self) -> bool {
        true
    }

    fn challenges(&self) -> Vec<Challenge> {
        Vec::new()
    }

    fn reset(&mut self) {}
}

struct ManualClient;

impl ClientSide for ManualClient {
    fn introduce(&mut self, name: &str) -> Vec<u8> {
        format!("HELLO I'M MR. {}\n", name.to_uppercase()).into_bytes()
    }

    fn say(&mut self, command: Command, canaries: &Canaries) -> Vec<u8> {
        let line = match command {
            Command::Hello => return self.introduce(&canaries.user),
            Command::Deliver => {
                format!("HERE ARE SOME CONFIDENTIAL DATA {} {}", canaries.password, canaries.body)
            }
            other => MANUAL.said(other).to_owned(),
        };
        format!("{line}\n").into_bytes()
    }

    fn cut(&mut self, bytes: &[u8]) -> Cut {
        let mut cut = Cut::default();
        let mut rest = bytes;
        while let Some((line, length)) = lines::first(rest) {
            cut.pieces.push(Piece::Whole(reply(line)));
            cut.text.push_str(&String::from_utf8_lossy(line));
            cut.text.push('\n');
            rest = &rest[length..];
        }
        if !rest.is_empty() {
            cut.pieces.push(Piece::Line(reply(rest)));
            cut.rest = rest.to_vec();
        }
        cut
    }
}

fn reply(line: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(line);
    let starts = |word: &str| text.starts_with(word);
    if starts("NICE TO MEET YOU") {
        Reply::offer(true)
    } else if starts("OK") {
        Reply::Accept
    } else if starts("SORRY") {
        Reply::Refuse
    } else if starts("THANK YOU") {
        Reply::Done
    } else if starts("NOTICE") {
        Reply::Notice
    } else if starts("BYE") {
        Reply::Bye
    } else if ["YES", "OK"].iter().any(|status| text.eq_ignore_ascii_case(status)) {
        Reply::Unknown
    } else {
        Reply::Garbled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use upward_model::message::Segment;

    use super::*;
    use crate::codec::testing;

    #[test]
    fn the_two_sides_understand_each_other() {
        let canaries = Canaries::new(1);
        let mut server = Manual.server(&canaries);
        for command in MANUAL.commands() {
            let said = ManualClient.say(command, &canaries);
            let heard = server.cut(&said).unwrap();
            assert_eq!((heard.command, heard.length), (Some(command), said.len()));
            assert_eq!(heard.allowed, command.is_allowed_in_clear());
        }
        for reply in MANUAL
            .replies()
            .into_iter()
            .filter(|r| !matches!(r, Reply::Garbled | Reply::Unknown | Reply::Notice))
        {
            let said = server.say(reply, false);
            assert_eq!(ManualClient.cut(&said).pieces, Segment::one(reply).pieces());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            testing::takes_any_bytes(&Manual, &bytes);
        }
    }
}
