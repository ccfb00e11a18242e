"""The ledger: what the server answered, and what must therefore be true of it.

An operation concerns one subject: a user, a role, a client, the signing keys, or a copy of the database. One thread works on a
subject, one operation after the other. So the state of a subject follows from its answered operations. Of the last operation
the answer may be missing; then both states are allowed, the one with it and the one without it.
"""

import dataclasses


@dataclasses.dataclass
class Op:
    """An operation. `data` has what was sent, and after the answer what the server returned."""

    rid: str
    kind: str
    subject: str
    data: dict
    answered: bool = False


@dataclasses.dataclass
class Session:
    refresh: str | None
    access: list
    live: bool = True
    # The refresh token before the present one, which returns the present one within the grace.
    earlier: str | None = None
    rotated_at: float = 0
    # Access tokens that must be refused although the session may be live.
    dead: list = dataclasses.field(default_factory=list)

    def bury_access(self):
        self.dead += self.access
        self.access = []


class User:
    """The state of an account."""

    def __init__(self):
        self.exists = False
        self.id = self.username = self.password = None
        self.old_passwords, self.roles, self.disabled = [], [], False
        self.sessions, self.links, self.void_links = {}, [], []

    def end_sessions(self, keep=None):
        for sid, session in self.sessions.items():
            if sid != keep:
                session.live = False

    def void(self):
        self.void_links += self.links
        self.links = []

    def set_password(self, password, keep=None):
        self.old_passwords.append(self.password)
        self.password = password
        self.end_sessions(keep)
        self.void()

    def apply(self, op):
        """Applies an operation that was carried out. Values that only the response has are absent if it did not arrive."""
        getattr(self, f"on_{op.kind}")(op.data)

    def on_register(self, data):
        self.exists, self.password = True, data["password"]
        self.username, self.email, self.id = data["username"], data["email"], data.get("id")
        self.roles = data.get("roles", [])

    on_admin_add = on_cli_add = on_register

    def on_login(self, data):
        if "sid" in data:
            self.sessions[data["sid"]] = Session(data["refresh"], [data["access"]])

    def on_refresh(self, data):
        session = self.sessions[data["session"]]
        if "refresh" in data:
            if session.refresh != data["refresh"]:
                session.earlier, session.refresh, session.rotated_at = session.refresh, data["refresh"], data["at"]
            session.access.append(data["access"])

    def on_fresh(self, data):
        if "access" in data:
            self.sessions[data["session"]].access.append(data["access"])

    def on_logout(self, data):
        self.sessions[data["session"]].live = False

    on_revoke_one = on_revoke_refresh = on_admin_revoke_one = on_device_removed = on_logout

    def on_logout_all(self, _):
        self.end_sessions()

    on_admin_revoke_all = on_cli_revoke = on_logout_all

    def on_revoke_other(self, data):
        self.end_sessions(data["session"])

    def on_revoke_access(self, data):
        session = self.sessions[data["session"]]
        session.access.remove(data["token"])
        session.dead.append(data["token"])

    def on_password(self, data):
        self.set_password(data["password"], data["session"])
        session = self.sessions[data["session"]]
        session.bury_access()
        session.earlier, session.refresh = None, data.get("refresh")
        if "access" in data:
            session.access = [data["access"]]

    def on_rename(self, data):
        self.username = data["username"]

    def on_delete(self, _):
        self.exists = False
        self.end_sessions()
        self.void()

    on_admin_delete = on_cli_delete = on_delete

    def on_disable(self, _):
        self.disabled = True
        self.end_sessions()
        self.void()

    on_cli_disable = on_disable

    def on_enable(self, _):
        self.disabled = False
        self.void()

    def on_roles(self, data):
        if set(self.roles) - set(data["roles"]):
            for session in self.sessions.values():
                session.bury_access()
        self.roles = data["roles"]

    def on_cli_passwd(self, data):
        self.set_password(data["password"])

    def on_link_created(self, data):
        self.void()
        if "token" in data:
            self.links.append(data["token"])

    def on_link_used(self, data):
        self.set_password(data["password"])


