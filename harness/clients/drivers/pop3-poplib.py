# Fetches mail through Python's poplib, TLS required.
import os, poplib, ssl

e = os.environ
client = poplib.POP3(e["UPWARD_HOST"], int(e["UPWARD_PORT"]))
client.stls(ssl.create_default_context(cafile=e["UPWARD_CA"]))
client.user(e["UPWARD_USER"])
client.pass_(e["UPWARD_PASSWORD"])
client.retr(1)
client.quit()
