// BAD: checks who signed the certificate, but not the name in it (like CVE-2020-13163). An attacker
// with a certificate for any other name reads the password and the mail. `diff good.js bad.js` shows the mistake.
//
// node bad.js HOST PORT CA < message
// Without arguments it reads UPWARD_HOST, UPWARD_PORT and UPWARD_CA; the login is in UPWARD_USER and UPWARD_PASSWORD.
const { once } = require("events"), fs = require("fs"), net = require("net"), tls = require("tls");

class Connection {
  constructor(stream) {
    this.stream = stream;
    this.input = stream[Symbol.asyncIterator]();
    this.buffer = "";
    stream.setTimeout(10000, () => stream.destroy());
  }

  async line() {
    while (!this.buffer.includes("\r\n")) {
      const { value, done } = await this.input.next();
      if (done) throw new Error("the server closed the connection");
      this.buffer += value.toString("latin1");
    }
    const [line] = this.buffer.split("\r\n", 1);
    this.buffer = this.buffer.slice(line.length + 2);
    return line.toUpperCase();
  }

  // Returns the lines of the next reply; throws an error if its code is not `code`.
  async reply(code) {
    for (const lines = []; ;) {
      const line = await this.line();
      if (!new RegExp(`^${code}([ -]|$)`).test(line)) throw new Error(`the server did not answer with ${code}`);
      lines.push(line);
      if (line[3] !== "-") return lines;
    }
  }

  command(text, code) {
    this.stream.write(text + "\r\n");
    return this.reply(code);
  }
}

async function send(host, port, ca, user, password, message) {
  const clear = new Connection(net.connect(port, host));
  await clear.reply(220);
  const list = await clear.command("EHLO client.example", 250);
  if (!list.some((line) => /^250[ -]STARTTLS$/.test(line))) throw new Error("the server does not offer STARTTLS");
  await clear.command("STARTTLS", 220);
  if (clear.buffer) throw new Error("the reply to STARTTLS is followed by more data in clear");
  // The mistake: `checkServerIdentity` has to return an error if the name is another; this one never does.
  const checkServerIdentity = () => undefined;
  const stream = tls.connect({ socket: clear.stream, servername: host, ca: fs.readFileSync(ca), checkServerIdentity });
  await once(stream, "secureConnect");
  // A new Connection has an empty buffer, and the client asks for the EHLO list again.
  const server = new Connection(stream);
  await server.command("EHLO client.example", 250);
  await server.command("AUTH PLAIN " + Buffer.from(`\0${user}\0${password}`).toString("base64"), 235);
  await server.command("MAIL FROM:<a@x.test>", 250);
  await server.command("RCPT TO:<b@x.test>", 250);
  await server.command("DATA", 354);
  const lines = message.trimEnd().split(/\r?\n/).map((line) => (line.startsWith(".") ? "." + line : line));
  await server.command([...lines, "."].join("\r\n"), 250);
  await new Promise((sent) => server.stream.end("QUIT\r\n", sent));
}

const { UPWARD_HOST, UPWARD_PORT, UPWARD_CA, UPWARD_USER, UPWARD_PASSWORD, UPWARD_BODY } = process.env;
const [host = UPWARD_HOST, port = UPWARD_PORT, ca = UPWARD_CA] = process.argv.slice(2);
const message = fs.readFileSync(0, "utf8") || `Subject: test\n\n${UPWARD_BODY}`;
send(host, Number(port), ca, UPWARD_USER, UPWARD_PASSWORD, message)
  .then(() => process.exit(0))
  .catch((error) => { console.error("not sent:", error.message); process.exit(1); });
