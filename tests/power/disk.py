"""A model of a disk that loses its power: what was synced is there, and of the rest anything or nothing."""

import pathlib
import posixpath
import re

from trace_of import unescaped

HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")


class File:
    """A file. `synced` is its content at the last sync, and `pending` are the writes and truncations since then."""

    def __init__(self):
        self.now, self.synced, self.pending = bytearray(), bytearray(), []
        # The number of changes that were ever made durable.
        self.durable = 0

    def write(self, offset, data):
        self.pending.append((offset, bytes(data)))
        put(self.now, offset, data)

    def truncate(self, size):
        self.pending.append((size, None))
        resize(self.now, size)

    def sync(self, count):
        """Makes the first `count` pending changes durable."""
        for offset, data in self.pending[:count]:
            if data is None:
                resize(self.synced, offset)
            else:
                put(self.synced, offset, data)
        del self.pending[:count]
        self.durable += count

    def after(self, chance):
        """Returns a content after a power cut. `chance` is `None` if only what was synced survives, "all" if everything does,
        and otherwise a source of randomness, with which each sector that was not synced survives or not, by itself."""
        if chance is None:
            return self.synced
        if chance == "all":
            return self.now
        content = bytearray(self.synced)
        sector, share = chance.choice([512, 4096]), chance.choice([0.2, 0.5, 0.8])
        for offset, data in self.pending:
            if data is None:
                if chance.random() < share:
                    resize(content, offset)
                continue
            begin = offset
            while begin < offset + len(data):
                end = min((begin // sector + 1) * sector, offset + len(data))
                if chance.random() < share:
                    put(content, begin, data[begin - offset:end - offset])
                elif end > len(content) and chance.random() < 0.5:
                    # The file became longer, and the new part has what was on the disk before.
                    put(content, begin, chance.randbytes(end - begin))
                begin = end
        return content


class Directory:
    """A directory: its entries, those at the last sync, and the changes since then."""

    def __init__(self):
        self.now, self.synced, self.pending = {}, {}, []
        self.durable = 0

    def change(self, change):
        self.pending.append(change)
        carry_out(self.now, change)

    def sync(self, count):
        for change in self.pending[:count]:
            carry_out(self.synced, change)
        del self.pending[:count]
        self.durable += count

    def after(self, chance):
        if chance is None:
            return self.synced
        if chance == "all":
            return self.now
        entries, share = dict(self.synced), chance.choice([0.2, 0.5, 0.8])
        for change in self.pending:
            if chance.random() < share:
                carry_out(entries, change)
        return entries


def put(content, offset, data):
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def resize(content, size):
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def carry_out(entries, change):
    """Applies a change of a directory: an entry that is added, removed or renamed in it."""
    kind, name, value = change
    if kind == "add":
        entries[name] = value
    elif kind == "remove":
        entries.pop(name, None)
    elif name in entries:
        entries[value] = entries.pop(name)


class Disk:
    """The files below `root`. It follows the system calls of a trace. Names in `ignored` are not kept. A disk that is deaf
    ignores the syncs of write-ahead logs."""

    def __init__(self, root, ignored, is_deaf=False):
        self.root, self.ignored, self.is_deaf = str(root), ignored, is_deaf
        self.top, self.offsets, self.snapshots = Directory(), {}, {}

    def place(self, path):
        """Returns the directory and the name of a path below the root; `None` for any other path."""
        path = posixpath.normpath(posixpath.join(self.root, path))
        if not path.startswith(self.root + "/"):
            return None
        parts = path[len(self.root) + 1:].split("/")
        directory = self.top
        for part in parts[:-1]:
            directory = directory.now.get(part) if isinstance(directory, Directory) else None
        if not isinstance(directory, Directory) or (directory is self.top and parts[-1] in self.ignored):
            return None
        return directory, parts[-1]

    def find(self, path):
        if path == self.root:
            return self.top
        place = self.place(path)
        return place[0].now.get(place[1]) if place else None

    def keep(self, name):
        """Creates a directory below the root that is there whatever happens."""
        self.top.now[name] = self.top.synced[name] = Directory()

    def concerns(self, call):
        """Returns whether a call names a path below the root."""
        return any(self.root in unescaped(text).decode(errors="replace") for text in HEX.findall(call.arguments)[:4])

    def follow(self, moment, call):
        """Applies one event of the trace."""
        if call.name in ("fsync", "fdatasync"):
            found = self.find(call.path())
            if found is None or (self.is_deaf and call.path().endswith("-wal")):
                return
            # Only what was written before the sync began is durable when it ends.
            if moment == "begin":
                self.snapshots[id(call)] = (found, found.durable + len(found.pending))
            elif call.result == 0:
                found, until = self.snapshots.pop(id(call))
                found.sync(max(0, until - found.durable))
            return
        written = call.name in ("write", "pwrite64", "writev", "pwritev", "pwritev2")
        if written and moment == "begin":
            self.write(call)
        elif not written and moment == "end" and call.result is not None and call.result >= 0:
            getattr(self, f"on_{call.name}", lambda _: None)(call)

    def write(self, call):
        found = self.find(call.path())
        if not isinstance(found, File):
            return
        data = b"".join(call.strings())
        if call.name.startswith("p"):
            offset = int(call.arguments.rsplit(", ", 1)[1])
        else:
            offset = self.offsets.get(found, 0)
            self.offsets[found] = offset + len(data)
        found.write(offset, data)

    def on_openat(self, call):
        name = call.strings()[0].decode(errors="replace")
        flags = call.arguments.split('"')[-1]
        place = self.place(posixpath.join(call.path(), name))
        if place is None or "O_DIRECTORY" in flags:
            return
        directory, name = place
        if "O_CREAT" in flags and name not in directory.now:
            directory.change(("add", name, File()))
        found = directory.now.get(name)
        if isinstance(found, File):
            self.offsets[found] = len(found.now) if "O_APPEND" in flags else 0
            if "O_TRUNC" in flags and found.now:
                found.truncate(0)

    def on_ftruncate(self, call):
        found = self.find(call.path())
        if isinstance(found, File):
            found.truncate(call.number(1))

    def on_copy_file_range(self, call):
        source, target = self.find(call.path(0)), self.find(call.path(2))
        if isinstance(target, File):
            assert isinstance(source, File), "what is copied is below the root"
            begin = self.offsets.get(source, 0)
            target.write(self.offsets.get(target, 0), source.now[begin:begin + call.result])
            self.offsets[source] = begin + call.result
            self.offsets[target] = self.offsets.get(target, 0) + call.result

    def refuse(self, call):
        if self.find(call.path()) is not None:
            raise AssertionError(f"this model does not know {call.name}({call.arguments[:200]})")

    on_sendfile = on_splice = on_fallocate = on_sync_file_range = refuse

    def on_mkdir(self, call):
        place = self.place(call.strings()[0].decode())
        if place and place[1] not in place[0].now:
            place[0].change(("add", place[1], Directory()))

    on_mkdirat = on_mkdir

    def add(self, path, value):
        if place := self.place(path.decode()):
            place[0].change(("add", place[1], value))

    def on_link(self, call):
        source, target = call.strings()
        if (found := self.find(source.decode())) is not None:
            self.add(target, found)

    on_linkat = on_link

    def on_unlink(self, call):
        if place := self.place(call.strings()[0].decode()):
            place[0].change(("remove", place[1], None))

    on_unlinkat = on_rmdir = on_unlink

    def on_rename(self, call):
        source, target = (self.place(path.decode()) for path in call.strings())
        if source and target:
            assert source[0] is target[0], "a rename within one directory"
            source[0].change(("rename", source[1], target[1]))

    on_renameat = on_renameat2 = on_rename

    def rebuild(self, folder, chance):
        """Writes the files that are there after a power cut into a folder."""
        write_out(self.top, pathlib.Path(folder), chance)


def write_out(directory, folder, chance):
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, found in directory.after(chance).items():
        if isinstance(found, Directory):
            write_out(found, folder / name, chance)
        elif not name.endswith("-shm"):
            (folder / name).write_bytes(found.after(chance))
            (folder / name).chmod(0o600)
