//! SMTP: RFC 5321, with STARTTLS (RFC 3207) and AUTH (RFC 4954).

mod client;
mod server;

use crate::canary::Canaries;
use crate::codec::{ClientSide, Codec, ServerSide, Verbs, lines};

/// The codec of SMTP.
#[derive(Clone, Copy, Debug)]
pub struct Smtp;

impl Codec for Smtp {
    fn verbs(&self) -> Verbs {
        Verbs {
            later: &["MAIL", "RCPT", "DATA", "BDAT", "*"],
            with_argument: &["AUTH"],
            goodbye: &["QUIT"],
            announcing: &["BDAT"],
        }
    }

    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide> {
        Box::new(server::SmtpServer::new(canaries))
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(client::SmtpClient::default())
    }

    fn client_of_any_server(&self) -> Box<dyn ClientSide> {
        Box::new(client::SmtpClient::of_any_server())
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        lines::with_ends(text, "\r\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use upward_model::message::{Command, Mechanism, Piece, Reply};
    use upward_model::protocol::{At, SMTP};

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
            Command::Noop,
            Command::Goodbye,
        ] {
            let said = Smtp.client().say(command, &canaries);
            let heard = Smtp.server(&canaries).cut(&said).unwrap();
            assert_eq!((heard.command, heard.length), (Some(command), said.len()));
            assert_eq!(heard.allowed, command.is_allowed_in_clear());
        }
    }

    #[test]
    fn replies_are_read_as_they_are_meant() {
        let canaries = Canaries::new(1);
        for reply in SMTP.replies() {
            for wording in SMTP.wordings(reply).filter(|wording| wording.at != At::LeftOpen) {
                let text = Smtp.bytes(&format!("{}\n", wording.text));
                let cut = Smtp.client().cut(&text);
                assert_eq!(cut.pieces, [Piece::Whole(reply)], "{}", wording.text);
            }
        }
        let mut server = Smtp.server(&canaries);
        assert!(
            server.say(Reply::offer(true), false).starts_with(b"250-localhost\r\n250-STARTTLS\r\n")
        );
    }

    #[test]
    fn the_head_of_a_list_is_completed_by_the_true_list() {
        let bare = Smtp.bytes(&format!("{}\n", SMTP.text(Reply::Bare)));
        assert_eq!(Smtp.client().cut(&bare).pieces, [Piece::Whole(Reply::Bare)]);
        let heads = SMTP.speech.replies.iter().filter(|wording| wording.at == At::LeftOpen);
        for head in heads {
            let mut bytes = Smtp.bytes(head.text);
            let open = Smtp.client().cut(&bytes);
            let one_line = !head.text.contains('\n');
            let piece = if one_line { Piece::Line(head.reply) } else { Piece::Block(head.reply) };
            assert_eq!((open.pieces, open.rest), (vec![piece], bytes.clone()), "{}", head.text);
            bytes.extend(&bare);
            assert_eq!(Smtp.client().cut(&bytes).pieces, [Piece::Whole(head.reply)]);
        }
    }

    #[test]
    fn blanks_and_case_are_read_as_real_servers_read_them() {
        let canaries = Canaries::new(1);
        for (said, command) in [
            ("AUTH  CRAM-MD5", Command::Begin(Mechanism::Own)),
            ("auth\tcram-md5 ", Command::Begin(Mechanism::Own)),
            ("AUTH PLAIN  AGEAYg==", Command::Login(Mechanism::Own)),
            ("starttls  ", Command::Upgrade),
            ("Ehlo  a", Command::Hello),
        ] {
            let heard = Smtp.server(&canaries).cut(format!("{said}\r\n").as_bytes()).unwrap();
            assert_eq!(heard.command, Some(command), "{said}");
        }
    }

    #[test]
    fn a_delivery_is_one_command_of_several_steps() {
        let canaries = Canaries::new(1);
        let mut server = Smtp.server(&canaries);
        let mut hear = |text: &str| {
            let heard = server.cut(text.as_bytes()).unwrap();
            if let Part::Step(reply) = heard.part {
                server.say(reply, true);
            }
            (heard.command, heard.part)
        };
        assert_eq!(hear("MAIL FROM:<a@x>\r\n"), (Some(Command::Deliver), Part::Step(Reply::Done)));
        assert_eq!(hear("rcpt to:<b@x>\r\n"), (Some(Command::Deliver), Part::Step(Reply::Done)));
        assert_eq!(hear("DATA\r\n"), (Some(Command::Deliver), Part::Step(Reply::Done)));
        assert_eq!(
            hear("Subject: t\r\n\r\nQUIT\r\n..\r\n.\r\n"),
            (Some(Command::Deliver), Part::Whole)
        );
        assert_eq!(hear("QUIT\r\n"), (Some(Command::Goodbye), Part::Whole));
    }

