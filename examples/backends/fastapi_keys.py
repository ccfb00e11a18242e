"""A FastAPI application that checks access tokens by the key set of Vestibule.

A token is checked without a request to Vestibule. So a session that was ended is noticed only when its access token expires.
"""

import json
import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

VESTIBULE_URL = os.environ.get("VESTIBULE_URL", "http://localhost:8000")
ISSUER = os.environ.get("ISSUER", VESTIBULE_URL)
AUDIENCE = os.environ.get("AUDIENCE", ISSUER)

# Reads the keys at the first token, and again after five minutes, or at a token with a key that it does not know.
keys = jwt.PyJWKClient(f"{VESTIBULE_URL}/.well-known/jwks.json", lifespan=300)
bearer = HTTPBearer(auto_error=False)
app = FastAPI()
# The origin of the front end, whose pages may call this API.
origin = os.environ.get("ORIGIN", "http://localhost:5173")
app.add_middleware(CORSMiddleware, allow_origins=[origin], allow_methods=["*"], allow_headers=["Authorization", "Content-Type"])


def unauthorized(error: str) -> HTTPException:
    return HTTPException(401, headers={"WWW-Authenticate": f"Bearer{error}"})


def signed_in(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> dict:
    """Returns the claims of the access token, or responds with 401."""
    if sent is None:
        raise unauthorized("")
    token = sent.credentials
    try:
        # RFC 9068 §4: an access token has this type. A refresh token has another.
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError
        key = keys.get_signing_key_from_jwt(token)
        required = {"require": ["exp", "sub"]}
        # The clocks of the two machines may differ by some seconds.
        rules = {"algorithms": ["ES256"], "issuer": ISSUER, "audience": AUDIENCE, "leeway": 5, "options": required}
        claims = jwt.decode(token, key, **rules)
        # With `cookie_domain`, other hosts of the domain get a token with this claim in a cookie. It is for Vestibule alone.
        if claims.get("cookie_only"):
            raise jwt.InvalidTokenError
        return claims
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, json.JSONDecodeError):
        raise HTTPException(503, "the keys can't be read") from None
    except jwt.PyJWTError:
        raise unauthorized(' error="invalid_token"') from None


User = Annotated[dict, Depends(signed_in)]


def may_read_reports(user: User) -> dict:
    """Returns the claims of a user with the permission `reports:read`, or responds with 403."""
    if "reports:read" not in user["permissions"]:
        raise HTTPException(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="reports:read"'})
    return user


@app.get("/")
def open_to_everybody():
    return {"hello": "everybody"}


@app.get("/me")
def me(user: User):
    return {"id": user["sub"], "username": user.get("username"), "roles": user["roles"]}


@app.get("/reports")
def reports(user: Annotated[dict, Depends(may_read_reports)]):
    return {"reports": [], "for": user["sub"]}
