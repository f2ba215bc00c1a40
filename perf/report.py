"""What perf/run makes of the figures: a table, JSON, and an HTML page that needs nothing else."""
import html
import json
import os
import platform
import subprocess

SUITES = ("aes256gcm", "chacha20poly1305")
KEYS = ("name", "cell", "sessions", "suite", "workers", "value", "unit", "floor", "ratio")

# What each figure's ratio must reach, and the goal. lower: smaller is better.
TARGETS = [
    # name, where, must, goal, lower, what it is
    ("path", {"cell": 512, "sessions": 1000, "suite": SUITES[0]}, 1.6, 1.35, True, "path/floor"),
    ("path", {"cell": 512, "sessions": 1000000, "suite": SUITES[0]}, 1.5, 1.25, True, "path/floor"),
    ("path", {"cell": 1232, "sessions": 1000, "suite": SUITES[0]}, 1.4, 1.15, True, "path/floor"),
    ("path", {"cell": 1232, "sessions": 1000, "suite": SUITES[1]}, 1.4, 1.15, True, "path/floor"),
    ("scale_rss", {"cell": 512, "sessions": 1000, "suite": SUITES[0]}, 0.93, 0.98, False,
     "speed-up/speed-up"),
    ("scale_steered", {"cell": 512, "sessions": 1000, "suite": SUITES[0]}, 0.8, 0.9, False,
     "speed-up/speed-up"),
    ("handshake", {}, 0.75, 0.9, False, "of the bound"),
    ("memory_per_device", {}, 4, 3, True, "KiB"),
    ("memory_per_route", {}, 64, 48, True, "bytes"),
    ("install_devices", {}, 10, 3, True, "seconds"),
    ("install_sessions", {}, 100000, 500000, False, "a second"),
    ("peer_coturn", {}, 5, 10, False, "times cheaper"),
    ("peer_wireguard_go", {}, 5, 10, False, "times cheaper"),
    ("peer_nats_tls", {}, 5, 10, False, "times cheaper"),
    ("peer_nats", {}, 2.5, 5, False, "times cheaper"),
]


def is_headline(figure):
    """Figures that the JSON has: bursts of 32 over IPv4, where those differ."""
    return figure["name"] != "stage" and figure.get("family", 4) in (0, 4) and \
        figure.get("burst", 32) in (0, 32)


def find(figures, name, **where):
    for figure in figures:
        if figure["name"] == name and is_headline(figure) and \
                all(figure[key] == value for key, value in where.items()):
            return figure
    return None


def verdict(ratio, must, goal, lower):
    if ratio <= goal if lower else ratio >= goal:
        return "goal met"
    if ratio <= must if lower else ratio >= must:
        return "met"
    by = ratio / must - 1 if lower else 1 - ratio / must
    return f"NOT MET, by {100 * by:.0f} %"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def rows(figures):
    """(what, value, floor, ratio with spread, must, goal, verdict) of each target measured."""
    for name, where, must, goal, lower, what in TARGETS:
        figure = find(figures, name, **where)
        if figure is None:
            continue
        place = []
        if where:
            place = [f"{where['cell']} bytes", f"{where['sessions']:,} sessions", where["suite"]]
        spread = ""
        if figure.get("low") and figure["low"] != figure["high"]:
            spread = f" ({figure['low']:.3g} to {figure['high']:.3g})"
        yield (", ".join([name] + place), f"{number(figure['value'])} {figure['unit']}",
               number(figure["floor"]) if figure["floor"] else "",
               f"{number(figure['ratio'])}{spread}", f"{number(must)} {what}", number(goal),
               verdict(figure["ratio"], must, goal, lower))


HEAD = ("figure", "value", "floor", "ratio (quartiles)", "must", "goal", "")


def other_rows(figures):
    """Every figure that no target names, in the order measured."""
    named = [find(figures, name, **where) for name, where, *_ in TARGETS]
    for figure in figures:
        if figure["name"] == "stage" or any(figure is one for one in named):
            continue
        place = [figure["name"]]
        if figure["cell"]:
            place.append(f"{figure['cell']} bytes")
        if figure["sessions"]:
            place.append(f"{figure['sessions']:,} sessions")
        place.append(figure["suite"])
        if figure.get("family"):
            place.append(f"IPv{figure['family']}")
        if figure.get("burst"):
            place.append(f"bursts of {figure['burst']}")
        yield (", ".join(filter(None, place)), f"{number(figure['value'])} {figure['unit']}",
               number(figure["floor"]) if figure["floor"] else "", number(figure["ratio"]))


