"""The composition: one client, one server, and the attacker between them; which moves are possible."""
from clean import CleanClient
from run import Run
from tables import Party, acts, all_segments, alphabets, client_inputs, gives_up, link_after
from words import (CHANNEL, CLEAR, CLIENT, DOWN, ENDED, FALSE, FIELDS, FORMAT, FRESH, GENUINE, HANDSHAKE, IMPLICIT,
                   LINKS, MOVED, NONE, OTHER_HOST, PEERS, SECURE, SERVER, SHADOW, THE_DELIVERY, TO_CLIENT, TO_SERVER,
                   WIRE, need)


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
        need(honest or s["server"] in ("both", "upgrade", "implicit"), "no table of the honest server")
        self.starts = certificate["server"]["start"]
        self.client_start = self.client.step(certificate["client"]["start"], "start")
        quiet = ("say ", "answer ", "await-tls", "close")
        self.only_words = {number for number, does in enumerate(self.server.outputs)
                           if all(it.startswith(quiet) for it in does)}
        self.to_server = [self.server_moves(groups) for groups in self.server.groups]
        self.acts = [acts(it) for it in self.client.outputs]
        self.gives_up = [gives_up(it) for it in self.acts]
        self.deliver = self.commands.index("deliver")
        self.views = [row["view"] for row in self.client.rows]
        self.check_links()
        two, self.two_hosts = self.two_hosts, False
        table = honest or certificate["server"]
        party = Party("server", honest, self.commands, self, self.server_inputs) if honest else self.server
        self.two_hosts = two
        reference = CleanClient(self, party, table["start"])
        self.honest, self.clean, self.logs_in = reference.honest, reference.clean, reference.logs_in

    def server_inputs(self, row):
        if row["phase"] == "closed":
            return ["closed"], "none"
        if row["phase"] == "awaits-tls":
            return ["tls started", "closed"], "none"
        return ["closed"] + (["other host named"] if self.takes_name(row) else []), "all"

    def takes_name(self, row):
        return self.two_hosts and row["phase"] == "ready" and row["layer"] == "clear" and row["port"] == "upgrade"

    def server_moves(self, groups):
        """Steps of the server on segments in clear, where words are lost: one of those that lead to the same row
        and show nothing but words."""
        shown = {}
        for step, index in groups:
            shown.setdefault((step[0], None if step[1] in self.only_words else step[1]), (step, index))
        return list(shown.values())

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
            for peer in self.peers():
                yield "second channel: " + PEERS[peer], (Run.channel, peer)
            yield "second channel fails", (Run.channel_fails,)
            yield "deadline", (Run.deadline,)
        else:
            yield from self.active_moves(state)

    def check_view(self, state):
        """What the client waits for fits what it did."""
        view = self.views[state[CLIENT]]
        need(view != "channel" or state[CHANNEL] == HANDSHAKE,
             "view: the client waits for a second channel that it has not opened")
        need(view == "ended" or view == "channel" or not state[ENDED],
             "view: the sessions have ended, and the client goes on")

    def peers(self):
        return [peer for peer in range(5) if peer != OTHER_HOST or self.protocol["chooses-certificate"]]

    def waits_for_data(self, state):
        return (self.protocol["second-channel"] and not state[MOVED] and state[TO_CLIENT]
                and state[TO_CLIENT][1] == THE_DELIVERY)

    def passive_moves(self, state):
        if self.views[state[CLIENT]] == "channel":
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
            for step, index in self.to_server[state[SERVER]]:
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
