#!/usr/bin/python3
"""crash_folder.py - what a power cut may leave of a folder while a command makes files in it.

  crash_folder.py TRACE BEFORE AFTER SWITCH SEED [STATES]

TRACE is of `strace -f -y -xx -s 4194304 -e trace=CRASH_CALLS`, BEFORE a copy of the folder, AFTER the folder
itself, as the command left it. Each prefix of the calls, in each of the styles below, again with other seeds
until there are STATES, must be one of two: SWITCH, the file that puts all in force, is as it was, and so are
all files that there were; or it is as it is now, and so are all files that there are now. Behind the last
call, when the command has said that it is done, it is the latter. What was made besides is nobody's business:
leftovers are found and taken away by the next run.

The model: a file is stable after its fsync, before that each 512 bytes of it hold what they held at the
last, or now; its name is stable after the fsync of the folder, and of those since then any may be lost,
whatever happens to the others. So it holds on more file systems than there are."""
import os, random, re, sys

STYLES = ("killed", "stable", "names first", "data first", "some of both", "names in order")
SECTOR = 512


class File:
    def __init__(self, data=b""):
        self.stable, self.now = data, data

    def put(self, at, data):
        self.now = self.now[:at].ljust(at, b"\0") + data + self.now[at + len(data):]

    def size(self, n):
        self.now = self.now[:n].ljust(n, b"\0")

    def some(self, rng):
        if self.stable == self.now:
            return self.now
        n = rng.choice((len(self.stable), len(self.now)))
        parts = []
        for at in range(0, n, SECTOR):
            part = rng.choice((self.stable, self.now))[at:at + SECTOR]
            parts.append(part.ljust(min(SECTOR, n - at), b"\0"))
        return b"".join(parts)


def bytes_of(text):  # "\x41..." of -xx
    return bytes.fromhex(text.replace("\\x", ""))


CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)(?:<(.*)>)?")
FD = re.compile(r"^-?\w+<(.*)>(?:\(deleted\))?$")


def arguments(text):
    """Split at commas that are in no string and no <path>."""
    return [a.strip() for a in re.findall(r'(?:"(?:[^"])*"(?:\.\.\.)?|<[^>]*>|[^,"<])+', text)]


def decoded(path):
    return bytes_of(path).decode() if path.startswith("\\x") else path


def events(trace, folder):
    """(call, name, ...) of what was done in this folder."""

    def name_of(path):
        path = os.path.normpath(decoded(path))
        return os.path.basename(path) if os.path.dirname(path) == folder else None

    def at(base, path):  # a name below a descriptor
        base = FD.match(base)
        return name_of(os.path.join(decoded(base[1]) if base else ".", bytes_of(path.strip('"')).decode()))

    nameless = {}  # O_TMPFILE, by descriptor: what it is called until linkat()
    for line in open(trace, errors="replace"):
        call = CALL.match(line)
        if not call or call[3].startswith("-"):
            continue
        what, a = call[1], arguments(call[2])
        fd = FD.match(a[0])
        path = decoded(fd[1]) if fd else None
        name = name_of(path) if path else None
        if what == "openat" and "O_TMPFILE" in a[2]:
            nameless[call[3]] = name_of(call[4])
            yield ("create", nameless[call[3]], False)
        elif what == "openat" and ("O_CREAT" in a[2] or "O_TRUNC" in a[2]):
            if at(a[0], a[1]):
                yield ("create", at(a[0], a[1]), "O_TRUNC" in a[2])
        elif what in ("fsync", "fdatasync") and path and os.path.normpath(path) == folder:
            yield ("sync folder", "")
        elif what in ("fsync", "fdatasync") and name:
            yield ("sync", name)
        elif what == "pwrite64" and name:
            yield ("write", name, int(a[3]), bytes_of(a[1].strip('"'))[:int(call[3])])
        elif what == "write" and name:
            yield ("write", name, None, bytes_of(a[1].strip('"'))[:int(call[3])])
        elif what == "ftruncate" and name:
            yield ("size", name, int(a[1]))
        elif what == "fallocate" and name and a[1] == "0":
            yield ("reserve", name, int(a[2]) + int(a[3]))
        elif what in ("rename", "unlink"):
            a = [x for p in a for x in ("AT_FDCWD", p)]
            what += "at"
        if what in ("renameat", "renameat2"):
            yield ("rename", at(a[0], a[1]), at(a[2], a[3]))
        elif what == "linkat" and at(a[2], a[3]):
            yield ("rename", nameless[bytes_of(a[1].strip('"')).decode().rpartition("/")[2]], at(a[2], a[3]))
        elif what == "unlinkat" and at(a[0], a[1]):
            yield ("unlink", at(a[0], a[1]))


