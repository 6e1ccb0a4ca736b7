"""vhd_idle.py SOCKET FIFO - an NBD client that writes each line of FIFO to sector 0, and else says nothing."""

import select
import sys

import nbd

client = nbd.NBD()
client.connect_unix(sys.argv[1])
lines = open(sys.argv[2])
while True:
    poll = select.poll()
    poll.register(lines, select.POLLIN)
    poll.register(client.aio_get_fd(), select.POLLIN)
    ready = {fd for fd, _ in poll.poll()}
    if client.aio_get_fd() in ready:
        print("hung up", flush=True)
        break
    line = lines.readline()
    if not line:
        break
    client.trim(65536, 1 << 20)  # changes the metadata, so that the leaf is open
    client.pwrite(line.encode().ljust(512), 0)
    client.flush()
    print("wrote", line.strip(), flush=True)
