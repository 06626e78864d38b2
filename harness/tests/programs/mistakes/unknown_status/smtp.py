"""SMTP: starts TLS where the server confirms the request, and raises the errors that it knows."""
from smtp import check, deliver, extensions, is_complete, log_in


def raise_error(reply):
    code = int(reply[-1][:3])
    if 300 <= code < 600:
        raise ValueError(f"the server said {reply[-1]}")
    return code


async def session(connection, context, user):
    check(await connection.reply(), b"220")
    reply = await connection.ask(b"EHLO client.example")
    raise_error(reply)
    if b"STARTTLS" not in extensions(reply):
        raise ValueError("the server does not offer STARTTLS")
    code = raise_error(await connection.ask(b"STARTTLS"))
    if 200 <= code < 300:
        await connection.start_tls(context, user.host)
    await log_in(connection, user)
    await deliver(connection, user)
