"""Fetches every message of a maildrop over a raw socket and prints what came over the wire, one JSON line a message.

An independent reader to compare archives with: it shares no code with the product, uses no POP3 library, and takes each
message as the lines between the status line and the lone dot (RFC 1939 section 3), one leading dot removed from each
line that begins with two. It sends one command at a time, ends with QUIT and deletes nothing.

usage: wire_octets.py HOST PORT USER PASSWORD [--tls CA | --stls CA] [--without FIELD,...]

--without: header fields that are left out before the digest of the stored form, where the server writes such into its mail.
"""

import hashlib
import json
import re
import socket
import ssl
import sys

TIMEOUT_SECONDS = 60


class Session:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self.reader = None

    def secure(self, ca):
        context = ssl.create_default_context(cafile=ca)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def greet(self):
        self.reader = self.socket.makefile("rb", 1 << 20)
        return self.status()

    def status(self):
        # A server that writes an answer in two parts waits for the acknowledgement of the first, which else takes 40 ms.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        line = self.reader.readline()
        if not line.startswith(b"+OK"):
            raise SystemExit(f"expected +OK, got {line!r}")
        return line

    def command(self, text):
        self.socket.sendall(text.encode("utf-8") + b"\r\n")
        return self.status()

    def use_utf8(self):
        """Where it is announced and not asked for, a server may send something else in place of a message (RFC 6856 section 2)."""
        self.socket.sendall(b"CAPA\r\n")
        if self.reader.readline().startswith(b"+OK") and any(line.startswith(b"UTF8") for line in list(self.lines())):
            self.command("UTF8")

    def lines(self):
        while True:
            line = self.line()
            if line == b".\r\n":
                return
            yield line[1:] if line.startswith(b"..") else line

    def line(self):
        """A line ends with CRLF alone: a bare LF is a part of it."""
        parts = []
        while not (parts and parts[-1].endswith(b"\r\n")):
            part = self.reader.readline()
            if not part:
                raise SystemExit("the server closed the connection inside an answer")
            parts.append(part)
        return b"".join(parts)


def without_fields(stored, names):
    header, separator, body = re.split(rb"((?:\A|(?<=\n))\r?\n)", stored, maxsplit=1)
    field = rb"(?im)^(?:" + b"|".join(map(re.escape, names)) + rb"):[^\n]*\n(?:[ \t][^\n]*\n)*"
    return re.sub(field, b"", header) + separator + body


def describe(number, unique_id, size, octets, names):
    """SHA-256 of the octets as they came, and of the form that the Maildir and mbox sinks store: CRLF becomes LF
    where every LF has its CR, else nothing changes."""
    is_reversible = octets.count(b"\n") == octets.count(b"\r\n")
    stored = octets.replace(b"\r\n", b"\n") if is_reversible else octets
    stored = without_fields(stored, names) if names else stored
    return {
        "number": number,
        "uniqueId": unique_id,
        "listedOctets": size,
        "octets": len(octets),
        "sha256": hashlib.sha256(octets).hexdigest(),
        "storedOctets": len(stored),
        "storedSha256": hashlib.sha256(stored).hexdigest(),
    }


def numbered(session):
    pairs = (line.rstrip(b"\r\n").split(b" ", 1) for line in session.lines())
    return {int(number): value.decode("latin-1") for number, value in pairs}


def main(host, port, user, password, *options):
    tls, ca = next((pair for pair in zip(options, options[1:]) if pair[0] in ("--tls", "--stls")), ("", None))
    fields = dict(zip(options, options[1:])).get("--without", "")
    names = [name.encode() for name in fields.split(",") if name]
    session = Session(host, int(port))
    if tls == "--tls":
        session.secure(ca)
    session.greet()
    if tls == "--stls":
        session.command("STLS")
        session.secure(ca)
        session.reader = session.socket.makefile("rb", 1 << 20)
    session.use_utf8()
    session.command(f"USER {user}")
    session.command(f"PASS {password}")
    session.command("LIST")
    sizes = numbered(session)
    session.command("UIDL")
    unique_ids = numbered(session)
    for number in sorted(sizes):
        session.command(f"RETR {number}")
        octets = b"".join(session.lines())
        print(json.dumps(describe(number, unique_ids.get(number, ""), int(sizes[number]), octets, names)))
    session.command("QUIT")


main(*sys.argv[1:])
