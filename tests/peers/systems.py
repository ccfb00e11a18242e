"""Real applications with the systems from which users move: their users, and how to start them."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PAGES = pathlib.Path(__file__).parents[2] / "docs" / "moving"

FASTAPI_USERS = '''
import contextlib, uuid

from fastapi import FastAPI
from fastapi import Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

class Base(DeclarativeBase):
    pass

class User(SQLAlchemyBaseUserTableUUID, Base):
    pass

engine = create_async_engine("sqlite+aiosqlite:///app.db")
sessions = async_sessionmaker(engine, expire_on_commit=False)

class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = verification_token_secret = "a secret of at least thirty-two bytes"

async def manager():
    async with sessions() as session:
        yield Manager(SQLAlchemyUserDatabase(session, User))

strategy = lambda: JWTStrategy(secret="a secret of at least thirty-two bytes", lifetime_seconds=3600)
backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="auth/jwt/login"), strategy)
users = FastAPIUsers[User, uuid.UUID](manager, [backend])

class Read(schemas.BaseUser[uuid.UUID]):
    pass

class Create(schemas.BaseUserCreate):
    pass

class Update(schemas.BaseUserUpdate):
    pass

@contextlib.asynccontextmanager
async def lifespan(app):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield

app = FastAPI(lifespan=lifespan)
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(users.get_register_router(Read, Create), prefix="/auth")
app.include_router(users.get_users_router(Read, Update), prefix="/users")
'''

DJANGO = '''
import os
import sys

from django.core.management import execute_from_command_line
from django.urls import path

ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db"}}
DEBUG = True
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "rest_framework_simplejwt.token_blacklist"
]
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}" for name in "@HASHERS@".split()]
ROOT_URLCONF = "project"
SECRET_KEY = "a secret of at least thirty-two bytes"
USE_TZ = True
if url := os.environ.get("TOKENS_OF"):
    SIMPLE_JWT = {
        "ALGORITHM": "ES256", "JWK_URL": f"{url}/.well-known/jwks.json",
        "AUDIENCE": os.environ["ISSUER"], "ISSUER": os.environ["ISSUER"],
        "USER_ID_CLAIM": "sub", "TOKEN_TYPE_CLAIM": "type",
    }

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "project"
    execute_from_command_line(sys.argv)
else:
    def __getattr__(name):
        """The paths, which can be made only when the settings are read."""
        if name != "urlpatterns":
            raise AttributeError(name)
        from rest_framework.response import Response
        from rest_framework.views import APIView
        from rest_framework.permissions import IsAuthenticated
        from rest_framework_simplejwt import views
        from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

        class Me(APIView):
            authentication_classes = [JWTStatelessUserAuthentication]
            permission_classes = [IsAuthenticated]

            def get(self, request):
                return Response({"id": request.user.id, "username": request.user.username})

        return [
            path("me/", Me.as_view()),
            path("api/token/", views.TokenObtainPairView.as_view()),
            path("api/token/refresh/", views.TokenRefreshView.as_view()),
            path("api/token/verify/", views.TokenVerifyView.as_view()),
            path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
        ]
'''


def blocks(page, language):
    """The code blocks of a page of docs/moving in a language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class System:
    """A directory for the files of a system, and its server while it runs."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vestibule-moving-"))
        self.process = None
        # The programs of this virtual environment come first: `python` in the pages is this one.
        self.environment = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)

    def write(self, name, text):
        (self.directory / name).write_text(text)

    def shell(self, code):
        """Runs a block of a page as its reader would."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, command, path, **environment):
        """Starts a server with a command in which `{port}` is its port, and waits until it answers at the path."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=self.directory, env={**self.environment, **environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            assert self.process.poll() is None, "the system has ended"
            try:
                urllib.request.urlopen(self.url + path).close()
                return
            except urllib.error.HTTPError as error:
                error.close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the system does not answer")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None
