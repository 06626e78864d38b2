"""POP3: starts TLS where the server confirms the request, and raises the errors that it knows."""
from pop3 import capabilities, check, deliver, is_complete, log_in


def raise_error(reply):
    if reply[0].startswith(b"-ERR"):
        raise ValueError(f"the server said {reply[0]}")
    return reply


async def session(connection, context, user):
    check(await connection.reply())
    if b"STLS" not in await capabilities(connection):
        raise ValueError("the server does not offer STLS")
    reply = raise_error(await connection.ask(b"STLS"))
    if reply[0].startswith(b"+OK"):
        await connection.start_tls(context, user.host)
    await log_in(connection, user)
    await deliver(connection, user)
