"""The parties as tables: alphabets, raw inputs, and what a party does on each of them."""
from words import CLEAR, DOWN, FALSE, HANDSHAKE, LINKS, PEERS, SECURE, need


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
    replies += ["refuse", "garbled", "unknown"]
    replies += ["challenge"] if p["login"] == "in-session" else []
    replies += ["logged-in"] if p["login"] != "none" else []
    replies += ["done"] + (["redirect"] if p["redirects"] else []) + ["notice"] + (["data"] if p["data"] else []) + ["bye"]
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
    return tuple(it for it in outputs if it not in ("shows", "hands-over", "tell"))


def gives_up(does):
    """Whether a client ends its session, by its acts, and says nothing more on the connection than a goodbye."""
    refused = closed = False
    for it in does:
        if it == "close":
            closed = True
        elif it == "end refused":
            refused = True
        elif it.startswith("connect "):
            return refused  # What comes next happens on another connection.
        elif it != "send goodbye":
            return refused and closed
    return refused


def beyond(does, expected):
    """What is left of acts behind the beginning that they have in common with others."""
    same = 0
    while same < min(len(does), len(expected)) and does[same] == expected[same]:
        same += 1
    return does[same:]


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
        self.events, self.groups, self.whole, self.sizes = [], [], [], []
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
            self.sizes.append(len(steps))
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
