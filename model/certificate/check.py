#!/usr/bin/env python3
"""Checks certificates of proofs: see docs/certificate.md, from which this program was written.

usage: check.py FILE-OR-DIRECTORY...

Prints one line for each certificate. Exits with 1 if a certificate is wrong, and says where.
Needs nothing but Python's standard library.
"""
import json
import multiprocessing
import os
import sys

FORMAT = "upward certificate 1"
PROPERTIES = """no-secret-in-clear no-secret-to-unauthenticated-peer nothing-between-request-and-handshake
no-clear-second-channel no-clear-retry no-clear-redirect tls-not-taken-away no-clear-bytes-used-inside-tls
no-clear-command-used-inside-tls clear-knowledge-forgotten clear-state-forgotten survivors-only-cause-refusal
no-jump truncation-is-not-success agreement policy-not-from-wire name-from-user only-denial-of-service user-told
no-clear-text-shown-as-trusted always-ends honest-delivers delivers-to-named-host no-login-in-clear
no-upgrade-inside-tls""".split()
FIELDS = """client server wire channel to_client to_server session connection implicit requested taken outstanding
gave_away told executed confirmed elsewhere moved logged_in shadow unclean lured ended fresh""".split()
(CLIENT, SERVER, WIRE, CHANNEL, TO_CLIENT, TO_SERVER, SESSION, CONNECTION, IMPLICIT, REQUESTED, TAKEN, OUTSTANDING,
 GAVE_AWAY, TOLD, EXECUTED, CONFIRMED, ELSEWHERE, MOVED, LOGGED_IN, SHADOW, UNCLEAN, LURED, ENDED, FRESH) = range(24)
# The wire and the second channel use the same numbers; FALSE is added to the number of the peer.
DOWN, CLEAR, HANDSHAKE, SECURE, FALSE = range(5)
LINKS = ["down", "clear", "handshake", "secure", "false"]
PEERS = ["genuine", "untrusted", "wrong-name", "expired", "other-host"]
GENUINE, OTHER_HOST = 0, 4
ANOTHER_NAME = (2, 4)
NOTHING, A_COMMAND, THE_DELIVERY = range(3)
NONE, STALLED = -1, -2
CONNECTIONS, QUEUE = 3, 8


class Wrong(Exception):
    """What is wrong with a certificate."""


def need(true, *words):
    if not true:
        raise Wrong(" ".join(str(word) for word in words))


def alphabets(p):
    """What a server and a client of a protocol can say, in order."""
    mechanisms = ["own"]
    if p["mechanisms"] == "several":
        mechanisms += ["lure", "salted"] if p["login"] == "from-opening" else ["lure"]
    replies = ["greeting"] if p["opening"] == "greeting" else []
    replies += ["welcome"] if p["welcome"] else []
    if p["offer"] in ("in-opening", "on-request"):
        replies += [f"{head} {m}" for head in ("offer", "no-offer") for m in mechanisms]
    elif p["offer"] == "unsaid":
        replies += ["offer own"]
    replies += ["accept"] if p["answer"] else []
    replies += ["refuse", "garbled"]
    replies += ["challenge"] if p["login"] == "in-session" else []
    replies += ["logged-in"] if p["login"] != "none" else []
    replies += ["done"] + (["redirect"] if p["redirects"] else []) + ["notice", "bye"]
    commands = ["hello"] if p["offer"] in ("on-request", "unsaid") else []
    commands += ["upgrade"]
    for m in mechanisms if p["login"] != "none" else []:
        commands += [f"begin {m}", f"login {m}"] if p["login"] == "in-session" else [f"login {m}"]
    commands += ["credential"] if p["login"] == "in-session" else []
    commands += (["protect"] if p["second-channel"] else []) + ["deliver", "noop", "goodbye"]
    return replies, commands


def all_segments(alphabet, kinds, longest):
    """Every segment: shortest first; only the last piece may be a fragment."""
    heads, segments = [()], []
    for _ in range(longest):
        longer = []
        for head in heads:
            for message in alphabet:
                for kind in kinds:
                    segments.append(head + ((kind, message),))
                longer.append(head + (("whole", message),))
        heads = longer
    return segments


def acts(outputs):
    """What the peer sees, and how sessions end."""
    return tuple(it for it in outputs if it not in ("shows", "tell"))


def gives_up(outputs):
    for it in acts(outputs):
        if it not in ("send goodbye", "close"):
            return it == "end refused"
    return False


