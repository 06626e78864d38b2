//! A world as a Promela model, for SPIN.
//!
//! Client and server are exported as tables of their step functions. The composition, the attacker and
//! the view of the properties are written again, in `promela/composition.pml`. So SPIN checks the
//! exploration and the composition independently, but not the parties: those are checked by a model of
//! SMTP that was written by hand.

mod array;
mod table;

use std::fmt::Write as _;

use self::array::Rows;
use self::table::Tables;
use crate::client::{Client, Peer};
use crate::message::{Command, Reply};
use crate::policy::Policy;
use crate::property::Property;
use crate::protocol::{Channel, Closure, Memory};
use crate::server::{Hosts, Port};
use crate::world::{Alpn, Attacker, CONNECTIONS, Offering, State, World};

/// The part that is the same for all worlds.
const COMPOSITION: &str = include_str!("../promela/composition.pml");

/// The command that explores it.
const EXPLORE: &str = "spin -a FILE && gcc -O1 -w -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c && \
                       ./pan -E -n -m10000000";

/// The line of the composition that is replaced by one option for each action.
const OPTIONS: &str = "//OPTIONS\n";

/// The Promela text of a world; deterministic.
///
/// SPIN finds one state and one step more than [`walk`](crate::walk::walk), both for the start. Its
/// count of transitions also includes the first state, and is two higher. Prices are not part of the
/// text: a world that counts genuine messages has the same text as one that does not.
pub fn promela<C: Client>(world: &World<C>) -> String {
    let tables = Tables::of(world);
    let mut text = format!(
        "/* {}, {} attacker, {}. Written by upward: do not edit.\n *\n * {EXPLORE}\n */\n",
        world.protocol.title,
        world.attacker.name(),
        world.offering.name()
    );
    let composition = COMPOSITION.replace(OPTIONS, &options(&tables));
    let mut declarations = constants(world, &tables);
    declarations.extend(tables.declarations());
    let mut block = String::new();
    for declaration in declarations {
        if block.len() + declaration.len() > BLOCK {
            text.push_str(&blocked(&block));
            block.clear();
        }
        block.push_str(&declaration);
    }
    text.push_str(&blocked(&block));
    text.push_str(&composition);
    text
}

/// The longest block of C that SPIN's parser accepts, in bytes, with a margin.
const BLOCK: usize = 32_768;

fn blocked(declarations: &str) -> String {
    format!("c_decl {{\n{declarations}}}\n\n")
}

fn define(text: &mut String, name: &str, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "#define {name} {value}");
}

