"""The checks: asks a server whether everything is there that it, or the server before it, has answered."""

import base64
import collections
import copy
import datetime
import json
import sqlite3
import time
import urllib.parse

from ledger import Keys, Op, events_of, state_of
from server import ADMIN, ADMIN_PASSWORD, Connection


# The seconds within which a superseded refresh token must return its successor; the server is set to ten minutes.
GRACE = 500
# The operations that change nothing of what was answered before. Their own effect is in the answer, which is missing.
UNKNOWN = {"login", "refresh", "fresh"}


class Checker:
    """Asks a server. Every method returns a list of problems."""

    def __init__(self, server):
        self.server = server
        self.connection = Connection(server)
        status, answer = self.connection.call("POST", "/auth/login", {"username": ADMIN, "password": ADMIN_PASSWORD})
        assert status == 200, (status, answer)
        self.token = answer["access_token"]
        # The refreshes that the check of a state made, as data of operations.
        self.rotations = []

    def get(self, path):
        return self.connection.call("GET", path, token=self.token)

    def subject(self, ops):
        """Checks a subject. Of its last operation the answer may be missing."""
        answered = [op for op in ops if op.answered]
        pending = [op for op in ops if not op.answered]
        candidates = [answered] if answered else []
        if pending:
            assert len(pending) == 1 and ops[-1] is pending[0], [op.kind for op in ops]
            last = pending[0]
            if last.kind not in UNKNOWN:
                candidates.append(ops)
            elif last.kind == "refresh" and time.time() - last.data.get("at", time.time()) > GRACE:
                # A record of a whole run has the answer that was still missing. The grace of the token before has ended,
                # so it would end the session, and the new token is presented. The server accepts it whether it knows it or not.
                candidates = [ops]
        problems = []
        for candidate in candidates:
            state = state_of(candidate)
            self.rotations = []
            found = self.state(ops[0].subject, state)
            if not found:
                if not pending:
                    # A check uses refresh tokens, so the ledger has the new ones.
                    ops += [Op("check", "refresh", ops[0].subject, data, True) for data in self.rotations]
                return []
            problems.append(f"{ops[0].subject} after {[op.kind for op in candidate][-6:]}: {found}")
        if not answered:
            # Nothing was answered, so the subject may be there or not. A copy that is there is whole.
            return [problem for problem in problems if "is not whole" in problem]
        return problems

    def state(self, subject, state):
        kind, name = subject.split(":", 1)
        return list(getattr(self, kind)(name, copy.deepcopy(state)))

    def user(self, _, user):
        status, answer = self.get(f"/admin/users?q={urllib.parse.quote(user.email)}")
        rows = [row for row in answer["users"] if row["email"] == user.email]
        if bool(rows) != user.exists:
            yield f"exists: {bool(rows)}"
            return
        if rows:
            row = rows[0]
            for field in ("username", "disabled", "roles"):
                if row[field] != getattr(user, field):
                    yield f"{field} is {row[field]!r} and should be {getattr(user, field)!r}"
            yield from self.password(user)
        for sid, session in user.sessions.items():
            yield from (f"session {sid}: {problem}" for problem in self.session(session))
        for token in user.links + user.void_links[-2:]:
            status, _ = self.connection.call("GET", f"/link?token={urllib.parse.quote(token)}")
            if (status == 200) != (token in user.links):
                yield f"a link is answered {status}"

    def password(self, user):
        wanted = 403 if user.disabled else 200
        for password, expected in [(user.password, wanted), *((old, 401) for old in user.old_passwords[-1:])]:
            if password is not None:
                status, _ = self.connection.call("POST", "/auth/login", {"email": user.email, "password": password})
                if status != expected:
                    yield f"a login is answered {status} and not {expected}"

    def session(self, session):
        for token in session.dead[-3:] + ([] if session.live else session.access[-2:]):
            status, _ = self.connection.call("GET", "/users/me", token=token)
            if status != 401:
                yield f"a revoked access token is answered {status}"
        if session.live and session.access:
            status, answer = self.connection.call("GET", "/users/me", token=session.access[-1])
            # A signing key may have been removed since.
            if status != 200 and answer.get("error") != "invalid_token":
                yield f"a live access token is answered {status} {answer}"
        if session.refresh is None:
            return
        status, answer = self.connection.call("POST", "/auth/refresh", {"refresh_token": session.refresh})
        if not session.live:
            if (status, answer.get("error")) != (401, "token_revoked"):
                yield f"the refresh token of an ended session is answered {status} {answer.get('error')}"
            return
        if status != 200:
            yield f"the last refresh token is answered {status} {answer.get('error')}"
            return
        self.rotations.append({"session": answer["session_id"], "refresh": answer["refresh_token"],
                               "access": answer["access_token"], "at": time.time()})
        if session.earlier and time.time() - session.rotated_at < GRACE:
            again, found = self.connection.call("POST", "/auth/refresh", {"refresh_token": session.earlier})
            if (again, found.get("refresh_token")) != (200, answer["refresh_token"]):
                yield f"the refresh token before is answered {again}, or with another successor"

    def role(self, name, role):
        status, answer = self.get(f"/admin/roles/{name}")
        if (answer.get("permissions") if status == 200 else None) != role.permissions:
            yield f"is {answer}, and should have {role.permissions}"

    def client(self, name, client):
        status, answer = self.get(f"/admin/clients/{name}")
        if (status == 200) != client.exists:
            yield f"exists: {status == 200}"
        elif client.exists:
            if answer["name"] != client.name:
                yield f"its name is {answer['name']}, and should be {client.name}"
            for secret, expected in [(client.secret, 200), *((old, 401) for old in client.old_secrets[-1:])]:
                if secret is not None:
                    form = {"client_id": name, "client_secret": secret, "token": "none"}
                    status, _ = self.connection.call("POST", "/auth/revoke", form=form)
                    if status != expected:
                        yield f"a secret is answered {status} and not {expected}"

    def keys(self, _, keys):
        assert isinstance(keys, Keys)
        found = {key["kid"] for key in self.get("/admin/keys")[1]["keys"]}
        if not keys.present <= found or keys.removed & found:
            yield f"missing {keys.present - found}, not removed {keys.removed & found}"

    def copy(self, name, found):
        """Checks a copy, which is whole whenever it has its name."""
        path = self.server.directory / "copies" / name
        if not path.exists():
            yield "is absent"
            return
        code, text = self.server.command("check", str(path))
        if code:
            yield f"is not whole: {text}"
            return
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        known = {row[0] for row in database.execute("select email from users")}
        database.close()
        if not set(found.knows) <= known:
            yield f"lacks {set(found.knows) - known}"

    def events(self, subjects, label, since):
        """Checks that the audit log has the events of the answered operations with a label, which are all of after a time."""
        expected = collections.Counter()
        kids = {key["kid"] for key in self.get("/admin/keys")[1]["keys"]}
        for ops in subjects:
            # A token of a removed key is not valid, so its revocation changes nothing.
            moot = [op for op in ops if op.kind == "revoke_access" and kid_of(op.data["token"]) not in kids]
            answered = [op for op in ops if op.answered and op not in moot]
            ops = [op for op in ops if op not in moot]
            # If the operation without an answer deleted the user, the log does not name the user any longer.
            if answered and not (len(answered) < len(ops) and ops[-1].kind in ("delete", "admin_delete", "cli_delete")):
                expected.update(events_of(answered, label))
        found, cursor = collections.Counter(), None
        start = datetime.datetime.fromtimestamp(since - 2, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        while True:
            query = {"limit": 200, "since": start, **({"cursor": cursor} if cursor else {})}
            status, page = self.get(f"/admin/audit?{urllib.parse.urlencode(query)}")
            assert status == 200, page
            for event in page["events"]:
                detail = event["detail"] or {}
                named = [event["user"], event["session"], *(detail.get(key) for key in ("role", "client", "kid"))]
                for name in {name for name in named if name}:
                    found[event["event"], name] += 1
            cursor = page["next_cursor"]
            if not cursor:
                break
        missing = expected - found
        return [f"{count} events {event} of {name} are missing" for (event, name), count in missing.items()]


def kid_of(token):
    """Returns the id of the key that signed a token."""
    return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
