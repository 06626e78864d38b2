"""IMAP: asks for the capabilities behind its login, as RFC 3501 section 5.5 allows inside TLS."""
from imap import check, deliver, is_complete, start_tls


async def session(connection, context, user):
    await start_tls(connection, context, user)
    login = f"B1 LOGIN {user.name} {user.password}".encode()
    connection.send(login + b"\r\nB2 CAPABILITY")
    check(await connection.reply(b"B1"))
    check(await connection.reply(b"B2"))
    await deliver(connection, user)
