//! IMAP: RFC 9051 and RFC 3501, with STARTTLS, `AUTHENTICATE` and literals.

mod client;
mod mailbox;
mod server;
mod tags;

use crate::canary::Canaries;
use crate::codec::{ClientSide, Codec, ServerSide, Verbs, lines, words};

/// The codec of IMAP.
#[derive(Clone, Copy, Debug)]
pub struct Imap;

impl Codec for Imap {
    fn verbs(&self) -> Verbs {
        Verbs {
            later: &[
                "SELECT",
                "EXAMINE",
                "FETCH",
                "UID",
                "APPEND",
                "LIST",
                "LSUB",
                "STATUS",
                "SEARCH",
                "NAMESPACE",
                "LOGIN",
                "AUTHENTICATE",
                "CAPABILITY",
                "ENABLE",
                "STORE",
                "IDLE",
                "ID",
                "CREATE",
                "CLOSE",
                "EXPUNGE",
                "NOOP",
                "LOGOUT",
                "CHECK",
                "SUBSCRIBE",
                "XLIST",
                "COMPRESS",
                "STARTTLS",
                "*",
            ],
            with_argument: &["AUTHENTICATE", "UID"],
            goodbye: &["LOGOUT"],
            announcing: &[],
        }
    }

    fn server(&self, canaries: &Canaries) -> Box<dyn ServerSide> {
        Box::new(server::ImapServer::new(canaries))
    }

    fn client(&self) -> Box<dyn ClientSide> {
        Box::new(client::ImapClient::default())
    }

    fn client_of_any_server(&self) -> Box<dyn ClientSide> {
        Box::new(client::ImapClient::of_any_server())
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        lines::with_ends(text, "\r\n")
    }

    fn word(&self, said: &[u8], goes_on: bool) -> String {
        // A cancelled login has no tag.
        if said.starts_with(b"*") {
            return words::plain(said, goes_on, &self.verbs());
        }
        words::tagged(said, goes_on, &self.verbs())
    }

    /// Literals announce their size (RFC 9051 section 4.3).
    fn announces_data(&self, _: &str) -> bool {
        true
    }

