"""Sends one mail with Python's smtplib, TLS required."""
import os
import smtplib
import ssl

env = os.environ
context = ssl.create_default_context(cafile=env["UPWARD_CA"])
host, port = env["UPWARD_HOST"], int(env["UPWARD_PORT"])
with smtplib.SMTP(host, port, local_hostname="client.example") as server:
    server.starttls(context=context)
    server.login(env["UPWARD_USER"], env["UPWARD_PASSWORD"])
    mail = f"Subject: t\r\n\r\n{env['UPWARD_BODY']}\r\n"
    server.sendmail("a@example.org", ["b@example.org"], mail)
