"""vhd_client.py - what the plugin promises a client of NBD, asked through libnbd.

vhd_client.py commands SOCKET           every command, flag and border of the protocol
vhd_client.py crowd SOCKET N MOST        N that never speak, so many idle ones that MOST are served and
                                        no more, one of them works; all make room for others
vhd_client.py endure SOCKET PID N SEED  write numbered records and kill PID's child meanwhile, N
                                        times; its successor has what was flushed
"""
import errno
import os
import random
import signal
import socket
import struct
import sys
import time

import nbd

MIB = 1 << 20
KNOWN = bytes(range(256)) * 16  # 4 KiB that say where a byte came from


def connect(path):
    h = nbd.NBD()
    h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    h.set_strict_mode(0)  # what the library would refuse is the server's to refuse
    h.connect_unix(path)
    return h


def expect(what, error, call, *args):
    try:
        call(*args)
    except nbd.Error as e:
        assert e.errnum in error, f"{what}: {e}"
        return
    raise AssertionError(f"{what}: no error")


def extents(h, count, at, flags=0):
    found = []

    def note(context, offset, entries, error):
        assert context == nbd.CONTEXT_BASE_ALLOCATION and offset == at
        found.extend(zip(entries[::2], entries[1::2]))
        return 0

    h.block_status(count, at, note, flags)
    return found


def abilities(h):
    for name in ("flush", "fua", "trim", "zero", "multi_conn"):
        assert getattr(h, "can_" + name)(), name
    assert not h.is_read_only() and not h.is_rotational()
    assert h.can_fast_zero()
    assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
    assert h.get_block_size(nbd.SIZE_PREFERRED) == 4096
    assert h.get_block_size(nbd.SIZE_MAXIMUM) == 4 * MIB
    assert h.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)


def data(h, size):
    hole = nbd.STATE_HOLE | nbd.STATE_ZERO
    assert h.pread(4 * MIB, 0) == bytes(4 * MIB), "a new disk is zeros"
    assert extents(h, size, 0) == [(size, hole)]
    h.pwrite(KNOWN, 8192)
    h.pwrite(KNOWN, 3 * MIB, nbd.CMD_FLAG_FUA)
    assert h.pread(12288, 4096) == bytes(4096) + KNOWN + bytes(4096)
    assert extents(h, 3 * 4096, 4096) == [(4096, hole), (4096, 0), (4096, hole)]
    assert len(extents(h, 3 * 4096, 4096, nbd.CMD_FLAG_REQ_ONE)) == 1
    # any byte range, across sectors, runs and blocks
    for at, n in ((1, 1), (511, 2), (4095, 2), (2 * MIB - 3, 7), (8192 + 100, 513), (size - 1, 1)):
        before = h.pread(n + 2, at - 1) if at + n < size else None
        text = bytes((at + i) % 251 + 1 for i in range(n))
        h.pwrite(text, at)
        assert h.pread(n, at) == text, (at, n)
        if before:
            assert h.pread(n + 2, at - 1) == before[:1] + text + before[-1:], (at, n)
    h.pwrite(KNOWN * 1024, size - 4 * MIB)  # the largest there is, at the very end
    assert h.pread(4 * MIB, size - 4 * MIB) == KNOWN * 1024
    h.flush()


def zeros(h):
    hole = nbd.STATE_HOLE | nbd.STATE_ZERO
    at = 16 * MIB
    h.pwrite(KNOWN * 16, at)
    h.zero(8192, at)
    assert extents(h, 16384, at) == [(8192, hole), (8192, 0)], "zeros give space back"
    h.zero(8192, at + 8192, nbd.CMD_FLAG_NO_HOLE)
    assert extents(h, 16384, at) == [(8192, hole), (8192, 0)], "not when the client needs it"
    h.zero(100, at + 20000, nbd.CMD_FLAG_FUA)
    assert h.pread(16384, at) == bytes(16384)
    assert h.pread(120, at + 19990) == KNOWN[3606:3616] + bytes(100) + KNOWN[3716:3726]
    h.zero(8192, 24 * MIB, nbd.CMD_FLAG_NO_HOLE)
    assert extents(h, 12288, 24 * MIB) == [(8192, 0), (4096, hole)], "space is made at once"
    h.zero(4 * MIB, 40 * MIB)
    assert extents(h, 4 * MIB, 40 * MIB) == [(4 * MIB, hole)], "a hole stays a hole"
    h.zero(4096, 40 * MIB, nbd.CMD_FLAG_FAST_ZERO)
    expect("zeros that must be written, but fast", (errno.ENOTSUP,), h.zero, 4096, 40 * MIB,
           nbd.CMD_FLAG_FAST_ZERO | nbd.CMD_FLAG_NO_HOLE)
    h.pwrite(KNOWN * 2, at)
    h.trim(8192, at, nbd.CMD_FLAG_FUA)
    assert h.pread(8192, at) == bytes(8192) and extents(h, 8192, at) == [(8192, hole)]
    h.pwrite(KNOWN, at)
    h.trim(1000, at + 10)
    assert h.pread(4096, at) == KNOWN, "less than a run is kept"


