//! Client and server as tables in C.

use std::fmt::Debug;
use std::hash::Hash;

use super::array::{PerState, Rows, lists_of};
use super::{number, words};
use crate::client::{Client, Close, End, Input, Output, Outputs, Peer, Target, View};
use crate::machine::{Alphabet, Class, Link, Machine, StateId};
use crate::message::{Command, Layer, Reply, Segment};
use crate::server::{self, Phase, Port};
use crate::world::{World, acts, gives_up};

/// Inputs of the client other than replies and handshakes.
const EVENTS: [(&str, Input); 8] = [
    ("CONNECTED", Input::Connected),
    ("HANDSHAKE_FAILED", Input::HandshakeFailed),
    ("TLS_ENDED", Input::TlsEnded),
    ("CLOSED_ORDERLY", Input::Closed(Close::Orderly)),
    // Numbered consecutively, in this order.
    ("CLOSED_TRUNCATED", Input::Closed(Close::Truncated)),
    ("CLOSED_CUT", Input::Closed(Close::Cut)),
    ("DEADLINE", Input::Deadline),
    ("CHANNEL_FAILED", Input::ChannelFailed),
];

/// The outputs of a client, as named in C, in the order of their numbers.
const CLIENT_DOES: [&str; 12] = [
    "CONNECT",
    "SEND",
    "START_TLS",
    "CLOSE",
    "OPEN_CLEAR_CHANNEL",
    "OPEN_TLS_CHANNEL",
    "MOVE_DATA",
    "SHOWS",
    "HANDS_OVER",
    "TELL",
    "END",
    "NOTHING",
];

/// The outputs of a server.
const SERVER_DOES: [&str; 7] = [
    "SAY",
    "EXECUTED",
    "RAN_CLEAR_COMMAND",
    "TOOK_CLEAR_LOGIN",
    "KEPT_CLEAR_LOGIN",
    "OFFERED_UPGRADE_INSIDE",
    "SHOWS_NOTHING",
];

/// No state: the input is not possible.
const NONE: StateId = StateId::MAX;

/// The outputs and the next state of a machine's step, by its own numbers. `None`: the input is not
/// possible. A step unknown to the machine is written in the same way, and stops SPIN if it is taken.
fn step<S, I, O>(machine: &Machine<S, I, O>, step: Option<(S, O)>) -> String
where
    S: Clone + Eq + Hash + Debug,
    I: Alphabet,
    O: Clone + Eq + Hash,
{
    let known =
        step.and_then(|(next, outputs)| machine.id(&next).zip(machine.outputs_id(&outputs)));
    let (next, outputs) = known.unwrap_or((NONE, 0));
    format!("{{{next},{outputs}}}")
}

/// The parts of client and server that the composition needs.
pub(super) struct Tables {
    replies: Vec<Reply>,
    commands: Vec<Command>,
    most_to_client: usize,
    most_to_server: usize,
    declarations: Vec<String>,
}

impl Tables {
    pub(super) fn of<C: Client>(world: &World<C>) -> Self {
        let (replies, commands) = words(world);
        let structs = [
            "struct Step { unsigned short next, outputs; };\n",
            "struct Class { unsigned short next, outputs; unsigned char marked; };\n",
            "struct Does { unsigned char what, with; };\n",
            "struct Says { unsigned char what, reply, answers; };\n",
        ];
        let declarations = structs.map(str::to_owned).to_vec();
        let mut tables =
            Self { replies, commands, most_to_client: 0, most_to_server: 0, declarations };
        tables.client(world);
        tables.server(world);
        tables
    }

    pub(super) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The most classes of segments in a state of the client.
    pub(super) const fn most_to_client(&self) -> usize {
        self.most_to_client
    }

    /// The most classes of segments in a state of the server.
    pub(super) const fn most_to_server(&self) -> usize {
        self.most_to_server
    }

    /// The declarations in C, in order.
    pub(super) fn declarations(self) -> Vec<String> {
        self.declarations
    }

    /// The names of all numbers in the tables.
    pub(super) fn constants(&self, mut define: impl FnMut(&str, usize)) {
        define("NONE", usize::from(NONE));
        for names in [&CLIENT_DOES[..], &SERVER_DOES[..]] {
            for (index, name) in names.iter().enumerate() {
                define(name, index);
            }
        }
        for (index, (name, _)) in EVENTS.iter().enumerate() {
            define(name, index);
        }
        define("SHOWN", EVENTS.len());
        define("CHANNEL_SHOWN", EVENTS.len() + Peer::ALL.len());
        define("SAID", EVENTS.len() + 2 * Peer::ALL.len());
        define("NO_ACTS", 0);
        define("GENUINE", Peer::Genuine as usize);
        define("WRONG_NAME", Peer::WrongName as usize);
        define("OTHER_HOST", Peer::OtherHost as usize);
        define("UPGRADE", number(&self.commands, &Command::Upgrade));
        define("GOODBYE", number(&self.commands, &Command::Goodbye));
        define("REDIRECTED", Target::Redirected as usize);
        define("IMPLICIT_TARGET", Target::Implicit as usize);
        define("DELIVER", number(&self.commands, &Command::Deliver));
        define("DONE", number(&self.replies, &Reply::Done));
        define("NOTICE", number(&self.replies, &Reply::Notice));
        define("DATA", number(&self.replies, &Reply::Data));
        define("DELIVERED", End::Delivered as usize);
    }

