//! The checker in Python against certificates: those of sound clients are accepted, wrong ones rejected.
//!
//! Python is needed; without it the tests say so and pass, unless `UPWARD_REQUIRE_SPIN` is set.

mod deaf;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use upward_model::certificate::Certificate;
use upward_model::client::{Client, End, Input, Negotiator, Output, Peer, Step, View};
use upward_model::flaw::Flaw;
use upward_model::message::{Command as Word, Layer, Piece, Reply};
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::{FTP, LDAP, MANAGESIEVE, MANUAL, MYSQL, PROTOCOLS, Protocol};
use upward_model::theorem::{User, flawed_world};
use upward_model::walk::{explore, walk};
use upward_model::world::{Action, Attacker, Setting, World};

use self::deaf::{Deaf, Viewed, Wait};
use crate::lab::{ByMark, ByWait, Scripted, Twisted};
use crate::poisoned::PoisonedAfterRefusal;
use crate::wrong_clients::{Wait as Waits, give_up, negotiate, send_data, start, step};

/// Whether Python is here.
fn available() -> bool {
    let python = Command::new("python3").arg("--version").output();
    let found = python.is_ok_and(|output| output.status.success());
    let required = std::env::var_os("UPWARD_REQUIRE_SPIN").is_some();
    assert!(found || !required, "python3 is missing: apt-get install python3");
    if !found {
        eprintln!("skipped: python3 is missing (Debian package python3)");
    }
    found
}

/// A new folder for the certificates of a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("certificate").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What the checker says of a file or a folder, and whether it accepts all that it finds there.
fn check(path: &Path) -> (bool, String) {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("certificate/check.py");
    let output = Command::new("python3").arg(checker).arg(path).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.is_empty(), "{complaint}");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the checker says of one certificate.
fn check_text(name: &str, text: &str) -> (bool, String) {
    let file = folder(name).join("certificate.json");
    std::fs::write(&file, text).unwrap();
    check(&file)
}

fn sound(attacker: Attacker) -> Certificate {
    Certificate::of(&User::of(&MANUAL, &[Policy::Required]).sound(Setting::of(attacker)))
}

/// The certificate of the manual's sound client, changed.
fn tampered(change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::to_value(sound(Attacker::Active)).unwrap();
    change(&mut value);
    value.to_string()
}

fn assert_rejected(name: &str, text: &str, because: &str) {
    let (accepted, says) = check_text(name, text);
    assert!(!accepted, "{name} was accepted: {says}");
    assert!(says.contains(because), "{name}: {says}");
}

#[test]
fn sound_clients_are_accepted() {
    if !available() {
        return;
    }
    let folder = folder("sound");
    for protocol in PROTOCOLS {
        let world = User::of(protocol, &[Policy::Required]).sound(Setting::of(Attacker::Active));
        let certificate = Certificate::of(&world);
        let file = folder.join(protocol.name).with_extension("json");
        std::fs::write(file, certificate.json().unwrap()).unwrap();
    }
    let (accepted, says) = check(&folder);
    assert!(accepted, "{says}");
    assert_eq!(says.lines().count(), PROTOCOLS.len(), "{says}");
}

#[test]
fn each_column_of_a_matrix_is_accepted() {
    if !available() {
        return;
    }
    for protocol in [&MANUAL, &MYSQL] {
        let folder = folder(&format!("matrix-{}", protocol.name));
        let mut count = 0;
        Certificate::of_matrix(protocol, |name, certificate| {
            count += 1;
            let text = certificate.json().unwrap();
            std::fs::write(folder.join(name).with_extension("json"), text)
        })
        .unwrap();
        let (accepted, says) = check(&folder);
        assert!(accepted, "{says}");
        assert_eq!(says.lines().count(), count, "two columns have one name: {says}");
    }
}

/// The checker decides by itself which properties a mistake breaks, and finds those that the walker finds.
#[test]
fn flawed_parties_are_found_out() {
    if !available() {
        return;
    }
    let (true_claims, false_claims) = (folder("flawed"), folder("flawed-claims"));
    let setting = Setting::of(Attacker::Active);
    for protocol in [&MANUAL, &LDAP, &MYSQL] {
        let sound = walk(&User::of(protocol, &[Policy::Required]).sound(setting), None).broken;
        for &flaw in Flaw::ALL {
            let world = flawed_world(protocol, flaw, &[Policy::Required], setting);
            let certificate = Certificate::of(&world);
            let name = format!("{}-{}.json", protocol.name, flaw.name());
            std::fs::write(true_claims.join(&name), certificate.json().unwrap()).unwrap();
            if walk(&world, None).broken != sound {
                let claims = certificate.claiming(sound).json().unwrap();
                std::fs::write(false_claims.join(&name), claims).unwrap();
            }
        }
    }
    let (accepted, says) = check(&true_claims);
    assert!(accepted, "{says}");
    let (_, says) = check(&false_claims);
    assert!(says.contains("REJECTED"), "{says}");
    assert!(!says.contains("accepted"), "{says}");
}