def link_after(link, given, outputs):
    """What a connection is after an input."""
    if given == "segment":
        link = CLEAR if link == HANDSHAKE else link
    elif given in ("connected", "handshake failed", "tls ended"):
        link = CLEAR
    elif given.startswith("handshake "):
        link = SECURE if given == "handshake genuine" else FALSE
    elif given.startswith("closed "):
        link = DOWN
    for it in outputs:
        if it == "close" or it.startswith("connect "):
            link = DOWN
        elif it == "start-tls":
            link = HANDSHAKE
    return link


class Party:
    """A table: what a party does on each raw input."""

    def __init__(self, name, table, alphabet, world, possible):
        self.name, self.alphabet, self.rows = name, alphabet, table["states"]
        self.outputs = [tuple(it) for it in table["outputs"]]
        self.events, self.groups, self.whole = [], [], []
        for number, row in enumerate(self.rows):
            events, sizes = possible(row)
            self.events.append({given: self.step(step, number) for given, step in row["on"].items()})
            need(set(row["on"]) == set(events), name, number, "lacks inputs, or has too many:",
                 sorted(set(row["on"]) ^ set(events)))
            steps = []
            for following, does, count in row["segments"]:
                steps += [self.step((following, does), number)] * count
            # The raw inputs, one by one: all segments, or inside TLS each message alone, or none.
            raw = {"all": world.segments[name], "single": alphabet, "none": ()}[sizes]
            need(len(steps) == len(raw), name, number, "has", len(steps), "raw segments;", len(raw), "can come in")
            first = {}
            for index, step in enumerate(steps):
                first.setdefault(step, index)
            self.groups.append(list(first.items()))
            self.whole.append(steps if sizes == "single" else steps[:len(alphabet) * world.kinds:world.kinds])

    def step(self, step, number):
        following, does = step
        need(0 <= following < len(self.rows) and 0 <= does < len(self.outputs),
             self.name, number, "has a step that leads out of the table:", step)
        return following, does

    def on(self, state, given):
        need(given in self.events[state], self.name, state, "has no row for the input:", given)
        return self.events[state][given]

    def hears(self, state, message):
        need(self.alphabet.index(message) < len(self.whole[state]), self.name, state, "has no row for:", message)
        return self.whole[state][self.alphabet.index(message)]


def client_inputs(row):
    """What can come in, by what the environment sees of a client and what its connection is."""
    if row["view"] == "ended":
        return [], "none"
    if row["view"] == "channel":
        return ["channel " + peer for peer in PEERS] + ["channel failed", "deadline"], "none"
    closes = ["closed orderly", "closed cut", "deadline"]
    return {
        "down": (["connected", "deadline"], "none"),
        "clear": (closes, "all"),
        "handshake": (["handshake " + peer for peer in PEERS] + ["handshake failed"] + closes, "all"),
        "secure": (["tls ended", "closed truncated"] + closes, "single"),
        "false": (["closed truncated"] + closes, "all"),
    }[row["link"]]


