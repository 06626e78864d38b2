"""Runs one session over required TLS: `session.py DIALOGUE CONNECTION`, two files of Python.

The process ends with 0 only if the dialogue came to its end.
"""
import asyncio
import importlib.util
import os
import pathlib
import ssl
import sys

sys.path.append(str(pathlib.Path(__file__).parent / "protocols"))


def load(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem + "_of_session", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class User:
    """What the user wants, as far as a dialogue needs it."""

    host = os.environ["UPWARD_HOST"]
    name = os.environ["UPWARD_USER"]
    password = os.environ["UPWARD_PASSWORD"]


async def main(dialogue, connection):
    connection = connection.Connection(dialogue.is_complete)
    await connection.connect(User.host, int(os.environ["UPWARD_PORT"]))
    context = ssl.create_default_context(cafile=os.environ["UPWARD_CA"])
    try:
        await dialogue.session(connection, context, User)
    finally:
        connection.close()


try:
    asyncio.run(main(*map(load, sys.argv[1:])))
except (OSError, ValueError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
