"""A mail client that delivers as it should, except in one folder, where it does what its first argument says."""

import os
import shutil
import signal
import smtplib
import socket
import ssl
import sys
import time

HOST, PORT = os.environ["UPWARD_HOST"], int(os.environ["UPWARD_PORT"])
# Found again by its name, whatever else it has got rid of.
SLEEP = [os.getcwd(), "31.41592"]


def deliver():
    context = ssl.create_default_context(cafile=os.environ["UPWARD_CA"])
    with smtplib.SMTP(HOST, PORT) as server:
        server.starttls(context=context)
        server.login(os.environ["UPWARD_USER"], os.environ["UPWARD_PASSWORD"])
        server.sendmail("a@x.test", ["b@x.test"], "Subject: t\r\n\r\n" + os.environ["UPWARD_BODY"] + "\r\n")


def connected():
    peer = socket.create_connection((HOST, PORT))
    peer.recv(4096)
    return peer


def refused():
    """Where the vector is about: its upgrade request was answered."""
    peer = connected()
    for line in (b"EHLO x\r\n", b"STARTTLS\r\n"):
        peer.sendall(line)
        peer.recv(4096)
    return peer


def send(bytes_, times):
    peer = connected()
    for _ in range(times):
        peer.sendall(bytes_)
    peer.recv(1)


def daemonise():
    """Twice forked, in a session of its own, without an environment."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.execve("/bin/sleep", SLEEP, {})
        os._exit(0)
    os.wait()


def floods_the_persona():
    send(b"x" * (1 << 20), 256)


def says_a_million_things():
    send(b"NOOP\r\n" * 10_000, 100)


def says_nothing_a_million_times():
    send(b"\n" * (1 << 20), 10)


def floods_inside_tls():
    context = ssl.create_default_context(cafile=os.environ["UPWARD_CA"])
    with smtplib.SMTP(HOST, PORT) as server:
        server.starttls(context=context)
        server.ehlo()
        for _ in range(64):
            server.sock.sendall(b"x" * (1 << 20))


def sends_its_password_on_and_on():
    send(os.environ["UPWARD_PASSWORD"].encode() * 16384 + b"\r\n", 64)


def never_reads():
    peer = socket.create_connection((HOST, PORT))
    while True:
        peer.sendall(b"EHLO x\r\n" * 100)


def opens_ten_thousand_connections():
    peers = []
    for number in range(10_000):
        peers.append(socket.create_connection((HOST, PORT)))
        if number % 500 == 499:
            # The system holds back who comes faster than connections are taken: for a second.
            try:
                peers[-1].recv(1)
            except ConnectionResetError:
                pass
            del peers[32:]


def writes_two_gigabytes():
    for _ in range(2048):
        os.write(1, b"y" * (1 << 20))


def daemonises():
    daemonise()


def stays_in_the_background():
    if os.fork() == 0:
        os.execvp("sleep", SLEEP)


def ignores_signals():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    peer = refused()
    while True:
        time.sleep(31.41592)


def eats_descriptors():
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        connected()


def crashes():
    connected()
    os.kill(os.getpid(), signal.SIGSEGV)


def execs_away():
    peer = refused()
    os.set_inheritable(peer.fileno(), True)
    os.execvp("sleep", SLEEP)


def removes_its_folder():
    shutil.rmtree(os.getcwd())


def puts_a_link_in_place_of_its_folder():
    here = os.getcwd()
    shutil.rmtree(here)
    os.symlink("/etc", here)


def puts_a_pipe_in_place_of_a_file():
    os.mkfifo("wire.txt")
    os.symlink("../outside", "stdout.txt")


def fills_its_folder():
    for number in range(12_000):
        open(str(number), "w").close()


def fills_its_folder_with_bytes():
    with open("large", "wb") as file:
        for _ in range(80):
            file.write(os.urandom(1 << 20))


def kills_its_keeper():
    daemonise()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(31.41592)


def stops_its_keeper():
    daemonise()
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(31.41592)


def forks_and_ends_on_and_on():
    if os.fork() == 0:
        while True:
            if os.fork() > 0:
                os._exit(0)


def has_a_hundred_children():
    for _ in range(100):
        if os.fork() == 0:
            os.setsid()
            while True:
                if os.fork() == 0:
                    os.execvp("sleep", SLEEP)
                os.wait()


def tells_that_it_is_there():
    daemonise()
    socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    time.sleep(31.41592)


if "upgrade-454" in os.getcwd() or "delivery-withheld" in os.getcwd() or "control-first" in os.getcwd() and "tells" in sys.argv[1]:
    globals()[sys.argv[1].replace("-", "_")]()
    sys.exit(7)
deliver()
