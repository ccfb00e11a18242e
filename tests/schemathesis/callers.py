"""Runs schemathesis against the real binary, once for each kind of caller."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BINARY = os.environ["VESTIBULE_BIN"]
HERE = pathlib.Path(__file__).resolve().parent
CALLERS = ("anonymous", "user", "admin")

# The number of requests that the long form must send at least.
LEAST = 5000

# The limits by rate would refuse most requests. Registration is open, so that its checks are reached.
SETTINGS = {
    "VESTIBULE_LOGIN_RATE_PER_IP": "0",
    "VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT": "0",
    "VESTIBULE_REFRESH_RATE_PER_SESSION": "0",
    "VESTIBULE_REGISTER_RATE_PER_IP": "0",
    "VESTIBULE_REGISTRATION": "open",
    "VESTIBULE_TRUSTED_PROXIES": "127.0.0.1",
    "VESTIBULE_ALLOWED_REDIRECT_HOSTS": "app.example.com",
}


class Server:
    """The server, in an empty directory, on a free port."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = {"PATH": os.environ["PATH"], **SETTINGS}

    def __enter__(self):
        self.log = (self.directory / "log").open("w")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", "0"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.url = line.removeprefix("listening on ").strip()
                return self
        raise SystemExit("the server did not start: " + (self.directory / "log").read_text())

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.log.close()
        if code != 0:
            raise SystemExit(f"the server ended with {code}")


def arguments_of(short, caller):
    """Returns the arguments for the phases and the number of requests."""
    if not short:
        return ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "25"]
    if caller == "anonymous":
        return ["--phases", "examples", "--max-examples", "1"]
    return ["--phases", "examples,fuzzing,stateful", "--max-examples", "1"]


def run(caller, short, seed):
    """Runs schemathesis as one caller. Returns the number of requests, and whether all checks passed."""
    with tempfile.TemporaryDirectory(prefix="vestibule-schemathesis-") as directory:
        directory = pathlib.Path(directory)
        server_directory = directory / "server"
        server_directory.mkdir()
        with Server(server_directory) as server:
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(directory),
                "SCHEMATHESIS_HOOKS": "hooks",
                "PYTHONPATH": str(HERE),
                "CALLER": caller,
                "SERVER_URL": server.url,
                "SERVER_DIRECTORY": str(server_directory),
                "VESTIBULE_BIN": BINARY,
                **{f"SETTING_{name}": value for name, value in SETTINGS.items()},
            }
            command = [str(pathlib.Path(sys.executable).parent / "schemathesis")]
            command += ["--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.url}/openapi.json"]
            command += ["--checks", "all", "--seed", str(seed), "--no-color"]
            command += arguments_of(short, caller)
            done = subprocess.run(
                command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        count = re.search(r"Test cases:\s+(\d+) generated", done.stdout)
        if done.returncode != 0 or count is None:
            print(done.stdout)
        errors = [line for line in (server_directory / "log").read_text().splitlines() if is_error(line)]
        for line in errors[:20]:
            print(f"the log of the server: {line}")
        return int(count[1]) if count else 0, done.returncode == 0 and count is not None and not errors


def is_error(line):
    """Returns whether a line of the server's log is about a failure of the server."""
    return " ERROR " in line or "panicked" in line


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--caller", choices=CALLERS, action="append")
    parser.add_argument("seed", nargs="?", type=int, default=1)
    given = parser.parse_args()
    total, failed = 0, []
    for caller in given.caller or CALLERS:
        count, passed = run(caller, given.short, given.seed)
        print(f"{caller}: {count} requests, {'passed' if passed else 'FAILED'}", flush=True)
        total += count
        if not passed:
            failed.append(caller)
    print(f"{total} requests")
    if failed:
        sys.exit(f"tests/schemathesis/run: FAILED as {', '.join(failed)}")
    if not given.short and not given.caller and total < LEAST:
        sys.exit(f"tests/schemathesis/run: fewer than {LEAST} requests were sent")


main()
