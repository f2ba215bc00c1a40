#!/usr/bin/env python3
"""Whether messages to several contacts were accepted after the same times.

usage: same_times.py [--shift US] TALK-OUTPUT CONTACT CONTACT...

Compares the samples of every two contacts by the largest distance of their distributions
(Kolmogorov and Smirnov). Exit status: 0 none is larger than chance makes it, 1 one is, 2 too few
samples, or so spread that a shift by a tick (5,000 us, or as said) would pass.
"""
import argparse
import bisect
import itertools
import sys

# Exceeded by chance once in 1,000 times where samples do not depend on each other.
ALPHA_FACTOR = 1.95
SHIFT_US = 5000  # a tick of chappe-store: what is not the same is off by one
SAMPLES_MIN = 200


def times(path, contact):
    sent, accepted = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            if len(fields) == 4 and fields[1] == contact and fields[0] in ("sent", "accepted"):
                (sent if fields[0] == "sent" else accepted)[int(fields[2])] = int(fields[3])
    return sorted(accepted[n] - sent[n] for n in accepted if n in sent)


def distance(a, b):
    return max(abs(bisect.bisect_right(a, x) / len(a) - bisect.bisect_right(b, x) / len(b)) for x in a + b)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shift", type=int, default=SHIFT_US)
    parser.add_argument("path")
    parser.add_argument("contacts", nargs="+")
    options = parser.parse_args()
    path, contacts = options.path, options.contacts
    samples = {contact: times(path, contact) for contact in contacts}
    status = 0
    for contact, sample in samples.items():
        if len(sample) < SAMPLES_MIN:
            print(f"{contact}: only {len(sample)} messages were accepted")
            return 2
        tenths = [sample[len(sample) * i // 10] for i in (1, 5, 9)]
        print(f"{contact}: {len(sample)} messages, accepted after {tenths} us (10, 50, 90 %)")
    for one, other in itertools.combinations(contacts, 2):
        a, b = samples[one], samples[other]
        limit = ALPHA_FACTOR * (1 / len(a) + 1 / len(b)) ** 0.5
        found, shifted = distance(a, b), distance([x + options.shift for x in a], b)
        print(f"{one}, {other}: distance {found:.3f}, limit {limit:.3f}; {shifted:.3f} if one were a tick later")
        if shifted <= limit:
            status = status or 2
        if found > limit:
            status = 1
    return status


sys.exit(main())