    /// Pipelining is allowed (RFC 9051 section 5.5).
    fn lets_commands_run_ahead(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use upward_model::message::{Command, Mechanism, Piece, Reply};
    use upward_model::protocol::{At, IMAP, TAG};

    use super::*;
    use crate::codec::{Answered, Heard, Lesson, Part, testing};

    #[test]
    fn the_two_sides_understand_each_other() {
        let canaries = Canaries::new(1);
        for command in IMAP.commands().into_iter().filter(|c| *c != Command::Credential) {
            let said = Imap.client().say(command, &canaries);
            let mut server = Imap.server(&canaries);
            let (mut length, mut last) = (0, None);
            while let Some(heard) = server.cut(&said[length..]) {
                length += heard.length;
                assert_eq!(heard.command, Some(command));
                assert_eq!(heard.allowed, command.is_allowed_in_clear());
                last = Some(heard.part);
            }
            assert_eq!((length, last), (said.len(), Some(Part::Whole)));
        }
    }

    #[test]
    fn replies_are_read_as_they_are_meant() {
        for wording in IMAP.speech.replies.iter().filter(|wording| wording.at != At::LeftOpen) {
            let text = Imap.bytes(&format!("{}\n", wording.text.replace(TAG, "a1")));
            let cut = Imap.client().cut(&text);
            assert_eq!(cut.pieces, [Piece::Whole(wording.reply)], "{}", wording.text);
        }
    }

    #[test]
    fn the_head_of_a_list_is_completed_by_the_true_list() {
        let bare = format!("{}\n", IMAP.text(Reply::Bare).replace(TAG, "a1"));
        let bare = Imap.bytes(&bare);
        assert_eq!(Imap.client().cut(&bare).pieces, [Piece::Whole(Reply::Bare)]);
        let heads = IMAP.speech.replies.iter().filter(|wording| wording.at == At::LeftOpen);
        for head in heads {
            let mut bytes = Imap.bytes(head.text);
            let open = Imap.client().cut(&bytes);
            let one_line = !head.text.contains('\n');
            let piece = if one_line { Piece::Line(head.reply) } else { Piece::Block(head.reply) };
            assert_eq!((open.pieces, open.rest), (vec![piece], bytes.clone()), "{}", head.text);
            bytes.extend(&bare);
            assert_eq!(Imap.client().cut(&bytes).pieces, [Piece::Whole(head.reply)]);
        }
    }

    #[test]
    fn a_list_that_nobody_confirmed_is_left_open() {
        let cut = Imap.client().cut(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n");
        assert_eq!(cut.pieces, [Piece::Block(Reply::offer(true))]);
        let cut = Imap.client().cut(b"* CAPABILITY IMAP4rev1 STARTTLS\r\na2 OK done\r\n");
        assert_eq!(cut.pieces, [Piece::Whole(Reply::offer(true))]);
    }

    #[test]
    fn what_stands_behind_an_open_list_is_not_read_twice() {
        let alert = "* OK [ALERT] x\r\n";
        let open = format!("* CAPABILITY IMAP4rev1\r\n{alert}");
        let cut = Imap.client().cut(open.as_bytes());
        assert_eq!(cut.pieces, [Piece::Block(Reply::offer(false))]);
        assert_eq!(cut.rest, open.as_bytes());
        let cut = Imap.client().cut(format!("{open}a1 OK done\r\n").as_bytes());
        let notice = IMAP.wordings(Reply::Notice).any(|w| w.text.starts_with("* OK [ALERT]"));
        assert!(notice);
        assert_eq!(cut.pieces.len(), 2);
        assert_eq!(cut.pieces[1], Piece::Whole(Reply::offer(false)));
        // A rejected request for a list has no list as its answer.
        let cut = Imap.client().cut(b"* CAPABILITY IMAP4rev1\r\na1 BAD no\r\n");
        assert_eq!((cut.pieces, cut.rest), (vec![Piece::Whole(Reply::Refuse)], vec![]));
    }

    #[test]
    fn what_stands_in_a_literal_is_no_reply() {
        let text = b"* 1 FETCH (BODY[] {9}\r\na1 NO x\r\n FLAGS {3}\r\n\r\nx)\r\na1 OK done\r\n";
        let cut = Imap.client().cut(text);
        assert_eq!(cut.pieces, [Piece::Whole(Reply::Done)]);
        let cut = Imap.client().cut(&text[..30]);
        assert_eq!(cut.rest, &text[..30]);
        assert_eq!(cut.pieces.len(), 1);
    }

    #[test]
    fn untagged_words_are_read_in_any_wording() {
        let read = |text: &str| Imap.client().cut(format!("{text}\r\n").as_bytes()).pieces;
        assert_eq!(read("* PREAUTH [CAPABILITY IMAP4] hi"), [Piece::Whole(Reply::Welcome)]);
        assert_eq!(read("* OK [ALERT] hi"), [Piece::Whole(Reply::Notice)]);
        assert_eq!(read("* OK [CAPABILITY IMAP4] hi"), [Piece::Whole(Reply::Greeting)]);
        assert_eq!(read("* OK [UIDNEXT 2] next"), []);
    }

    #[test]
    fn what_no_tag_can_be_confirms_nothing() {
        for text in ["{tag} OK done\r\n", "%% NO\r\n", " OK\r\n", "+x OK\r\n"] {
            let cut = Imap.client().cut(text.as_bytes());
            let taken = [Reply::Done, Reply::Refuse].map(Piece::Whole);
            assert!(!taken.contains(&cut.pieces[0]), "{text}");
        }
    }

    /// Parses commands, answers their steps, and confirms them; returns the parsed messages and the
    /// replies.
    fn conversation(said: &str) -> (Vec<Heard>, String) {
        let mut server = Imap.server(&Canaries::new(1));
        let mut rest = said.as_bytes();
        let (mut all, mut answers) = (Vec::new(), String::new());
        while let Some(heard) = server.cut(rest) {
            rest = &rest[heard.length..];
            let answer = match heard.part {
                Part::Whole => server.say(Reply::Done, true),
                Part::Step(reply) => server.say(reply, true),
                Part::Silent => Vec::new(),
            };
            answers.push_str(&String::from_utf8(answer).unwrap());
            all.push(heard);
        }
        (all, answers)
    }

    #[test]
    fn literals_are_asked_for_and_belong_to_their_command() {
        let (heard, said) = conversation("A1 LOGIN {4}\r\nuser {4}\r\npass\r\nA2 NOOP\r\n");
        let commands: Vec<_> = heard.iter().map(|heard| heard.command.unwrap()).collect();
        let login = Command::Login(Mechanism::Own);
        assert_eq!(commands, [login, login, login, login, login, Command::Noop]);
        assert_eq!(said, "+ go ahead\r\n+ go ahead\r\nA1 OK done\r\nA2 OK done\r\n");

        let (heard, said) = conversation("A1 APPEND INBOX {3+}\r\nx\r\n\r\n");
        let parts: Vec<Part> = heard.iter().map(|heard| heard.part).collect();
        assert_eq!(parts, [Part::Silent, Part::Silent, Part::Whole]);
        assert_eq!(said, "A1 OK done\r\n");
    }

    #[test]
    fn an_answer_to_a_challenge_that_nobody_gave_is_known() {
        let canaries = Canaries::new(1);
        let mut client = Imap.client();
        client.cut(format!("{}\r\n", IMAP.text(Reply::Challenge)).as_bytes());
        let answer = client.say(Command::Credential, &canaries);
        let heard = Imap.server(&canaries).cut(&answer).unwrap();
        assert_eq!((heard.command, heard.allowed), (Some(Command::Credential), false));
    }

    #[test]
    fn what_is_no_command_is_refused_and_not_allowed() {
        let mut server = Imap.server(&Canaries::new(1));
        for line in [
            "hello\r\n",
            "EHLO client.example\r\n",
            "+ a CAPABILITY\r\n",
            "a1 COMPRESS DEFLATE\r\n",
        ] {
            let heard = server.cut(line.as_bytes()).unwrap();
            assert_eq!((heard.command, heard.allowed), (None, false), "{line}");
        }
        assert!(server.say(Reply::Refuse, false).starts_with(b"a1 BAD "));
        assert!(!server.cut(b"a1 STARTTLS now\r\n").unwrap().allowed);
    }

    #[test]
    fn tags_are_filled_in_with_what_is_answered() {
        let mut server = Imap.server(&Canaries::new(1));
        server.learn(&Lesson { tags: vec![b"X1".to_vec(), b"X2".to_vec()] });
        assert_eq!(server.fill("{tag} OK", Answered::Next), "X1 OK");
        server.cut(b"X1 CAPABILITY\r\n").unwrap();
        assert_eq!(server.fill("* NO\n{tag} OK", Answered::Last), "* NO\nX1 OK");
        assert_eq!(server.fill("{tag} OK", Answered::Next), "X2 OK");
        assert_eq!(server.fill("{tag} OK", Answered::Next), "X3 OK");
        assert_eq!(server.lesson().tags, [b"X1"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            testing::takes_any_bytes(&Imap, &bytes);
        }

        #[test]
        fn pieces_do_not_depend_on_how_bytes_arrive(at in 0_usize..70) {
            let text = b"a CAPABILITY\r\nb LOGIN {1}\r\nx y\r\nc APPEND I {2+}\r\nxy\r\nd LOGOUT\r\n";
            let at = at.min(text.len());
            prop_assert_eq!(testing::heard_in(&Imap, &[&text[..at], &text[at..]]), testing::heard_in(&Imap, &[&text[..]]));
        }
    }
}