    fn client<C: Client>(&mut self, world: &World<C>) {
        let machine = world.clients();
        let shown = Peer::ALL.map(Input::Handshake);
        let on_channel = Peer::ALL.map(Input::Channel);
        let said: Vec<Input> =
            self.replies.iter().map(|&reply| Input::Segment(Segment::one(reply))).collect();
        let events = EVENTS.iter().map(|(_, input)| input.clone());
        let inputs: Vec<Input> =
            events.chain(shown).chain(on_channel).chain(said.clone()).collect();
        let mut steps = PerState::new("struct Step", "client_step");
        let mut handshaking = Rows::new("static const unsigned char", "client_handshaking");
        let mut in_channel = Rows::new("static const unsigned char", "client_in_channel");
        let mut unclean = Rows::new("static const unsigned int", "client_unclean");
        let contexts = world.contexts();
        for (state, link) in machine.states() {
            let view = world.client().view(state);
            let possible: Vec<Input> = match view {
                View::Ended => Vec::new(),
                _ => link.inputs(view, &said),
            };
            handshaking.push(u8::from(view == View::Handshaking));
            in_channel.push(u8::from(view == View::Channel));
            let mut bits = 0_u32;
            if *link == Link::Handshake {
                let begins = Input::Handshake(Peer::Genuine);
                let after = world.client().step(state, &begins);
                let next = machine.id(&(after.state, link.after(&begins, &after.outputs)));
                for (bit, &context) in contexts.iter().enumerate() {
                    let clean = next.is_some_and(|n| world.is_clean(context, n, &after.outputs));
                    bits |= u32::from(!clean) << bit;
                }
            }
            unclean.push(bits);
            let mut row = steps.row();
            for input in &inputs {
                let taken = possible.contains(input).then(|| {
                    let step = world.client().step(state, input);
                    let link = link.after(input, &step.outputs);
                    ((step.state, link), step.outputs)
                });
                row.push(step(machine, taken));
            }
            steps.add(row);
        }
        self.declarations.extend(steps.finish());
        self.declarations.extend([handshaking, in_channel, unclean].map(Rows::finish));
        let mut honest = Rows::new("static const struct Step", "honest_step");
        for &context in &contexts {
            let known = world.honest_step(context, &Input::Handshake(Peer::Genuine));
            let ids = known.and_then(|(next, outputs)| Some((next, machine.outputs_id(&outputs)?)));
            let (next, outputs) = ids.unwrap_or((NONE, 0));
            honest.push(format!("{{{next},{outputs}}}"));
        }
        self.declarations.push(honest.finish());

        let segment = |class: &Class<Input>| class.representative.merges().then_some(false);
        let (classes, most) = classes("client", machine, segment);
        self.declarations.extend(classes);
        self.most_to_client = most;
        let start = world.client().start();
        let start = step(machine, Some(((start.state, Link::Down), start.outputs)));
        self.declarations.push(format!("static const struct Step client_start = {start};\n"));
        let does = machine.all_outputs().iter().map(|outputs| {
            outputs.iter().map(|output| client_does(*output, &self.commands)).collect()
        });
        self.declarations.extend(lists_of("client", "struct Does", does));
        // Lists with the same acts have the same number; the list without any has 0.
        let mut known = vec![Outputs::new()];
        let mut numbers = Rows::new("static const unsigned short", "client_acts");
        let mut leaves = Rows::new("static const unsigned char", "client_gives_up");
        for outputs in machine.all_outputs() {
            let acts = acts(outputs);
            let place = known.iter().position(|other| *other == acts);
            numbers.push(place.unwrap_or_else(|| {
                known.push(acts);
                known.len() - 1
            }));
            leaves.push(u8::from(gives_up(outputs)));
        }
        self.declarations.extend([numbers, leaves].map(Rows::finish));
    }

