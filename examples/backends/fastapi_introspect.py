"""A FastAPI application that asks Vestibule about each access token (RFC 7662).

A session that was ended is refused at once. Each request costs one request to Vestibule, which answers it from memory.
"""

import os
from typing import Annotated

import requests
from fastapi import Depends, FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

VESTIBULE_URL = os.environ.get("VESTIBULE_URL", "http://localhost:8000")

# Keeps connections to Vestibule, and sends the client's id and secret by HTTP Basic.
vestibule = requests.Session()
vestibule.auth = (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
bearer = HTTPBearer(auto_error=False)
app = FastAPI()
# The origin of the front end, whose pages may call this API.
origin = os.environ.get("ORIGIN", "http://localhost:5173")
app.add_middleware(CORSMiddleware, allow_origins=[origin], allow_methods=["*"], allow_headers=["Authorization", "Content-Type"])


def unauthorized(error: str) -> HTTPException:
    return HTTPException(401, headers={"WWW-Authenticate": f"Bearer{error}"})


def signed_in(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> dict:
    """Returns what Vestibule says about the access token, or responds with 401."""
    if sent is None:
        raise unauthorized("")
    form = {"token": sent.credentials, "token_type_hint": "access_token"}
    try:
        answer = vestibule.post(f"{VESTIBULE_URL}/auth/introspect", data=form, timeout=5)
        answer.raise_for_status()
    except requests.RequestException:
        # Vestibule does not answer, or refuses the client. Nobody is let in meanwhile.
        raise HTTPException(503, "the token can't be checked") from None
    told = answer.json()
    # A refresh token may be active too, but it is not for APIs.
    if not told["active"] or told["token_type"] != "bearer":
        raise unauthorized(' error="invalid_token"')
    return told


User = Annotated[dict, Depends(signed_in)]


def may_read_reports(user: User) -> dict:
    """Returns a user with the permission `reports:read`, or responds with 403."""
    if "reports:read" not in user["scope"].split():
        raise HTTPException(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="reports:read"'})
    return user


@app.get("/")
def open_to_everybody():
    return {"hello": "everybody"}


@app.get("/me")
def me(user: User):
    return {"id": user["sub"], "username": user.get("username")}


@app.get("/reports")
def reports(user: Annotated[dict, Depends(may_read_reports)]):
    return {"reports": [], "for": user["sub"]}
