// Sends one mail with nodemailer, TLS required.
const fs = require('fs');
const nodemailer = require('nodemailer');

const env = process.env;
const transport = nodemailer.createTransport({
  host: env.UPWARD_HOST,
  port: Number(env.UPWARD_PORT),
  secure: false,
  requireTLS: true,
  auth: { user: env.UPWARD_USER, pass: env.UPWARD_PASSWORD },
  tls: { ca: fs.readFileSync(env.UPWARD_CA) },
  // Its own limits are minutes.
  connectionTimeout: 10000,
  greetingTimeout: 10000,
  socketTimeout: 10000,
});
const mail = { from: 'a@example.org', to: 'b@example.org', subject: 't', text: env.UPWARD_BODY };
transport.sendMail(mail).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
