"""What perf/run makes of the figures: targets and how far they are met, a table, and the JSON."""
import json
import os
import platform
import subprocess

import tried

AES, CHACHA = "aes256gcm", "chacha20poly1305"
SUITES = (AES, CHACHA)

# Of each figure in the JSON, in this order.
KEYS = ("name", "cell", "sessions", "suite", "workers", "value", "unit", "floor", "ratio")
NAMES = ("path", "path_swcksum", "scale_rss", "scale_steered", "handshake", "memory_per_device",
         "memory_per_route", "install_devices", "install_sessions", "peer_coturn",
         "peer_wireguard_go", "peer_nats", "peer_nats_tls", "store_accept", "store_drain",
         "store_start", "store_memory")

# What each figure's ratio must reach, and the goal. lower: smaller is better.
TARGETS = [
    # name, where, must, goal, lower, what the ratio is
    ("path", {"cell": 512, "sessions": 1000, "suite": AES}, 1.6, 1.35, True, "× the floor"),
    ("path", {"cell": 512, "sessions": 1000000, "suite": AES}, 1.5, 1.25, True, "× the floor"),
    ("path", {"cell": 1232, "sessions": 1000, "suite": AES}, 1.4, 1.15, True, "× the floor"),
    ("path", {"cell": 1232, "sessions": 1000, "suite": CHACHA}, 1.4, 1.15, True, "× the floor"),
    ("scale_rss", {"cell": 512, "sessions": 1000, "suite": AES}, 0.93, 0.98, False,
     "of the AEAD's"),
    ("scale_steered", {"cell": 512, "sessions": 1000, "suite": AES}, 0.8, 0.9, False,
     "of the AEAD's"),
    ("live_store_gone", {"cell": 512, "sessions": 1000}, 1.05, 1.0, True, "of live frames alone"),
    ("live_store_stopped", {"cell": 512, "sessions": 1000}, 1.05, 1.0, True, "of live frames alone"),
    ("live_store_filling", {"cell": 512, "sessions": 1000}, 1.05, 1.0, True, "of live frames alone"),
    ("handshake", {}, 0.75, 0.9, False, "of the bound"),
    ("memory_per_device", {}, 4, 3, True, "KiB"),
    ("memory_per_route", {}, 64, 48, True, "bytes"),
    ("install_devices", {}, 10, 3, True, "s"),
    ("install_sessions", {}, 100000, 500000, False, "a second"),
    # With as many frames in flight as are best among those of which 99 in 100 are accepted in 20 ms,
    # where the disk can.
    ("store_accept", {}, 0.5, 0.8, False, "of the disk's"),
    ("store_accept_p99", {}, 1, 0.75, True, "of the ms that 99 in 100 may take"),
    # Idle devices are back after a keepalive, 25 s, and look for what waits then.
    ("store_start", {"sessions": 1000000}, 25, 10, True, "s"),
    ("store_memory", {"sessions": 1000000}, 200, 160, True, "bytes a waiting mailbox"),
    ("peer_coturn", {}, 5, 10, False, "× cheaper"),
    ("peer_wireguard_go", {}, 5, 10, False, "× cheaper"),
    ("peer_nats_tls", {}, 5, 10, False, "× cheaper"),
    ("peer_nats", {}, 2.5, 5, False, "× cheaper"),
]

MILLION, SCALED_MIN = 1000000, 100000
UNTRIED = "nothing is written about what was tried (perf/tried.py)"
GOAL, MET, MISSED = "goal met", "met", "not met"


class Row:
    """A target and the figure that answers it."""

    def __init__(self, target, figure):
        self.name, self.where, self.must, self.goal, self.lower, self.what = target
        self.figure = figure
        self.ratio = figure["ratio"]
        self.verdict = self.reaches(self.goal) and GOAL or self.reaches(self.must) and MET or MISSED

    def reaches(self, bound):
        return self.ratio <= bound if self.lower else self.ratio >= bound

    def missed(self):
        """What it does not reach: what it must, or its goal; None where it reaches that too."""
        return {MISSED: self.must, MET: self.goal, GOAL: None}[self.verdict]

    def missed_by(self):
        """Percent that the ratio is off that."""
        return 100 * (self.ratio / self.missed() - 1 if self.lower else 1 - self.ratio / self.missed())

    def tried(self):
        """What is written about it; {} where nobody has written anything."""
        return tried.NOTES.get(self.name, {})

    def place(self):
        scaled = self.name == "install_devices" and self.figure["sessions"] < MILLION
        return f"a million, from {self.figure['sessions']:,}" if scaled else place(self.figure, bool(self.where))

    def spread(self):
        low, high = self.figure.get("low"), self.figure.get("high")
        return f"{number(low)} to {number(high)}" if low and high and low != high else ""

    def cells(self):
        verdict = f"NOT MET, by {self.missed_by():.0f} %" if self.verdict == MISSED else self.verdict
        return (f"{self.name} {self.place()}".strip(), value(self.figure), floor(self.figure),
                number(self.ratio) + (f" ({self.spread()})" if self.spread() else ""),
                ("≤ " if self.lower else "≥ ") + f"{number(self.must)} {self.what}",
                number(self.goal), verdict)


HEAD = ("figure", "value", "floor", "ratio (quartiles)", "must", "goal", "")


def number(value_):
    if abs(value_) >= 1000:
        return f"{value_:,.0f}"
    return f"{value_:.3g}" if abs(value_) < 100 else f"{value_:.0f}"


def value(figure):
    return f"{number(figure['value'])} {figure['unit']}"


def floor(figure):
    return number(figure["floor"]) if figure.get("floor") else ""


