"""The pages of docs/moving, followed with real systems: their users are exported and imported as the page says, and the clients
that were written for them go on."""

import base64
import hashlib
import json
import pathlib
import sqlite3
import sys
import unittest
import urllib.error

import requests
from argon2.low_level import Type, hash_secret_raw

from hashes import HASHERS, of_others, of_passlib
from server import PASSWORD, Server
from systems import DJANGO, FASTAPI_USERS, System, blocks

OTHER = "another walk to the sea"


def fastapi_users_client(base, name, password):
    """What a front end for fastapi-users does. Returns the id and the address of the user."""
    answer = requests.post(f"{base}/auth/jwt/login", data={"username": name, "password": password}, timeout=30)
    answer.raise_for_status()
    assert answer.json()["token_type"].lower() == "bearer"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = requests.get(f"{base}/users/me", headers=headers, timeout=30).json()
    requests.post(f"{base}/auth/jwt/logout", headers=headers, timeout=30).raise_for_status()
    return me["id"], me["email"]


def simplejwt_client(base, name, password):
    """What a front end for djangorestframework-simplejwt does. Returns whether each step had its answer."""
    answer = requests.post(f"{base}/api/token/", json={"username": name, "password": password}, timeout=30)
    answer.raise_for_status()
    pair = answer.json()
    assert requests.post(f"{base}/api/token/verify/", json={"token": pair["access"]}, timeout=30).status_code == 200
    refreshed = requests.post(f"{base}/api/token/refresh/", json={"refresh": pair["refresh"]}, timeout=30).json()
    newest = refreshed.get("refresh", pair["refresh"])
    assert requests.post(f"{base}/api/token/verify/", json={"token": refreshed["access"]}, timeout=30).status_code == 200
    assert requests.post(f"{base}/api/token/blacklist/", json={"refresh": newest}, timeout=30).status_code == 200
    after = requests.post(f"{base}/api/token/refresh/", json={"refresh": newest}, timeout=30)
    return after.status_code


