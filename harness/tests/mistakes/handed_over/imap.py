"""IMAP: hands the data that come with replies over to the program behind its standard output."""
import re

from imap import capabilities, check, deliver, is_complete, log_in

DATA = re.compile(rb"\* (\d+|FLAGS|LIST|LSUB|SEARCH|STATUS) ", re.IGNORECASE)


def data(reply):
    """The lines of a reply that are data, not status or capabilities."""
    return [line for line in reply if DATA.match(line)]


def hand_over(reply):
    for line in data(reply):
        print(line.decode())
    return reply


def hand_over_in_clear(reply):
    return hand_over(reply)


async def session(connection, context, user):
    hand_over_in_clear(check(await connection.reply()))
    reply = hand_over_in_clear(check(await connection.ask(b"A1 CAPABILITY")))
    if b"STARTTLS" not in capabilities(reply):
        raise ValueError("the server does not offer STARTTLS")
    hand_over_in_clear(check(await connection.ask(b"A2 STARTTLS")))
    await connection.start_tls(context, user.host)
    await log_in(connection, user)
    hand_over(check(await connection.ask(b"L1 LIST \"\" *")))
    hand_over(check(await connection.ask(b"L2 SELECT INBOX")))
    await deliver(connection, user)
