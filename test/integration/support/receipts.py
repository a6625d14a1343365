"""Follows the receipts of one account from the ledger to the archives: prints one JSON line a receipt.

usage: receipts.py LEDGER ACCOUNT
"""

import glob
import hashlib
import json
import os
import re
import sqlite3
import sys


def stored_octets(sink, root, location):
    if sink.startswith("maildir:"):
        # A reader may have moved the file to cur and given it flags.
        name = glob.escape(os.path.basename(location))
        (path,) = [p for part in ("new", "cur") for p in glob.glob(os.path.join(root, part, name) + "*")]
        with open(path, "rb") as file:
            return file.read()
    offset, octets = map(int, location.split("+"))
    with open(root, "rb") as file:
        file.seek(offset)
        return re.sub(rb"(?:(?<=\n)|\A)>(>*From )", rb"\1", file.read(octets))


def main(ledger, account):
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    rows = database.execute(
        "SELECT sink, root, location, form, uidl, sha256 FROM receipts WHERE account = ?", (account,)
    )
    for sink, root, location, form, uidl, claimed in rows:
        octets = stored_octets(sink, root, location)
        wire = octets.replace(b"\n", b"\r\n") if form == "lf" else octets
        digest = hashlib.sha256(wire).hexdigest()
        print(
            json.dumps(
                {"sink": sink, "uidl": uidl, "form": form, "claimedSha256": claimed, "wireSha256": digest}
            )
        )


main(*sys.argv[1:])
