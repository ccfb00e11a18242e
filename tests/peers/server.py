"""The real binary in a directory of its own, on a port of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

BINARY = os.environ["VESTIBULE_BIN"]
PASSWORD = "a long walk to the sea"


class Server:
    def __init__(self, settings="", **environment):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vestibule-peers-"))
        if settings:
            (self.directory / "Rocket.toml").write_text(settings)
        variables = {f"VESTIBULE_{key.upper()}": value for key, value in environment.items()}
        self.environment = {"PATH": os.environ["PATH"], **variables}
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", "0"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.url = line.removeprefix("listening on ").strip()
                return
        raise AssertionError(self.process.stderr.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0, "the server did not stop as it should"
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self.directory)

    def command(self, *arguments, stdin=None):
        done = subprocess.run(
            [BINARY, *arguments],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_user(self, name, *more):
        self.command("user", "add", name, "--password-stdin", *more, stdin=PASSWORD + "\n")

    def login(self, name, **more):
        body = json.dumps({"username": name, "password": PASSWORD, **more}).encode()
        request = urllib.request.Request(
            f"{self.url}/auth/login", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def metadata(self):
        with urllib.request.urlopen(f"{self.url}/.well-known/oauth-authorization-server") as answer:
            return json.load(answer)
