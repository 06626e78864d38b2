"""IMAP: asks for TLS, logs in as the capabilities say, and appends a message."""
import base64
import os


def is_complete(lines, command):
    tag = command.split(b" ")[0]
    return not command or lines[-1].startswith((tag + b" ", b"+"))


def check(reply, word=b"OK"):
    if word not in reply[-1].split(b" ")[:2]:
        raise ValueError(f"the server said {reply[-1]}")
    return reply


def capabilities(reply):
    listed = [line.upper().split()[2:] for line in reply if line.upper().startswith(b"* CAPABILITY")]
    return [name for names in listed for name in names]


async def start_tls(connection, context, user):
    check(await connection.reply())
    offered = capabilities(check(await connection.ask(b"A1 CAPABILITY")))
    if b"STARTTLS" not in offered:
        raise ValueError("the server does not offer STARTTLS")
    check(await connection.ask(b"A2 STARTTLS"))
    await connection.start_tls(context, user.host)


async def log_in(connection, user):
    offered = capabilities(check(await connection.ask(b"A3 CAPABILITY")))
    if b"AUTH=PLAIN" in offered and b"SASL-IR" in offered:
        words = base64.b64encode(f"\0{user.name}\0{user.password}".encode())
        check(await connection.ask(b"A4 AUTHENTICATE PLAIN " + words))
    elif b"LOGINDISABLED" in offered:
        raise ValueError("the server allows no login")
    else:
        check(await connection.ask(f"A4 LOGIN {user.name} {user.password}".encode()))


async def deliver(connection, user):
    message = f"Subject: t\r\n\r\n{os.environ['UPWARD_BODY']}\r\n".encode()
    reply = await connection.ask(b"A5 APPEND INBOX {%d}" % len(message))
    if not reply[-1].startswith(b"+"):
        raise ValueError(f"the server said {reply[-1]}")
    connection.send(message, b"A5")
    check(await connection.reply(b"A5"))
    check(await connection.ask(b"A6 LOGOUT"))


async def session(connection, context, user):
    await start_tls(connection, context, user)
    await log_in(connection, user)
    await deliver(connection, user)