class World:
    """One client, one server, and the attacker between them."""

    def __init__(self, certificate):
        need(certificate["format"] == FORMAT, "unknown format")
        self.protocol, self.setting = certificate["protocol"], certificate["setting"]
        p, s = self.protocol, self.setting
        self.replies, self.commands = alphabets(p)
        kinds = ["whole", "line", "block"][:{"none": 1, "lines": 2, "lines-and-blocks": 3}[p["fragments"]]]
        self.kinds, self.bound = len(kinds), s["messages"]
        self.segments = {"client": all_segments(self.replies, kinds, self.bound),
                         "server": all_segments(self.commands, kinds, self.bound)}
        self.passive = {"passive": True, "active": False}[s["attacker"]]
        self.ports = {"upgrade": s["server"] != "implicit", "implicit": s["server"] in ("both", "implicit")}
        self.grants = s["server"] in ("both", "upgrade")
        self.two_hosts = p["chooses-certificate"] and s["hosts"] != "one"
        self.one_certificate = p["chooses-certificate"] and s["hosts"] == "one-certificate"
        self.strict = s["alpn"] == "strict" and p["alpn"]
        self.sessions, self.endless = s["sessions"], s["endless"]
        self.must = [policy in ("required", "implicit") for policy in self.sessions]
        self.client = Party("client", certificate["client"], self.replies, self, client_inputs)
        self.server = Party("server", certificate["server"], self.commands, self, self.server_inputs)
        honest = certificate.get("honest-server")
        need(honest or (s["server"] == "both" or s["server"] == "upgrade"), "no table of the honest server")
        self.starts = certificate["server"]["start"]
        self.client_start = self.client.step(certificate["client"]["start"], "start")
        self.acts = [acts(it) for it in self.client.outputs]
        self.gives_up = [gives_up(it) for it in self.client.outputs]
        self.views = [row["view"] for row in self.client.rows]
        self.check_links()
        two, self.two_hosts = self.two_hosts, False
        table = honest or certificate["server"]
        party = Party("server", honest, self.commands, self, self.server_inputs) if honest else self.server
        self.words = self.honest_words(party, table["start"])
        self.two_hosts = two
        self.honest, self.clean, self.logs_in = {}, set(), False
        self.explore_references()

    def server_inputs(self, row):
        if row["phase"] == "closed":
            return ["closed"], "none"
        if row["phase"] == "awaits-tls":
            return ["tls started", "closed"], "none"
        return ["closed"] + (["other host named"] if self.takes_name(row) else []), "all"

    def takes_name(self, row):
        return self.two_hosts and row["phase"] == "ready" and row["layer"] == "clear" and row["port"] == "upgrade"

    def check_links(self):
        """The connection in each row is what the inputs and the outputs make of it."""
        rows, outputs = self.client.rows, self.client.outputs
        need(rows[self.client_start[0]]["link"] == "down", "the client does not start without a connection")
        for state, row in enumerate(rows):
            link = LINKS.index(row["link"])
            steps = list(self.client.events[state].items())
            steps += [("segment", step) for step, _ in self.client.groups[state]]
            for given, (following, does) in steps:
                after = link_after(link, given, outputs[does])
                need(rows[following]["link"] == LINKS[after], "client", state, "on", given, "leads to",
                     following, "whose connection is not", LINKS[after])

    # The clean client ------------------------------------------------------------------------------

    def honest_words(self, server, start):
        """What the honest server says in clear and inside TLS, in the order in which it is found."""
        words, known, waiting = {"clear": [], "tls": []}, set(), []

        def take(layer, step):
            for it in server.outputs[step[1]]:
                if it.startswith("say ") or it.startswith("answer "):
                    word = it.split(" ", 1)[1]
                    if word not in words[layer]:
                        words[layer].append(word)
            if step[0] not in known:
                known.add(step[0])
                waiting.append(step[0])

        for port in ("upgrade", "implicit"):
            take("clear", start[port])
        while waiting:
            state = waiting.pop(0)
            row = server.rows[state]
            if row["phase"] == "awaits-tls":
                take("tls", server.on(state, "tls started"))
            elif row["phase"] == "ready":
                for command in self.commands:
                    forged = command.endswith(" lure") or command.endswith(" salted")
                    if not forged and (row["layer"] == "tls" or command in ("hello", "upgrade")):
                        take(row["layer"], server.hears(state, command))
        return words

    def explore_references(self):
        """Honest phases, then honest ones on connections that break; then clean ones."""
        found = []
        for breaks in (False, True):
            self.explore(found, breaks, self.words["clear"], self.words["tls"],
                         lambda context, step: self.honest.setdefault(context, step))
        self.logs_in = any(it.startswith("send login") or it == "send credential"
                           for _, does in self.taken for it in self.client.outputs[does])
        self.explore([], True, self.replies, self.replies,
                     lambda context, step: self.clean.add((context, step[0], self.client.outputs[step[1]])))

    def explore(self, nodes, breaks, clear, inside, begins):
        """Breadth first; a node is the client's state, its session, connection and port, and whether the
        session has opened no connection yet."""
        if not nodes:
            self.taken, self.known = {self.client_start}, set()
            node = self.node_after((0, 0, 0, False, True), self.client_start)
            nodes.append(node)
            self.known.add(node)
        for node in nodes:
            state, view = node[0], self.views[node[0]]
            link, steps = self.client.rows[state]["link"], []
            if view == "ended":
                continue
            if view == "channel":
                steps.append(self.client.on(state, "channel genuine"))
            elif link == "down":
                steps.append(self.client.on(state, "connected"))
            else:
                if link in ("clear", "secure"):
                    steps += [self.client.hears(state, word) for word in (clear if link == "clear" else inside)]
                if link == "handshake":
                    steps.append(self.client.on(state, "handshake genuine"))
                    begins(node[1:4], steps[-1])
                if breaks:
                    failed = ["handshake failed"] if link == "handshake" else []
                    steps += [self.client.on(state, it) for it in failed + ["closed orderly", "closed cut"]]
            for step in steps:
                self.taken.add(step)
                following = self.node_after(node, step)
                if following not in self.known:
                    self.known.add(following)
                    nodes.append(following)

    def node_after(self, node, step):
        _, session, connection, implicit, fresh = node
        for it in self.client.outputs[step[1]]:
            if it.startswith("connect "):
                connection = 0 if fresh else min(connection + 1, CONNECTIONS - 1)
                implicit, fresh = it == "connect implicit", False
            elif it.startswith("end "):
                session, connection, fresh = (session + 1) % len(self.sessions), 0, True
        return step[0], session, connection, implicit, fresh

    # Moves -----------------------------------------------------------------------------------------

    def start(self):
        state = [0] * len(FIELDS)
        state[TO_CLIENT] = state[TO_SERVER] = ()
        state[SHADOW], state[FRESH] = NONE, 1
        run = Run(self, state)
        run.client_did(self.client_start)
        return run

    def moves(self, state):
        """Each move that is possible, as its name and a function of a run."""
        if state[ENDED]:
            return
        if self.passive:
            yield from self.passive_moves(state)
        elif self.views[state[CLIENT]] == "channel":
            if state[CHANNEL] == HANDSHAKE:
                for peer in self.peers():
                    yield "second channel: " + PEERS[peer], (Run.channel, peer)
                yield "second channel fails", (Run.channel_fails,)
            yield "deadline", (Run.deadline,)
        else:
            yield from self.active_moves(state)

    def peers(self):
        return [peer for peer in range(5) if peer != OTHER_HOST or self.protocol["chooses-certificate"]]

    def waits_for_data(self, state):
        return (self.protocol["second-channel"] and not state[MOVED] and state[TO_CLIENT]
                and state[TO_CLIENT][1] == THE_DELIVERY)

    def passive_moves(self, state):
        if self.views[state[CLIENT]] == "channel":
            need(state[CHANNEL] == HANDSHAKE, "the client waits for a second channel that it has not opened")
            yield "second channel: genuine", (Run.channel, GENUINE)
            return
        phase, wire, moves = self.server.rows[state[SERVER]]["phase"], state[WIRE], []
        if state[TO_CLIENT] and wire != HANDSHAKE and not self.waits_for_data(state):
            moves.append(("the next reply arrives", (Run.hears,)))
        if state[TO_SERVER] and phase == "ready":
            moves.append(("the next command arrives", (Run.serves,)))
        if wire == HANDSHAKE and (not state[TO_SERVER] or phase != "ready"):
            moves.append(("handshake: genuine", (Run.handshake, GENUINE)) if phase == "awaits-tls"
                         else ("handshake fails", (Run.handshake_fails,)))
        if phase == "closed" and not state[TO_CLIENT] and wire not in (DOWN, HANDSHAKE):
            moves.append(("close", (Run.close, "orderly")))
        yield from moves or [("deadline", (Run.deadline,))]

    def active_moves(self, state):
        wire, server = state[WIRE], self.server.rows[state[SERVER]]
        phase, handshaking = server["phase"], self.views[state[CLIENT]] == "handshaking"
        if wire in (CLEAR, HANDSHAKE) or wire >= FALSE:
            for step, index in self.client.groups[state[CLIENT]]:
                yield ("to client", index), (Run.write_to_client, step)
        if wire in (CLEAR, HANDSHAKE):
            for step, index in self.server.groups[state[SERVER]]:
                yield ("to server", index), (Run.write_to_server, step)
            if self.takes_name(server) and not server["elsewhere"]:
                yield "introduction names the other host", (Run.name_host,)
            other = "implicit" if server["port"] == "upgrade" else "upgrade"
            if self.protocol["implicit"] and self.ports[other]:
                yield "redial: " + other, (Run.dial, other)
        if wire == HANDSHAKE and handshaking:
            spliced = (server["port"] == "implicit") != state[IMPLICIT]
            named = not server["elsewhere"] or self.one_certificate
            for peer in self.peers():
                if peer != GENUINE or phase == "awaits-tls" and named and not (spliced and self.strict):
                    yield "handshake: " + PEERS[peer], (Run.handshake, peer)
            yield "handshake fails", (Run.handshake_fails,)
        if wire == SECURE:
            if state[TO_CLIENT] and len(state[TO_SERVER]) < self.bound and not self.waits_for_data(state):
                yield "the next reply arrives", (Run.hears,)
            if state[TO_SERVER] and phase == "ready" and len(state[TO_CLIENT]) // 2 < self.bound:
                yield "the next command arrives", (Run.serves,)
            if self.protocol["tls-may-end"] and not state[TO_CLIENT]:
                yield "TLS ends, the connection stays", (Run.end_tls,)
        if wire != DOWN:
            if wire != SECURE or phase == "closed" and not state[TO_CLIENT]:
                yield "close", (Run.close, "orderly")
            if wire >= SECURE:
                yield "close without close_notify", (Run.close, "truncated")
            yield "cut", (Run.close, "cut")
        yield "deadline", (Run.deadline,)

    # What is printed -------------------------------------------------------------------------------

    def show_move(self, move):
        if isinstance(move, str):
            return move
        direction, index = move
        segment = self.segments["client" if direction == "to client" else "server"][index]
        pieces = [word if kind == "whole" else f"{kind}:{word}" for kind, word in segment]
        return f"{direction}: {' + '.join(pieces)} (raw input {index})"


