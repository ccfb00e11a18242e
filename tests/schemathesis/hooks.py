"""The caller of the generated requests, and the failures that the contract permits.

A caller has an account of its own. A generated request may end its session, change its password or delete it. Then the next
request is sent with a new token, or as a new account. So most requests reach the code behind the guards.
"""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import schemathesis

CALLER = os.environ["CALLER"]
URL = os.environ["SERVER_URL"]
PASSWORD = "a long walk to the sea"

# The API. All other paths are pages, which are signed in by cookies and not by a bearer token.
API = re.compile(r"^/(auth|users|token|health|openapi\.json|\.well-known|static)(/|$)|^/admin(?!/ui)(/.|$)")


class Account:
    """The account of the caller, and its session."""

    def __init__(self):
        self.number = 0
        self.name = None
        self.token = None
        self.cookies = {}

    def renew(self):
        """Signs in, if necessary as a new account."""
        if self.name is None or not self.sign_in():
            self.create()
            if not self.sign_in():
                raise RuntimeError(f"{self.name} can't sign in")

    def create(self):
        """Adds an account with the command line, which needs no permission."""
        self.number += 1
        self.name = f"caller{self.number}"
        role = ["--role", "admin"] if CALLER == "admin" else []
        environment = {"PATH": os.environ["PATH"]}
        environment.update(
            {name.removeprefix("SETTING_"): value for name, value in os.environ.items() if name.startswith("SETTING_")}
        )
        subprocess.run(
            [os.environ["VESTIBULE_BIN"], "user", "add", self.name, "--password-stdin", *role],
            cwd=os.environ["SERVER_DIRECTORY"],
            env=environment,
            input=PASSWORD + "\n",
            text=True,
            capture_output=True,
            check=True,
        )

    def sign_in(self):
        """Signs in, once for the token and once for the cookies. Returns whether that succeeded."""
        try:
            self.token = json.load(self.login({}))["access_token"]
            with self.login({"transport": "cookie"}) as answer:
                lines = answer.headers.get_all("Set-Cookie") or []
        except urllib.error.HTTPError as error:
            error.close()
            return False
        pairs = [line.split(";")[0].split("=", 1) for line in lines]
        self.cookies = {name: value for name, value in pairs if value}
        return True

    def login(self, more):
        body = json.dumps({"username": self.name, "password": PASSWORD, **more}).encode()
        return urllib.request.urlopen(
            urllib.request.Request(f"{URL}/auth/login", data=body, headers={"Content-Type": "application/json"})
        )

    def csrf_token(self):
        return next((value for name, value in self.cookies.items() if "csrf" in name), "")


ACCOUNT = Account()


if CALLER != "anonymous":

    @schemathesis.auth(refresh_interval=None)
    class SignedIn:
        """Adds the token of the caller: in the header for the API, in cookies for pages."""

        def get(self, case, context):
            if ACCOUNT.token is None:
                ACCOUNT.renew()
            return ACCOUNT.token

        def set(self, case, token, context):
            if API.match(case.operation.path):
                case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
            else:
                case.cookies = {**(case.cookies or {}), **ACCOUNT.cookies}
                if isinstance(case.body, dict):
                    case.body["csrf_token"] = ACCOUNT.csrf_token()

    @schemathesis.hook
    def after_call(context, case, response):
        """Forgets the token if the request may have ended the session, or if the response shows that it has ended."""
        is_change = case.method.upper() not in ("GET", "HEAD", "OPTIONS") and response.status_code < 400
        if response.status_code == 401 or is_change:
            ACCOUNT.token = None


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Permits two kinds of accepted requests that do not fit the description."""
    if type(failure).__name__ != "AcceptedNegativeData":
        return True
    # A page sends a visitor who is not signed in to the sign-in, whatever the form contains.
    location = response.headers.get("location", [""])[0]
    is_to_sign_in = response.status_code == 303 and location.startswith(("/login?", "/auth/continue?"))
    # A parameter of the query without a value counts as absent, as docs/contract/http-api.md states.
    has_empty = any(value in ("", [""]) for value in (case.query or {}).values())
    return not (is_to_sign_in or has_empty)
