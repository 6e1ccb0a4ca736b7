#!/usr/bin/env python3
"""escrow.py key SECRET-OUT - a new X25519 key pair of IT's: its secret half to a file, the public one, as trust
has it, on standard output.
escrow.py open SECRET LAYER.escrow - the recovery key in it, by libsodium alone, as doc/formats.md says."""
import base64
import ctypes
import json
import sys

sodium = ctypes.CDLL("libsodium.so.23")
SEAL_BYTES = 48
if sodium.sodium_init() < 0:
    sys.exit("libsodium does not start")
if sys.argv[1] == "key":
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    sodium.crypto_box_keypair(public, secret)
    with open(sys.argv[2], "wb") as f:
        f.write(secret.raw)
    print(base64.b64encode(public.raw).decode())
else:
    secret = open(sys.argv[2], "rb").read()
    said = json.load(open(sys.argv[3]))
    public = ctypes.create_string_buffer(32)
    sodium.crypto_scalarmult_base(public, secret)
    if said["v"] != 1 or said["escrow"] != public.raw.hex():
        sys.exit("it is sealed for another key")
    sealed = base64.b64decode(said["sealed"])
    opened = ctypes.create_string_buffer(len(sealed) - SEAL_BYTES)
    if sodium.crypto_box_seal_open(opened, sealed, ctypes.c_ulonglong(len(sealed)), public, secret) != 0:
        sys.exit("it does not open")
    sys.stdout.write(opened.raw.decode())
