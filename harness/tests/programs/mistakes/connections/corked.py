"""A connection that collects commands, and sends them together once it has to wait for a reply."""
import socket


class Connection:
    def __init__(self, is_complete):
        self.is_complete = is_complete
        self.received = b""
        self.unsent = b""

    async def connect(self, host, port):
        self.socket = socket.create_connection((host, port))

    def flush(self):
        if self.unsent:
            self.socket.sendall(self.unsent)
            self.unsent = b""

    async def line(self):
        while b"\n" not in self.received:
            self.flush()
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line.rstrip(b"\r")

    async def reply(self, command=b""):
        lines = [await self.line()]
        while not self.is_complete(lines, command):
            lines.append(await self.line())
        return lines

    def send(self, text, command=None):
        self.unsent += text + b"\r\n"

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def close(self):
        self.socket.close()