def place(figure, whole=True):
    """Where a figure was taken, in words."""
    parts = []
    if whole:
        parts += [f"{figure['cell']} bytes"] if figure["cell"] else []
        parts += [f"{figure['sessions']:,} session" + "s" * (figure["sessions"] > 1)] if figure["sessions"] else []
    if whole or figure["name"] == "handshake":
        parts += [figure["suite"]] if figure["suite"] else []
    parts += [f"IPv{figure['family']}"] if figure.get("family", 4) == 6 else []
    parts += [f"bursts of {figure['burst']}"] if figure.get("burst", 32) not in (0, 32) else []
    return ", ".join(parts)


def scale(figures):
    """The target of install_devices is about a million: a run with a tenth is scaled up to that, its
    start included, so that it says too much rather than too little."""
    for figure in figures:
        if figure["name"] == "install_devices" and SCALED_MIN <= figure["sessions"] < MILLION:
            for key in ("ratio", "low", "high"):
                figure[key] *= MILLION / figure["sessions"]


def is_headline(figure):
    """Bursts of 32 over IPv4, where those differ: one figure a place."""
    return figure.get("family", 4) in (0, 4) and figure.get("burst", 32) in (0, 32)


def find(figures, name, **where):
    for figure in figures:
        if figure["name"] == name and is_headline(figure) and \
                all(figure[key] == wanted for key, wanted in where.items()):
            return figure
    return None


def targets(figures):
    """Rows of the targets that were measured. A handshake has a row for each suite."""
    rows = []
    for target in TARGETS:
        name, where = target[:2]
        for suite in SUITES if name == "handshake" else (None,):
            figure = find(figures, name, **where, **({"suite": suite} if suite else {}))
            if figure is not None and (name != "install_devices" or figure["sessions"] >= SCALED_MIN):
                rows.append(Row(target, figure))
    return rows


def unmeasured(figures):
    return sorted({name for name, *_ in TARGETS} - {figure["name"] for figure in figures})


def others(figures):
    """Cells of every figure that no target names, in the order measured."""
    named = [id(row.figure) for row in targets(figures)]
    for figure in figures:
        if figure["name"] != "stage" and id(figure) not in named:
            yield (f"{figure['name']} {place(figure)}".strip(), value(figure), floor(figure),
                   number(figure["ratio"]) if figure.get("ratio") else "")


def stages(figures):
    """{place: [(stage, cycles), ..]}: where the cycles of a frame go."""
    found = {}
    for figure in figures:
        if figure["name"] == "stage" and figure["value"] > 0:
            key = figure.get("place") or place({**figure, "name": "path"})
            found.setdefault(key, {})[figure["stage"]] = figure["value"]
    return {key: list(parts.items()) for key, parts in found.items()}


def align(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def print_table(figures, missing=()):
    rows = targets(figures)
    print()
    for line in align([HEAD, *(row.cells() for row in rows)]):
        print(line)
    rest = list(others(figures))
    if rest:
        print()
        for line in align(rest):
            print(line)
    if any(figure["name"].startswith("peer_") for figure in figures):
        print("\nPeers pay the kernel's network stack, as Chappe does over AF_XDP and AF_PACKET.")
    for row in rows:
        if row.missed() is not None:
            what = "must" if row.verdict == MISSED else "goal"
            print(f"\n{row.name} {row.place()}".rstrip() + f" misses its {what}, {number(row.missed())}, by {row.missed_by():.1f} %: " + (
                  "the report says where the cost lies and what was tried" if row.tried() else UNTRIED))
    for text in missing:
        print(f"\nnot measured: {text}")
    print()


def command(*arguments):
    try:
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def cpu_facts():
    facts = {"cpu": "", "mhz": 0.0, "isa": ""}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, text = (part.strip() for part in line.partition(":"))
            if key == "model name":
                facts["cpu"] = text
            elif key == "cpu MHz":
                facts["mhz"] = float(text)
            elif key == "flags":
                wanted = ("aes", "vaes", "vpclmulqdq", "avx2", "avx512f", "sha_ni")
                facts["isa"] = " ".join(flag for flag in wanted if flag in text.split())
    return facts


def machine(figures):
    """What the figures were taken on."""
    facts = cpu_facts()
    facts["cpus"] = os.cpu_count()
    facts["virtual"] = command("systemd-detect-virt") or "unknown"
    facts["load"] = round(os.getloadavg()[0], 2)
    facts["kernel"] = platform.release()
    facts["compiler"] = command("cc", "--version").partition("\n")[0]
    facts["dpdk"] = command("pkg-config", "--modversion", "libdpdk")
    facts["ipsec_mb"] = command("dpkg-query", "-W", "-f", "${Version}", "libipsec-mb1")
    facts["libsodium"] = command("pkg-config", "--modversion", "libsodium")
    facts["page_bytes"] = sorted({figure["page"] for figure in figures if figure.get("page")})
    return facts


def json_figure(figure):
    """cell, sessions and workers are integers, 0 where a figure has none; floor is null where
    there is nothing to compare with."""
    chosen = {key: figure[key] for key in KEYS}
    for key in ("cell", "sessions", "workers"):
        chosen[key] = int(chosen[key])
    chosen["suite"] = chosen["suite"] or AES  # what the relay was set up for
    chosen["floor"] = chosen["floor"] or None
    return chosen


def write_json(name, facts, figures):
    latest = {}
    for figure in (one for one in figures if one["name"] in NAMES and is_headline(one)):
        chosen = json_figure(figure)
        latest[tuple(chosen[key] for key in KEYS[:5])] = chosen
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"machine": facts, "figures": list(latest.values())}, file, indent=1)
        file.write("\n")
