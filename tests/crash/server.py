"""The real binary on a data directory of its own, which can be killed and started again, and a connection to it."""

import atexit
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import urllib.parse

PASSWORD = "a long walk to the sea"
ADMIN = "root"
ADMIN_PASSWORD = "seven quiet boats at dawn"
DATA = "data-dev"
SEED = f"""
[roles]
member = ["notes:read"]

[[users]]
username = "{ADMIN}"
email = "root@example.com"
password = "{ADMIN_PASSWORD}"
roles = ["admin"]
"""
# The profile `dev` allows cheap password hashes, so that many writes happen in a short time. No limit delays a call, and a
# superseded refresh token is accepted for longer than a round takes. The issuer does not contain the port.
SETTINGS = {
    "VESTIBULE_ARGON2_MEMORY_KIB": "64",
    "VESTIBULE_ARGON2_ITERATIONS": "1",
    "VESTIBULE_ISSUER": "http://auth.test",
    "VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT": "0",
    "VESTIBULE_LOGIN_RATE_PER_IP": "0",
    "VESTIBULE_MAX_DEVICES_PER_USER": "0",
    "VESTIBULE_REFRESH_RATE_PER_SESSION": "0",
    "VESTIBULE_ACCESS_TOKEN_LIFETIME": "1h",
    "VESTIBULE_REFRESH_REUSE_GRACE": "10m",
    "VESTIBULE_REGISTER_RATE_PER_IP": "0",
    "VESTIBULE_REGISTRATION": "open",
}


def find_binary():
    """Returns the path of the binary: VESTIBULE_BIN, or else the binary that was built last."""
    given = os.environ.get("VESTIBULE_BIN")
    target = pathlib.Path(__file__).resolve().parents[2] / "target"
    built = [target / kind / "vestibule" for kind in ("release", "debug") if (target / kind / "vestibule").exists()]
    if not given and not built:
        sys.exit("build the binary first: cargo build")
    return os.path.abspath(given) if given else str(max(built, key=lambda path: path.stat().st_mtime))


class Gone(Exception):
    """The server died before it answered."""


class Server:
    """A server of the profile `dev`. Its data directory is in `directory`."""

    def __init__(self, binary, directory, profile="dev", settings=None):
        self.binary, self.directory, self.profile = binary, pathlib.Path(directory), profile
        self.settings = SETTINGS if settings is None else settings
        self.data = self.directory / (DATA if profile == "dev" else "data")
        self.process = None

    def start(self):
        """Starts the server, and returns when it listens."""
        arguments = [self.binary, self.profile, "--port", "0"]
        if self.profile == "dev":
            (self.directory / "seed.toml").write_text(SEED)
            arguments += ["--seed", "seed.toml"]
        self.log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            arguments, cwd=self.directory, env={"PATH": os.environ["PATH"], **self.settings},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        # A failed check ends the program, and no server stays behind.
        atexit.register(lambda process=self.process: process.poll() is None and process.kill())
        for line in self.process.stdout:
            if line.startswith("listening on http://"):
                host, port = line.strip().removeprefix("listening on http://").rsplit(":", 1)
                self.address = (host, int(port))
                # A full pipe would stop the server.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        self.process.wait(30)
        text = (self.directory / "log").read_text(errors="replace")
        raise AssertionError(f"the server does not start ({self.process.returncode}): {text[-2000:]}")

    def end(self, name="KILL"):
        """Sends a signal and waits until the server has ended. Returns its exit code."""
        self.process.send_signal(getattr(signal, f"SIG{name}"))
        code = self.process.wait(30)
        self.log.close()
        return code

    def popen(self, *arguments):
        """Starts a command on the data directory."""
        return subprocess.Popen(
            [self.binary, "--data-dir", str(self.data), *arguments], cwd=self.directory,
            env={"PATH": os.environ["PATH"]}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def command(self, *arguments, stdin=""):
        """Runs a command. Returns its exit code and what it printed."""
        process = self.popen(*arguments)
        stdout, stderr = process.communicate(stdin)
        return process.returncode, stdout + stderr


class Connection:
    """A connection that is kept alive. It sends the id of an operation as `X-Request-Id`, which the server returns."""

    def __init__(self, server):
        self.address = server.address
        self.http = None

    def call(self, method, path, body=None, token=None, rid=None, form=None, headers=None):
        """Sends a request. Returns status and body. Raises [`Gone`] if the server has died."""
        sent = dict(headers or {})
        data = None
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if rid:
            sent["X-Request-Id"] = rid
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        if form is not None:
            data, sent["Content-Type"] = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(*self.address, timeout=30)
            self.http.request(method, path, data, sent)
            response = self.http.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.http = None
            raise Gone(f"{method} {path}: {error!r}") from error
        self.received = response.headers
        try:
            return response.status, json.loads(text) if text else {}
        except ValueError:
            return response.status, text.decode(errors="replace")
