"""A connection that reads lines from a buffered file object over its socket."""
import io
import socket


class Raw(io.RawIOBase):
    """What the connection's socket receives, whichever socket that is."""

    def __init__(self, connection):
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.connection.socket.recv_into(buffer)


class Connection:
    def __init__(self, is_complete):
        self.is_complete = is_complete

    async def connect(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.file = io.BufferedReader(Raw(self))

    async def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the server closed the connection")
        return line.rstrip(b"\r\n")

    async def reply(self, command=b""):
        lines = [await self.line()]
        while not self.is_complete(lines, command):
            lines.append(await self.line())
        return lines

    def send(self, text, command=None):
        self.socket.sendall(text + b"\r\n")

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def close(self):
        self.socket.close()
