"""The threads of a round: what they share, what they note, and how they perform an operation."""

import itertools
import random
import threading
import time

from ledger import KINDS, Op
from server import ADMIN, ADMIN_PASSWORD, Connection, Gone

# The number of times that a thread signs the admin in to read something.
SIGN_INS = 10
# The statuses with which a token of a removed key is refused.
REFUSALS = {401}


class Journal:
    """All operations, in the order in which they began, with the live state of each subject."""

    def __init__(self):
        self.ops, self.states, self.odd = {}, {}, []
        self.lock = threading.Lock()
        self.counts = {}

    def begin(self, rid, kind, subject, data):
        op = Op(rid, kind, subject, dict(data))
        with self.lock:
            self.ops.setdefault(subject, []).append(op)
        return op

    def answered(self, op, **data):
        op.data.update(data)
        op.answered = True
        with self.lock:
            self.counts[op.kind] = self.counts.get(op.kind, 0) + 1
            state = self.states.setdefault(op.subject, KINDS[op.subject.split(":")[0]]())
        state.apply(op)
        return state

    def refused(self, op, status, body):
        """Forgets an operation that was refused, and so was not carried out."""
        with self.lock:
            self.ops[op.subject].remove(op)
            if status not in REFUSALS:
                self.odd.append(f"{op.kind} of {op.subject}: {status} {str(body)[:300]}")


class Shared:
    """What the threads of a round share."""

    def __init__(self, server, journal, label, seed):
        self.server, self.journal, self.label, self.seed = server, journal, label, seed
        self.stop = threading.Event()
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.admin_token = None
        self.commands = []

    def rid(self):
        return f"{self.label}-{next(self.numbers)}"

    def admin(self, connection, old=None):
        """Returns an access token of the admin, and another one than `old`."""
        with self.lock:
            if self.admin_token == old:
                body = {"username": ADMIN, "password": ADMIN_PASSWORD}
                status, answer = connection.call("POST", "/auth/login", body)
                assert status == 200, (status, answer)
                self.admin_token = answer["access_token"]
            return self.admin_token


class Worker(threading.Thread):
    """A thread that performs operations until the server dies or the round ends."""

    def __init__(self, shared, name, subjects):
        super().__init__(name=name, daemon=True)
        self.shared, self.journal, self.subjects = shared, shared.journal, subjects
        self.random = random.Random(f"{shared.seed}/{shared.label}/{name}")
        self.connection = Connection(shared.server)
        self.failure = None

    def run(self):
        try:
            while not self.shared.stop.is_set():
                self.step()
        except Gone:
            pass
        except Exception as error:  # The thread of the round reports it.
            self.failure = error

    def act(self, kind, subject, method, path, data=None, expected=(200, 201, 204), admin=False, token=None, **sent):
        """Performs an operation. Returns the answer and the operation, or `None` if it was refused."""
        rid = self.shared.rid()
        op = self.journal.begin(rid, kind, subject, data or {})
        if admin:
            token = self.shared.admin(self.connection)
        status, answer = self.connection.call(method, path, token=token, rid=rid, **sent)
        if admin and status == 401:
            token = self.shared.admin(self.connection, token)
            status, answer = self.connection.call(method, path, token=token, rid=rid, **sent)
        if status not in expected:
            self.journal.refused(op, status, answer)
            return None
        return answer, op

    def done(self, result, **data):
        """Notes that an operation was answered."""
        if result:
            self.journal.answered(result[1], **data)

    def read(self, path):
        """Reads something with the power of the admin."""
        token = None
        # Each new permission of a role ends the access tokens of the admin, who has every permission. Other threads and commands
        # may add several while this thread signs in.
        for _ in range(SIGN_INS):
            token = self.shared.admin(self.connection, token)
            status, answer = self.connection.call("GET", path, token=token)
            if status != 401:
                break
        assert status == 200, (path, status, answer)
        return answer

    def name(self, beginning):
        return f"{beginning}{self.shared.rid()}-{self.name_part()}"

    def name_part(self):
        return f"{self.random.randrange(1 << 32):08x}"

    def command(self, kind, subject, data, *arguments, stdin=""):
        """Performs an operation by a command beside the server. Returns what it printed and the operation."""
        rid = self.shared.rid()
        op = self.journal.begin(rid, kind, subject, data)
        process = self.shared.server.popen(*arguments)
        self.shared.commands.append(process)
        stdout, stderr = process.communicate(stdin)
        self.shared.commands.remove(process)
        if process.returncode == 0:
            self.mark(rid)
            return stdout, op
        if process.returncode < 0 or self.shared.stop.is_set():
            raise Gone(kind)
        self.journal.refused(op, process.returncode, stderr)
        return None

    def mark(self, rid):
        """Is called when a command has ended with success."""

    def login(self, subject, user):
        """Signs in as a user. Returns the answer and the operation, or `None` if it was refused."""
        result = self.act("login", subject, "POST", "/auth/login", body={"email": user.email, "password": user.password})
        self.tokens(result)
        return result

    def tokens(self, result):
        """Notes the tokens of an answer."""
        if result:
            answer = result[0]
            tokens = {"refresh": answer["refresh_token"], "access": answer["access_token"]}
            self.done(result, sid=answer["session_id"], at=time.time(), **tokens)

    def step(self):
        raise NotImplementedError