    fn server<C: Client>(&mut self, world: &World<C>) {
        let (machine, server) = (world.servers(), world.server());
        let mut steps = PerState::new("struct Step", "server_step");
        let mut phase = Rows::new("static const unsigned char", "server_phase");
        let mut port = Rows::new("static const unsigned char", "server_port");
        let mut secured = Rows::new("static const struct Step", "server_secured");
        let mut closed = Rows::new("static const struct Step", "server_closed");
        let mut named = Rows::new("static const struct Step", "server_named");
        let mut takes_name = Rows::new("static const unsigned char", "server_takes_name");
        let mut elsewhere = Rows::new("static const unsigned char", "server_elsewhere");
        let after = |state: &server::State, input: Option<server::Input>| {
            step(machine, input.map(|input| server.step(state, &input)))
        };
        for state in machine.states() {
            phase.push(state.phase as u8);
            port.push(state.port as u8);
            let ready = state.phase == Phase::Ready;
            let mut row = steps.row();
            for &command in &self.commands {
                let input = ready.then(|| server::Input::Segment(Segment::one(command)));
                row.push(after(state, input));
            }
            steps.add(row);
            let awaits = state.phase == Phase::AwaitsTls;
            secured.push(after(state, awaits.then_some(server::Input::TlsStarted)));
            closed.push(after(state, Some(server::Input::Closed)));
            let takes = server.takes_host_name(state);
            named.push(after(state, takes.then_some(server::Input::OtherHostNamed)));
            takes_name.push(u8::from(takes));
            elsewhere.push(u8::from(state.elsewhere));
        }
        self.declarations.extend(steps.finish());
        let rows = [phase, port, secured, closed, named, takes_name, elsewhere];
        self.declarations.extend(rows.map(Rows::finish));
        let mut start = Rows::new("static const struct Step", "server_start");
        for port in [Port::Upgrade, Port::Implicit] {
            start.push(step(machine, Some(server.start(port))));
        }
        self.declarations.push(start.finish());
        let shows = |output: &server::Output| !matches!(output, server::Output::Say { .. });
        let shown = |class: &Class<server::Input>| match class.representative {
            server::Input::Segment(_) => Some(machine.outputs(class.outputs).iter().any(shows)),
            _ => None,
        };
        let (classes, most) = classes("server", machine, shown);
        self.declarations.extend(classes);
        self.most_to_server = most;
        let does = machine.all_outputs().iter().map(|outputs| {
            outputs.iter().map(|output| server_does(*output, &self.replies)).collect()
        });
        self.declarations.extend(lists_of("server", "struct Says", does));
    }
}

/// The classes of segments of each state, their number in each state, and the largest number. `marked`
/// is `None` for an input that is not a segment.
fn classes<S, I, O>(
    party: &str,
    machine: &Machine<S, I, O>,
    marked: impl Fn(&Class<I>) -> Option<bool>,
) -> (Vec<String>, usize)
where
    S: Clone + Eq + Hash + Debug,
    I: Alphabet,
    O: Clone + Eq + Hash,
{
    let mut all = PerState::new("struct Class", &format!("{party}_class"));
    let mut counts = Rows::new("static const unsigned short", &format!("{party}_classes"));
    let mut most = 0;
    for id in 0..machine.len() {
        let id = StateId::try_from(id).unwrap_or(StateId::MAX);
        let mut row = all.row();
        for class in machine.classes(id) {
            if let Some(marked) = marked(class) {
                row.push(format!("{{{},{},{}}}", class.next, class.outputs, u8::from(marked)));
            }
        }
        most = most.max(row.count);
        counts.push(row.count);
        all.add(row);
    }
    let mut declarations = all.finish();
    declarations.push(counts.finish());
    (declarations, most)
}

fn client_does(output: Output, commands: &[Command]) -> String {
    let (what, with) = match output {
        Output::Connect(target) => ("CONNECT", target as usize),
        Output::Send(command) => ("SEND", number(commands, &command)),
        Output::StartTls => ("START_TLS", 0),
        Output::Close => ("CLOSE", 0),
        Output::OpenChannel(Layer::Clear) => ("OPEN_CLEAR_CHANNEL", 0),
        Output::OpenChannel(Layer::Tls) => ("OPEN_TLS_CHANNEL", 0),
        Output::MoveData => ("MOVE_DATA", 0),
        Output::Shows => ("SHOWS", 0),
        Output::HandsOver => ("HANDS_OVER", 0),
        Output::Took(_)
        | Output::UsedClearKnowledge(_)
        | Output::Skipped
        | Output::UsedNameFromWire
        | Output::TookTruncation => ("NOTHING", 0),
        Output::Tell => ("TELL", 0),
        Output::End(end) => ("END", end as usize),
    };
    format!("{{{},{with}}}", number(&CLIENT_DOES, &what))
}

fn server_does(output: server::Output, replies: &[Reply]) -> String {
    let (what, reply, answers) = match output {
        server::Output::Say { reply, answers } => ("SAY", number(replies, &reply), answers),
        server::Output::Executed => ("EXECUTED", 0, false),
        server::Output::RanClearCommand => ("RAN_CLEAR_COMMAND", 0, false),
        server::Output::TookClearLogin => ("TOOK_CLEAR_LOGIN", 0, false),
        server::Output::KeptClearLogin => ("KEPT_CLEAR_LOGIN", 0, false),
        server::Output::OfferedUpgradeInside => ("OFFERED_UPGRADE_INSIDE", 0, false),
        server::Output::AwaitTls | server::Output::Close => ("SHOWS_NOTHING", 0, false),
    };
    format!("{{{},{reply},{}}}", number(&SERVER_DOES, &what), u8::from(answers))
}
