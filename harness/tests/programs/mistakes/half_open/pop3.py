"""POP3: fails silently, and delivers the next message over the connection that is there."""
from pop3 import deliver, is_complete, log_in, start_tls


async def session(connection, context, user):
    try:
        await start_tls(connection, context, user)
    except (OSError, ValueError):
        pass
    await log_in(connection, user)
    await deliver(connection, user)
