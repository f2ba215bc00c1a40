"""What the report says of a figure whose target is not met: where the cost lies, beyond what the
run itself measured, and what was tried against it. One entry a figure; whoever tries something
adds a line, with its effect."""

NATS_WHERE = [
    "With many messages in flight TCP carries dozens of them in a segment: nats-server pays its system calls and the "
    "kernel's stack once for all of those. Chappe opens and seals each cell: opening and sealing alone are about half "
    "of its cost.",
]

NATS_TRIED = [
    "Asking for every line of a cell as soon as it is received, not only for its header's: no difference beyond the "
    "noise over net_memif. Four cells ahead in classify, where they are summed: 833 to 755 cycles.",
    "Summing cells in vectors as wide as the processor has them: 719 to 662 cycles where checksums are ours.",
    "Left: a port on shared memory needs no UDP checksums, and the kernel computes none on loopback; net_memif has no "
    "such offload to announce.",
]

NOTES = {
    "store_accept": {
        "where": ["A frame costs about 5.7 us of processor time, RocksDB's threads included, and the disk alone takes "
                  "its bytes in a tenth of that; a batch begins at a tick of 5 ms, so that part of the processor idles "
                  "while few frames are in flight."],
        "tried": ["Records sealed with AES-256-GCM instead of ChaCha20-Poly1305: 151,000-163,000 to 219,000 frames/s "
                  "of one thread, 256 frames a commit.",
                  "The write to disk in a thread of its own while the next batch gathers: frames wait for no commit "
                  "but their own.",
                  "Left: a batch that begins when the last one is on disk, several cells in one record, Debian's "
                  "RocksDB computes CRC32C from a table."],
    },
    "peer_nats": {"where": NATS_WHERE, "tried": NATS_TRIED},
    "peer_nats_tls": {"where": NATS_WHERE + [
        "TLS seals records of up to 16 KiB, which costs a fraction of sealing the same bytes as cells one by one."],
        "tried": NATS_TRIED},
}