class Folder:
    def __init__(self, files):
        self.now = {name: File(data) for name, data in files.items()}
        self.stable = dict(self.now)
        self.since = []  # changes of names that are not stable

    def change(self, names, event):
        if event[0] == "create":
            names[event[1]] = event[2]
        elif event[0] == "rename" and event[1] in names:
            names[event[2]] = names.pop(event[1])
        elif event[0] == "unlink":
            names.pop(event[1], None)

    def happen(self, event):
        what, name = event[0], event[1]
        if what == "create":
            if name in self.now:
                if event[2]:
                    self.now[name].size(0)
                return
            event = ("create", name, File())
        if what in ("create", "rename", "unlink"):
            self.change(self.now, event)
            self.since.append(event)
        elif what == "sync folder":
            self.stable, self.since = dict(self.now), []
        elif what == "sync":
            self.now[name].stable = self.now[name].now
        elif what == "write":
            file = self.now[name]
            file.put(len(file.now) if event[2] is None else event[2], event[3])
        elif what == "size":
            self.now[name].size(event[2])
        elif what == "reserve" and len(self.now[name].now) < event[2]:
            self.now[name].size(event[2])

    def names_left(self, style, rng):
        """Each {name: file} that a cut in this style may leave: all of them, where they are few."""
        if style in ("killed", "names first"):
            return [self.now]
        if style in ("stable", "data first"):
            return [self.stable]
        n = len(self.since)
        masks = range(1 << n) if n <= 5 else [rng.getrandbits(n) for _ in range(32)]
        every = []
        for mask in [(1 << i) - 1 for i in range(n + 1)] if style == "names in order" else masks:
            names = dict(self.stable)
            for i, event in enumerate(self.since):
                if mask >> i & 1:
                    self.change(names, event)
            every.append(names)
        return every

    def left(self, style, rng):
        """Each {name: bytes} after the cut."""
        data = {"killed": lambda f: f.now, "data first": lambda f: f.now, "stable": lambda f: f.stable,
                "names first": lambda f: f.stable}.get(style, lambda f: f.some(rng))
        return [{n: data(f) for n, f in names.items()} for names in self.names_left(style, rng)]


def read_all(folder):
    return {e.name: open(e.path, "rb").read() for e in os.scandir(folder) if e.is_file()}


def fault(left, before, after, switch):
    """None, or what is neither as before nor as after."""
    old = left.get(switch) == before.get(switch)
    if not old and left.get(switch) != after[switch]:
        return f"'{switch}' is neither as it was nor as it is to be"
    for name, data in (before if old else after).items():
        if left.get(name) != data:
            return f"'{name}' is {'missing' if name not in left else 'another'}, and '{switch}' " \
                   f"{'as before' if old else 'in force'}"
    return None


def main():
    trace, folder, switch, seed = sys.argv[1], os.path.realpath(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    want = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    before, after = read_all(sys.argv[2]), read_all(folder)
    calls = list(events(trace, folder))
    states = 0
    if before.get(switch) == after.get(switch) or not calls:
        sys.exit(f"crash_folder: nothing happened to '{switch}'")
    while True:
        rng, disk = random.Random(seed), Folder(before)
        for n in range(len(calls) + 1):
            if n > 0:
                disk.happen(calls[n - 1])
            for style in STYLES:
                for left in disk.left(style, rng):
                    wrong = fault(left, before, after, switch)
                    if not wrong and n == len(calls) and left.get(switch) != after[switch]:
                        wrong = f"it is done, and '{switch}' not in force"
                    if wrong:
                        last = " ".join(str(x) for x in calls[n - 1][:3])[:100] if n else "nothing"
                        sys.exit(f"seed {seed}, after call {n} of {len(calls)} ({last}), {style}: {wrong}")
                    states += 1
        if fault(disk.left("killed", rng)[0], {}, after, switch):
            sys.exit("crash_folder: the calls do not make what is there: one is not known here")
        seed += 1
        if states >= want:
            break
    print(f"{states} states of {len(calls)} calls: each as before or as after")


main()
