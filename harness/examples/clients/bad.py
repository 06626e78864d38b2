# BAD: keeps its read buffer across the handshake (response injection, like CVE-2021-38371). It reads replies that an
# attacker adds behind the reply to STARTTLS as if they had come inside TLS. `diff good.py bad.py` shows the mistake.
#
# python3 bad.py HOST PORT CA < message
# Without arguments it reads UPWARD_HOST, UPWARD_PORT and UPWARD_CA; the login is in UPWARD_USER and UPWARD_PASSWORD.
import base64, os, re, socket, ssl, sys


class Connection:
    def __init__(self, stream):
        self.stream, self.buffer = stream, b""

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.stream.recv(4096)
            if not data:
                raise OSError("the server closed the connection")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("ascii", "replace").upper()

    def reply(self, code):
        """Returns the lines of the next reply; raises OSError if its code is not `code`."""
        lines = []
        while not lines or lines[-1][3:4] == "-":
            lines.append(self.line())
            if not re.match(rf"{code}([ -]|$)", lines[-1]):
                raise OSError(f"the server did not answer with {code}")
        return lines

    def command(self, text, code):
        self.stream.sendall(text.encode() + b"\r\n")
        return self.reply(code)


def send(host, port, ca, user, password, message):
    server = Connection(socket.create_connection((host, port), timeout=10))
    server.reply(220)
    if not {"250-STARTTLS", "250 STARTTLS"} & set(server.command("EHLO client.example", 250)):
        raise OSError("the server does not offer STARTTLS")
    server.command("STARTTLS", 220)
    context = ssl.create_default_context(cafile=ca)
    # The mistake: the stream is new, but `server.buffer` still holds what came before TLS.
    server.stream = context.wrap_socket(server.stream, server_hostname=host)
    server.command("EHLO client.example", 250)
    server.command("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode(), 235)
    server.command("MAIL FROM:<a@x.test>", 250)
    server.command("RCPT TO:<b@x.test>", 250)
    server.command("DATA", 354)
    lines = ["." + line if line.startswith(".") else line for line in message.splitlines()]
    server.command("\r\n".join(lines + ["."]), 250)
    server.stream.sendall(b"QUIT\r\n")


try:
    host, port, ca = sys.argv[1:4] or [os.environ["UPWARD_" + name] for name in ("HOST", "PORT", "CA")]
    message = sys.stdin.read() or "Subject: test\n\n" + os.environ["UPWARD_BODY"]
    send(host, int(port), ca, os.environ["UPWARD_USER"], os.environ["UPWARD_PASSWORD"], message)
except OSError as error:
    sys.exit(f"not sent: {error}")
