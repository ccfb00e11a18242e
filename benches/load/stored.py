"""Stores many sessions in the database of a stopped server, and creates their refresh tokens.

With few sessions, a rotation touches only a few pages of the database. Its real cost appears with many sessions that end
at different times. Creating them by logins would take half an hour because of argon2. So the sessions are copies of one
row, and their tokens are signed here in the same way as by the server: HS256 with a key that HKDF-SHA-256 derives from
the root secret.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import random
import sqlite3
import time
import uuid

DAY = 86_400


def store_sessions(directory, token, count):
    """Inserts `count` copies of the session of `token`, which must be a token of the first generation. Each copy has its own
    times. Returns the refresh tokens of the copies in random order."""
    key = refresh_key(pathlib.Path(directory, "data/secret.key").read_bytes().strip())
    header, payload, signature = token.split(".")
    assert sign(key, f"{header}.{payload}") == signature, "the key is the one that the server signs with"
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    database = sqlite3.connect(pathlib.Path(directory, "data/vestibule.db"))
    database.row_factory = sqlite3.Row
    row = dict(database.execute("select * from sessions where id = ?", [claims["sid"]]).fetchone())

    chance, now = random.Random(1), int(time.time())
    rows, tokens = [], []
    for number in range(count):
        made_at = now - chance.randrange(60, 29 * DAY)
        until = now + chance.randrange(DAY, 29 * DAY)
        session = dict(row, id=version_7(made_at, chance), created_at=made_at, last_used_at=made_at, auth_time=made_at,
                       used_order=(made_at << 20) + number, generation=1, generations_made_at=json.dumps([made_at]),
                       refresh_expires_at=until, expires_at=until + 30 * DAY, access_expires_at=made_at)
        # Databases of older binaries do not have this column.
        if "end_day" in session:
            session["end_day"] = until // DAY
        rows.append(session)
        stored = encode(json.dumps(claims | {"sid": session["id"], "gen": 1, "iat": made_at, "exp": until}).encode())
        tokens.append(f"{header}.{stored}." + sign(key, f"{header}.{stored}"))
    with database:
        names = ", ".join(row)
        database.executemany(f"insert into sessions ({names}) values (:{names.replace(', ', ', :')})", rows)
    database.close()
    chance.shuffle(tokens)
    return tokens


def refresh_key(secret):
    """Returns the key of refresh tokens: HKDF-SHA-256 (RFC 5869) of the root secret, without a salt, one block."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    return hmac.digest(extracted, b"vestibule v1 refresh tokens\x01", hashlib.sha256)


def sign(key, text):
    """Returns the HS256 signature of a text (RFC 7515 §3.2), in base64url."""
    return encode(hmac.digest(key, text.encode(), hashlib.sha256))


def encode(data):
    """Returns the bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def version_7(seconds, chance):
    """Returns a UUID of version 7 (RFC 9562 §5.7) for a time in Unix seconds."""
    bits = (seconds * 1000 << 80) | (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62)
    return str(uuid.UUID(int=bits))