def borders(h, size):
    past = (errno.EINVAL, errno.ENOSPC)
    expect("read at the end", past, h.pread, 1, size)
    expect("read across the end", past, h.pread, 2, size - 1)
    expect("write across the end", past, h.pwrite, b"xx", size - 1)
    expect("write far behind", past, h.pwrite, b"x", 1 << 62)
    expect("trim across the end", past, h.trim, 4096, size - 512)
    expect("zero across the end", past, h.zero, 0xFFFFFFFF, 0)
    expect("an offset that wraps", past, h.pread, 512, (1 << 63) - 256)
    expect("map at the end", past, extents, h, 4096, size)
    for what, call in (("read", lambda: h.pread(512, 0, 0x40)),
                       ("write", lambda: h.pwrite(b"x" * 512, 0, 0x40)),
                       ("flush", lambda: h.flush(nbd.CMD_FLAG_FUA | 0x40))):
        expect("unknown flag on " + what, (errno.EINVAL,), call)
    assert h.pread(1, size - 1) == KNOWN[-1:], "and nothing was changed"


def connections(path):
    """What one connection has flushed, another reads; requests of one may overtake each other."""
    a, b = connect(path), connect(path)
    a.pwrite(KNOWN, 50 * MIB)
    b.flush()
    assert b.pread(4096, 50 * MIB) == KNOWN
    buffers = [nbd.Buffer.from_bytearray(bytearray([i + 1]) * 65536) for i in range(64)]
    cookies = [a.aio_pwrite(buf, 52 * MIB + i * 65536) for i, buf in enumerate(buffers)]
    while cookies:
        a.poll(-1)
        cookies = [c for c in cookies if not a.aio_command_completed(c)]
    for i in range(64):
        assert b.pread(65536, 52 * MIB + i * 65536) == bytes([i + 1]) * 65536
    a.shutdown()
    b.shutdown()


def vanish(path):
    """One that goes without a farewell, its requests on the way, after something was flushed."""
    h = connect(path)
    h.pwrite(KNOWN, 50 * MIB)
    h.flush()
    buf = nbd.Buffer.from_bytearray(bytearray(65536))
    for i in range(64):
        h.aio_pwrite(buf, 56 * MIB + i * 65536)
    os.close(h.aio_get_fd())


def known(path):
    h = connect(path)
    assert h.pread(4096, 50 * MIB) == KNOWN
    h.shutdown()


def commands(path):
    h = connect(path)
    size = h.get_size()
    abilities(h)
    data(h, size)
    zeros(h)
    borders(h, size)
    connections(path)
    h.shutdown()


def connect_soon(path):
    """When there is room again: the server learns of a farewell in its own time."""
    end = time.monotonic() + 10
    while True:
        try:
            return connect(path)
        except nbd.Error:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def crowd(path, n, most):
    silent = [socket.socket(socket.AF_UNIX) for _ in range(n)]
    for s in silent:
        s.connect(path)
    served = [connect_soon(path) for _ in range(most)]
    for _ in range(2 * most):
        try:
            connect(path)
        except nbd.Error:
            continue
        raise AssertionError("one too many is served")
    h = served.pop()
    h.pwrite(KNOWN, MIB)
    h.flush()
    assert h.pread(4096, MIB) == KNOWN
    for s in silent:
        s.close()
    for i in served:
        os.close(i.aio_get_fd())  # without a farewell
    assert h.pread(4096, MIB) == KNOWN
    assert connect_soon(path).pread(4096, MIB) == KNOWN
    os._exit(0)  # (what is left of the idle ones has no socket to say farewell on)


