"""Authlib's OAuth 2.0 client with the real server. The client needs no special code for Vestibule."""

import re
import unittest

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from server import PASSWORD, Server

CLIENT = "[default.auth.clients.reports]\n"


class OAuth(unittest.TestCase):
    def confidential(self):
        with Server(CLIENT) as server:
            printed = server.command("client", "secret", "reports")
        secret = re.search(r"client_secret: (\S+)", printed)[1]
        return secret, CLIENT + re.search(r"secret_hash = .*", printed)[0]

    def test_a_public_client_gets_refreshes_and_revokes_tokens(self):
        with Server() as server:
            server.add_user("ada", "--permission", "read:posts", "--permission", "write:posts")
            endpoints = server.metadata()
            client = OAuth2Session(client_id="default", token_endpoint_auth_method="none")
            token = client.fetch_token(
                endpoints["token_endpoint"], username="ada", password=PASSWORD, scope="read:posts"
            )
            self.assertEqual(token["scope"], "read:posts")
            self.assertEqual(client.get(f"{server.url}/users/me").json()["username"], "ada")
            refreshed = client.refresh_token(endpoints["token_endpoint"])
            self.assertNotEqual(refreshed["access_token"], token["access_token"])
            self.assertEqual(refreshed["scope"], "read:posts")
            revoked = client.revoke_token(
                endpoints["revocation_endpoint"], refreshed["refresh_token"], token_type_hint="refresh_token"
            )
            self.assertEqual(revoked.status_code, 200)
            self.assertEqual(client.get(f"{server.url}/users/me").status_code, 401)
            with self.assertRaises(OAuthError) as refused:
                client.refresh_token(endpoints["token_endpoint"], refresh_token=refreshed["refresh_token"])
            self.assertEqual(refused.exception.error, "invalid_grant")

    def test_a_confidential_client_introspects_a_token(self):
        secret, settings = self.confidential()
        for method in ["client_secret_basic", "client_secret_post"]:
            with self.subTest(method), Server(settings) as server:
                server.add_user("ada")
                endpoints = server.metadata()
                client = OAuth2Session("reports", secret, token_endpoint_auth_method=method)
                token = client.fetch_token(endpoints["token_endpoint"], username="ada", password=PASSWORD)
                live = client.introspect_token(endpoints["introspection_endpoint"], token["access_token"]).json()
                self.assertIs(live["active"], True)
                self.assertEqual((live["client_id"], live["username"]), ("reports", "ada"))
                client.revoke_token(endpoints["revocation_endpoint"], token["access_token"])
                dead = client.introspect_token(endpoints["introspection_endpoint"], token["access_token"]).json()
                self.assertEqual(dead, {"active": False})

    def test_wrong_passwords_and_secrets_have_the_error_codes_of_rfc_6749(self):
        secret, settings = self.confidential()
        with Server(settings) as server:
            server.add_user("ada")
            endpoint = server.metadata()["token_endpoint"]
            for client_id, client_secret, password, code in [
                ("reports", secret, "wrong", "invalid_grant"),
                ("reports", "wrong", PASSWORD, "invalid_client"),
                ("nobody", "wrong", PASSWORD, "invalid_client"),
            ]:
                client = OAuth2Session(client_id, client_secret)
                with self.assertRaises(OAuthError) as refused:
                    client.fetch_token(endpoint, username="ada", password=password)
                self.assertEqual(refused.exception.error, code)


if __name__ == "__main__":
    unittest.main()
