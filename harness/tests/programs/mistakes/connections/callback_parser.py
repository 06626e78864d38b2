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
        self.parser = Parser(is_complete, self.on_reply)
        self.waits = True
        self.answer = None

    async def connect(self, host, port):
        self.socket = socket.create_connection((host, port))

    def on_reply(self, reply):
        """Replies that nothing asked for are ignored."""
        if self.waits:
            self.waits, self.answer = False, reply

    async def reply(self, command=b""):
        while self.waits:
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.parser.feed(data)
        return self.answer

    def send(self, text, command=None):
        self.parser.command = command or text
        self.waits = True
        self.socket.sendall(text + b"\r\n")

    async def ask(self, command):
        self.send(command)
        return await self.reply(command)

    async def start_tls(self, context, host):
        self.socket = context.wrap_socket(self.socket, server_hostname=host)

    def close(self):
        self.socket.close()
