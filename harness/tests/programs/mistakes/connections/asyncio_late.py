"""A connection over asyncio whose replies are futures, which arriving data completes."""
import asyncio


class Connection(asyncio.Protocol):
    def __init__(self, is_complete):
        self.is_complete = is_complete
        self.buffer = bytearray()
        self.command = b""
        self.waiter = None

    async def connect(self, host, port):
        self.waiter = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, host, port)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer.extend(data)
        if self.waiter.done():
            return
        lines, end = [], 0
        while (at := self.buffer.find(b"\n", end)) >= 0:
            lines.append(bytes(self.buffer[end:at]).rstrip(b"\r"))
            end = at + 1
            if self.is_complete(lines, self.command):
                del self.buffer[:end]
                self.waiter.set_result(lines)
                return

    def connection_lost(self, error):
        if not self.waiter.done():
            self.waiter.set_exception(ConnectionError("the server closed the connection"))

    async def reply(self, command=b""):
        return await self.waiter

    def send(self, text, command=None):
        self.command = command or text
        self.waiter = asyncio.get_running_loop().create_future()
        self.transport.write(text + b"\r\n")

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        loop = asyncio.get_running_loop()
        self.transport = await loop.start_tls(
            self.transport, self, context, server_hostname=host
        )

    def close(self):
        if not self.waiter.done():
            self.waiter.cancel()
        self.transport.close()
