"""The backends of examples/backends, each started as its page says, with tokens of the real server."""

import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import requests

from server import PASSWORD, Server
from systems import free_port

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "backends"
HERE = pathlib.Path(__file__).parent
EXPRESS = ["node", "express.mjs"]


class Backend:
    """An example that runs, for the tokens of a server. Its folder is a copy, beside the packages of Node.js."""

    def __init__(self, command, server, **variables):
        port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vestibule-backend-"))
        for example in FOLDER.iterdir():
            if example.is_file():
                shutil.copy(example, self.folder)
        (self.folder / "node_modules").symlink_to(HERE / "node_modules")
        self.url = f"http://127.0.0.1:{port}"
        issuer = server.metadata()["issuer"]
        environment = {**os.environ, "VESTIBULE_URL": server.url, "ISSUER": issuer, "PORT": str(port), **variables}
        self.process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(400):
            try:
                assert self.get("/").json() == {"hello": "everybody"}
                return
            except requests.ConnectionError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError("the example does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder)

    def get(self, path, authorization=None):
        headers = {"Authorization": authorization} if authorization else {}
        return requests.get(self.url + path, headers=headers, timeout=30)


class Proxy:
    """A server that gives the same answer to every request, as a proxy does while the server behind it is away."""

    def __init__(self, status, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()


def uvicorn(module):
    return [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", "{port}"]


def tampered(token):
    """The token with another user in it, and the old signature."""
    header, claims, signature = token.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    read["username"] = "root"
    forged = base64.urlsafe_b64encode(json.dumps(read).encode()).rstrip(b"=").decode()
    return f"{header}.{forged}.{signature}"


class Backends(unittest.TestCase):
    def try_tokens(self, server, backend, logout_is_seen):
        server.add_user("ada", "--permission", "reports:read")
        server.add_user("grace")
        session, grace = server.login("ada"), server.login("grace")
        access = f"Bearer {session['access_token']}"
        self.assertEqual(backend.get("/me", access).json()["username"], "ada")
        self.assertEqual(backend.get("/me", access.replace("Bearer", "bearer")).status_code, 200)
        self.assertEqual(backend.get("/reports", access).status_code, 200)
        refused = backend.get("/reports", f"Bearer {grace['access_token']}")
        self.assertEqual(refused.status_code, 403)
        self.assertIn('error="insufficient_scope", scope="reports:read"', refused.headers["WWW-Authenticate"])
        nothing = backend.get("/me")
        self.assertEqual((nothing.status_code, nothing.headers["WWW-Authenticate"]), (401, "Bearer"))
        for wrong in (session["refresh_token"], tampered(session["access_token"]), "x", "a.b.c", session["access_token"][:-2]):
            with self.subTest(wrong):
                answer = backend.get("/me", f"Bearer {wrong}")
                self.assertEqual(answer.status_code, 401)
                self.assertIn('error="invalid_token"', answer.headers["WWW-Authenticate"])
        self.assertEqual(backend.get("/me", "Basic YTpi").status_code, 401)
        self.assertEqual(backend.get("/me", "Bearer ").status_code, 401)
        requests.post(f"{server.url}/auth/logout", headers={"Authorization": access}, timeout=30).raise_for_status()
        self.assertEqual(backend.get("/me", access).status_code, 401 if logout_is_seen else 200)
        self.assertEqual(backend.get("/me", f"Bearer {grace['access_token']}").status_code, 200)

    def refuses_another_audience(self, server, backend):
        body = {"username": "grace", "password": PASSWORD, "client_id": "other"}
        token = requests.post(f"{server.url}/auth/login", json=body, timeout=30).json()["access_token"]
        self.assertEqual(backend.get("/me", f"Bearer {token}").status_code, 401)

    def test_each_checks_tokens_as_it_says(self):
        settings = '[default.auth.clients.other]\naudience = "https://other.example.com"\n'
        for name, command in (("fastapi_keys", uvicorn("fastapi_keys")), ("express", EXPRESS)):
            with self.subTest(name), Server(settings) as server, Backend(command, server) as backend:
                self.try_tokens(server, backend, logout_is_seen=False)
                self.refuses_another_audience(server, backend)
        with self.subTest("introspection"), Server(settings) as server:
            printed = server.command("client", "add", "reports")
            secret = re.search(r"client_secret: (\S+)", printed)[1]
            variables = {"CLIENT_ID": "reports", "CLIENT_SECRET": secret}
            with Backend(uvicorn("fastapi_introspect"), server, **variables) as backend:
                self.try_tokens(server, backend, logout_is_seen=True)
                self.refuses_another_audience(server, backend)

    def test_nobody_is_let_in_while_vestibule_is_away(self):
        with Server() as server:
            server.add_user("ada")
            token = server.login("ada")["access_token"]
            secret = {"CLIENT_ID": "reports", "CLIENT_SECRET": "x"}
            with (
                Backend(uvicorn("fastapi_keys"), server) as keys,
                Backend(EXPRESS, server) as express,
                Backend(uvicorn("fastapi_introspect"), server, **secret) as introspect,
            ):
                server.process.terminate()
                server.process.wait(20)
                for backend in (keys, express, introspect):
                    self.assertEqual(backend.get("/me", f"Bearer {token}").status_code, 503)

    def test_nobody_is_let_in_and_no_token_is_blamed_while_the_key_set_is_not_one(self):
        with Server() as server:
            server.add_user("ada")
            token = server.login("ada")["access_token"]
            for status, body in ((500, b""), (200, b"<h1>Maintenance</h1>"), (200, b"{}"), (200, b'{"keys": 1}')):
                with Proxy(status, body) as proxy:
                    for command in (uvicorn("fastapi_keys"), EXPRESS):
                        with self.subTest(command, body=body), Backend(command, server, VESTIBULE_URL=proxy.url) as backend:
                            self.assertEqual(backend.get("/me", f"Bearer {token}").status_code, 503)
