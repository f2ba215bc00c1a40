"""The HTML report of perf/run: one file that needs nothing else."""
import html
import time

import report
import report_plot as plot
from report import AES, GOAL, MISSED, SUITES, find, number

STYLE = """
:root{--ink:#1d2733;--quiet:#66727f;--line:#e2e6ea;--paper:#fff;--wash:#f5f7f9;--blue:#14708c;--red:#b3261e;--green:#2e7d4f}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--quiet:#98a4b0;--line:#2f3944;--paper:#151b21;--wash:#1d252d;
--blue:#59b4cf;--red:#ff8a80;--green:#7bd3a0}}
body{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2.5rem auto;padding:0 1.25rem;color:var(--ink);
background:var(--paper)}
h1{font-size:1.9rem;margin:0}h2{font-size:1.25rem;margin:2.4rem 0 .6rem;border-bottom:2px solid var(--line);
padding-bottom:.3rem}h3{font-size:1rem;margin:1.2rem 0 .2rem}
p{max-width:46rem}.lead{color:var(--quiet);margin:.2rem 0 1.2rem}
.tiles{display:flex;gap:1rem;flex-wrap:wrap;margin:1.2rem 0}
.tile{background:var(--wash);border-radius:10px;padding:.7rem 1.1rem;min-width:8rem}
.tile b{display:block;font-size:1.6rem;line-height:1.2}.tile span{color:var(--quiet);font-size:.85rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums;width:100%}
td,th{padding:.34rem .8rem .34rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;font-size:.9rem}
th{color:var(--quiet);font-weight:600}td.n,th.n{text-align:right}td.n{white-space:nowrap}
td:first-child{min-width:14rem}.small td{font-size:.82rem;padding-top:.18rem;padding-bottom:.18rem}
.badge{border-radius:99px;padding:.08rem .6rem;font-size:.8rem;white-space:nowrap;color:#fff;background:var(--green)}
.badge.met{background:#14708c}.badge.missed{background:#b3261e}
.quiet{color:var(--quiet)}.what{white-space:nowrap}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(27rem,1fr));gap:1.4rem 2rem;margin:1rem 0}
svg{display:block;width:100%;height:auto}svg.wide{margin:1.2rem 0}svg.bullet{width:8rem}
svg .must{fill:#d5dbe1}svg .goal{fill:#b4c9d1}
svg text{font:11.5px system-ui,sans-serif;fill:var(--ink)}svg .title{font-size:13px;font-weight:600}
svg .quiet{fill:var(--quiet)}svg .value{font-size:10.5px;fill:var(--quiet)}svg .inside{fill:#fff;font-size:10.5px}
svg .grid{stroke:var(--line)}ul{margin:.3rem 0;padding-left:1.2rem;max-width:46rem}
@media print{body{margin:0}.plots{grid-template-columns:1fr 1fr}}
"""
METHOD = """A ratio is the median of the ratios of pairs: the whole worker loop over a memory-backed port (path), and the
bare AEAD on the same buffers, sessions and random pairs of devices (floor), in turn. Path includes polling, replay check,
meter, routing and the freeing of what was sent; every frame that comes out is opened with its recipient's key and
compared. Bursts of 32 over IPv4, checksums announced by the port, unless a row says otherwise. Cycles are the TSC's."""
PEERS = """CPU time of all of a system's processes divided by the messages it relayed, at saturation, 448 bytes each;
windows of a system and of Chappe in turn, and the median of the ratios of such pairs. The peers pay the kernel's network stack, which is how they are used; Chappe pays it over AF_XDP and
AF_PACKET, where the kernel takes its share as well, and not over zero-copy net_memif. The kernel computes no checksums
on loopback; Chappe does over every port that announces none, unless told not to ("no UDP sums"). Each peer is loaded in
two ways, with as many senders and messages under way as Chappe, and its headline is the one in which it relays the most
messages a second: that is its saturation."""


def escape(value):
    return html.escape(str(value))


def table(lines, head=(), kind="", right=()):
    def row(cells, tag):
        return "<tr>" + "".join(f"<{tag}{' class=n' if i in right else ''}>{cell}</{tag}>"
                                for i, cell in enumerate(cells)) + "</tr>"

    top = row([escape(cell) for cell in head], "th") if head else ""
    return f"<div class=scroll><table class='{kind}'>{top}" + "".join(row(line, "td") for line in lines) + "</table></div>"


def badge(row):
    kind = {GOAL: "goal", MISSED: "missed"}.get(row.verdict, "met")
    words = f"not met, by {row.missed_by():.0f} %" if row.verdict == MISSED else row.verdict
    return f"<span class='badge {kind}'>{words}</span>"


