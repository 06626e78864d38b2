"""Sends one mail with aiosmtplib, TLS required."""
import asyncio
import os
import ssl

import aiosmtplib

env = os.environ


async def main():
    await aiosmtplib.send(
        f"Subject: t\r\n\r\n{env['UPWARD_BODY']}\r\n",
        sender="a@example.org",
        recipients=["b@example.org"],
        hostname=env["UPWARD_HOST"],
        port=int(env["UPWARD_PORT"]),
        start_tls=True,
        tls_context=ssl.create_default_context(cafile=env["UPWARD_CA"]),
        username=env["UPWARD_USER"],
        password=env["UPWARD_PASSWORD"],
        local_hostname="client.example",
    )


asyncio.run(main())
