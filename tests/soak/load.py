"""A load on the release binary: users, their requests, and threads that send them and keep the times."""

import random
import threading
import time

from server import PASSWORD, Connection, Server, find_binary

USERS = 20
# The tokens live for a minute, so that what the server must remember of ended sessions stops growing early.
SETTINGS = {
    "VESTIBULE_ACCESS_TOKEN_LIFETIME": "1m",
    "VESTIBULE_ISSUER": "http://auth.test",
    "VESTIBULE_LOGIN_RATE_PER_IP": "0",
    "VESTIBULE_LOGIN_FAILURES_PER_ACCOUNT": "0",
    "VESTIBULE_REFRESH_RATE_PER_SESSION": "0",
}


def start(directory, **settings):
    """Starts a server with users. Returns it."""
    server = Server(find_binary(), directory, "serve", {**SETTINGS, **settings}).start()
    for number in range(USERS):
        code, text = server.command("user", "add", f"user{number}", "--password-stdin", stdin=PASSWORD + "\n")
        assert code == 0, text
    return server


def login(connection, number):
    status, answer = connection.call("POST", "/auth/login", {"username": f"user{number % USERS}", "password": PASSWORD})
    assert status == 200, (status, answer)
    return answer


def refresh(connection, tokens):
    status, answer = connection.call("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert status == 200, (status, answer)
    return answer


def check(connection, tokens):
    status, answer = connection.call("GET", "/auth/verify", token=tokens["access_token"])
    return status


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000 if times else float("nan")


def told(times):
    return f"p50 {percentile(times, 0.5):.2f} ms, p99 {percentile(times, 0.99):.2f} ms, {len(times)} requests"


class Threads:
    """Threads that call a function again and again until they are stopped. Keeps the seconds of each call."""

    def __init__(self, server, count, act, pause=0.0):
        self.stop, self.failures = threading.Event(), []
        self.times = [[] for _ in range(count)]
        self.threads = [threading.Thread(target=self.work, args=(server, number, act, pause), daemon=True)
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, server, number, act, pause):
        try:
            connection, state = Connection(server), {"number": number, "random": random.Random(number)}
            due = time.monotonic()
            while not self.stop.is_set():
                began = time.monotonic()
                measured = act(connection, state)
                if measured is not False:
                    self.times[number].append((began, time.monotonic() - began))
                due = max(due + pause, time.monotonic() - 1)
                time.sleep(max(0, due - time.monotonic()))
        except Exception as error:  # The caller raises it again.
            self.failures.append(error)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        if self.failures:
            raise self.failures[0]
        return [seconds for times in self.times for _, seconds in times]
