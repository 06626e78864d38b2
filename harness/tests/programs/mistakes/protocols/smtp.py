"""SMTP: asks for TLS, logs in by the first mechanism that works, and delivers a message."""
import base64
import hmac
import os


def is_complete(lines, command):
    return lines[-1][3:4] != b"-"


def check(reply, code):
    if not reply[-1].startswith(code):
        raise ValueError(f"the server said {reply[-1]}")
    return reply


def extensions(reply):
    words = [line[4:].upper().split() for line in reply[1:]]
    return {word[0]: word[1:] for word in words if word}


async def start_tls(connection, context, user):
    check(await connection.reply(), b"220")
    offered = extensions(check(await connection.ask(b"EHLO client.example"), b"250"))
    if b"STARTTLS" not in offered:
        raise ValueError("the server does not offer STARTTLS")
    check(await connection.ask(b"STARTTLS"), b"220")
    await connection.start_tls(context, user.host)


async def cram_md5(connection, user):
    reply = await connection.ask(b"AUTH CRAM-MD5")
    if reply[-1].startswith(b"334 "):
        challenge = base64.b64decode(reply[-1][4:])
        digest = hmac.digest(user.password.encode(), challenge, "md5").hex()
        reply = await connection.ask(base64.b64encode(f"{user.name} {digest}".encode()))
    return reply


async def plain(connection, user):
    words = f"\0{user.name}\0{user.password}".encode()
    return await connection.ask(b"AUTH PLAIN " + base64.b64encode(words))


async def login(connection, user):
    reply = await connection.ask(b"AUTH LOGIN")
    for answer in (user.name, user.password):
        if reply[-1].startswith(b"334 "):
            reply = await connection.ask(base64.b64encode(answer.encode()))
    return reply


async def log_in(connection, user):
    offered = extensions(check(await connection.ask(b"EHLO client.example"), b"250"))
    for name, method in ((b"CRAM-MD5", cram_md5), (b"PLAIN", plain), (b"LOGIN", login)):
        if name in offered.get(b"AUTH", []):
            reply = await method(connection, user)
            if reply[-1].startswith(b"235"):
                return offered
    raise ValueError("the server offers no mechanism that works")


async def deliver(connection, user):
    check(await connection.ask(b"MAIL FROM:<a@example.org>"), b"250")
    check(await connection.ask(b"RCPT TO:<b@example.org>"), b"250")
    check(await connection.ask(b"DATA"), b"354")
    message = f"Subject: t\r\n\r\n{os.environ['UPWARD_BODY']}\r\n"
    check(await connection.ask(message.encode() + b"."), b"250")
    check(await connection.ask(b"QUIT"), b"221")


async def session(connection, context, user):
    await start_tls(connection, context, user)
    await log_in(connection, user)
    await deliver(connection, user)
