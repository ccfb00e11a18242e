"""Passwords that other libraries hashed sign in once they are imported, and are stored as argon2id afterwards."""

import json
import unittest
import urllib.error

from hashes import all_hashes
from server import PASSWORD, Server

# The second one has characters of two, three and four bytes in UTF-8.
PASSWORDS = [PASSWORD, "pässwörd 密码 🔑 x"]


class Hashes(unittest.TestCase):
    def stored(self, server):
        lines = server.command("user", "export", "--with-hashes").splitlines()
        return {row["username"]: row["password_hash"] for row in map(json.loads, lines)}

    def assert_refused(self, server, name, password):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            server.login(name, password=password)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()

    def test_a_hash_of_each_library_signs_in_once_and_is_replaced(self):
        for password in PASSWORDS:
            with self.subTest(password), Server(login_rate_per_ip="0") as server:
                hashes = dict(all_hashes(password))
                self.assertGreater(len(hashes), 20)
                rows = [{"username": name, "password_hash": hashed} for name, hashed in hashes.items()]
                (server.directory / "users.jsonl").write_text("\n".join(map(json.dumps, rows)))
                printed = server.command("user", "import", "users.jsonl")
                self.assertIn(f"imported {len(hashes)} users", printed)
                for name in hashes:
                    with self.subTest(name):
                        self.assert_refused(server, name, password[:-1])
                        self.assertNotIn("m=19456,t=2,p=1", self.stored(server)[name])
                        self.assertIn("access_token", server.login(name, password=password))
                        self.assertRegex(self.stored(server)[name], r"^\$argon2id\$v=19\$m=19456,t=2,p=1\$")
                        self.assert_refused(server, name, password[:-1])
                        self.assertIn("access_token", server.login(name, password=password))
