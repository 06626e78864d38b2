"""POP3: asks for TLS, logs in as the capabilities say, and fetches a message."""
import base64


def is_complete(lines, command):
    several = command.startswith((b"CAPA", b"RETR")) and lines[0].startswith(b"+OK")
    return not several or lines[-1] == b"."


def check(reply):
    if not reply[0].startswith(b"+OK"):
        raise ValueError(f"the server said {reply[0]}")
    return reply


async def capabilities(connection):
    """None of them where the server does not know the question."""
    reply = await connection.ask(b"CAPA")
    words = [line.upper().split() for line in reply[1:-1]]
    return {word[0]: word[1:] for word in words if word}


async def start_tls(connection, context, user):
    check(await connection.reply())
    if b"STLS" not in await capabilities(connection):
        raise ValueError("the server does not offer STLS")
    check(await connection.ask(b"STLS"))
    await connection.start_tls(context, user.host)


async def log_in(connection, user):
    offered = await capabilities(connection)
    if b"PLAIN" in offered.get(b"SASL", []):
        words = base64.b64encode(f"\0{user.name}\0{user.password}".encode())
        check(await connection.ask(b"AUTH PLAIN " + words))
    else:
        check(await connection.ask(b"USER " + user.name.encode()))
        check(await connection.ask(b"PASS " + user.password.encode()))


async def deliver(connection, user):
    check(await connection.ask(b"STAT"))
    check(await connection.ask(b"RETR 1"))
    check(await connection.ask(b"QUIT"))


async def session(connection, context, user):
    await start_tls(connection, context, user)
    await log_in(connection, user)
    await deliver(connection, user)
