"""Hashes of a password as the libraries of other systems make them, each with the name of the library and of the method."""

import os
import shutil
import subprocess

# passlib reads the version of bcrypt in a way that new versions of bcrypt do not have, so its own bcrypt is used.
os.environ["PASSLIB_BUILTIN_BCRYPT"] = "enabled"

import bcrypt
import django
from django.conf import settings
from passlib import hash as passlib
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from werkzeug.security import generate_password_hash

HASHERS = "PBKDF2PasswordHasher ScryptPasswordHasher Argon2PasswordHasher BCryptSHA256PasswordHasher BCryptPasswordHasher"


def set_up_django():
    if not settings.configured:
        settings.configure(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}" for name in HASHERS.split()])
        django.setup()


def of_django(password):
    set_up_django()
    from django.contrib.auth.hashers import make_password

    for method in ("pbkdf2_sha256", "scrypt", "argon2", "bcrypt_sha256", "bcrypt"):
        yield f"Django {method}", make_password(password, hasher=method)


def of_passlib(password):
    for method in (passlib.bcrypt, passlib.bcrypt_sha256):
        method.set_backend("builtin")
    for method in (
        passlib.bcrypt.using(rounds=5),
        passlib.bcrypt.using(rounds=5, ident="2a"),
        passlib.bcrypt.using(rounds=5, ident="2y"),
        passlib.bcrypt_sha256.using(rounds=5),
        passlib.pbkdf2_sha256,
        passlib.pbkdf2_sha512,
        passlib.scrypt,
        passlib.argon2,
        passlib.argon2.using(type="I"),
        passlib.argon2.using(type="D"),
        passlib.django_pbkdf2_sha256,
    ):
        yield f"passlib {method.name}", method.hash(password)


def of_others(password):
    yield "pwdlib argon2", PasswordHash.recommended().hash(password)
    yield "pwdlib bcrypt", BcryptHasher(rounds=5).hash(password)
    yield "bcrypt 2a", bcrypt.hashpw(password.encode(), bcrypt.gensalt(5, prefix=b"2a")).decode()
    yield "bcrypt 2b", bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()
    for method in ("scrypt", "pbkdf2:sha256", "pbkdf2:sha512"):
        yield f"Werkzeug {method}", generate_password_hash(password, method)


def of_php(password):
    php = shutil.which("php")
    assert php, "php is missing"
    for method in ("PASSWORD_BCRYPT", "PASSWORD_ARGON2ID", "PASSWORD_ARGON2I"):
        code = f"echo password_hash($argv[1], {method});"
        done = subprocess.run([php, "-r", code, password], capture_output=True, text=True, check=True)
        yield f"PHP {method}", done.stdout


def all_hashes(password):
    for of in (of_django, of_passlib, of_others, of_php):
        yield from of(password)