class Role:
    """The state of a role: its permissions, or `None`."""

    def __init__(self):
        self.permissions = None

    def apply(self, op):
        self.permissions = op.data["permissions"] if op.kind in ("role_set", "cli_role_set") else None


class Client:
    """The state of a client of the database. The secret is unknown if the response with it did not arrive."""

    def __init__(self):
        self.exists, self.name, self.secret, self.old_secrets = False, None, None, []

    def apply(self, op):
        if op.kind in ("client_add", "client_secret"):
            self.exists = True
            self.old_secrets += [self.secret] if self.secret else []
            self.secret = op.data.get("secret")
        if op.kind in ("client_add", "client_name"):
            self.name = op.data["name"]
        if op.kind == "client_remove":
            self.exists = False


class Keys:
    """The signing keys: those that must be there, and those that must not."""

    def __init__(self):
        self.present, self.removed, self.next = set(), set(), None

    def apply(self, op):
        if op.kind == "rewrap":
            return
        if op.kind in ("retire", "cli_retire"):
            self.present.discard(op.data["kid"])
            self.removed.add(op.data["kid"])
            self.next = None if self.next == op.data["kid"] else self.next
            return
        # A rotation replaces a key that has not signed yet.
        if self.next:
            self.present.discard(self.next)
            self.removed.add(self.next)
        self.next = None
        if "created" in op.data:
            self.present.add(op.data["created"])
            self.next = None if op.data["now"] else op.data["created"]


class Copy:
    """A copy of the database: the addresses that it must contain."""

    def __init__(self):
        self.knows = None

    def apply(self, op):
        self.knows = op.data["knows"]


KINDS = {"user": User, "role": Role, "client": Client, "keys": Keys, "copy": Copy}


def state_of(ops):
    """Returns the state of a subject after its operations."""
    state = KINDS[ops[0].subject.split(":")[0]]()
    for op in ops:
        state.apply(op)
    return state


def events_of(ops, label):
    """Returns the audit events that the operations of a subject with a label must have left, each as (event, user or session or
    name)."""
    found, state = [], KINDS[ops[0].subject.split(":")[0]]()
    for op in ops:
        before = {sid for sid, session in getattr(state, "sessions", {}).items() if session.live}
        state.apply(op)
        ended = before - {sid for sid, session in getattr(state, "sessions", {}).items() if session.live}
        if not op.rid.startswith(label):
            continue
        found += [("logged_out" if op.kind == "logout" else "session_revoked", sid) for sid in sorted(ended)]
        found += own_events(op, state)
    if isinstance(state, User) and (not state.exists or not state.id):
        # The log of a deleted user does not say whose it was.
        found = []
    return found


SIMPLE = {
    "register": "user_registered", "admin_add": "user_added", "cli_add": "user_added", "login": "login_succeeded",
    "fresh": "reauthenticated", "rename": "user_changed", "roles": "user_changed", "disable": "user_disabled",
    "cli_disable": "user_disabled", "enable": "user_enabled", "password": "password_changed",
    "cli_passwd": "password_changed", "link_created": "link_created", "link_used": "link_used",
    "device_removed": "device_removed",
}


def own_events(op, state):
    """Returns the event of an operation itself."""
    if op.kind in SIMPLE:
        return [(SIMPLE[op.kind], state.id)]
    named = {"role_set": "role_changed", "cli_role_set": "role_changed", "role_remove": "role_removed",
             "client_add": "client_added", "client_name": "client_changed", "client_secret": "client_changed",
             "client_remove": "client_removed", "retire": "signing_key_removed", "cli_retire": "signing_key_removed"}
    if op.kind in named:
        return [(named[op.kind], op.data.get("kid") or op.subject.split(":")[1])]
    if op.kind in ("rotate", "cli_rotate"):
        return [("signing_key_created", op.data["created"])]
    if op.kind == "revoke_access":
        return [("token_revoked", op.data["session"])]
    return []
