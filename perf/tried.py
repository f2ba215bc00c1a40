"""What the report says of a figure whose target is not met: where the cost lies, beyond what the
run itself measured, and what was tried against it. One entry a figure; whoever tries something
adds a line, with its effect."""

NATS_WHERE = [
    "Where few senders stream, TCP carries dozens of messages in a segment: nats-server pays its system calls and the "
    "kernel's stack once for all of those. Chappe opens and seals each cell by itself.",
    "Opening and sealing a cell alone take 286 cycles with everything in the first cache (480 bytes, AES-256-GCM by "
    "intel-ipsec-mb on a 2.6 GHz Zen 5: 133 and 153), 110 ns of the 160 that 2.5 times cheaper than 400 leaves. Some "
    "170 of them are the price of a call whatever its length: 16 bytes take 65 and 106.",
    "The relay is saturated: its worker finds nothing to do in less than 3 % of its time.",
]

NATS_TRIED = [
    "Asking for every line of a cell as soon as it is received, not only for its header's: no difference beyond the "
    "noise over net_memif. Four cells ahead in classify, where they are summed: 833 to 755 cycles.",
    "Summing cells in vectors as wide as the processor has them: 719 to 662 cycles where checksums are ours; apart from "
    "the headers written just before, in two accumulators: address 60 to 49 cycles.",
    "No UDP checksums on shared memory, as the kernel has none on loopback ([relay] udp_checksum = no): 8 to 10 % less, "
    "the row beside.",
    "Rings of 512 instead of 2,048 descriptors, 8,192 frames under way instead of 1,024: the same cost.",
    "Left: a cipher that takes several cells in one call; the library has none for AES-GCM.",
]

SCALE_WHERE = [
    "Recipients are drawn from all sessions, so that in half of the frames the line with a session's send counter was "
    "written last by the other core, and comes from its cache. The floor's threads share keys, too, but only read them.",
    "By stage, alone and beside the other: rx 25 to 38 cycles, address 40 to 52, route 61 to 55, the others as before. The "
    "rest is a lane that waits at the end for the one whose core was slower that time, 37 to 44 cycles a frame.",
]

SCALE_TRIED = [
    "A copy of intel-ipsec-mb for each worker but the first: version 1.3 writes a global in every call. Two threads of "
    "the bare AEAD on cores far apart: 650 to 553 cycles a cell; two workers 779 to 675. It helps floor and path "
    "alike, and so the speed more than the ratio.",
    "The counters of a burst taken before its first frame is sealed, for an atomic addition waits for the stores before "
    "it: 777 to 766; not atomic at all, which would be wrong: 758.",
    "Asking for the counter's line to write (prefetchw): 777 to 850 with cores far apart, nothing with cores side by "
    "side. The line is asked for a burst ahead, and both cores take it from each other meanwhile.",
    "The benchmark itself: each lane counts what it sent by itself and loads its own packets, and net_ring's counters of "
    "two queues lie on lines of their own. Before, the floor's two threads added 2.06 to 2.16.",
    "No counter shared at all, which would be wrong (each worker its own): 0.885 to 0.89, nothing beyond the noise. Nor did a "
    "frame's notes in one array of the worker's instead of beside each buffer, sessions of 40 instead of 39 lines, or "
    "packets' sources flushed from the caches before they are relayed change it.",
    "The next burst received, and its lines asked for, while the one before is sealed: at best 554-575 to 557-569 cycles of "
    "one worker, nothing beyond the noise.",
    "Sessions of its own for each of the floor's threads: 2.00 instead of up to 2.1 where the cores share a cache, for "
    "what one fetches the other finds. The path gains by that, too, so that the floor keeps sharing.",
]