def target_table(rows):
    lines = []
    for row in rows:
        sign = "≤" if row.lower else "≥"
        spread = f"<br><span class=quiet>{row.spread()}</span>" if row.spread() else ""
        lines.append((f"<b>{row.name}</b><br><span class=quiet>{escape(row.place())}</span>",
                      escape(report.value(row.figure)), escape(report.floor(row.figure)),
                      f"<b>{number(row.ratio)}</b>{spread}",
                      f"{sign} {number(row.must)}<br><span class='quiet what'>{escape(row.what)}</span>",
                      f"{sign} {number(row.goal)}", plot.bullet(row), badge(row)))
    return table(lines, ("figure", "value", "floor", "ratio", "must", "goal", "", ""), right=(1, 2, 3, 4, 5))


def tiles(rows):
    counts = {kind: sum(row.verdict == kind for row in rows) for kind in (GOAL, report.MET, MISSED)}
    words = {GOAL: "goals met", report.MET: "targets met", MISSED: "targets not met"}
    boxes = [f"<div class=tile><b>{count}</b><span>{words[kind]}</span></div>" for kind, count in counts.items()]
    path = next((row for row in rows if row.name == "path"), None)
    if path is not None:
        boxes.append(f"<div class=tile><b>{number(path.figure['value'])}</b><span>cycles a relayed frame of "
                     f"{path.figure['cell']} bytes, {number(path.ratio)} × the bare AEAD</span></div>")
    return f"<div class=tiles>{''.join(boxes)}</div>"


def pair(figure):
    return [figure["value"], figure["floor"]] if figure else [None, None]


def path_plots(figures):
    paths = [f for f in figures if f["name"] == "path" and report.is_headline(f)]
    cells, sessions = sorted({f["cell"] for f in paths}), sorted({f["sessions"] for f in paths})
    names = ("path", "floor: the bare AEAD")
    out = []
    for suite in SUITES:
        groups = [(f"{cell} bytes", pair(find(figures, "path", cell=cell, sessions=1000, suite=suite)))
                  for cell in cells]
        groups = [group for group in groups if group[1][0]]
        if groups:
            out.append(plot.bars(f"Cell size: {suite}, 1,000 sessions", "cycles a frame", groups, names))
        series = []
        for cell in cells:
            found = [pair(find(figures, "path", cell=cell, sessions=n, suite=suite)) for n in sessions]
            if sum(values[0] is not None for values in found) > 1:
                series += [(f"path, {cell}", [values[0] for values in found]),
                           (f"floor, {cell}", [values[1] for values in found])]
        if series:
            labels = [f"{n:,}" for n in sessions]
            out.append(plot.lines(f"Sessions: {suite}, by cell size", "cycles a frame", labels, series))
    return out


def worker_plots(figures):
    out = []
    scales = [f for f in figures if f["name"].startswith("scale_") and f.get("alone")]
    for cell, suite, sessions in dict.fromkeys((f["cell"], f["suite"], f["sessions"]) for f in scales):
        chosen = {f["name"]: f for f in scales if (f["cell"], f["suite"], f["sessions"]) == (cell, suite, sessions)}
        rss, steered = chosen.get("scale_rss"), chosen.get("scale_steered")
        if not rss or not steered:
            continue
        groups = [("one worker", [rss["alone"], None, rss["floor_alone"]]),
                  ("two workers", [rss["alone"] / rss["value"], steered["alone"] / steered["value"],
                                   rss["floor_alone"] / rss["floor"]])]
        out.append(plot.bars(f"Workers: {cell} bytes, {sessions:,} sessions{'' if suite == AES else ', chacha20'}", "cycles a frame",
                             groups, ("spread by RSS", "half steered", "bare AEAD, threads")))
    return out


def variants(figures):
    """Bursts, IP versions and checksums side by side, at 1,000 sessions."""
    columns = [("IPv4", "path", 4, 32), ("bursts of 4", "path", 4, 4), ("bursts of 1", "path", 4, 1),
               ("own checksums", "path_swcksum", 4, 32), ("and bursts of 4", "path_swcksum", 4, 4),
               ("of 1", "path_swcksum", 4, 1), ("IPv6", "path", 6, 32), ("IPv6, own checksums", "path_swcksum", 6, 32)]
    lines = []
    for suite in SUITES:
        for cell in (512, 1232):
            found = [next((f for f in figures if (f["name"], f["cell"], f["suite"], f.get("family"), f.get("burst"),
                           f["sessions"]) == (name, cell, suite, family, burst, 1000)), None)
                     for _, name, family, burst in columns]
            if sum(f is not None for f in found) > 1:
                lines.append((f"{cell} bytes, {suite}", *(
                    f"{number(f['value'])}<br><span class=quiet>{number(f['ratio'])} ×</span>" if f else ""
                    for f in found)))
    if not lines:
        return ""
    return "<h3>Bursts, checksums, IP versions: cycles a frame and × the floor, 1,000 sessions</h3>" + \
        table(lines, ("", *(title for title, *_ in columns)), right=range(1, 9))


