# Logs in through imap-tools, TLS required, and appends a message.
import os, ssl
import imap_tools

e = os.environ
context = ssl.create_default_context(cafile=e["UPWARD_CA"])
mailbox = imap_tools.MailBoxStartTls(e["UPWARD_HOST"], int(e["UPWARD_PORT"]), ssl_context=context)
with mailbox.login(e["UPWARD_USER"], e["UPWARD_PASSWORD"]) as box:
    box.append(("Subject: t\r\n\r\n" + e["UPWARD_BODY"]).encode(), "INBOX")