/// The name of a property as C writes it.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The definitions for the composition in addition to the machines: names, the setting, the protocol,
/// the messages.
fn constants<C: Client>(world: &World<C>, tables: &Tables) -> Vec<String> {
    let mut text = String::new();
    for &property in Property::ALL {
        define(&mut text, &upper(property.name()), property as u8);
    }
    let flag = |text: &mut String, name, on: bool| define(text, name, u8::from(on));
    let protocol = world.protocol;
    flag(&mut text, "PASSIVE", world.attacker == Attacker::Passive);
    flag(&mut text, "HAS_TWIN", protocol.has_implicit());
    flag(&mut text, "HAS_UPGRADE_PORT", world.offering.has(Port::Upgrade));
    flag(&mut text, "HAS_IMPLICIT_PORT", world.offering.has(Port::Implicit));
    flag(&mut text, "GRANTS_UPGRADE", matches!(world.offering, Offering::Both | Offering::Upgrade));
    flag(&mut text, "ALPN_STRICT", world.alpn == Alpn::Strict && protocol.alpn.is_some());
    flag(&mut text, "CHOOSES_CERTIFICATE", protocol.chooses_certificate);
    flag(&mut text, "KNOWLEDGE_SURVIVES", protocol.memory == Memory::Survives);
    flag(&mut text, "MAY_GO_ON_IN_CLEAR", protocol.closure == Closure::MayGoOnInClear);
    flag(&mut text, "HAS_CHANNEL", protocol.channel == Channel::Second);
    flag(&mut text, "ONE_CERTIFICATE", world.server().hosts == Hosts::OneCertificate);
    flag(&mut text, "ENDLESS", world.is_endless());
    flag(&mut text, "LOGS_IN", world.logs_in());
    define(&mut text, "CONNECTIONS", CONNECTIONS);
    define(&mut text, "BOUND", world.bounds.messages);
    define(&mut text, "QUEUE", State::QUEUE);
    define(&mut text, "SESSIONS", world.sessions.len());
    define(&mut text, "UPGRADE_PORT", Port::Upgrade as u8);
    define(&mut text, "IMPLICIT_PORT", Port::Implicit as u8);
    tables.constants(|name, value| define(&mut text, name, value));
    let per_session = |name: &str, of: &dyn Fn(Policy) -> bool| {
        let mut rows = Rows::new("static const unsigned char", name);
        for &policy in &world.sessions {
            rows.push(u8::from(of(policy)));
        }
        rows.finish()
    };
    let mut secret = Rows::new("static const unsigned char", "is_secret");
    let mut allowed = Rows::new("static const unsigned char", "is_allowed_in_clear");
    let mut login = Rows::new("static const unsigned char", "is_login");
    for command in tables.commands() {
        login.push(u8::from(matches!(command, Command::Login(_) | Command::Credential)));
        secret.push(u8::from(command.is_secret()));
        allowed.push(u8::from(command.is_allowed_in_clear()));
    }
    vec![
        text,
        per_session("needs_tls", &|policy| policy.needs_tls()),
        per_session("to_implicit", &|policy| policy == Policy::Implicit),
        secret.finish(),
        allowed.finish(),
        login.finish(),
    ]
}

/// One option of the process for each action.
fn options(tables: &Tables) -> String {
    let mut text = String::new();
    let mut option = |can: &str, act: &str, with: Option<usize>| {
        let with = with.map_or_else(String::new, |with| format!(", {with}"));
        let _ = writeln!(
            text,
            "    :: d_step {{ c_expr {{ ({can}(world(){with})) }} -> c_code {{ {act}(world(){with}); }} }}"
        );
    };
    for n in 0..tables.most_to_client() {
        option("can_write_to_client", "write_to_client", Some(n));
    }
    for n in 0..tables.most_to_server() {
        option("can_write_to_server", "write_to_server", Some(n));
    }
    option("can_hear", "hears", None);
    option("can_serve", "serves", None);
    for peer in 0..Peer::ALL.len() {
        option("can_shake_hands", "shakes_hands", Some(peer));
    }
    option("can_fail_handshake", "fails_handshake", None);
    for peer in 0..Peer::ALL.len() {
        option("can_shake_hands_on_channel", "shakes_hands_on_channel", Some(peer));
    }
    option("can_fail_channel", "fails_channel", None);
    option("can_name_host", "names_host", None);
    option("can_end_tls", "ends_tls", None);
    for how in 0..3 {
        option("can_close", "closes", Some(how));
    }
    option("can_redial", "redials", None);
    option("can_time_out", "times_out", None);
    text
}

/// The number of a message in an alphabet that contains it.
fn number<M: PartialEq>(alphabet: &[M], message: &M) -> usize {
    alphabet.iter().position(|other| other == message).unwrap_or(alphabet.len())
}

/// All messages: the alphabet, and further messages of an honest party.
fn known<M: PartialEq + Copy>(mut alphabet: Vec<M>, said: impl Iterator<Item = M>) -> Vec<M> {
    for message in said {
        if !alphabet.contains(&message) {
            alphabet.push(message);
        }
    }
    alphabet
}

/// The messages of both parties.
fn words<C: Client>(world: &World<C>) -> (Vec<Reply>, Vec<Command>) {
    let said = world.servers().all_outputs().iter().flat_map(crate::server::words);
    let sent = world.clients().all_outputs().iter().flatten().filter_map(|output| match output {
        crate::client::Output::Send(command) => Some(*command),
        _ => None,
    });
    (known(world.protocol.replies(), said), known(world.protocol.commands(), sent))
}