/// A walk that never gives clear text to a client that handshakes: what the model once did, where such a
/// client answers clear text as it answers a good certificate.
fn broken_in_a_blind_walk(world: &World<Deaf>) -> Properties {
    let mut broken = Properties::NONE;
    explore(world.initial().state, None, |state, successors| {
        broken.extend(world.broken(state));
        for choice in world.choices(state) {
            let clear = matches!(choice.action, Action::ToClient(_));
            let handshakes = world.believed_layer(state).is_none();
            if clear && handshakes {
                continue;
            }
            successors.extend(world.next(state, &choice.action).map(|next| next.state));
        }
    });
    broken
}

#[test]
fn a_client_that_takes_clear_text_for_a_certificate_is_rejected() {
    if !available() {
        return;
    }
    let setting = Setting::of(Attacker::Active);
    let world = World::new(&MANUAL, Deaf, vec![Policy::Required], setting);
    let blind = broken_in_a_blind_walk(&world);
    assert!(!blind.has(Property::NoSecretInClear));
    let certificate = Certificate::of(&world);
    let (accepted, says) = check_text("deaf", &certificate.json().unwrap());
    assert!(accepted, "its true claims: {says}");
    let claims = certificate.claiming(blind).json().unwrap();
    assert_rejected("deaf-claims", &claims, "safety: no-secret-in-clear is broken");
    let (_, says) = check_text("deaf-way", &claims);
    insta::assert_snapshot!(says.split_once(": ").unwrap().1);
}

/// The world of a client that is written by hand.
fn by_hand<C: Client>(protocol: &'static Protocol, client: C) -> World<C> {
    World::new(protocol, client, vec![Policy::Required], Setting::of(Attacker::Active))
}

/// The checker finds by itself that a client breaks a property.
fn assert_found<C: Client>(name: &str, world: &World<C>, property: Property) {
    let certificate = Certificate::of(world);
    let (accepted, says) = check_text(name, &certificate.json().unwrap());
    assert!(accepted, "{name}, its true claims: {says}");
    assert!(says.contains(property.name()), "{name}: {says}");
    let claims = certificate.claiming(Properties::NONE).json().unwrap();
    assert_rejected(&format!("{name}-claims"), &claims, "safety: ");
}

#[test]
fn what_an_earlier_world_overlooked_is_found() {
    if !available() {
        return;
    }
    // The data go over the second channel although its handshake failed.
    let client = Twisted {
        inner: Negotiator::sound(&FTP, Policy::Required),
        input: |input| match input {
            Input::ChannelFailed => Input::Channel(Peer::Genuine),
            _ => input.clone(),
        },
        output: |output| vec![output],
    };
    assert_found("failed-channel", &by_hand(&FTP, client), Property::NoClearSecondChannel);

    // The data are sent again when they have been confirmed.
    let twice = ByWait(|wait, input| match (wait, input) {
        (Waits::Handshake, Input::Handshake(Peer::Genuine)) => send_data(),
        (Waits::Thanks, Input::Segment(it)) if it.pieces() == [Piece::Whole(Reply::Done)] => step(
            Waits::Nothing,
            &[Output::Send(Word::Deliver), Output::End(End::Delivered), Output::Close],
        ),
        _ => negotiate(wait, input),
    });
    let client = Scripted { start: start(), step: twice };
    assert_found("delivered-twice", &by_hand(&MANUAL, client), Property::OnlyDenialOfService);

    // What is left over on a connection behind a refusal decides what is said there.
    let forgotten = Property::ClearKnowledgeForgotten;
    assert_found("after-refusal", &by_hand(&MANAGESIEVE, PoisonedAfterRefusal), forgotten);
}

/// A client that sends its data, finds leftovers and gives up in one step has done nothing but give up.
#[test]
fn giving_up_behind_the_first_command_is_accepted() {
    if !available() {
        return;
    }
    let gives_up = ByMark(|wait, left, input| {
        let more = matches!(input, Input::Segment(it) if it.pieces().len() > 1);
        let begins = (wait, input) == (Waits::Handshake, &Input::Handshake(Peer::Genuine));
        let mut next = if begins { send_data() } else { negotiate(wait, input) };
        if begins && left {
            next.outputs.extend(give_up().outputs);
            next.state = Waits::Nothing;
        }
        let left = wait == Waits::GoAhead && next.state == Waits::Handshake && more;
        Step { state: (next.state, left), outputs: next.outputs }
    });
    let first = Step { state: (Waits::Connection, false), outputs: start().outputs };
    let world = by_hand(&MANUAL, Scripted { start: first, step: gives_up });
    let (accepted, says) = check_text("gives-up", &Certificate::of(&world).json().unwrap());
    assert!(accepted, "{says}");
    assert!(!says.contains("clear-knowledge-forgotten"), "{says}");
}

