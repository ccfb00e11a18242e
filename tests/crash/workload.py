"""The random operations: threads that perform every kind of write."""

import itertools
import re
import time
import urllib.parse

from server import PASSWORD
from worker import Worker

# The number of threads that work on users.
USER_THREADS = 6
# The most accounts and the most live sessions of an account that a thread has at a time.
MOST_USERS = 6
MOST_SESSIONS = 5


class UserWorker(Worker):
    """Works on accounts of its own: as their users, and as the admin."""

    def step(self):
        if len(self.subjects) < 2 or (len(self.subjects) < MOST_USERS and self.random.random() < 0.15):
            return self.create()
        subject = self.random.choice(self.subjects)
        user = self.journal.states[subject]
        live = [sid for sid, session in user.sessions.items() if session.live and session.refresh]
        if user.disabled:
            return self.administer(subject, user, live)
        if not live or (len(live) < MOST_SESSIONS and self.random.random() < 0.25):
            return self.login(subject, user)
        acts = {self.refresh: 8, self.end: 3, self.revoke_token: 2, self.own: 3, self.administer: 4, self.link: 1}
        act = self.random.choices(list(acts), list(acts.values()))[0]
        return act(subject, user, live)

    def create(self):
        subject, password = f"user:{self.name('u')}", PASSWORD + self.name_part()
        name = subject.split(":")[1]
        data = {"username": name, "email": f"{name}@example.com", "password": password}
        if self.random.random() < 0.6:
            result = self.act("register", subject, "POST", "/auth/register", data, body=data)
        else:
            roles = self.random.choice([[], ["member"]])
            result = self.act("admin_add", subject, "POST", "/admin/users", {**data, "roles": roles}, admin=True,
                              body={**data, "roles": roles})
        if result:
            self.done(result, id=result[0]["id"])
            self.subjects.append(subject)

    def refresh(self, subject, user, live):
        sid = self.random.choice(live)
        body = {"refresh_token": user.sessions[sid].refresh}
        self.tokens(self.act("refresh", subject, "POST", "/auth/refresh", {"session": sid}, body=body))

    def end(self, subject, user, live):
        sid = self.random.choice(live)
        session, data = user.sessions[sid], {"session": sid}
        access = session.access[-1] if session.access else None
        kind = self.random.choice(["logout", "logout_all", "revoke_one", "revoke_other", "admin_revoke_one",
                                   "admin_revoke_all", "device_removed"])
        by_admin, one = f"/admin/users/{user.id}", self.random.choice(live)
        if kind == "logout":
            return self.done(self.act(kind, subject, "POST", "/auth/logout", data, body={"refresh_token": session.refresh}))
        if kind == "admin_revoke_one":
            return self.done(self.act(kind, subject, "DELETE", f"{by_admin}/sessions/{sid}", data, admin=True))
        if kind == "admin_revoke_all":
            return self.done(self.act(kind, subject, "DELETE", f"{by_admin}/sessions", data, admin=True))
        if kind == "device_removed":
            return self.remove_device(subject, user)
        if not access:
            return self.refresh(subject, user, live)
        if kind == "revoke_one":
            path = f"/auth/sessions/{one}"
            return self.done(self.act(kind, subject, "DELETE", path, {"session": one}, token=access))
        path = "/auth/logout_all" if kind == "logout_all" else "/auth/revoke_other_session"
        return self.done(self.act(kind, subject, "POST", path, data, token=access))

    def remove_device(self, subject, user):
        """Signs in on a new device, and removes it."""
        path = f"/admin/users/{user.id}/devices"
        before = {row["id"] for row in self.read(path)["devices"]}
        if result := self.login(subject, user):
            [row] = {row["id"] for row in self.read(path)["devices"]} - before
            data = {"session": result[0]["session_id"]}
            self.done(self.act("device_removed", subject, "DELETE", f"{path}/{row}", data, admin=True))

    def revoke_token(self, subject, user, live):
        sid = self.random.choice(live)
        session = user.sessions[sid]
        if session.access and self.random.random() < 0.7 and len(session.dead) < 8:
            token = session.access[-1]
            data = {"session": sid, "token": token}
            return self.done(self.act("revoke_access", subject, "POST", "/auth/revoke", data, form={"token": token}))
        data = {"session": sid}
        return self.done(self.act("revoke_refresh", subject, "POST", "/auth/revoke", data, form={"token": session.refresh}))

    def own(self, subject, user, live):
        """Changes the account as its user."""
        sid = self.random.choice(live)
        session = user.sessions[sid]
        if not session.access:
            return self.refresh(subject, user, live)
        kind = self.random.choices(["password", "rename", "fresh", "delete"], [3, 4, 2, 1])[0]
        token = session.access[-1]
        if kind == "password":
            new = PASSWORD + self.name_part()
            body = {"current_password": user.password, "new_password": new}
            data = {"session": sid, "password": new}
            return self.tokens(self.act(kind, subject, "POST", "/users/me/password", data, token=token, body=body))
        body = {"password": user.password}
        result = self.act("fresh", subject, "POST", "/auth/fresh", {"session": sid}, token=token, body=body)
        if not result:
            return None
        fresh = result[0]["access_token"]
        self.done(result, access=fresh)
        if kind == "rename":
            name = self.name("n")
            result = self.act(kind, subject, "PATCH", "/users/me", {"username": name}, token=fresh, body={"username": name})
            self.done(result)
        if kind == "delete":
            result = self.act(kind, subject, "DELETE", "/users/me", token=fresh, body=body)
            self.done(result)
            self.forget_deleted(subject)
        return None

    def administer(self, subject, user, live):
        """Changes the account as the admin."""
        path = f"/admin/users/{user.id}"
        kinds = ["enable"] if user.disabled else ["disable", "roles", "roles"]
        kind = self.random.choice([*kinds, *kinds, "admin_delete"])
        if kind == "admin_delete":
            self.done(self.act(kind, subject, "DELETE", path, admin=True))
            self.forget_deleted(subject)
        elif kind == "roles":
            roles = [] if user.roles else ["member"]
            self.done(self.act(kind, subject, "PATCH", path, {"roles": roles}, admin=True, body={"roles": roles}))
        else:
            self.done(self.act(kind, subject, "PATCH", path, admin=True, body={"disabled": kind == "disable"}))

    def forget_deleted(self, subject):
        if not self.journal.states[subject].exists:
            self.subjects.remove(subject)

    def link(self, subject, user, live):
        """Creates a link to choose a password, and uses the earlier one if there is one."""
        if not user.links or self.random.random() < 0.4:
            result = self.act("link_created", subject, "POST", f"/admin/users/{user.id}/link", admin=True,
                              body={"purpose": "reset"})
            if result:
                url = urllib.parse.urlparse(result[0]["url"])
                self.done(result, token=urllib.parse.parse_qs(url.query)["token"][0])
            return
        token, new = user.links[-1], PASSWORD + self.name_part()
        status, page = self.connection.call("GET", f"/link?token={urllib.parse.quote(token)}")
        assert status == 200, (status, page)
        cookies = "; ".join(line.split(";")[0] for line in self.connection.received.get_all("Set-Cookie", [])
                            if line.split(";")[0].split("=")[1])
        fields = re.search(r'name="csrf_token" value="([^"]*)"', page) or re.search(r'value="([^"]*)" name="csrf_token"', page)
        form = {"token": token, "password": new, "csrf_token": fields.group(1)}
        result = self.act("link_used", subject, "POST", "/link", {"password": new}, expected=(303,), form=form,
                          headers={"Cookie": cookies})
        self.done(result)


