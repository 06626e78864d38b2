#!/usr/bin/env python3
"""Checks certificates of proofs: see docs/certificate.md, from which this program was written.

usage: check.py FILE-OR-DIRECTORY...

Prints one line for each certificate. Exits with 1 if a certificate is wrong, and says where.
Needs nothing but Python's standard library.
"""
import gc
import json
import multiprocessing
import os
import sys

sys.dont_write_bytecode = True

from run import Run  # noqa: E402
from words import ENDED, Wrong, need, show  # noqa: E402
from world import World  # noqa: E402

PROPERTIES = """no-secret-in-clear no-secret-to-unauthenticated-peer nothing-between-request-and-handshake
no-clear-second-channel no-clear-retry no-clear-redirect tls-not-taken-away no-clear-bytes-used-inside-tls
no-clear-command-used-inside-tls clear-knowledge-forgotten clear-state-forgotten survivors-only-cause-refusal
no-jump truncation-is-not-success agreement policy-not-from-wire name-from-user only-denial-of-service user-told
no-clear-text-shown-as-trusted always-ends honest-delivers delivers-to-named-host no-login-in-clear
no-upgrade-inside-tls no-clear-data-handed-over""".split()


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
        try:
            world.check_view(state)
        except Wrong as wrong:
            raise Wrong(f"{wrong}\n{way(world, before, state)}") from None
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
                    if name not in broken:
                        raise Wrong(f"safety: {name} is broken, and claimed to hold\n"
                                    + way(world, before, state, world.show_move(move)))
            if after not in before:
                if after not in listed:
                    raise Wrong("closure: a move leads out of the set\n"
                                + way(world, before, state, world.show_move(move)) + f"\n  leads to: {show(after)}")
                before[after] = (state, move)
                reached.append(after)
        if stuck:
            raise Wrong(f"no move is possible, and the sessions have not ended\n{way(world, before, state)}")
    need(seen == broken, "claimed to be broken, and is not:", *sorted(broken - seen))
    need(len(reached) == len(listed), f"{len(listed) - len(reached)} states of the set cannot be reached, such as",
         show(min(listed - set(reached), default=start)))
    raw = sum(world.client.sizes)
    s = world.setting
    again = ", again and again" if s["endless"] else ""
    return (f"{os.path.basename(path)}: {world.protocol['name']}, sessions {', '.join(s['sessions'])}{again}; attacker "
            f"{s['attacker']}; server {s['server']}, hosts {s['hosts']}, ALPN {s['alpn']}: {len(reached)} states, "
            f"{moves} moves, {raw} raw inputs of the client; {len(holds)} hold; "
            f"broken: {', '.join(sorted(broken)) or 'none'}")


def answer(path):
    gc.disable()  # There are no cycles worth the search for them.
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
