"""vhd_make.py make SPEC FILE - a VHD as some program would write it; vhd_make.py read FILE [PARENT...] - its
disk on standard output, clear bits from the parents (base last). No line of ours: from the specification.

SPEC is JSON. size; optional: type (2, 3, 4), creator, version, chs [c, h, s], current, block, table_at, entries,
first (sector of the first bitmap), gap (bytes before the end footer), hidden, saved, original, short (511),
uuid, parent (uuid), parent_name, locators [[code, text, space, offset]], batmap (version), data [[sector, count,
byte]] (bits set exactly there), bits "all" (as qemu: whole blocks), sum ("footer", "header": made wrong)."""
import json, struct, sys


def checksum(b, at):
    return ~(sum(b) - sum(b[at:at + 4])) & 0xffffffff


def geometry(n):
    n = min(n, 65535 * 16 * 255)
    if n >= 65535 * 16 * 63:
        s, h, t = 255, 16, n // 255
    else:
        s, t = 17, n // 17
        h = max((t + 1023) // 1024, 4)
        if t >= h * 1024 or h > 16:
            s, h, t = 31, 16, n // 31
        if t >= h * 1024:
            s, h, t = 63, 16, n // 63
    return t // h, h, s


def footer(p, wrong=False):
    c, h, s = p.get('chs') or geometry(p['size'] // 512)
    fixed = p.get('type', 3) == 2
    f = bytearray(512)
    f[:64] = struct.pack('>8sIIQI4sI4sQQHBBI', b'conectix', 2, 0x10000, 2**64 - 1 if fixed else 512, p.get('stamp', 0),
                         p.get('creator', 'win ').encode().ljust(4, b'\0'), p.get('version', 0x60003), b'Wi2k',
                         p.get('original', p['size']), p.get('current', p['size']), c, h, s, p.get('type', 3))
    f[68:84] = bytes.fromhex(p.get('uuid', '11' * 16))
    f[84], f[85] = p.get('saved', 0), p.get('hidden', 0)
    f[64:68] = struct.pack('>I', checksum(f, 64) ^ (1 if wrong else 0))
    return bytes(f)


def make(p, path):
    size, bs = p['size'], p.get('block', 2 << 20)
    bm = (bs // 512 // 8 + 511) // 512 * 512
    n = (size + bs - 1) // bs
    foot = footer(p, p.get('sum') == 'footer')
    f = open(path, 'wb')
    if p.get('type', 3) == 2:
        f.truncate(size)
        for at, count, byte in p.get('data', []):
            f.seek(at * 512)
            f.write(bytes([byte]) * 512 * count)
        f.seek(size)
        f.write(foot[:511 if p.get('short') else 512])
        return
    entries, table_at = p.get('entries', n), p.get('table_at', 1536)
    end = table_at + (entries * 4 + 511) // 512 * 512
    blocks = {}
    for at, count, byte in p.get('data', []):
        for s in range(at, at + count):
            blocks.setdefault(s * 512 // bs, {})[s - s * 512 // bs * (bs // 512)] = byte
    for code, text, space, offset in p.get('locators', []):
        f.seek(offset)
        f.write(text.encode(*(('utf-8',) if code == 'MacX' else ('utf-16-le', 'surrogatepass'))))
        end = max(end, offset + (space * 512 if space < 512 else space))
    if 'batmap' in p:
        full = bytearray(((n + 7) // 8 + 511) // 512 * 512)
        for b, d in blocks.items():
            if len(d) * 512 >= min(bs, size - b * bs) or p.get('bits') == 'all':
                full[b // 8] |= 0x80 >> b % 8
        # version 1.1 summed signed characters (blktap, vhd_checksum_batmap)
        total = sum(x - 256 if x > 127 and p['batmap'] == 0x10001 else x for x in full)
        f.seek(end)
        f.write(struct.pack('>8sQIII', b'tdbatmap', end + 512, len(full) // 512, p['batmap'], ~total & 0xffffffff).ljust(512, b'\0') + full)
        end += 512 + len(full)
    table = [0xffffffff] * entries
    at = p.get('first', (end + bm + 4095) // 4096 * 8 - bm // 512)
    for b, d in sorted(blocks.items()):
        table[b] = at
        bits = bytearray(b'\xff' * bm if p.get('bits') == 'all' else bm)
        f.seek(at * 512 + bm + bs - 1)
        f.write(b'\0')
        for s, byte in d.items():
            bits[s // 8] |= 0x80 >> s % 8
            f.seek(at * 512 + bm + s * 512)
            f.write(bytes([byte]) * 512)
        for s in p.get('under', []):  # data where no bit says so
            f.seek(at * 512 + bm + s * 512)
            f.write(b'\xee' * 512)
        f.seek(at * 512)
        f.write(bits)
        end = at * 512 + bm + bs
        at = at + (bm + bs) // 512 + (p.get('first') is None and -(bm + bs) // 512 % 8)
    h = bytearray(1024)
    h[:36] = struct.pack('>8sQQIII', b'cxsparse', 2**64 - 1, table_at, 0x10000, entries, bs)
    if 'parent' in p:
        h[40:60] = bytes.fromhex(p['parent']) + struct.pack('>I', p.get('parent_stamp', 0))
        name = p.get('parent_name', '').encode('utf-16-be')
        h[64:64 + len(name)] = name
        for i, (code, text, space, offset) in enumerate(p.get('locators', [])):
            data = text.encode(*(('utf-8',) if code == 'MacX' else ('utf-16-le', 'surrogatepass')))
            h[576 + 24 * i:600 + 24 * i] = struct.pack('>4sIIIQ', code.encode(), space, p.get('name_bytes', len(data)), 0, offset)
    h[36:40] = struct.pack('>I', checksum(h, 36) ^ (1 if p.get('sum') == 'header' else 0))
    for where, what in ((0, foot), (512, h), (table_at, struct.pack('>%dI' % entries, *table)), (end + p.get('gap', 0), foot[:511 if p.get('short') else 512])):
        f.seek(where)
        f.write(what)


def read(paths, out):
    """One layer above what the others say; sectors, so that bitmaps count."""
    with open(paths[0], 'rb') as f:
        d = f.read()
    foot = d[-512:] if d[-512:-504] == b'conectix' else d[:512] if d[:8] == b'conectix' else d[-511:] + b'\0'
    c, h, s = struct.unpack('>HBB', foot[56:60])
    size, kind = struct.unpack('>Q', foot[48:56])[0], struct.unpack('>I', foot[60:64])[0]
    if foot[28:32] in (b'vpc ', b'qemu') and (c, h, s) != (65535, 16, 255):
        size = c * h * s * 512
    if kind == 2:
        return bytearray(d[:size])
    disk = bytearray(size)
    if len(paths) > 1:
        below = read(paths[1:], None)[:size]
        disk[:len(below)] = below
    at = struct.unpack('>Q', foot[16:24])[0]
    table_at, _, _, bs = struct.unpack('>QIII', d[at + 16:at + 36])
    bm = (bs // 4096 + 511) // 512 * 512
    for b in range((size + bs - 1) // bs):
        e = struct.unpack('>I', d[table_at + 4 * b:table_at + 4 * b + 4])[0]
        n = min(bs, size - b * bs) // 512 if e != 0xffffffff else 0
        for i in (i for j in range((n + 7) // 8) if d[e * 512 + j] for i in range(j * 8, min(j * 8 + 8, n))):
            if d[e * 512 + i // 8] & 0x80 >> i % 8:
                to, frm = b * bs + i * 512, e * 512 + bm + i * 512
                disk[to:to + 512] = d[frm:frm + 512]
    return disk


if __name__ != '__main__':
    pass
elif sys.argv[1] == 'make':
    make(json.loads(sys.argv[2]), sys.argv[3])
else:
    sys.stdout.buffer.write(read(sys.argv[2:], None))
