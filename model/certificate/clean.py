"""The clean client: what a client does when TLS begins after a clear-text phase without tricks."""
from words import CONNECTIONS


class CleanClient:
    """Explores the table of a client on connections that nobody tampers with.

    honest: the step when TLS begins after an honest phase, by context. clean: all steps when TLS begins after a
    clean phase. logs_in: whether the client logs in before it delivers."""

    def __init__(self, world, honest_server, start):
        self.client, self.start, self.commands, self.replies = (
            world.client, world.client_start, world.commands, world.replies)
        self.views, self.sessions = world.views, world.sessions
        self.words = self.honest_words(honest_server, start)
        self.honest, self.clean, self.logs_in = {}, set(), False
        self.explore_references()

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
        """Honest phases; honest ones on connections that break; honest ones after others; then clean ones."""
        found = []
        for breaks in (False, True):
            self.explore(found, breaks, self.words["clear"], self.words["tls"],
                         lambda context, step: self.honest.setdefault(context, step))
        self.logs_in = any(it.startswith("send login") or it == "send credential"
                           for _, does in self.taken for it in self.client.outputs[does])
        # Connections that no honest network leads to come after some that the attacker tampered with.
        forged = [reply for reply in self.replies if reply not in self.words["clear"]]
        self.explore([], True, self.words["clear"], self.words["tls"],
                     lambda context, step: self.honest.setdefault(context, step), forged)
        self.explore([], True, self.replies, self.replies,
                     lambda context, step: self.clean.add((context, step[0], self.client.outputs[step[1]])))

    def explore(self, nodes, breaks, clear, inside, begins, forged=()):
        """Breadth first; a node is the client's state, its session, connection and port, whether the session has
        opened no connection yet, and whether a forged word came in on the connection."""
        if not nodes:
            self.taken, self.known = {self.start}, set()
            node = self.node_after((0, 0, 0, False, True, False), self.start)
            nodes.append(node)
            self.known.add(node)
        for node in nodes:
            state, view = node[0], self.views[node[0]]
            link, steps, lies = self.client.rows[state]["link"], [], []
            if view == "ended":
                continue
            if view == "channel":
                steps.append(self.client.on(state, "channel genuine"))
            elif link == "down":
                steps.append(self.client.on(state, "connected"))
            else:
                if link in ("clear", "secure"):
                    steps += [self.client.hears(state, word) for word in (clear if link == "clear" else inside)]
                if link == "clear":
                    lies = [self.client.hears(state, word) for word in forged]
                if link == "handshake":
                    steps.append(self.client.on(state, "handshake genuine"))
                    if not node[5]:
                        begins(node[1:4], steps[-1])
            breaking = []
            if breaks and view != "channel" and link != "down":
                failed = ["handshake failed"] if link == "handshake" else []
                breaking = [self.client.on(state, it) for it in failed + ["closed orderly", "closed cut"]]
            self.taken.update(steps + lies + breaking)
            following = [self.node_after(node, step) for step in steps]
            following += [self.node_after(node[:5] + (True,), step) for step in lies]
            following += [self.node_after(node, step) for step in breaking]
            for other in following:
                if other not in self.known:
                    self.known.add(other)
                    nodes.append(other)

    def node_after(self, node, step):
        _, session, connection, implicit, fresh, tampered = node
        for it in self.client.outputs[step[1]]:
            if it.startswith("connect "):
                connection = 0 if fresh else min(connection + 1, CONNECTIONS - 1)
                implicit, fresh, tampered = it == "connect implicit", False, False
            elif it.startswith("end "):
                session, connection, fresh = (session + 1) % len(self.sessions), 0, True
        return step[0], session, connection, implicit, fresh, tampered