#[test]
fn a_client_whose_view_does_not_fit_has_no_certificate() {
    if !available() {
        return;
    }
    let lives_on = Viewed(|wait| match wait {
        Wait::Nothing => View::Open(Layer::Clear),
        _ => Deaf.view(&wait),
    });
    let certificate = Certificate::of(&by_hand(&MANUAL, lives_on)).json().unwrap();
    assert_rejected("lives-on", &certificate, "view: the sessions have ended");

    let hides = Viewed(|wait| match wait {
        Wait::GoAhead => View::Channel,
        _ => Deaf.view(&wait),
    });
    let certificate = Certificate::of(&by_hand(&MANUAL, hides)).json().unwrap();
    assert_rejected("hides", &certificate, "view: the client waits for a second channel");
}

#[test]
fn tampered_certificates_are_rejected() {
    if !available() {
        return;
    }
    let states = |value: &mut Value| std::mem::take(value["states"].as_array_mut().unwrap());

    let removed = tampered(|value| {
        let mut all = states(value);
        all.remove(all.len() / 2);
        value["states"] = all.into();
    });
    assert_rejected("a-state-removed", &removed, "closure: ");

    let wrong_start = tampered(|value| {
        let mut all = states(value);
        all.remove(0);
        value["states"] = all.into();
    });
    assert_rejected("start-removed", &wrong_start, "start: ");

    let other_start = tampered(|value| value["client"]["start"][0] = 1.into());
    assert_rejected("another-start", &other_start, "does not start without a connection");

    let added = tampered(|value| {
        let mut all = states(value);
        let mut other = all[1].clone();
        // The session has opened no connection, and has one.
        other[23] = 1.into();
        all.push(other);
        value["states"] = all.into();
    });
    assert_rejected("a-state-added", &added, "cannot be reached");

    // The client takes an untrusted certificate for the server's.
    let changed = tampered(|value| {
        for row in value["client"]["states"].as_array_mut().unwrap() {
            let trusted = row["on"].get("handshake genuine").cloned();
            if let (Some(step), Some(on)) = (trusted, row["on"].as_object_mut()) {
                on.insert("handshake untrusted".to_owned(), step);
            }
        }
    });
    assert_rejected("a-transition-changed", &changed, "whose connection is not false");

    // The server leaves TLS on whatever the client says there.
    let served = tampered(|value| {
        for row in value["server"]["states"].as_array_mut().unwrap() {
            if row["phase"] == "ready" && row["layer"] == "tls" {
                row["segments"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(|run| run[0] = 0.into());
            }
        }
    });
    assert_rejected("the-server-changed", &served, "closure: ");

    let left_out = tampered(|value| {
        for row in value["client"]["states"].as_array_mut().unwrap() {
            if let Some(run) = row["segments"].as_array_mut().and_then(|runs| runs.last_mut()) {
                let count = run[2].as_u64().unwrap();
                run[2] = (count - 1).into();
            }
        }
    });
    assert_rejected("a-raw-input-left-out", &left_out, "can come in");

    let no_deadline = tampered(|value| {
        for row in value["client"]["states"].as_array_mut().unwrap() {
            row["on"].as_object_mut().unwrap().remove("deadline");
        }
    });
    assert_rejected("an-event-left-out", &no_deadline, "lacks inputs");

    let smaller = tampered(|value| value["protocol"]["answer"] = false.into());
    assert_rejected("a-smaller-alphabet", &smaller, "can come in");

    let forgotten = tampered(|value| {
        value["holds"].as_array_mut().unwrap().remove(0);
    });
    assert_rejected("a-property-left-out", &forgotten, "each property is claimed");

    let modest = sound(Attacker::Active).claiming(Properties::of(&[Property::Agreement]));
    let modest = modest.json().unwrap();
    assert_rejected(
        "a-property-that-holds",
        &modest,
        "claimed to be broken, and is not: agreement",
    );

    let user = User::of(&MANUAL, &[Policy::Opportunistic]);
    let hidden = Certificate::of(&user.sound(Setting::of(Attacker::Active)));
    let hidden = hidden.claiming(Properties::NONE).json().unwrap();
    assert_rejected("a-broken-property-hidden", &hidden, "safety: no-secret-in-clear is broken");

    // A weaker attacker than the one that is named.
    let passive = sound(Attacker::Passive).json().unwrap();
    let stronger = passive.replace("\"attacker\":\"passive\"", "\"attacker\":\"active\"");
    assert_rejected("another-attacker", &stronger, "start: ");
}
