"""The files that are replaced as a whole: the root secret, the copies, and a database that is restored."""

import pathlib

from server import PASSWORD, Server, find_binary

# The commands of the record, with the users who must be there after each of them.
STEPS = [
    (("user", "add", "ada", "--role", "admin", "--password-stdin"), {"ada"}),
    (("backup", "copies/a.db"), {"ada"}),
    (("keys", "rewrap"), {"ada"}),
    (("user", "add", "bob", "--password-stdin"), {"ada", "bob"}),
    (("backup", "copies/a.db"), {"ada", "bob"}),
    (("user", "add", "cleo", "--password-stdin"), {"ada", "bob", "cleo"}),
    (("restore", "copies/a.db", "--yes"), {"ada", "bob"}),
    (("user", "add", "dan", "--password-stdin"), {"ada", "bob", "dan"}),
    (("keys", "rewrap"), {"ada", "bob", "dan"}),
    (("backup", "copies/b.db"), {"ada", "bob", "dan"}),
    (("user", "delete", "bob", "--yes"), {"ada", "dan"}),
    (("restore", "copies/b.db", "--yes", "--keep-sessions"), {"ada", "bob", "dan"}),
    (("user", "add", "eve", "--password-stdin"), {"ada", "bob", "dan", "eve"}),
]


def replace(directory):
    """Is what runs under strace: performs the commands, and notes each that has ended with success."""
    directory = pathlib.Path(directory)
    server = Server(find_binary(), directory)
    (directory / "copies").mkdir()
    with open(directory / "marks", "wb", buffering=0) as marks:
        for number, (arguments, _) in enumerate(STEPS):
            code, text = server.command(*arguments, stdin=PASSWORD + "\n")
            assert code == 0, (arguments, text)
            marks.write(f"{number}\n".encode())


def check_replacements(events, directory, cuts):
    """Checks the directory after each cut. Returns the problems and a sentence."""
    done = {}
    for position, (moment, call) in enumerate(events):
        if moment == "begin" and call.name == "write" and call.path() == str(directory / "marks"):
            done[position] = int(call.strings()[0])
    # Most cuts are at a rename or a link of a file, or just before or after it.
    changes = [min(position + later, len(events) - 1) for position, (_, call) in enumerate(events) for later in (-2, -1, 0, 1)
               if call.name.startswith(("rename", "link", "mkdir")) and cuts.disk.concerns(call)]
    server, problems, interrupted = Server(find_binary(), directory), [], 0
    for cut, name in cuts.each(changes):
        last = max((step for position, step in done.items() if position < cut), default=-1)
        found, was_interrupted = check(server, last)
        interrupted += was_interrupted
        problems += [f"cut {cut} of {len(events)} after step {last}, {name}: {problem}" for problem in found]
    return problems, f"{cuts.cuts} cuts in {len(STEPS)} commands; {interrupted} restores were interrupted and completed"


def check(server, last):
    """Checks a directory after the step `last` had ended. Returns the problems, and whether a restore was interrupted."""
    for path in sorted((server.directory / "copies").glob("[!.]*.db")):
        code, text = server.command("check", str(path))
        if code:
            return [f"the copy {path.name} is not whole: {text}"], False
    was_interrupted = (server.data / "vestibule.db.restoring").exists()
    if was_interrupted:
        following = STEPS[last + 1][0]
        if following[0] != "restore":
            return [f"{following} left an interrupted restore"], True
        code, text = server.command("user", "list")
        if code == 0:
            return ["a command used a database whose restore was interrupted"], True
        code, text = server.command(*following)
        if code:
            return [f"an interrupted restore can't be completed: {text}"], True
        last += 1
    allowed = [users for _, users in STEPS[max(last, 0):last + 2]] + ([set()] if last < 0 else [])
    code, text = server.command("user", "add", "probe", "--password-stdin", stdin=PASSWORD + "\n")
    if code:
        return [f"the directory can't be used: {text}"], was_interrupted
    code, text = server.command("check")
    if code:
        return [f"vestibule check: {text}"], was_interrupted
    _, text = server.command("user", "list")
    users = {name for name in ("ada", "bob", "cleo", "dan", "eve") if name in text}
    if users not in allowed:
        return [f"the users are {users}, and should be one of {allowed}"], was_interrupted
    return [], was_interrupted
