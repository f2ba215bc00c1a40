#!/usr/bin/env python3
"""report_plots.py PERF FILE: fails unless the report of made-up figures, which it writes to FILE, plots each of
them where it was measured, and says of other relays what they pay. PERF is the folder perf/ of the sources."""
import contextlib
import io
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import report  # noqa: E402
import report_page  # noqa: E402

CELLS, SESSIONS = (512, 1232), (1, 1000, 100000)
STAGES = {"rx": 31, "open": 301, "seal": 302, "route": 77}


def figure(name, value, **more):
    return {"name": name, "cell": 512, "sessions": 1000, "suite": report.AES, "workers": 1, "unit": "cycles/frame",
            "value": value, "floor": value - 100, "ratio": 1.2, **more}


def measured():
    """Every value another one, so that a plot of it can't be taken for that of its neighbour."""
    value = 200
    for suite in report.SUITES:
        for cell in CELLS:
            for sessions in SESSIONS:
                value += 13
                yield figure("path", value, cell=cell, sessions=sessions, suite=suite)
    yield figure("scale_rss", 1.9, floor=2, workers=2, alone=600, floor_alone=450)
    yield figure("scale_steered", 1.6, floor=2, workers=2, alone=600, floor_alone=450)
    for stage, cycles in STAGES.items():
        yield figure("stage", cycles, stage=stage)
    for name, system, cost in (("chappe_memif_each", "Chappe, net_memif", 211), ("chappe_af_xdp_each", "Chappe, AF_XDP", 2711),
                               ("chappe_af_packet_each", "Chappe, AF_PACKET", 3911), ("peer_nats", "nats-server", 811)):
        yield figure(name, cost, unit="ns", system=system, load="each", load_words="some senders")


def must(condition, what):
    if not condition:
        sys.exit(f"{sys.argv[2]}: {what}")


def plot_of(page, title):
    """The plot of that title, of which there is one."""
    found = re.findall(rf'<svg [^>]*aria-label="{re.escape(title)}".*?</svg>', page, re.DOTALL)
    must(len(found) == 1, f"{len(found)} plots of {title!r}")
    return found[0]


def shows(plot, title, values):
    for value in values:
        must(f">{report.number(value)}<" in plot or f">{report.number(value)}, " in plot, f"{title}: no {value}")


def check_plots(page, figures):
    for suite in report.SUITES:
        paths = [f for f in figures if f["name"] == "path" and f["suite"] == suite]
        title = f"Cell size: {suite}, 1,000 sessions"
        alike = [f for f in paths if f["sessions"] == 1000]
        shows(plot_of(page, title), title, [f["value"] for f in alike] + [f["floor"] for f in alike])
        title = f"Sessions: {suite}, by cell size"
        plot = plot_of(page, title)
        shows(plot, title, [f["value"] for f in paths])
        lines = re.findall(r'<polyline points="([^"]*)"', plot)
        must([len(line.split()) for line in lines] == [len(SESSIONS)] * 2 * len(CELLS), f"{title}: {lines}")
        for sessions in SESSIONS:
            must(f">{sessions:,}<" in plot, f"{title}: no {sessions} on its axis")
    title = "Workers: 512 bytes, 1,000 sessions"
    shows(plot_of(page, title), title, [600, 450, 600 / 1.9, 600 / 1.6, 450 / 2])
    title = "Cycles a frame by stage"
    plot = plot_of(page, title)
    for stage, cycles in STAGES.items():
        must(f"<title>{stage}: {cycles}</title>" in plot, f"{title}: no {stage}")


def check_peers(page, printed, figures):
    plot = plot_of(page, "A relayed message, one message a sender: some senders")
    for one in (f for f in figures if f.get("load")):
        must(one["system"] in plot, f"no {one['system']} beside the others")
        shows(plot, one["system"], [one["value"]])
        must(one["name"] in printed, f"no {one['name']} in the table")
    for text in (page, printed):
        must(re.search("peers pay the kernel's network stack", text, re.IGNORECASE), "who pays for the kernel?")


def main():
    figures = list(measured())
    report_page.write(sys.argv[2], {"cpu": "a", "cpus": 1}, figures)
    with open(sys.argv[2], encoding="utf-8") as file:
        page = file.read()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        report.print_table(figures)
    check_plots(page, figures)
    check_peers(page, printed.getvalue(), figures)


main()
