#!/usr/bin/env python3
"""figures.py FILE NAME...: fails unless FILE is what perf/run promises, with a figure of each NAME."""
import json
import math
import sys

KEYS = ["name", "cell", "sessions", "suite", "workers", "value", "unit", "floor", "ratio"]
NAMES = {"path", "path_swcksum", "scale_rss", "scale_steered", "handshake", "memory_per_device", "memory_per_route",
         "install_devices", "install_sessions", "peer_coturn", "peer_wireguard_go", "peer_nats", "peer_nats_tls",
         "store_accept", "store_drain", "store_start", "store_memory"}


def must(condition, what):
    if not condition:
        sys.exit(f"{sys.argv[1]}: {what}")


def is_number(value):
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def check(figure):
    must(list(figure) == KEYS, f"keys of a figure: {list(figure)}")
    must(figure["name"] in NAMES, f"name {figure['name']!r}")
    for key in ("cell", "sessions", "workers"):
        must(type(figure[key]) is int and figure[key] >= 0, f"{key} of {figure['name']} is {figure[key]!r}")
    must(figure["suite"] in ("aes256gcm", "chacha20poly1305"), f"suite of {figure['name']}")
    must(type(figure["unit"]) is str and figure["unit"], f"unit of {figure['name']}")
    must(is_number(figure["value"]) and is_number(figure["ratio"]), f"value or ratio of {figure['name']}")
    must(figure["floor"] is None or is_number(figure["floor"]), f"floor of {figure['name']}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    must(list(report) == ["machine", "figures"], f"top of it: {list(report)}")
    must(type(report["machine"]) is dict and report["machine"].get("cpu"), "machine")
    for figure in report["figures"]:
        check(figure)
    places = [tuple(figure[key] for key in KEYS[:5]) for figure in report["figures"]]
    must(len(places) == len(set(places)), "a figure stands twice")
    for name in sys.argv[2:]:
        must(name in {figure["name"] for figure in report["figures"]}, f"no figure {name}")


main()
