"""What the report says of a figure whose target is not met: where the cost lies, beyond what the
run itself measured, and what was tried against it. One entry a figure; whoever tries something
adds a line, with its effect."""

NATS_WHERE = [
    "With many messages in flight TCP carries dozens of them in a segment: nats-server pays its system calls and the "
    "kernel's stack once for all of those. Chappe opens and seals each cell: the bare AEAD alone is more than half of "
    "its cost.",
]

NOTES = {
    "peer_nats": {"where": NATS_WHERE, "tried": []},
    "peer_nats_tls": {"where": NATS_WHERE + [
        "TLS seals records of up to 16 KiB, which costs a fraction of sealing the same bytes as cells one by one."],
        "tried": []},
}