class Moving(unittest.TestCase):
    def follow(self, system, server, page, name):
        """Runs the export of the page, and imports its file as the page says. Returns what the import printed."""
        # The scripts for PostgreSQL and the one that runs in a Keycloak server are left out.
        foreign = ("psql", "kc.sh", "vestibule")
        system.shell(next(block for block in blocks(page, "sh") if not any(word in block for word in foreign)))
        (server.directory / name).write_bytes((system.directory / name).read_bytes())
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                if line.startswith("vestibule role set"):
                    server.command(*line.split()[1:])
                if line.startswith("vestibule user import"):
                    server.command(*line.split()[1:], "--dry-run")
                    return server.command(*line.split()[1:])
        raise AssertionError(f"{page} has no import")

    def users(self, server):
        return json.loads(server.command("user", "list", "--json"))

    def assert_refused(self, server, name, status=401, **more):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            server.login(name, **more)
        self.assertEqual(refused.exception.code, status)
        refused.exception.close()

    def test_fastapi_users(self):
        with System() as system, Server(compat_routes="true", login_rate_per_ip="0") as server:
            system.write("app.py", FASTAPI_USERS)
            system.start([sys.executable, "-m", "uvicorn", "app:app", "--port", "{port}"], "/openapi.json")
            ids = {}
            for name in ("ada", "grace", "eve"):
                body = {"email": f"{name}@example.com", "password": PASSWORD}
                ids[name] = requests.post(f"{system.url}/auth/register", json=body, timeout=30).json()["id"]
            there = fastapi_users_client(system.url, "ada@example.com", PASSWORD)
            with sqlite3.connect(system.directory / "app.db") as database:
                database.execute("update user set is_superuser = 1, is_verified = 1 where email like 'ada@%'")
                database.execute("update user set is_active = 0 where email like 'eve@%'")
            database.close()
            printed = self.follow(system, server, "fastapi-users.md", "users.csv")
            self.assertIn("imported 3 users", printed)
            self.assertRegex(printed, r"role admin +1 +ada@example.com")
            self.assertEqual({user["email"]: user["id"] for user in self.users(server)},
                             {f"{name}@example.com": ids[name] for name in ids})
            here = fastapi_users_client(server.url, "ada@example.com", PASSWORD)
            self.assertEqual(here, there)
            fastapi_users_client(server.url, "grace@example.com", PASSWORD)
            self.assert_refused(server, "eve@example.com", 403)
            self.assert_refused(server, "grace@example.com", password=OTHER)

    def test_django_and_simplejwt(self):
        with System() as system, Server(compat_routes="true", login_rate_per_ip="0") as server:
            system.write("project.py", DJANGO.replace("@HASHERS@", HASHERS))
            system.write("manage.py", "import runpy\nrunpy.run_path('project.py', run_name='__main__')\n")
            system.shell("python manage.py migrate -v 0")
            system.write("people.py", f"""
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
for number, method in enumerate(["pbkdf2_sha256", "scrypt", "argon2", "bcrypt_sha256"]):
    User(username=f"user{{number}}", email=f"user{{number}}@example.com", password=make_password({PASSWORD!r}, hasher=method)).save()
User(username="gone", is_active=False, password=make_password({PASSWORD!r})).save()
User(username="ada@example.com", password=make_password({PASSWORD!r})).save()
unusable = User(username="unusable")
unusable.set_unusable_password()
unusable.save()
""")
            system.shell("python manage.py shell < people.py")
            system.start([sys.executable, "manage.py", "runserver", "--noreload", "{port}"], "/api/token/")
            self.assertEqual(simplejwt_client(system.url, "user0", PASSWORD), 401)
            system.write("export_users.py", blocks("django-simplejwt.md", "python")[0])
            printed = self.follow(system, server, "django-simplejwt.md", "users.jsonl")
            self.assertIn("imported 7 users\nwithout a password: unusable;", printed)
            for number in range(4):
                self.assertEqual(simplejwt_client(server.url, f"user{number}", PASSWORD), 401)
            simplejwt_client(server.url, "ada@example.com", PASSWORD)
            self.assert_refused(server, "gone", 403)
            self.assert_refused(server, "unusable")
            self.assertEqual({user["claims"]["django_id"] for user in self.users(server)}, set(range(1, 8)))
            # The settings of the page: a view of Django accepts a token of Vestibule, and no other.
            system.stop()
            command = [sys.executable, "manage.py", "runserver", "--noreload", "{port}"]
            system.start(command, "/me/", TOKENS_OF=server.url, ISSUER=server.metadata()["issuer"])
            session = server.login("user1")
            for token, status in ((session["access_token"], 200), (session["refresh_token"], 401), ("x", 401)):
                headers = {"Authorization": f"Bearer {token}"}
                me = requests.get(f"{system.url}/me/", headers=headers, timeout=30)
                self.assertEqual(me.status_code, status, me.text)
                if status == 200:
                    user1 = next(user for user in self.users(server) if user["username"] == "user1")
                    self.assertEqual(me.json(), {"id": user1["id"], "username": "user1"})

    def test_pocketbase(self):
        program = str(pathlib.Path(sys.executable).parent / "pocketbase")
        with System() as system, Server(login_rate_per_ip="0") as server:
            system.start([program, "serve", "--dir", "pb_data", "--http", "127.0.0.1:{port}"], "/api/health")
            for name in ("ada", "grace"):
                body = {"email": f"{name}@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
                created = requests.post(f"{system.url}/api/collections/users/records", json=body, timeout=30)
                created.raise_for_status()
            old_id = created.json()["id"]
            system.stop()
            printed = self.follow(system, server, "pocketbase.md", "users.csv")
            self.assertIn("imported 2 users", printed)
            for name in ("ada", "grace"):
                self.assertIn("access_token", server.login(f"{name}@example.com"))
                self.assert_refused(server, f"{name}@example.com", password=OTHER)
            grace = next(user for user in self.users(server) if user["email"] == "grace@example.com")
            self.assertEqual(grace["claims"], {"pocketbase_id": old_id})

    def test_authelia(self):
        wanted = ("passlib argon2", "passlib bcrypt", "passlib pbkdf2_sha512", "passlib pbkdf2_sha256", "passlib scrypt")
        hashes = {name: hashed for name, hashed in of_passlib(PASSWORD) if name in wanted}
        self.assertEqual(len(hashes), len(wanted))
        with System() as system, Server(login_rate_per_ip="0") as server:
            lines = ["users:"]
            for number, hashed in enumerate(hashes.values()):
                lines += [f"  user{number}:", f"    displayname: 'User {number}'", f"    password: '{hashed}'",
                          f"    email: user{number}@example.com", "    groups:", "      - admins", "      - dev"]
            lines += ["  gone:", "    disabled: true", f"    password: '{hashed}'", "    groups: []"]
            system.write("users_database.yml", "\n".join(lines))
            system.write("export_users.py", blocks("authelia.md", "python")[0])
            printed = self.follow(system, server, "authelia.md", "users.jsonl")
            self.assertIn("imported 6 users", printed)
            self.assertRegex(printed, r"role admins +5 +user0, user1")
            for number in range(len(hashes)):
                self.assertIn("access_token", server.login(f"user{number}"))
                self.assert_refused(server, f"user{number}", password=OTHER)
            self.assert_refused(server, "gone", 403)
            self.assertTrue(all(user["email_verified"] == bool(user["email"]) for user in self.users(server)))

    def test_keycloak(self):
        salt = bytes(range(16))
        encoded = base64.b64encode(salt).decode()

        def credential(algorithm, iterations, value, **more):
            data = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": more}
            secret = {"value": base64.b64encode(value).decode(), "salt": encoded, "additionalParameters": {}}
            return [{"type": "password", "credentialData": json.dumps(data), "secretData": json.dumps(secret)}]

        password = PASSWORD.encode()
        credentials = {
            # Before version 24 the output for SHA-256 had 64 bytes.
            "old": credential("pbkdf2-sha256", 27500, hashlib.pbkdf2_hmac("sha256", password, salt, 27500, 64)),
            "middle": credential("pbkdf2-sha512", 210000, hashlib.pbkdf2_hmac("sha512", password, salt, 210000, 64)),
            "new": credential(
                "argon2", 5, hash_secret_raw(password, salt, 5, 7168, 1, 32, Type.ID), hashLength=["32"],
                memory=["7168"], type=["id"], version=["1.3"], parallelism=["1"],
            ),
            "federated": [],
        }
        users = [
            {"id": f"0b0a5b3e-6f0a-4a5c-9d68-0d5c7a1f2e3{number}", "createdTimestamp": 1700000000000, "username": name,
             "email": f"{name}@example.com", "emailVerified": True, "enabled": name != "middle", "credentials": secrets}
            for number, (name, secrets) in enumerate(credentials.items())
        ]
        users.append({"id": "x", "createdTimestamp": 1, "username": "service-account-a", "serviceAccountClientId": "a"})
        with System() as system, Server(login_rate_per_ip="0") as server:
            system.write("realm.json", json.dumps({"realm": "myrealm", "users": users}))
            system.write("export_users.py", blocks("keycloak.md", "python")[0])
            printed = self.follow(system, server, "keycloak.md", "users.jsonl")
            self.assertIn("imported 4 users\nwithout a password: federated;", printed)
            for name in ("old", "new"):
                self.assertIn("access_token", server.login(name))
                self.assert_refused(server, name, password=OTHER)
            self.assert_refused(server, "middle", 403)
            self.assertEqual({user["id"] for user in self.users(server)}, {user["id"] for user in users[:4]})
            self.assertEqual({user["created_at"] for user in self.users(server)}, {"2023-11-14T22:13:20Z"})

    def test_tables_of_ones_own(self):
        hashed = dict(of_others(PASSWORD))["bcrypt 2b"]
        for page, column in (("fastapi-simple-jwt.md", "email"), ("fastapi-jwt-auth.md", "username"), ("fastapi-auth-jwt.md", "username")):
            with self.subTest(page), System() as system, Server(compat_routes="true") as server:
                with sqlite3.connect(system.directory / "app.db") as database:
                    database.execute("create table users (id integer primary key, username text, email text, hashed_password text)")
                    row = ("ada", "ada@example.com", hashed)
                    database.execute("insert into users (id, username, email, hashed_password) values (7, ?, ?, ?)", row)
                database.close()
                self.assertIn("imported 1 user\n", self.follow(system, server, page, "users.csv"))
                ada = self.users(server)[0]
                self.assertEqual((ada[column], ada["claims"]), (dict(zip(("username", "email"), row))[column], {"old_id": 7}))
                answer = requests.post(f"{server.url}/login", json={"username": ada[column], "password": PASSWORD}, timeout=30)
                self.assertEqual(answer.status_code, 200)

    def test_the_numbers_of_claims(self):
        # The crate serde_json reads the last digit of these numbers wrongly, unless its feature float_roundtrip is on. The
        # tests in Rust can't show that, because a library for tests turns the feature on.
        claims = {"one": 123.45678901235475, "two": 1.844674407e24, "three": 0.30000000000000004}
        with Server() as server:
            path = server.directory / "accounts.jsonl"
            path.write_text(json.dumps({"username": "ada", "claims": claims}) + "\n")
            server.command("user", "import", str(path))
            self.assertEqual(json.loads(server.command("user", "export"))["claims"], claims)
