# Logs in through Python's imaplib, TLS required, and appends a message.
import imaplib, os, ssl

e = os.environ
client = imaplib.IMAP4(e["UPWARD_HOST"], int(e["UPWARD_PORT"]))
client.starttls(ssl.create_default_context(cafile=e["UPWARD_CA"]))
client.login(e["UPWARD_USER"], e["UPWARD_PASSWORD"])
client.select()
message = "Subject: t\r\n\r\n" + e["UPWARD_BODY"]
client.append("INBOX", None, None, message.encode())
client.logout()
