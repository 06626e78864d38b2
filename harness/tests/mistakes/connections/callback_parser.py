"""A connection with a parser that is fed what arrives, and calls back with each complete reply."""
import socket


class Parser:
    def __init__(self, is_complete, on_reply):
        self.is_complete = is_complete
        self.on_reply = on_reply
        self.command = b""
        self.partial = b""
        self.lines = []

    def feed(self, data):
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.lines.append(line.rstrip(b"\r"))
            if self.is_complete(self.lines, self.command):
                reply, self.lines = self.lines, []
                self.on_reply(reply)


class Connection:
    def __init__(self, is_complete):
        self.is_complete = is_complete
        self.replies = []
        self.parser = Parser(is_complete, self.replies.append)

    async def connect(self, host, port):
        self.socket = socket.create_connection((host, port))

    async def reply(self, command=b""):
        while not self.replies:
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.parser.feed(data)
        return self.replies.pop(0)

    def send(self, text, command=None):
        if self.replies:
            raise ConnectionError(f"nothing was asked that {self.replies[0]} answers")
        self.parser.command = command or text
        self.socket.sendall(text + b"\r\n")

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def close(self):
        self.socket.close()