NOTES = {
    "path": {
        "where": ["With packets and keys in the first caches some 500 cycles against the bare AEAD's 340; the rest is "
                  "memory. Bursts of 1 and 4 have no other frames in whose time memory answers."],
        "tried": ["Not asking for the line of the sender's endpoint at open, which only a device that moves needs: 559 to "
                  "548 cycles at 1,000 sessions, 792 to 779 at 100,000.",
                  "One look at all headers of a plain IPv4 packet instead of one after the other: 32 to 25 cycles of "
                  "classify, for a second door to keep as strict as the first; left out.",
                  "Link-time optimisation: no difference beyond the noise.",
                  "Bursts of 1: asking for the cell's lines as soon as it is received, 923-1,210 cycles against "
                  "930-1,485: noise; not clearing steer's run of frames, 1,187-1,261: slower for no reason that was "
                  "found. Of 1,000 cycles a stage's own instructions are 600 (packets and keys in the first caches); "
                  "the rest waits for lines that nothing could ask for earlier: header, then session; route, then "
                  "device, then session."],
    },
    "scale_rss": {"where": SCALE_WHERE, "tried": SCALE_TRIED},
    "scale_steered": {
        "where": SCALE_WHERE + ["A frame that is handed over was written by the other core: its buffer's head and what "
                                "classify noted of it, two lines."],
        "tried": ["Asking for those lines, and for the cell's first, when frames are taken from the ring: 1,013 to 910 "
                  "cycles a frame with cores far apart, 677 to 666 side by side."] + SCALE_TRIED,
    },
    "store_accept": {
        "where": ["A frame costs 1.1 to 1.3 us of chappe-store's processor time, of which the loop and its rings have about "
                  "half; sealing cell and index entry 0.2, the copy into the kernel's cache 0.1, RocksDB 0.2. The disk alone "
                  "writes without pause, a commit waits for its cells and then for the index's log."],
        "tried": ["Records sealed with AES-256-GCM instead of ChaCha20-Poly1305: 151,000-163,000 to 219,000 frames/s "
                  "of one thread, 256 frames a commit.",
                  "The write to disk in a thread of its own while the next batch gathers: frames wait for no commit "
                  "but their own.",
                  "Several cells in one RocksDB record: at most 631,000 frames/s of it alone, 1.6 us; it computes CRC32C "
                  "from a table and writes everything twice.",
                  "Cells in plain files, the index sixteen numbers a record, intel-ipsec-mb, all of it in the commit's "
                  "thread: 370,000 to 1,160,000 frames/s of the library alone at 4,096 a commit, 3.7 to 0.9 us.",
                  "Room for a segment in one piece: 0.25 to 0.11 us a frame for the write. Pieces of 512 KiB, each begun "
                  "while the next is sealed: 830,000 to 1,030,000 frames/s at 8,192.",
                  "Pages of the kernel's cache used again instead of new ones: 455,000 to 830,000 frames/s on a virtual "
                  "machine, whose host takes 4 to 12 us to find a page."],
    },
    "store_memory": {
        "where": ["64 bytes are the mailbox itself, 80 the entries of ten messages; the rest is the allocator's, the table's room to "
                  "grow and what the process takes with nothing in it."],
        "tried": ["A link to the device's mailbox before as well: 154 to 162 bytes, so that a route that moves to another device takes no "
                  "walk over all of the device's, which a hostile dataplane could ask for without end."],
    },
    "store_accept_p99": {
        "where": ["Two commits, the one before a frame's own and its own, and up to 2 ms for ticks. Half of the commits of 1,900 "
                  "frames take 1.7 ms: 0.5 for sealing and the copy into the kernel's cache, 0.6 for the cells' fdatasync, 0.5 for "
                  "the index's log; one in 100 takes 5 to 12, where the disk or the machine's host pauses."],
        "tried": ["Commits that begin between ticks, once the one before has ended and 1,024 frames have gathered.",
                  "Ticks of 1 ms instead of 5 above 51,200 frames a second: 2,048 in flight 162,791 to 349,444 frames/s, "
                  "99 of 100 within 23.7 to 11.8 ms.",
                  "The end of a commit wakes the loop, which looked every 0.5 ms: 316,919 to 418,179 frames/s at 2,048.",
                  "Old cells leave the kernel's cache with each write a little, not a segment at once: 21.2 to 16.9 ms at 4,096.",
                  "Memory tables of 64 MiB instead of 16, in one run: 16.9 to 11.9 ms at 4,096, for 190 MiB more of memory; not "
                  "taken.",
                  "Left: the cells' and the log's fsync at once, for which a start would have to tell a cell that was never "
                  "durable from one that was lost."],
    },
    **{f"live_store_{state}": {
        "where": ["Every eighth frame of these rounds is to be stored: opened as a live one, then dropped by name or copied "
                  "into the ring to chappe-store. The ratio would be 1.05 if live frames were 5 % slower and a stored one "
                  "cost as much; the pairs' spread is as wide as what is missing to 1."],
        "tried": ["Copying and wiping 480 bytes of a record, not the 1,280 of its slot."],
    } for state in ("gone", "stopped", "filling")},
    "memory_per_device": {
        "where": ["A session takes 2,496 bytes, of which 2,018 are its two AES-256-GCM keys as intel-ipsec-mb wants them (15 "
                  "round keys and 48 powers of the hash key each); slots are devices times 1.125, which makes 2,808. Control "
                  "takes 145 for a device.",
                  "A million devices took 3,048 bytes each; 100,000, which is what --quick fills, 3,107."],
        "tried": ["Routes in buckets of a cache line instead of rte_hash's: 40 bytes a route, 35 with four a device.",
                  "Left: fewer spare slots, which a device needs while it rekeys."],
    },
    "install_devices": {
        "where": ["--quick installs a tenth and multiplies by ten: of its 0.3 s three quarters are a process that starts, "
                  "which a million devices pay once. A full run measures a million."],
        "tried": ["Routes read from their table in its order instead of by a join on devices, a batch found at a time; "
                  "generations of 256 slots drawn by one system call; control tries to connect every 100 instead of 500 ms: "
                  "12.9 to 2.2 s for a million."],
    },
    "peer_nats": {"where": NATS_WHERE, "tried": NATS_TRIED},
    "peer_nats_tls": {"where": NATS_WHERE + [
        "TLS seals records of up to 16 KiB, which costs a fraction of sealing the same bytes as cells one by one."],
        "tried": NATS_TRIED},
}
