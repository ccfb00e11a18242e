"""Reads what strace recorded: what was written, what was synced, and what was sent, in the order in which it happened."""

import re

# The system calls that change a file or a directory, send something, or name what does.
CALLS = ("openat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,msync,ftruncate,fallocate,rename,"
         "renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,mkdir,mkdirat,sendto,sendmsg,copy_file_range,sendfile,splice")
STRACE = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none"]

LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
RESULT = re.compile(r"\) += (-?\d+)(<[^>]*>)?")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
PATH_OF_FD = re.compile(r"^(-?\d+|AT_FDCWD)<([^>]*)>")
RID = re.compile(rb"\r\nx-request-id: ([^\r]+)\r\n", re.IGNORECASE)


def unescaped(text):
    return bytes.fromhex(text.replace("\\x", ""))


class Call:
    """A system call: its name, its arguments as text, and its result, which is `None` before it has returned."""

    def __init__(self, name, arguments):
        self.name, self.arguments, self.result, self.opened = name, arguments, None, None

    def strings(self):
        found = STRING.findall(self.arguments)
        assert not any(more for _, more in found), "strace shortened a string"
        return [unescaped(text) for text, _ in found]

    def path(self, position=0):
        """Returns the path of the descriptor at a position among the arguments."""
        found = PATH_OF_FD.match(self.arguments.split(", ")[position])
        return unescaped(found.group(2)).decode(errors="replace") if found else ""

    def number(self, position):
        return int(self.arguments.split(", ")[position])


def read(path):
    """Returns what happened, as (moment, call), where the moment is "begin" or "end". A call without another event in between
    begins and ends at once."""
    events, running = [], {}
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if match := RESUMED.match(line):
                call = running.pop(match.group(1), None)
                if call is None:
                    continue
                # The arguments that only the result has, such as none of those that are read here, are appended.
                rest = match.group(3)
            elif match := LINE.match(line):
                pid, name, rest = match.groups()
                call = Call(name, rest)
                events.append(("begin", call))
                if "<unfinished ...>" in rest:
                    call.arguments = rest.split(" <unfinished ...>")[0]
                    running[pid] = call
                    continue
                call.arguments = rest[: rest.rfind(")")]
            else:
                continue
            if result := RESULT.search(rest[max(rest.rfind(") ", 0), 0):]):
                call.result = int(result.group(1))
                call.opened = result.group(2)
                events.append(("end", call))
    return events


def sent(call):
    """Returns (is_response, id) for each request or successful response in what a call sends."""
    if call.name not in ("sendto", "sendmsg", "write", "writev") or "socket" not in call.path():
        return []
    data = b"".join(call.strings())
    found = []
    for match in RID.finditer(data):
        start = max(data.rfind(b"HTTP/1.1 ", 0, match.start()), 0)
        is_response = data[start:].startswith(b"HTTP/1.1 ")
        if not is_response or data[start + 9:start + 10] in (b"2", b"3"):
            found.append((is_response, match.group(1).decode()))
    return found
