//! POP3: RFC 1939, with CAPA (RFC 2449), STLS (RFC 2595) and AUTH (RFC 5034).

mod client;
mod mailbox;
mod server;

use crate::canary::Canaries;
use crate::codec::{ClientSide, Codec, ServerSide, Verbs, lines};

/// The codec of POP3.
#[derive(Clone, Copy, Debug)]
pub struct Pop3;

impl Codec for Pop3 {
    fn verbs(&self) -> Verbs {
        Verbs {
            later: &["PASS", "LIST", "UIDL", "RETR", "STAT", "TOP", "DELE", "*"],
            with_argument: &["AUTH"],
            goodbye: &["QUIT"],
            announcing: &[],
        }
    }

    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide> {
        Box::new(server::Pop3Server::new(canaries))
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(client::Pop3Client::default())
    }

    fn client_of_any_server(&self) -> Box<dyn ClientSide> {
        Box::new(client::Pop3Client::of_any_server())
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        lines::with_ends(text, "\r\n")
    }

    fn carries_body(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use upward_model::message::{Command, Mechanism, Piece, Reply};
    use upward_model::protocol::{At, POP3};

    use super::*;
    use crate::canary::Challenge;
    use crate::codec::{Part, testing};

    #[test]
    fn the_two_sides_understand_each_other() {
        let canaries = Canaries::new(1);
        for command in [
            Command::Hello,
            Command::Upgrade,
            Command::Login(Mechanism::Own),
            Command::Login(Mechanism::Lure),
            Command::Begin(Mechanism::Own),
            Command::Begin(Mechanism::Lure),
            Command::Deliver,
            Command::Noop,
            Command::Goodbye,
        ] {
            let said = Pop3.client().say(command, &canaries);
            let heard = Pop3.server(&canaries).cut(&said).unwrap();
            assert_eq!((heard.command, heard.length), (Some(command), said.len()));
            assert_eq!(heard.allowed, command.is_allowed_in_clear());
        }
        let mut server = Pop3.server(&canaries);
        for reply in POP3.replies().into_iter().filter(|&reply| reply != Reply::Notice) {
            let said = server.say(reply, true);
            assert_eq!(Pop3.client().cut(&said).pieces, [Piece::Whole(reply)]);
        }
    }

    #[test]
    fn replies_are_read_as_they_are_meant() {
        for reply in POP3.replies() {
            for wording in POP3.wordings(reply).filter(|wording| wording.at != At::LeftOpen) {
                let text = Pop3.bytes(&format!("{}\n", wording.text));
                let cut = Pop3.client().cut(&text);
                assert_eq!(cut.pieces, [Piece::Whole(reply)], "{}", wording.text);
                assert_eq!((cut.rest.len(), cut.more.len()), (0, 0));
            }
        }
    }

    #[test]
    fn the_head_of_a_list_is_completed_by_the_true_list() {
        let bare = Pop3.bytes(&format!("{}\n", POP3.text(Reply::Bare)));
        assert_eq!(Pop3.client().cut(&bare).pieces, [Piece::Whole(Reply::Bare)]);
        for head in POP3.speech.replies.iter().filter(|wording| wording.at == At::LeftOpen) {
            let mut bytes = Pop3.bytes(head.text);
            assert_eq!(Pop3.client().cut(&bytes).pieces, [Piece::Block(head.reply)]);
            bytes.extend(&bare);
            assert_eq!(Pop3.client().cut(&bytes).pieces, [Piece::Whole(head.reply)]);
        }
    }

    #[test]
    fn a_list_is_open_up_to_its_dot() {
        let accept = Piece::Whole(Reply::Accept);
        let list = "+OK Capability list follows\r\nSTLS\r\n";
        let read = |text: &str| {
            let cut = Pop3.client().cut(format!("+OK Begin TLS\r\n{text}").as_bytes());
            (cut.pieces, String::from_utf8(cut.rest).unwrap())
        };
        let open = vec![accept, Piece::Block(Reply::offer(true))];
        assert_eq!(read(list), (open.clone(), list.to_owned()));
        let text = format!("{list}US");
        assert_eq!(read(&text), (open, text));
        // Of the last line, only the end is missing.
        let text = format!("{list}.");
        assert_eq!(read(&text), (vec![accept, Piece::Line(Reply::offer(true))], text));
        let line = vec![accept, Piece::Line(Reply::LoggedIn)];
        assert_eq!(read("+OK Logged in"), (line, "+OK Logged in".to_owned()));
        let whole = vec![accept, Piece::Whole(Reply::offer(true)), Piece::Whole(Reply::Done)];
        assert_eq!(read(&format!("{list}.\r\n+OK\r\n")), (whole, String::new()));
    }

    /// What the server answers, and to which part of which command.
    fn conversation(lines: &[&str]) -> Vec<(Option<Command>, Part, String)> {
        let mut server = Pop3.server(&Canaries::new(1));
        lines
            .iter()
            .map(|line| {
                let heard = server.cut(format!("{line}\r\n").as_bytes()).unwrap();
                let reply = match (heard.part, heard.command) {
                    (Part::Step(reply), _) => reply,
                    (_, Some(Command::Login(_) | Command::Credential)) => Reply::LoggedIn,
                    (_, Some(Command::Begin(_))) => Reply::Challenge,
                    _ => Reply::Done,
                };
                let said = String::from_utf8(server.say(reply, true)).unwrap();
                (heard.command, heard.part, said.trim_end().to_owned())
            })
            .collect()
    }

    #[test]
    fn user_and_pass_are_one_login() {
        let (login, step) = (Some(Command::Login(Mechanism::Own)), Part::Step(Reply::Done));
        assert_eq!(
            conversation(&["user joe", "pass with space", "APOP joe 0011"]),
            [
                (login, step, "+OK Send your password".to_owned()),
                (login, Part::Whole, "+OK Logged in".to_owned()),
                (login, Part::Whole, "+OK Logged in".to_owned()),
            ]
        );
    }

    #[test]
    fn the_mailbox_holds_one_message() {
        let (deliver, step) = (Some(Command::Deliver), Part::Step(Reply::Done));
        let said =
            conversation(&["STAT", "LIST", "uidl 1", "RETR 1", "TOP 1 0", "DELE 1", "RETR 2"]);
        let parts: Vec<_> = said.iter().map(|(command, part, _)| (*command, *part)).collect();
        let (known, whole) = ((deliver, step), (deliver, Part::Whole));
        let unknown = (deliver, Part::Step(Reply::Refuse));
        assert_eq!(parts, [known, known, known, whole, whole, whole, unknown]);
        let texts: Vec<&str> = said.iter().map(|(_, _, text)| text.as_str()).collect();
        let message = mailbox::Mailbox::new(&Canaries::new(1));
        let size = message.octets();
        assert_eq!(texts[0], format!("+OK 1 {size}"));
        assert_eq!(texts[1], format!("+OK Scan listing follows\r\n1 {size}\r\n."));
        assert!(texts[2].starts_with("+OK 1 ") && !texts[2].contains('\n'));
        let body = texts[3].strip_prefix("+OK Message follows\r\n").unwrap();
        assert_eq!(body.strip_suffix('.').unwrap().len(), size);
        assert!(body.contains(&Canaries::new(1).body));
        assert!(!texts[4].contains(&Canaries::new(1).body) && texts[4].ends_with("\r\n."));
        assert!(texts[6].starts_with("-ERR"));
    }

    #[test]
    fn a_login_may_take_answers_and_may_be_given_up() {
        let said = conversation(&["auth login", "dXNlcg==", "cGFzcw==", "AUTH PLAIN", "*"]);
        let texts: Vec<&str> = said.iter().map(|(_, _, text)| text.as_str()).collect();
        assert_eq!(texts[..2], ["+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6"]);
        assert_eq!(texts[2..], ["+OK Logged in", "+", "-ERR Authentication cancelled"]);
        assert_eq!(said[1].0, Some(Command::Credential));
        assert_eq!(said[4].0, Some(Command::Noop));
        let listed = conversation(&["AUTH"]);
        assert!(listed[0].2.contains("\r\nCRAM-MD5\r\n") && listed[0].2.ends_with("\r\n."));
    }

    #[test]
    fn an_answer_that_nobody_asked_for_is_known_by_the_password() {
        let canaries = Canaries::new(1);
        let mut client = Pop3.client();
        client.cut(&Pop3.bytes(&format!("{}\n", POP3.text(Reply::Challenge))));
        let said = client.say(Command::Credential, &canaries);
        let heard = Pop3.server(&canaries).cut(&said).unwrap();
        assert_eq!((heard.command, heard.allowed), (Some(Command::Credential), false));
        assert_eq!(Pop3.server(&Canaries::new(2)).cut(&said).unwrap().command, None);
    }

    #[test]
    fn what_may_be_said_in_clear() {
        let canaries = Canaries::new(1);
        let allowed = |line: &str| {
            Pop3.server(&canaries).cut(format!("{line}\r\n").as_bytes()).unwrap().allowed
        };
        for line in ["CAPA", "stls", "NOOP", "RSET", "QUIT", "AUTH"] {
            assert!(allowed(line), "{line}");
        }
        for line in [
            "USER a",
            "PASS a",
            "APOP a b",
            "AUTH PLAIN",
            "STAT",
            "LIST",
            "UIDL",
            "LAST",
            "RETR 1",
            "TOP 1 0",
            "DELE 1",
            "CAPA a",
            "STLS a",
            "NOOP a",
            "QUIT a",
            "EHLO a",
            "",
        ] {
            assert!(!allowed(line), "{line}");
        }
    }

    #[test]
    fn time_stamps_are_of_the_run_and_remembered() {
        let greeting = |seed| {
            let mut server = Pop3.server(&Canaries::new(seed));
            let said = String::from_utf8(server.say(Reply::Greeting, false)).unwrap();
            let at = said.find('<').unwrap();
            let stamp = said[at..].trim_end().as_bytes().to_vec();
            assert!(server.challenges().contains(&Challenge::Apop(stamp)), "{said}");
            let forged = b"<0.0@attacker.example>".to_vec();
            assert!(server.challenges().contains(&Challenge::Apop(forged)));
            said
        };
        assert_eq!(greeting(1), greeting(1));
        assert_ne!(greeting(1), greeting(2));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            testing::takes_any_bytes(&Pop3, &bytes);
        }

        #[test]
        fn pieces_do_not_depend_on_how_bytes_arrive(at in 0_usize..60) {
            let text = b"CAPA\r\nSTLS\r\nAUTH LOGIN\r\nUSER a\r\n*\r\nLIST 1\r\nRETR 1\r\nQUIT\r\n";
            let whole = testing::heard_in(&Pop3, &[&text[..]]);
            let at = at.min(text.len());
            prop_assert_eq!(testing::heard_in(&Pop3, &[&text[..at], &text[at..]]), whole);
        }
    }
}