class Records:
    """Places on the disk, and which numbered writes each may hold."""

    N, BYTES, STRIDE = 600, 4096, 69632 + 1536  # not on the borders of runs; every block has some

    def __init__(self):
        self.sent = [{0: True} for _ in range(self.N)]  # number: is it zeros?
        self.floor = [0] * self.N  # flushed: nothing older
        self.done = [0] * self.N
        self.busy = set()
        self.number = 0

    @staticmethod
    def text(number, place):
        return struct.pack("<QQ", number, place) * (Records.BYTES // 16)

    def check(self, place, data):
        """After a kill: what is found counts as written, what is not found never happened."""
        found = {}
        for at in range(0, self.BYTES, 512):
            part = data[at : at + 512]
            number, where = struct.unpack_from("<QQ", part)
            if part == bytes(512):
                matching = [n for n, zero in self.sent[place].items() if zero]
                number = max(matching) if matching else -1
            elif where != place or part != self.text(number, place)[:512]:
                number = -1
            assert number >= self.floor[place] and number in self.sent[place], \
                f"record {place} at {place * self.STRIDE + at}: has {number}, flushed " \
                f"{self.floor[place]}, written {self.done[place]}"
            found[number] = self.sent[place][number]
        self.sent[place] = found
        self.floor[place] = self.done[place] = min(found)


class Round:
    """Requests, up to sixteen at a time, until so many are answered."""

    def __init__(self, handle, records, rng):
        self.h, self.r, self.rng = handle, records, rng
        self.flying = {}

    def send(self):
        r, kind = self.r, self.rng.random()
        if kind < 0.1:
            done = list(r.done)
            self.flying[self.h.aio_flush()] = lambda: self.settle(done)
            return
        place = self.rng.choice([p for p in range(r.N) if p not in r.busy])
        at, fua = place * r.STRIDE, nbd.CMD_FLAG_FUA if self.rng.random() < 0.2 else 0
        r.number += 1
        number = r.number
        r.busy.add(place)
        r.sent[place][number] = kind > 0.85
        text = None
        if kind > 0.85:
            cookie = self.h.aio_zero(r.BYTES, at, flags=fua)
        else:
            text = nbd.Buffer.from_bytearray(bytearray(r.text(number, place)))
            cookie = self.h.aio_pwrite(text, at, flags=fua)
        # (the buffer has to live as long as the request)
        self.flying[cookie] = lambda: self.written(place, number, fua, text)

    def written(self, place, number, fua, _text):
        self.r.busy.discard(place)
        self.r.done[place] = number
        if fua:
            self.r.floor[place] = number

    def settle(self, done):
        self.r.floor = [max(f, d) for f, d in zip(self.r.floor, done)]

    def run(self, answers):
        while answers > 0:
            while len(self.flying) < 16:
                self.send()
            self.h.poll(-1)
            for cookie in [c for c in self.flying if self.h.aio_command_completed(c)]:
                self.flying.pop(cookie)()
                answers -= 1


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return int(f.read().split()[0])


def endure(path, pid, kills, seed):
    rng, records, answered = random.Random(seed), Records(), 0
    for n in range(kills + 1):
        h = connect(path)  # waits in the socket that the successor gets
        for place in range(records.N):
            records.check(place, h.pread(records.BYTES, place * records.STRIDE))
        records.busy.clear()
        if n == kills:
            h.shutdown()
            break
        want = rng.randint(1, 250)
        Round(h, records, rng).run(want)
        os.kill(child_of(pid), signal.SIGKILL)
        answered += want
    print(f"{kills} kills, {answered} answered requests, {sum(f > 0 for f in records.floor)} of "
          f"{records.N} records flushed, seed {seed}")


if __name__ == "__main__":
    if sys.argv[1] == "commands":
        commands(sys.argv[2])
    elif sys.argv[1] == "vanish":
        vanish(sys.argv[2])
    elif sys.argv[1] == "known":
        known(sys.argv[2])
    elif sys.argv[1] == "crowd":
        crowd(sys.argv[2], *map(int, sys.argv[3:5]))
    else:
        endure(sys.argv[2], *map(int, sys.argv[3:6]))
