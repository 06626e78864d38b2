"""A connection over asyncio that collects what arrives in a buffer of its own."""
import asyncio


class Connection(asyncio.Protocol):
    def __init__(self, is_complete):
        self.is_complete = is_complete
        self.buffer = b""
        self.arrived = asyncio.Event()
        self.closed = False

    async def connect(self, host, port):
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, host, port)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        self.arrived.set()

    def connection_lost(self, error):
        self.closed = True
        self.arrived.set()

    async def line(self):
        while b"\n" not in self.buffer:
            if self.closed:
                raise ConnectionError("the server closed the connection")
            self.arrived.clear()
            await self.arrived.wait()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    async def reply(self, command=b""):
        lines = [await self.line()]
        while not self.is_complete(lines, command):
            lines.append(await self.line())
        return lines

    def send(self, text, command=None):
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
        self.transport.close()