class CatalogWorker(Worker):
    """Works on roles and clients."""

    turns = itertools.count()

    def step(self):
        kind = self.random.choice(["role", "client"])
        own = [subject for subject in self.subjects if subject.startswith(kind)]
        if len(own) < 3 or self.random.random() < 0.1:
            own.append(f"{kind}:{self.name('x')}")
            self.subjects.append(own[-1])
        subject = self.random.choice(own)
        getattr(self, kind)(subject, subject.split(":")[1], self.journal.states.get(subject))

    def role(self, subject, name, state):
        if state and state.permissions is not None and self.random.random() < 0.3:
            self.done(self.act("role_remove", subject, "DELETE", f"/admin/roles/{name}", admin=True))
            self.subjects.remove(subject)
            return
        # The last part differs from that before, because a change that changes nothing leaves no event.
        permissions = sorted({f"notes:{self.random.randrange(9)}" for _ in range(3)} | {f"x:{next(self.turns) % 20}"})
        self.done(self.act("role_set", subject, "PUT", f"/admin/roles/{name}", {"permissions": permissions}, admin=True,
                           body={"permissions": permissions}))

    def client(self, subject, name, state):
        path = f"/admin/clients/{name}"
        if not state or not state.exists:
            body = {"id": name, "name": self.name_part(), "grants": ["password", "refresh_token"]}
            result = self.act("client_add", subject, "POST", "/admin/clients", {"name": body["name"]}, admin=True, body=body)
            return self.done(result, secret=result and result[0]["client_secret"])
        kind = self.random.choice(["client_secret", "client_name", "client_remove"])
        if kind == "client_secret":
            result = self.act(kind, subject, "POST", f"{path}/secret", admin=True)
            return self.done(result, secret=result and result[0]["client_secret"])
        if kind == "client_name":
            body = {"name": self.name_part()}
            return self.done(self.act(kind, subject, "PATCH", path, body, admin=True, body=body))
        self.subjects.remove(subject)
        return self.done(self.act(kind, subject, "DELETE", path, admin=True))


