"""What a move leads to, and which properties it breaks."""
from tables import beyond, gives_up
from words import (A_COMMAND, ANOTHER_NAME, CHANNEL, CLEAR, CLIENT, CONFIRMED, CONNECTION, CONNECTIONS, DOWN,
                   ELSEWHERE, ENDED, EXECUTED, FALSE, FRESH, GAVE_AWAY, GENUINE, HANDSHAKE,
                   IMPLICIT, LOGGED_IN, LURED, MOVED, NONE, NOTHING, OUTSTANDING, PEERS, QUEUE,
                   REQUESTED, SECURE, SERVER, SESSION, SHADOW, STALLED, TAKEN, THE_DELIVERY, TOLD,
                   TO_CLIENT, TO_SERVER, UNCLEAN, WIRE, Wrong, need)


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
        if step[1] in self.w.only_words:
            self.s[SERVER] = step[0]  # With an active attacker words in clear are lost.
        else:
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
        self.s[CHANNEL] = CLEAR  # The connection may still be there.
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
            elif begins:
                s[SHADOW] = STALLED
            return
        expected = w.acts[clean[1]]
        if begins:
            differs = step[0] != clean[0] or does != expected
            clean_too = (self.context(), step[0], w.client.outputs[step[1]]) in w.clean
            s[SHADOW], s[UNCLEAN] = NONE, int(differs and not clean_too)
        if does == expected:
            s[SHADOW] = NONE if step[0] == clean[0] or s[WIRE] != SECURE else clean[0]
        elif not does or gives_up(beyond(does, expected)):
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
            elif what == "hands-over":
                if s[WIRE] != SECURE or self.given != "reply data":
                    self.breaks("no-clear-data-handed-over")
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
        need(number != NONE, "the client sends what is not in the alphabet:", command)
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
        again = w.deliver in s[TO_SERVER]
        truly = s[WIRE] == SECURE and s[EXECUTED] == 1 and s[CONFIRMED] and not again
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
