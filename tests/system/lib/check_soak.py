#!/usr/bin/env python3
"""Checks what two devices of kill_soak have printed, whatever was killed meanwhile.

usage: check_soak.py SENDER SENDER-LOG RECIPIENT RECIPIENT-LOG
The logs hold what tools/talk.c prints, over all lives of a device, each begun by a line "life LABEL";
SENDER and RECIPIENT are what the devices call each other. A message is known by the label and serial
that it carries. Prints the first breaches and fails where there is one:

lost     the relay accepted it, and the recipient's application never got it
twice    the application got it again; but where the device was killed right after the first time, it
         may not have stored that the application has it: then once more is right
order    it came behind one that was sent later
damaged  it is not what was sent
"""
import sys


def lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.endswith("\n"):
                yield line.split()


def accepted_of(path, recipient):
    """[(life, serial)] of all messages to the recipient that the relay has accepted."""
    life, serial, named, accepted = -1, 0, {}, []
    for words in lines(path):
        if words[:1] == ["life"]:
            life, serial = life + 1, 0
        elif words[:2] == ["sent", recipient]:
            named[words[2]] = (life, serial)
            serial += 1
        elif words[:2] == ["accepted", recipient] and words[2] in named:
            accepted.append(named[words[2]])
    return accepted


def received_of(path, sender):
    """[(life, serial, last before a kill)], and how many were damaged."""
    received, damaged = [], 0
    for words in lines(path):
        if words[:1] == ["life"] and received:
            received[-1] = (*received[-1][:2], True)
        elif words[:2] == ["message", sender]:
            received.append((int(words[2].rpartition(".")[2]), int(words[3]), False))
        elif words[:2] == ["damaged", sender]:
            damaged += 1
    return received, damaged


def breaches(accepted, received, damaged):
    if damaged:
        yield f"damaged: {damaged} messages"
    got = {}
    latest = (-1, -1)
    for life, serial, may_repeat in received:
        name = (life, serial)
        if name in got and not got[name]:
            yield f"twice: message {serial} of life {life}"
        elif name not in got and name < latest:
            yield f"order: message {serial} of life {life} came behind {latest[1]} of life {latest[0]}"
        got[name] = may_repeat and name not in got
        latest = max(latest, name)
    for name in accepted:
        if name not in got:
            yield f"lost: message {name[1]} of life {name[0]}"


def main():
    sender, sender_log, recipient, recipient_log = sys.argv[1:]
    accepted = accepted_of(sender_log, recipient)
    received, damaged = received_of(recipient_log, sender)
    found = list(breaches(accepted, received, damaged))
    for text in found[:5]:
        print(f"{sender} to {recipient}: {text}")
    print(f"{sender} to {recipient}: {len(accepted)} accepted, {len(received)} received, "
          f"{len(found)} promises broken")
    return 1 if found or not accepted else 0


sys.exit(main())
