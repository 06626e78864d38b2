//! Choices that real programs make before TLS, as they were recorded: sound clients make them, and
//! none of them covers a client that goes on in clear.

use upward_model::client::{Close, Peer};
use upward_model::explain::{Event, Explanation, Habits, explain, first_unexplained_step};
use upward_model::message::{Command, Layer, Mechanism, Piece, Reply, Segment};
use upward_model::policy::Policy;
use upward_model::protocol::{IMAP, POP3, Protocol, SMTP};

const OFFER: Reply = Reply::offer(true);

/// The server says this in clear, in one write.
fn says(pieces: &[Piece<Reply>], answers: Option<Command>) -> Event {
    Event::Said { segment: Segment::new(pieces), layer: Layer::Clear, answers }
}

fn opens(reply: Reply) -> Event {
    says(&[Piece::Whole(reply)], None)
}

fn answers(command: Command, replies: &[Reply]) -> Event {
    says(&replies.iter().map(|&reply| Piece::Whole(reply)).collect::<Vec<_>>(), Some(command))
}

const fn asks(command: Command) -> Event {
    Event::Heard(command, Layer::Clear)
}

/// From the first question on: the client asks, upgrades, and logs in inside TLS.
fn upgrades(capabilities: &[Reply], answer: &[Reply]) -> Vec<Event> {
    let login = Command::Login(Mechanism::Own);
    vec![
        asks(Command::Hello),
        answers(Command::Hello, capabilities),
        asks(Command::Upgrade),
        answers(Command::Upgrade, answer),
        Event::ClientHello,
        Event::Handshake(Peer::Genuine),
        Event::Heard(Command::Hello, Layer::Tls),
        Event::Said {
            segment: Segment::one(Reply::offer(false)),
            layer: Layer::Tls,
            answers: Some(Command::Hello),
        },
        Event::Heard(login, Layer::Tls),
    ]
}

/// Each run with the programs that were seen to do it.
fn recorded() -> Vec<(&'static str, &'static Protocol, Vec<Event>)> {
    let usual = || upgrades(&[OFFER], &[Reply::Accept]);
    let after = |opening: &[Event]| [opening, &usual()].concat();
    let greeted = |rest: Vec<Event>| [vec![opens(Reply::Greeting)], rest].concat();
    vec![
        ("curl, exim4, git send-email: 250 as greeting", &SMTP, after(&[opens(Reply::Done)])),
        ("curl, exim4, git send-email: 221 as greeting", &SMTP, after(&[opens(Reply::Bye)])),
        ("curl, exim4, go net/smtp: the wrong 220", &SMTP, after(&[opens(Reply::Accept)])),
        ("curl, fetchmail: any +OK as greeting", &POP3, after(&[opens(Reply::LoggedIn)])),
        ("curl, fetchmail: a notice as greeting", &POP3, after(&[opens(Reply::Notice)])),
        ("imapflow: a referral as greeting", &IMAP, after(&[opens(Reply::Redirect)])),
        ("fetchmail, s-nail, ruby net/imap: data as greeting", &IMAP, after(&[opens(Reply::Data)])),
        (
            "ruby net/imap: of two replies with its tag, the last",
            &IMAP,
            greeted(upgrades(&[OFFER], &[Reply::Refuse, Reply::Accept])),
        ),
        ("fetchmail: `* NO` as greeting", &IMAP, after(&[opens(Reply::Refuse)])),
        (
            "curl: half a line before the greeting",
            &SMTP,
            after(&[says(&[Piece::Line(Reply::Notice)], None), opens(Reply::Greeting)]),
        ),
        (
            "curl: an untagged BYE is skipped",
            &IMAP,
            greeted(upgrades(&[OFFER, Reply::Bye], &[Reply::Accept])),
        ),
        (
            "poplib: the head of a list as greeting",
            &POP3,
            [
                vec![says(&[Piece::Line(OFFER)], None), asks(Command::Hello)],
                vec![answers(Command::Hello, &[OFFER]), Event::Closed(Close::Orderly)],
            ]
            .concat(),
        ),
        (
            "perl Net::POP3: the head of a list grants TLS",
            &POP3,
            vec![
                says(&[Piece::Whole(Reply::Greeting), Piece::Line(OFFER)], None),
                asks(Command::Upgrade),
                says(&[Piece::Line(OFFER)], Some(Command::Upgrade)),
                Event::ClientHello,
            ],
        ),
        (
            "curl: the first line of a list as greeting, and the rest as the answer",
            &POP3,
            vec![
                says(&[Piece::Whole(OFFER), Piece::Whole(Reply::Greeting)], None),
                asks(Command::Hello),
                asks(Command::Upgrade),
                answers(Command::Hello, &[OFFER]),
                answers(Command::Upgrade, &[Reply::Accept]),
                Event::ClientHello,
            ],
        ),
        (
            "emacs smtpmail: what stands behind a list is passed over",
            &SMTP,
            greeted(upgrades(&[OFFER, Reply::Refuse], &[Reply::Accept])),
        ),
        ("exim4: 221 grants TLS", &SMTP, greeted(upgrades(&[OFFER], &[Reply::Bye]))),
        ("mutt: 354 grants TLS", &SMTP, greeted(upgrades(&[OFFER], &[Reply::Garbled]))),
        ("curl: any +OK grants TLS", &POP3, greeted(upgrades(&[OFFER], &[Reply::Notice]))),
        (
            "fetchmail: no list, and STLS all the same",
            &POP3,
            greeted(upgrades(&[Reply::Challenge], &[Reply::Accept])),
        ),
        (
            "go net/smtp: HELO to a server that has closed",
            &SMTP,
            greeted(vec![
                asks(Command::Hello),
                Event::Closed(Close::Orderly),
                asks(Command::Hello),
            ]),
        ),
        (
            "go net/smtp: the close ends the reply",
            &SMTP,
            greeted(vec![
                asks(Command::Hello),
                answers(Command::Hello, &[OFFER]),
                asks(Command::Upgrade),
                says(&[Piece::Line(Reply::Accept)], Some(Command::Upgrade)),
                Event::Closed(Close::Orderly),
                Event::ClientHello,
            ]),
        ),
    ]
}

