"""IMAP: hands the data that come with replies over to the program behind its standard output."""
import re

from imap import deliver, is_complete, log_in, start_tls

DATA = re.compile(rb"\* (\d+|FLAGS|LIST|LSUB|SEARCH|STATUS) ", re.IGNORECASE)


class HandsOver:
    """A connection that calls back with each line of data."""

    def __init__(self, connection):
        self.connection = connection
        self.send = connection.send
        self.is_protected = False

    def on_data(self, line):
        print(line.decode())

    async def reply(self, command=b""):
        reply = await self.connection.reply(command)
        for line in reply:
            if DATA.match(line):
                self.on_data(line)
        return reply

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        await self.connection.start_tls(context, host)
        self.is_protected = True


async def session(connection, context, user):
    connection = HandsOver(connection)
    await start_tls(connection, context, user)
    await log_in(connection, user)
    await connection.ask(b'L1 LIST "" *')
    await connection.ask(b"L2 SELECT INBOX")
    await deliver(connection, user)
