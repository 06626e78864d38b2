"""The words and numbers of a certificate."""

FORMAT = "upward certificate 1"
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


def show(state):
    wire = (LINKS + ["false:" + peer for peer in PEERS[1:]])[state[WIRE]]
    rest = [f"{name} {value}" for name, value in zip(FIELDS, state) if value and name not in ("wire",)]
    return f"wire {wire}, " + ", ".join(rest)
