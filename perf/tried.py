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
    "peer_nats": {"where": NATS_WHERE, "tried": NATS_TRIED},
    "peer_nats_tls": {"where": NATS_WHERE + [
        "TLS seals records of up to 16 KiB, which costs a fraction of sealing the same bytes as cells one by one."],
        "tried": NATS_TRIED},
}
