"""find_secret.py PID FILE - where a process has the bytes of FILE, or one half of them.

A line for each place: "whole" or "half", "locked" or "open", the mapping. Reads all of its memory, as
root may; a mapping is locked when the kernel says so (smaps: VmFlags lo)."""
import re
import sys


def mappings(pid):
    at = None
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
        for line in smaps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if head:
                at = (int(head[1], 16), int(head[2], 16), head[3], head[4].strip() or "anonymous")
            elif line.startswith("VmFlags:"):
                yield (*at, "lo" in line.split())


def main(pid, secret):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for start, end, rights, name, locked in mappings(pid):
            if "r" not in rights or name in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            mem.seek(start)
            data = b""
            try:
                while len(data) < end - start:
                    part = mem.read(min(1 << 24, end - start - len(data)))
                    if not part:
                        break
                    data += part
            except OSError:
                pass  # (a thread's stack went meanwhile)
            half = len(secret) // 2
            for what, text in (("whole", secret), ("half", secret[:half]), ("half", secret[half:])):
                if text in data:
                    print(what, "locked" if locked else "open", name)


with open(sys.argv[2], "rb") as f:
    main(int(sys.argv[1]), f.read())
