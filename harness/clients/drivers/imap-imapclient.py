# Logs in through IMAPClient, TLS required, and appends a message.
import os, ssl
import imapclient

e = os.environ
client = imapclient.IMAPClient(e["UPWARD_HOST"], int(e["UPWARD_PORT"]), ssl=False)
client.starttls(ssl.create_default_context(cafile=e["UPWARD_CA"]))
client.login(e["UPWARD_USER"], e["UPWARD_PASSWORD"])
client.append("INBOX", "Subject: t\r\n\r\n" + e["UPWARD_BODY"])
client.logout()
