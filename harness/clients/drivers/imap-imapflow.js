// Logs in through imapflow and appends a message; with the argument "required" TLS is required.
const fs = require('fs');
const { ImapFlow } = require('imapflow');

const e = process.env;
const client = new ImapFlow({
    host: e.UPWARD_HOST,
    port: Number(e.UPWARD_PORT),
    secure: false,
    doSTARTTLS: process.argv[2] === 'required' ? true : undefined,
    auth: { user: e.UPWARD_USER, pass: e.UPWARD_PASSWORD },
    tls: { ca: fs.readFileSync(e.UPWARD_CA) },
    logger: false,
});
client.on('error', (error) => console.error(error.message));

(async () => {
    await client.connect();
    await client.append('INBOX', 'Subject: t\r\n\r\n' + e.UPWARD_BODY);
    await client.logout();
})().catch((error) => {
    console.error(error.message);
    process.exit(1);
});
