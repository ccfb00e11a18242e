"""Verification of the server's tokens with PyJWT and jose. For asymmetric algorithms the key set is enough."""

import json
import pathlib
import subprocess
import unittest
import urllib.request

import jwt

from server import Server

HERE = pathlib.Path(__file__).parent
PUBLIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
SECRET = "pZ4v-0Qm8u_Rk3Yt7Wd1Xs6Bf9Lh2Nc5Jg-Ea0To8Vi4Uy7Pq3Mw6Kz1Sb9Dx2Rf5H"


def issuer(server):
    return server.metadata()["issuer"]


class Tokens(unittest.TestCase):
    def test_every_asymmetric_algorithm_verifies_with_the_key_set_alone(self):
        for algorithm in PUBLIC:
            with self.subTest(algorithm), Server(algorithm=algorithm) as server:
                server.add_user("ada", "--permission", "read:posts", "--claim", 'tier="gold"')
                token = server.login("ada")["access_token"]
                self.assertEqual(jwt.get_unverified_header(token)["alg"], algorithm)
                self.check(self.with_pyjwt(server, algorithm, token))
                self.check(self.with_jose(server, algorithm, token))

    def with_pyjwt(self, server, algorithm, token):
        client = jwt.PyJWKClient(server.metadata()["jwks_uri"])
        key = client.get_signing_key_from_jwt(token)
        name = issuer(server)
        return jwt.decode(token, key, algorithms=[algorithm], issuer=name, audience=name)

    def with_jose(self, server, algorithm, token):
        name = issuer(server)
        arguments = [server.metadata()["jwks_uri"], name, name, algorithm, token]
        done = subprocess.run(
            ["node", HERE / "verify.mjs", *arguments], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def check(self, claims):
        self.assertEqual(claims["username"], "ada")
        self.assertEqual(claims["scope"], "read:posts")
        self.assertEqual(claims["tier"], "gold")
        self.assertIs(claims["fresh"], True)

    def test_a_shared_secret_verifies_and_is_not_in_the_key_set(self):
        for algorithm in ["HS256", "HS384", "HS512"]:
            with self.subTest(algorithm), Server(algorithm=algorithm, secret_key=SECRET) as server:
                server.add_user("ada")
                token = server.login("ada")["access_token"]
                name = issuer(server)
                claims = jwt.decode(token, SECRET, algorithms=[algorithm], issuer=name, audience=name)
                self.assertEqual(claims["username"], "ada")
                self.assertEqual(jwt.get_unverified_header(token)["alg"], algorithm)
                with urllib.request.urlopen(server.metadata()["jwks_uri"]) as answer:
                    self.assertEqual(json.load(answer), {"keys": []})

    def test_after_a_rotation_the_key_set_verifies_old_and_new_tokens(self):
        with Server() as server:
            server.add_user("ada")
            before = server.login("ada")["access_token"]
            server.command("keys", "rotate", "--now", "--algorithm", "EdDSA")
            after = server.login("ada")["access_token"]
            self.assertEqual(jwt.get_unverified_header(after)["alg"], "EdDSA")
            for algorithm, token in [("ES256", before), ("EdDSA", after)]:
                self.with_pyjwt(server, algorithm, token)
                self.with_jose(server, algorithm, token)


if __name__ == "__main__":
    unittest.main()