def show(state):
    wire = (LINKS + ["false:" + peer for peer in PEERS[1:]])[state[WIRE]]
    rest = [f"{name} {value}" for name, value in zip(FIELDS, state) if value and name not in ("wire",)]
    return f"wire {wire}, " + ", ".join(rest)


class Run:
    """One move under way: the state that it changes, and the properties that it breaks."""

    def __init__(self, world, state):
        self.w, self.s, self.broken, self.given, self.some_end = world, list(state), [], None, False

    def breaks(self, name):
        self.broken.append(name)

    def needs_tls(self):
        return self.w.must[min(self.s[SESSION], len(self.w.must) - 1)]

    # The network
    def write_to_client(self, step):
        if self.s[WIRE] in (CLEAR, HANDSHAKE):
            self.s[TO_CLIENT], self.s[WIRE] = (), CLEAR
        self.takes("segment", step, None)

    def write_to_server(self, step):
        self.s[TO_SERVER] = ()
        self.server_did(step, False)

    def hears(self):
        s = self.s
        reply, answers = self.w.replies[s[TO_CLIENT][0]], s[TO_CLIENT][1]
        s[TO_CLIENT] = s[TO_CLIENT][2:]
        if answers != NOTHING:
            s[OUTSTANDING] = max(s[OUTSTANDING] - 1, 0)
        if answers == THE_DELIVERY and reply == "done":
            s[CONFIRMED] = 1
        if s[WIRE] == HANDSHAKE:
            s[WIRE] = CLEAR
        clean = self.w.client.hears(s[SHADOW], reply) if s[SHADOW] >= 0 else None
        self.takes("reply " + reply, self.w.client.hears(s[CLIENT], reply), clean)

    def serves(self):
        command = self.w.commands[self.s[TO_SERVER][0]]
        self.s[TO_SERVER] = self.s[TO_SERVER][1:]
        self.server_did(self.w.server.hears(self.s[SERVER], command), command == "deliver")

    def name_host(self):
        self.server_did(self.w.server.on(self.s[SERVER], "other host named"), False)

    def handshake(self, peer):
        if peer == GENUINE:
            self.s[WIRE], self.s[TO_CLIENT], self.s[TO_SERVER], self.s[OUTSTANDING] = SECURE, (), (), 0
            self.server_did(self.w.server.on(self.s[SERVER], "tls started"), False)
        else:
            self.hang_up()
            self.s[WIRE] = FALSE + peer
        self.happens("handshake " + PEERS[peer])

    def handshake_fails(self):
        self.s[WIRE] = CLEAR
        self.happens("handshake failed")

    def end_tls(self):
        self.hang_up()
        self.s[WIRE], self.s[TAKEN] = CLEAR, 1
        self.happens("tls ended")

    def channel(self, peer):
        self.s[CHANNEL] = SECURE if peer == GENUINE else FALSE + peer
        self.happens("channel " + PEERS[peer])

    def channel_fails(self):
        self.s[CHANNEL] = DOWN
        self.happens("channel failed")

    def close(self, how):
        self.hang_up()
        self.s[WIRE] = DOWN
        self.happens("closed " + how)

    def deadline(self):
        self.happens("deadline")
        if not self.some_end:
            self.breaks("always-ends")

    def dial(self, port):
        self.s[TO_CLIENT] = self.s[TO_SERVER] = ()
        if self.w.ports[port]:
            self.server_did(self.w.starts[port], False)
        else:
            self.s[SERVER] = self.w.starts[port][0]
            self.hang_up()

    def hang_up(self):
        self.s[TO_CLIENT] = self.s[TO_SERVER] = ()
        self.s[SERVER] = self.w.server.on(self.s[SERVER], "closed")[0]

    # The server
    def server_did(self, step, delivery):
        s = self.s
        s[SERVER] = step[0]
        for it in self.w.server.outputs[step[1]]:
            what, _, reply = it.partition(" ")
            if what in ("say", "answer"):
                if s[WIRE] == SECURE or self.w.passive:
                    answers = NOTHING if what == "say" else THE_DELIVERY if delivery else A_COMMAND
                    if len(s[TO_CLIENT]) < 2 * QUEUE:
                        need(reply in self.w.replies, "the server says what is not in the alphabet:", reply)
                        s[TO_CLIENT] += (self.w.replies.index(reply), answers)
            elif it == "executed":
                if delivery and s[WIRE] == SECURE:
                    s[EXECUTED] = min(s[EXECUTED] + 1, 2)
                    s[ELSEWHERE] |= self.w.server.rows[step[0]]["elsewhere"]
            elif it not in ("await-tls", "close"):
                self.breaks({"ran-clear-command": "no-clear-command-used-inside-tls",
                             "took-clear-login": "no-login-in-clear", "kept-clear-login": "clear-state-forgotten",
                             "offered-upgrade-inside": "no-upgrade-inside-tls"}[it])

    # The client
    def happens(self, given):
        """The client is given an input that is no segment."""
        client, shadow = self.w.client, self.s[SHADOW]
        if given == "handshake genuine":
            clean = self.w.honest.get(self.context())
        else:
            clean = client.on(shadow, given) if shadow >= 0 else None
        self.takes(given, client.on(self.s[CLIENT], given), clean)

    def context(self):
        return self.s[SESSION], self.s[CONNECTION], bool(self.s[IMPLICIT])

    def takes(self, given, step, clean):
        self.s[REQUESTED] = 0
        self.compare(given, step, clean)
        self.given = given
        self.client_did(step)
        if self.s[WIRE] != SECURE:
            self.s[SHADOW], self.s[UNCLEAN] = NONE, 0

    def compare(self, given, step, clean):
        """Compares the client with a clean one that is given the same."""
        s, w, begins = self.s, self.w, given == "handshake genuine"
        does = w.acts[step[1]]
        if clean is None:
            if (begins or s[SHADOW] == STALLED) and does and not w.gives_up[step[1]]:
                s[UNCLEAN] = 1 if begins else s[UNCLEAN]
                self.parts()
            return
        expected = w.acts[clean[1]]
        if begins:
            differs = step[0] != clean[0] or does != expected
            clean_too = (self.context(), step[0], w.client.outputs[step[1]]) in w.clean
            s[SHADOW], s[UNCLEAN] = NONE, int(differs and not clean_too)
        if does == expected:
            s[SHADOW] = NONE if step[0] == clean[0] or s[WIRE] != SECURE else clean[0]
        elif w.gives_up[step[1]]:
            s[SHADOW] = NONE
        elif not does:
            s[SHADOW] = STALLED
        else:
            self.parts()

    def parts(self):
        self.s[SHADOW] = NONE
        if self.s[UNCLEAN]:
            self.breaks("no-clear-bytes-used-inside-tls")
        if self.w.protocol["memory-survives"]:
            self.s[LURED] = 1
        else:
            self.breaks("clear-knowledge-forgotten")

    def client_did(self, step):
        s, connected = self.s, False
        s[CLIENT] = step[0]
        for it in self.w.client.outputs[step[1]]:
            what, _, rest = it.partition(" ")
            if what == "send":
                self.sends(rest)
            elif what == "connect":
                connected = True
                self.connects(rest)
            elif what == "start-tls":
                s[WIRE], s[REQUESTED], s[LOGGED_IN] = HANDSHAKE, 0, 0
            elif what == "close":
                self.hang_up()
                s[WIRE] = s[CHANNEL] = DOWN
            elif what == "open-channel":
                s[CHANNEL] = {"clear": CLEAR, "tls": HANDSHAKE}[rest]
            elif what == "move-data":
                self.moves_data()
            elif what == "shows":
                if s[WIRE] != SECURE or self.given != "reply notice":
                    self.breaks("no-clear-text-shown-as-trusted")
            elif what == "tell":
                s[TOLD] = 1
            elif what == "end":
                self.ends(rest == "delivered")
            else:
                raise Wrong(f"the client does what is unknown: {it}")
        if connected:
            self.happens("connected")

    def connects(self, target):
        s = self.s
        if s[FRESH]:
            s[FRESH] = 0
        else:
            s[CONNECTION] = min(s[CONNECTION] + 1, CONNECTIONS - 1)
        if target == "redirected":
            self.breaks("no-clear-redirect")
        s[WIRE], s[CHANNEL], s[IMPLICIT], s[SHADOW] = CLEAR, DOWN, int(target == "implicit"), NONE
        for field in (REQUESTED, TAKEN, OUTSTANDING, EXECUTED, CONFIRMED, ELSEWHERE, MOVED, LOGGED_IN, UNCLEAN,
                      LURED):
            s[field] = 0
        self.dial("implicit" if target == "implicit" else "upgrade")

    def sends(self, command):
        s, must = self.s, self.needs_tls()
        number = self.w.commands.index(command) if command in self.w.commands else NONE
        need(number >= 0, "the client sends what is not in the alphabet:", command)
        secret = command.startswith("login ") or command in ("credential", "deliver")
        if must and command == "deliver" and not s[LOGGED_IN] and s[WIRE] != DOWN and self.w.logs_in:
            self.breaks("no-jump")
        if command.startswith("login ") or command == "credential":
            s[LOGGED_IN] = 1
        if s[WIRE] in (CLEAR, HANDSHAKE):
            if secret and (must or not any(self.w.must)):
                self.breaks("no-secret-in-clear")
                s[GAVE_AWAY] = 1
            if must and command not in ("hello", "upgrade", "goodbye", "noop"):
                self.breaks("policy-not-from-wire")
                if s[CONNECTION]:
                    self.breaks("no-clear-retry")
                if s[TAKEN]:
                    self.breaks("tls-not-taken-away")
            if must and command != "goodbye" and (s[REQUESTED] or s[WIRE] == HANDSHAKE):
                self.breaks("nothing-between-request-and-handshake")
            if command == "upgrade":
                s[REQUESTED] = 1
            if self.w.passive and len(s[TO_SERVER]) < QUEUE:
                s[TO_SERVER] += (number,)
        elif s[WIRE] == SECURE:
            if s[OUTSTANDING] and command != "goodbye":
                self.breaks("agreement")
            s[OUTSTANDING] = min(s[OUTSTANDING] + 1, 3)
            if len(s[TO_SERVER]) < QUEUE:
                s[TO_SERVER] += (number,)
        elif s[WIRE] >= FALSE and must:
            if secret:
                self.secret_to_false_peer(s[WIRE] - FALSE)
            if s[WIRE] - FALSE in ANOTHER_NAME and command != "goodbye":
                self.breaks("name-from-user")

    def secret_to_false_peer(self, peer):
        self.breaks("no-secret-to-unauthenticated-peer")
        self.s[GAVE_AWAY] = 1
        if peer in ANOTHER_NAME:
            self.breaks("name-from-user")

    def moves_data(self):
        s, must = self.s, self.needs_tls()
        if s[CHANNEL] in (CLEAR, HANDSHAKE) and must:
            self.breaks("no-clear-second-channel")
            s[GAVE_AWAY] = 1
        if s[CHANNEL] in (CLEAR, HANDSHAKE, SECURE):
            s[MOVED] = 1
        elif s[CHANNEL] >= FALSE and must:
            self.secret_to_false_peer(s[CHANNEL] - FALSE)

    def ends(self, delivered):
        s, w, must = self.s, self.w, self.needs_tls()
        policy = w.sessions[min(s[SESSION], len(w.sessions) - 1)]
        offered = w.ports["implicit"] if policy == "implicit" else w.grants
        truly = s[WIRE] == SECURE and s[EXECUTED] == 1 and s[CONFIRMED]
        self.some_end = True
        if delivered:
            if must and not truly:
                self.breaks("only-denial-of-service")
            if s[LURED] and s[WIRE] == SECURE:
                self.breaks("survivors-only-cause-refusal")
            if s[ELSEWHERE] and must:
                self.breaks("delivers-to-named-host")
            if self.given and self.given.startswith("closed ") and not s[CONFIRMED]:
                self.breaks("truncation-is-not-success")
        elif not s[TOLD]:
            self.breaks("user-told")
        if w.passive and offered and not (delivered and truly):
            self.breaks("honest-delivers")
        if must and s[GAVE_AWAY]:
            self.breaks("only-denial-of-service")
        s[SESSION] += 1
        for field in (CONNECTION, TOLD, GAVE_AWAY, EXECUTED, CONFIRMED, ELSEWHERE, MOVED, LURED):
            s[field] = 0
        s[FRESH] = 1
        if s[SESSION] >= len(w.sessions):
            if w.endless:
                s[SESSION] = 0
            else:
                s[ENDED] = 1


