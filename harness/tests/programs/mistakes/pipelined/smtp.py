"""SMTP: sends the envelope in one piece where the server lists PIPELINING (RFC 2920) inside TLS."""
import os

from smtp import check, deliver, is_complete, log_in, start_tls

ENVELOPE = (b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>", b"DATA")


async def session(connection, context, user):
    await start_tls(connection, context, user)
    offered = await log_in(connection, user)
    if b"PIPELINING" not in offered:
        return await deliver(connection, user)
    connection.send(b"\r\n".join(ENVELOPE))
    for code in (b"250", b"250", b"354"):
        check(await connection.reply(), code)
    message = f"Subject: t\r\n\r\n{os.environ['UPWARD_BODY']}\r\n"
    check(await connection.ask(message.encode() + b"."), b"250")
    check(await connection.ask(b"QUIT"), b"221")