    #[test]
    fn a_login_may_take_two_answers() {
        let canaries = Canaries::new(1);
        let mut server = Smtp.server(&canaries);
        let heard = server.cut(b"auth login\r\n").unwrap();
        assert_eq!((heard.command, heard.allowed), (Some(Command::Begin(Mechanism::Own)), false));
        assert_eq!(server.say(Reply::Challenge, true), b"334 VXNlcm5hbWU6\r\n");
        let heard = server.cut(b"dXNlcg==\r\n").unwrap();
        assert_eq!(
            (heard.command, heard.part),
            (Some(Command::Credential), Part::Step(Reply::Challenge))
        );
        assert_eq!(server.say(Reply::Challenge, true), b"334 UGFzc3dvcmQ6\r\n");
        let heard = server.cut(b"cGFzcw==\r\n").unwrap();
        assert_eq!((heard.command, heard.part), (Some(Command::Credential), Part::Whole));
    }

    #[test]
    fn a_scram_login_takes_three_answers() {
        let canaries = Canaries::new(1);
        let mut server = Smtp.server(&canaries);
        let mut hear = |text: &str| {
            let heard = server.cut(format!("{text}\r\n").as_bytes()).unwrap();
            let said = match heard.part {
                Part::Step(reply) => server.say(reply, true),
                Part::Whole | Part::Silent => Vec::new(),
            };
            (heard.command.unwrap(), String::from_utf8(said).unwrap())
        };
        // "n,,n=us,r=Nonce": base64 is case-sensitive.
        let (command, said) = hear("auth scram-sha-256");
        assert_eq!((command, said.as_str()), (Command::Begin(Mechanism::Own), ""));
        let (command, said) = hear("biwsbj11cyxyPU5vbmNl");
        assert_eq!(command, Command::Credential);
        // "r=Nonce"
        assert!(said.starts_with("334 cj1Ob25jZ"), "{said}");
        let (command, said) = hear("Yz1iaXdzLHI9Tm9uY2UscD1BQUFB");
        assert_eq!(command, Command::Credential);
        assert!(said.starts_with("334 dj"), "{said}");
        assert_eq!(hear(""), (Command::Credential, String::new()));
        assert!(server.at_boundary());
        assert!(matches!(server.challenges().first(), Some(Challenge::Scram(_))));
    }

    #[test]
    fn a_login_that_is_given_up_is_answered_with_an_error() {
        let canaries = Canaries::new(1);
        let mut server = Smtp.server(&canaries);
        server.cut(b"AUTH SCRAM-SHA-1 biwsbj11cyxyPU5vbmNl\r\n");
        assert!(server.say(Reply::Challenge, true).starts_with(b"334 cj1Ob25jZ"));
        assert_eq!(server.cut(b"*\r\n").unwrap().command, Some(Command::Noop));
        assert!(server.say(Reply::Done, true).starts_with(b"501 "));
        assert!(server.say(Reply::Done, true).starts_with(b"250 "));
    }

    #[test]
    fn a_dot_in_a_long_message_does_not_end_it() {
        for (before, ends) in [("x", false), ("\r\n", true)] {
            let mut server = Smtp.server(&Canaries::new(1));
            assert!(server.cut(b"DATA\r\n").is_some());
            assert!(server.say(Reply::Done, true).starts_with(b"354 "));
            let message = ["y".repeat(300_000).as_str(), before, ".\r\nzz"].concat();
            let heard = server.cut(message.as_bytes()).unwrap();
            let rest = &message.as_bytes()[heard.length..];
            assert_eq!(rest.starts_with(b"."), !ends, "the message ends, or is cut at the dot");
            assert_eq!(heard.part, if ends { Part::Whole } else { Part::Silent });
            assert_eq!(server.cut(rest), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            testing::takes_any_bytes(&Smtp, &bytes);
        }

        #[test]
        fn pieces_do_not_depend_on_how_bytes_arrive(at in 0_usize..60) {
            let text = b"EHLO a\r\nNOOP\r\nMAIL FROM:<a@b>\r\nRSET\r\nSTARTTLS\r\nQUIT\r\n";
            let whole = testing::heard_in(&Smtp, &[&text[..]]);
            let at = at.min(text.len());
            prop_assert_eq!(testing::heard_in(&Smtp, &[&text[..at], &text[at..]]), whole);
        }
    }
}