def print_table(figures):
    lines = [HEAD, *rows(figures)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    lines = list(other_rows(figures))
    if lines:
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        print()
        for line in lines:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print()


def command(*arguments):
    try:
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(figures):
    """What the figures were taken on."""
    facts = {"cpu": "", "mhz": 0.0}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                facts["cpu"] = value.strip()
            elif key.strip() == "cpu MHz":
                facts["mhz"] = float(value)
    facts["cpus"] = os.cpu_count()
    facts["load"] = round(os.getloadavg()[0], 2)
    facts["kernel"] = platform.release()
    facts["compiler"] = command("cc", "--version").partition("\n")[0]
    facts["dpdk"] = command("pkg-config", "--modversion", "libdpdk")
    facts["ipsec_mb"] = command("dpkg-query", "-W", "-f", "${Version}", "libipsec-mb1")
    facts["libsodium"] = command("pkg-config", "--modversion", "libsodium")
    facts["page_bytes"] = sorted({figure["page"] for figure in figures if figure.get("page")})
    return facts


def write_json(name, facts, figures):
    chosen = [{key: figure[key] for key in KEYS} for figure in figures if is_headline(figure)]
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"machine": facts, "figures": chosen}, file, indent=1)
        file.write("\n")


# The report. Colours tell path and floor apart; every plot begins at zero.
COLOURS = ("#1f6f8b", "#b0b7bf", "#c8553d", "#e3b23c", "#588157", "#7d5ba6", "#e07a5f", "#3d405b",
           "#81b29a", "#f2cc8f", "#6d6875", "#b56576", "#355070", "#99d98c", "#577590", "#bc6c25")
STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;
color:#222}table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .8em .25em 0;
text-align:left;border-bottom:1px solid #ddd;vertical-align:top}td.bad{color:#b00020}
svg{display:block;margin:1em 0}text{font:12px system-ui,sans-serif;fill:#333}"""


def bars(title, unit, groups, names):
    """Grouped bars: groups = [(label, [value or None, ..])]."""
    width, height, left, base = 900, 300, 60, 240
    top = max((v for _, values in groups for v in values if v), default=1) * 1.1
    step = (width - left) / max(len(groups), 1)
    bar = min(step * 0.8 / max(len(names), 1), 60)
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img"><text x="0" y="14">'
             f"{html.escape(title)}, {html.escape(unit)}</text>"]
    for i in range(5):
        y = base - i * (base - 30) / 4
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#eee"/>'
                     f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">'
                     f"{number(top * i / 4)}</text>")
    for g, (label, values) in enumerate(groups):
        x = left + g * step + (step - bar * len(values)) / 2
        for i, value in enumerate(values):
            if value is None:
                continue
            tall = value / top * (base - 30)
            parts.append(f'<rect x="{x + i * bar:.1f}" y="{base - tall:.1f}" width="{bar * .94:.1f}"'
                         f' height="{tall:.1f}" fill="{COLOURS[i]}"><title>'
                         f"{html.escape(names[i])}: {number(value)}</title></rect>"
                         f'<text x="{x + (i + .5) * bar:.1f}" y="{base - tall - 4:.1f}" '
                         f'text-anchor="middle">{number(value)}</text>')
        parts.append(f'<text x="{left + (g + .5) * step:.1f}" y="{base + 16}" '
                     f'text-anchor="middle">{html.escape(label)}</text>')
    for i, name in enumerate(names):
        x = left + i * 190
        parts.append(f'<rect x="{x}" y="{height - 22}" width="12" height="12" fill="{COLOURS[i]}"/>'
                     f'<text x="{x + 17}" y="{height - 12}">{html.escape(name)}</text>')
    return "".join(parts) + "</svg>"