class KeyWorker(Worker):
    """Rotates and removes signing keys, by the API and by commands."""

    def step(self):
        subject = "keys:all"
        time.sleep(self.random.random() * 0.15)
        keys = self.read("/admin/keys")["keys"]
        others = [key["kid"] for key in keys if key["status"] != "current"]
        by_command = self.random.random() < 0.3
        if self.random.random() < 0.1:
            self.done(self.command("rewrap", subject, {}, "keys", "rewrap"))
            return
        if others and (len(others) > 3 or self.random.random() < 0.4):
            kid = self.random.choice(others)
            if by_command:
                self.done(self.command("cli_retire", subject, {"kid": kid}, "keys", "retire", kid))
            else:
                self.done(self.act("retire", subject, "POST", f"/admin/keys/{kid}/retire", {"kid": kid}, admin=True))
            return
        now = self.random.random() < 0.3
        if by_command:
            flags = ["--now"] if now else []
            result = self.command("cli_rotate", subject, {"now": now}, "keys", "rotate", *flags)
            self.done(result, created=result and result[0].split()[0])
        else:
            result = self.act("rotate", subject, "POST", "/admin/keys/rotate", {"now": now}, admin=True, body={"now": now})
            known = {key["kid"] for key in keys}
            created = [key["kid"] for key in result[0]["keys"] if key["kid"] not in known] if result else []
            self.done(result, created=created[0] if created else None)


class CommandWorker(Worker):
    """Runs commands beside the server, one after the other."""

    def step(self):
        own = [subject for subject in self.subjects if subject.startswith("user")]
        kinds = ["add", "copy", "role"] + (["passwd", "disable", "delete", "revoke", "passwd"] if own else [])
        kind = self.random.choice(kinds)
        if kind == "add":
            subject, password = f"user:{self.name('c')}", PASSWORD + self.name_part()
            name = subject.split(":")[1]
            data = {"username": name, "email": f"{name}@example.com", "password": password}
            result = self.command("cli_add", subject, data, "user", "add", name, "--email", data["email"],
                                  "--password-stdin", stdin=password + "\n")
            self.done(result)
            if result:
                # The command does not print the id.
                found = self.read(f"/admin/users?q={name}")["users"][0]["id"]
                result[1].data["id"] = self.journal.states[subject].id = found
                self.subjects.append(subject)
        elif kind == "copy":
            subject = f"copy:{self.random.choice(['a', 'b'])}.db"
            knows = [self.journal.states[user].email for user in own if self.journal.states[user].exists]
            path = self.shared.server.directory / "copies" / subject.split(":")[1]
            path.parent.mkdir(exist_ok=True)
            self.done(self.command("backup", subject, {"knows": knows}, "backup", str(path)))
        elif kind == "role":
            subject = f"role:{self.name('k')}"
            permissions = sorted({f"k:{self.random.randrange(20)}" for _ in range(2)})
            self.done(self.command("cli_role_set", subject, {"permissions": permissions}, "role", "set",
                                   subject.split(":")[1], *permissions))
        else:
            self.change(kind, self.random.choice(own))

    def change(self, kind, subject):
        user = self.journal.states[subject]
        if kind == "passwd":
            new = PASSWORD + self.name_part()
            self.done(self.command("cli_passwd", subject, {"password": new}, "user", "passwd", user.username,
                                   "--password-stdin", stdin=new + "\n"))
        elif kind == "disable" and not user.disabled:
            self.done(self.command("cli_disable", subject, {}, "user", "disable", user.username))
        elif kind == "revoke" and not user.disabled:
            self.login(subject, user)
            self.done(self.command("cli_revoke", subject, {}, "session", "revoke", "--user", user.username))
        elif kind == "delete":
            self.done(self.command("cli_delete", subject, {}, "user", "delete", user.username, "--yes"))
            if not user.exists:
                self.subjects.remove(subject)


def workers(shared, pools):
    """Returns the threads of a round. `pools` maps the name of a thread to its subjects, and is kept between rounds."""
    kinds = [(f"users{number}", UserWorker) for number in range(USER_THREADS)]
    kinds += [("catalog", CatalogWorker), ("keys", KeyWorker), ("commands", CommandWorker)]
    return [kind(shared, name, pools.setdefault(name, [])) for name, kind in kinds]
