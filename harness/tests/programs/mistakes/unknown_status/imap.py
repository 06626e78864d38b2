"""IMAP: starts TLS where the server confirms the request, and raises the errors that it knows."""
from imap import capabilities, check, deliver, is_complete, log_in


def status(reply):
    return (reply[-1] + b" ").split(b" ")[1]


def raise_error(reply):
    if status(reply) in (b"NO", b"BAD"):
        raise ValueError(f"the server said {reply[-1]}")
    return reply


async def session(connection, context, user):
    check(await connection.reply())
    offered = capabilities(raise_error(await connection.ask(b"A1 CAPABILITY")))
    if b"STARTTLS" not in offered:
        raise ValueError("the server does not offer STARTTLS")
    reply = raise_error(await connection.ask(b"A2 STARTTLS"))
    if status(reply) == b"OK":
        await connection.start_tls(context, user.host)
    await log_in(connection, user)
    await deliver(connection, user)
