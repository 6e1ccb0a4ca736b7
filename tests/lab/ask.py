#!/usr/bin/env python3
"""ask - what a port's client asks its netguard, and what it gets; stdlib only.

    ask.py dns SERVER NAME [tcp]      the addresses in the answer, or "rcode N", or "none"
    ask.py dhcp SOURCE DESTINATION    a DISCOVER of bh0, by unicast: "offer ADDRESS", or "none"
    ask.py ra LINK                    router, prefix and resolver of an advertisement, or "none"
    ask.py flood SERVER NAME COUNT    queries, each from a port of its own; answers are not read
"""
import os
import socket
import struct
import sys

WAIT_S = 2


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def query(name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">HHHHHH", int.from_bytes(os.urandom(2), "big"), 0x100, 1, 0, 0, 0) + \
        labels + b"\0" + struct.pack(">HH", 1, 1)


def addresses(answer, question):
    rcode, n = answer[3] & 15, struct.unpack(">H", answer[6:8])[0]
    at, found = len(question), []
    for _ in range(n):
        at += 2  # dnsmasq compresses: a name is a pointer
        kind, _, _, size = struct.unpack(">HHIH", answer[at:at + 10])
        if kind == 1 and size == 4:
            found.append(socket.inet_ntoa(answer[at + 10:at + 14]))
        at += 10 + size
    return " ".join(found) if found else "rcode %d" % rcode


def dns(server, name, way="udp"):
    q = query(name)
    tcp = way == "tcp"
    with socket.socket(family(server), socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT_S)
        s.connect((server, 53))
        s.sendall(struct.pack(">H", len(q)) + q if tcp else q)
        answer = s.recv(4096)
        while tcp and (len(answer) < 2 or len(answer) < 2 + struct.unpack(">H", answer[:2])[0]):
            more = s.recv(4096)
            if not more:
                return "closed"
            answer += more
        return addresses(answer[2:] if tcp else answer, q)


def flood(server, name, count):
    for _ in range(int(count)):
        with socket.socket(family(server), socket.SOCK_DGRAM) as s:
            s.sendto(query(name), (server, 53))
    return "sent " + count


def dhcp(source, destination):
    with open("/sys/class/net/bh0/address") as f:  # its lease is not for others
        mac = bytes.fromhex(f.read().strip().replace(":", ""))
    # RFC 2131 2: op, htype, hlen, hops, xid, secs, flags (broadcast), four addresses, chaddr
    m = struct.pack(">BBBBIHH", 1, 1, 6, 0, 0x1234, 0, 0x8000) + b"\0" * 16 + mac + \
        b"\0" * (10 + 64 + 128) + b"\x63\x82\x53\x63" + b"\x35\1\1" + b"\xff"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.bind(("", 68))
        s.settimeout(WAIT_S)
        udp = struct.pack(">HHHH", 68, 67, 8 + len(m), 0) + m
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
        raw.sendto(ip + udp, (destination, 0))
        return "offer " + socket.inet_ntoa(s.recv(1500)[16:20])


def ra(link):
    index = socket.if_nametoindex(link)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.settimeout(WAIT_S)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        s.sendto(b"\x85\0\0\0\0\0\0\0", ("ff02::2", 0, 0, index))
        while True:
            m, sender = s.recvfrom(1500)
            if m[0] != 134:
                continue
            at, words = 16, [sender[0].split("%")[0][:4]]
            while at < len(m):
                if m[at] == 3:
                    words.append(socket.inet_ntop(socket.AF_INET6, m[at + 16:at + 32]))
                if m[at] == 25:
                    words.append(socket.inet_ntop(socket.AF_INET6, m[at + 8:at + 24]))
                at += 8 * m[at + 1]
            return " ".join(words)


try:
    print({"dns": dns, "dhcp": dhcp, "ra": ra, "flood": flood}[sys.argv[1]](*sys.argv[2:]))
except OSError:
    print("none")