def stacked(title, unit, groups):
    """One horizontal bar a group: groups = [(label, [(part, value), ..])]."""
    width, left, tall, legend = 900, 230, 26, 22
    names = list(dict.fromkeys(part for _, parts in groups for part, _ in parts))
    top = max(sum(value for _, value in parts) for _, parts in groups)
    height = 40 + len(groups) * (tall + 10) + (len(names) // 7 + 1) * legend
    out = [f'<svg viewBox="0 0 {width} {height}" role="img"><text x="0" y="14">'
           f"{html.escape(title)}, {html.escape(unit)}</text>"]
    for g, (label, parts) in enumerate(groups):
        x, y = left, 30 + g * (tall + 10)
        out.append(f'<text x="0" y="{y + 17}">{html.escape(label)}</text>')
        for part, value in parts:
            wide = value / top * (width - left - 60)
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{tall}" fill="'
                       f'{COLOURS[names.index(part) % len(COLOURS)]}"><title>{part}: '
                       f"{number(value)}</title></rect>")
            if wide > 34:
                out.append(f'<text x="{x + wide / 2:.1f}" y="{y + 17}" text-anchor="middle" '
                           f'style="fill:#fff">{number(value)}</text>')
            x += wide
        out.append(f'<text x="{x + 6:.1f}" y="{y + 17}">{number(sum(v for _, v in parts))}</text>')
    for i, name in enumerate(names):
        x, y = (i % 7) * 128, 40 + len(groups) * (tall + 10) + i // 7 * legend
        out.append(f'<rect x="{x}" y="{y}" width="12" height="12" '
                   f'fill="{COLOURS[i % len(COLOURS)]}"/><text x="{x + 17}" y="{y + 10}">'
                   f"{html.escape(name)}</text>")
    return "".join(out) + "</svg>"


def pair(figure):
    return [figure["value"], figure["floor"]] if figure else [None, None]


def plots(figures):
    paths = [f for f in figures if f["name"] == "path" and is_headline(f)]
    cells = sorted({f["cell"] for f in paths})
    sessions = sorted({f["sessions"] for f in paths})
    names = ["path", "floor: the bare AEAD"]
    for suite in SUITES:
        groups = [(f"{cell} bytes", pair(find(figures, "path", cell=cell, sessions=1000,
                                              suite=suite))) for cell in cells]
        if any(values[0] for _, values in groups):
            yield bars(f"Cell size: {suite}, 1,000 sessions", "TSC cycles a frame", groups, names)
        for cell in cells:
            groups = [(f"{n:,}", pair(find(figures, "path", cell=cell, sessions=n, suite=suite)))
                      for n in sessions]
            if sum(values[0] is not None for _, values in groups) > 1:
                yield bars(f"Sessions: {suite}, {cell} bytes", "TSC cycles a frame", groups, names)
    scales = [f for f in figures if f["name"].startswith("scale_")]
    if scales:
        groups = [("one", [1, 1])] + [
            (f"two, {f['name'][6:]}, {f['cell']} bytes, {f['sessions']:,}", pair(f))
            for f in scales if f["suite"] == SUITES[0]]
        yield bars("Workers", "speed-up", groups, names)
    stages = {}
    for figure in figures:
        if figure["name"] == "stage":
            label = f"{figure['cell']} bytes, {figure['sessions']:,}, {figure['suite'][:6]}"
            stages.setdefault(label, []).append((figure["stage"], figure["value"]))
    if stages:
        yield stacked("Where the cycles go, by stage", "TSC cycles a frame, timers included",
                      list(stages.items()))


def table(lines, head=None):
    out = ["<table>"]
    if head:
        out.append("<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>")
    for line in lines:
        out.append("<tr>" + "".join(
            f"<td{' class=bad' if cell.startswith('NOT') else ''}>{html.escape(cell)}</td>"
            for cell in line) + "</tr>")
    return "".join(out) + "</table>"


def write_html(name, facts, figures):
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>Chappe: line rate</title>",
             f"<style>{STYLE}</style><h1>Chappe: line rate</h1>", table(rows(figures), HEAD),
             "<p>A ratio is the median of the ratios of pairs: the whole worker loop over a "
             "memory-backed port, and the bare AEAD on the same buffers, sessions and pairs of "
             "devices, in turn. Bursts of 32 over IPv4, checksums announced by the port, unless "
             "said otherwise.</p>", *plots(figures), "<h2>Everything measured</h2>",
             table(other_rows(figures), HEAD[:4]), "<h2>Machine</h2>",
             table([(key, str(value)) for key, value in facts.items()])]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "</html>\n")