#[test]
fn the_choices_of_real_programs_are_sound() {
    let habits = Habits { logs_in: true, ..Habits::default() };
    for (what, protocol, events) in recorded() {
        let run = vec![events];
        let explanation = explain(protocol, &[Policy::Required], habits, &run);
        assert!(matches!(explanation, Explanation::Sound(_)), "{what}: {explanation:?}");
        assert_eq!(first_unexplained_step(protocol, &[Policy::Required], habits, &run), None);
    }
}

/// Where the list inside TLS names no login, a client delivers without one, and skips nothing.
#[test]
fn no_login_is_left_out_where_none_is_listed() {
    let habits = Habits { logs_in: true, ..Habits::default() };
    let explained = |list: Reply| {
        let inside = |command| Event::Heard(command, Layer::Tls);
        let answer = |reply, command| Event::Said {
            segment: Segment::one(reply),
            layer: Layer::Tls,
            answers: Some(command),
        };
        let mut events = vec![opens(Reply::Greeting)];
        events.extend(upgrades(&[OFFER], &[Reply::Accept]).into_iter().take(7));
        events.extend([
            answer(list, Command::Hello),
            inside(Command::Deliver),
            answer(Reply::Done, Command::Deliver),
        ]);
        explain(&SMTP, &[Policy::Required], habits, &vec![events])
    };
    assert!(matches!(explained(Reply::Bare), Explanation::Sound(_)));
    assert!(!matches!(explained(Reply::offer(false)), Explanation::Sound(_)));
}

#[test]
fn a_secret_in_clear_is_the_first_unexplained_step() {
    let habits = Habits { logs_in: true, ..Habits::default() };
    for (what, protocol, mut events) in recorded() {
        let tls = |event: &Event| matches!(event, Event::ClientHello | Event::Closed(_));
        events.truncate(events.iter().position(tls).unwrap());
        for secret in [Command::Login(Mechanism::Own), Command::Deliver] {
            let leak = asks(secret);
            let run = vec![[events.clone(), vec![leak.clone()]].concat()];
            let explanation = explain(protocol, &[Policy::Required], habits, &run);
            assert!(!matches!(explanation, Explanation::Sound(_)), "{what}: {secret:?}");
            let step = first_unexplained_step(protocol, &[Policy::Required], habits, &run).unwrap();
            assert_eq!((step.connection, step.position, step.event), (0, events.len(), leak));
        }
    }
}