def way(world, before, state, *last):
    """The moves that lead to a state, and what goes wrong there."""
    moves = []
    at = state
    while at in before and before[at]:
        at, move = before[at]
        moves.append(world.show_move(move))
    lines = ["the client connects"] + moves[::-1] + list(last)
    return "\n".join([f"  state: {show(state)}"] + [f"  {number}. {line}" for number, line in enumerate(lines, 1)])


def check(path):
    """The line for a certificate that is right; raises Wrong."""
    with open(path, encoding="utf-8") as file:
        certificate = json.load(file)
    world = World(certificate)
    holds, broken = set(certificate["holds"]), set(certificate["broken"])
    need(holds.isdisjoint(broken) and holds | broken == set(PROPERTIES),
         "each property is claimed to hold or to be broken:", sorted((holds | broken) ^ set(PROPERTIES)))
    listed = {tuple(tuple(it) if isinstance(it, list) else it for it in state) for state in certificate["states"]}
    first = world.start()
    start, seen, moves = tuple(first.s), set(first.broken), 0
    need(start in listed, "start: the first state is not in the set:", show(start))
    need(holds.isdisjoint(first.broken), "safety: the first step breaks", *first.broken)
    before, reached = {start: None}, [start]
    for state in reached:
        stuck = not state[ENDED]
        for move, (act, *arguments) in world.moves(state):
            moves, stuck, run = moves + 1, False, Run(world, state)
            try:
                act(run, *arguments)
            except Wrong as wrong:
                raise Wrong(f"{wrong}\n{way(world, before, state, world.show_move(move))}") from None
            after = tuple(run.s)
            if run.broken:
                seen.update(run.broken)
                for name in run.broken:
                    need(name in broken, f"safety: {name} is broken, and claimed to hold\n"
                         + way(world, before, state, world.show_move(move)))
            if after not in before:
                need(after in listed, "closure: a move leads out of the set\n"
                     + way(world, before, state, world.show_move(move)) + f"\n  leads to: {show(after)}")
                before[after] = (state, move)
                reached.append(after)
        need(not stuck, f"no move is possible, and the sessions have not ended\n{way(world, before, state)}")
    need(seen == broken, "claimed to be broken, and is not:", *sorted(broken - seen))
    need(len(reached) == len(listed), f"{len(listed) - len(reached)} states of the set cannot be reached, such as",
         show(min(listed - set(reached), default=start)))
    raw = sum(len(world.segments["client"]) for it in world.client.whole if it)
    s = world.setting
    again = ", again and again" if s["endless"] else ""
    return (f"{world.protocol['name']}: {', '.join(s['sessions'])}{again}; {s['attacker']}; server {s['server']}, hosts "
            f"{s['hosts']}, ALPN {s['alpn']}: {len(reached)} states, {moves} moves, {raw} raw inputs of the client; "
            f"{len(holds)} hold; broken: {', '.join(sorted(broken)) or 'none'}")


def answer(path):
    try:
        return True, check(path)
    except Wrong as wrong:
        return False, f"{path}: {wrong}"
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        return False, f"{path}: no certificate: {type(error).__name__} {error}"


def main(arguments):
    files = []
    for argument in arguments:
        if os.path.isdir(argument):
            files += sorted(os.path.join(argument, name) for name in os.listdir(argument) if name.endswith(".json"))
        else:
            files.append(argument)
    if not files:
        print(__doc__.strip())
        return 2
    with multiprocessing.Pool(min(len(files), os.cpu_count() or 1)) as pool:
        right = True
        # The largest first, so that no processor waits for another at the end.
        for good, line in pool.imap_unordered(answer, sorted(files, key=lambda it: -os.path.getsize(it) if os.path.exists(it) else 0), 1):
            right &= good
            print("accepted" if good else "REJECTED", line, flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