LOADS = {"each": "one message a sender", "streams": "streams"}


def peers(figures):
    rows = [f for f in figures if f.get("load")]
    if not rows:
        return ""
    out = [f"<h2>Other relays</h2><p>{PEERS}</p>"]
    for load in dict.fromkeys(f["load"] for f in rows):
        chosen = sorted((f for f in rows if f["load"] == load), key=lambda f: f["value"])
        out.append(plot.costs(f"A relayed message, {LOADS.get(load, load)}: {chosen[0]['load_words']}", "ns of CPU time", [
            (f["system"], f["value"], "" if f["system"] == "Chappe, net_memif" else f"{number(f['ratio'])} ×",
             f["system"].startswith("Chappe")) for f in chosen]))
    return "".join(out)


def aead_and_rest(parts):
    cipher = sum(cycles for stage, cycles in parts if stage in ("open", "seal"))
    rest = sorted(((cycles, stage) for stage, cycles in parts if stage not in ("open", "seal")), reverse=True)
    return f"open and seal take {cipher:.0f} cycles, then " + ", ".join(
        f"{stage} {cycles:.0f}" for cycles, stage in rest[:5])


def misses(rows, figures, missing):
    """By how much, where the cycles go, what was tried."""
    out = []
    stages = report.stages(figures)
    for row in rows:
        if row.missed() is None:
            continue
        where = [f"{key}: {aead_and_rest(parts)}" for key, parts in stages.items()
                 if row.name.startswith("path") and key == row.place() or row.name.startswith("peer_") and "memif" in key]
        where += row.tried().get("where", [])
        what = "" if row.verdict == MISSED else ", the goal; what it must is met"
        out.append(f"<h3>{row.name} {escape(row.place())}</h3><p>{number(row.ratio)} instead of {number(row.missed())} "
                   f"{escape(row.what)}{what}: off by {row.missed_by():.1f} %.</p>")
        if not row.tried():
            out.append(f"<p>{escape(report.UNTRIED.capitalize())}.</p>")
        for title, lines in (("Where it goes", where), ("What was tried", row.tried().get("tried", []))):
            if lines:
                out.append(f"<b>{title}</b><ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    if missing:
        out.append("<h3>Not measured in this run</h3><ul>" + "".join(f"<li>{escape(m)}</li>" for m in missing) + "</ul>")
    return "<h2>What is not met</h2>" + "".join(out) if out else ""


def stage_plot(figures):
    groups = list(report.stages(figures).items())
    if not groups:
        return ""
    return ("<h2>Where the cycles go</h2><p>By stage of the packet path, the timers included (about 15 cycles a frame "
            "at bursts of 32). <code>chappectl stats --stages</code> shows the same of a running relay.</p>" +
            plot.stacked("Cycles a frame by stage", "cycles a frame", groups))


def pages(facts):
    names = {4096: "4 KiB", 2 << 20: "2 MiB", 1 << 30: "1 GiB"}
    return ", ".join(names.get(page, f"{page} bytes") for page in facts.get("page_bytes", [])) or "unknown"


def write(name, facts, figures, missing=()):
    rows = report.targets(figures)
    plots = path_plots(figures) + worker_plots(figures)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Chappe: line rate</title><style>{STYLE}</style><h1>Chappe: line rate</h1>",
        f"<p class=lead>{escape(facts['cpu'])}, {facts['cpus']} CPUs, memory in pages of {pages(facts)}, "
        f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}</p>",
        tiles(rows), target_table(rows), f"<p class=quiet>{METHOD}</p>", misses(rows, figures, missing),
        f"<h2>Path and floor</h2><div class=plots>{''.join(plots)}</div>" if plots else "", variants(figures),
        stage_plot(figures), peers(figures), "<h2>Everything measured</h2>",
        table([tuple(map(escape, line)) for line in report.others(figures)], ("figure", "value", "floor", "ratio"),
              "small", (1, 2, 3)),
        "<h2>Machine</h2>", table([(escape(key), escape(value)) for key, value in facts.items()], kind="small"),
    ]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(filter(None, parts)) + "</html>\n")
