"""Plots of the report, as SVG that needs nothing else. Every axis of values begins at zero."""
import html
import math

from report import number

# Chappe, what it is compared with, and what else there is.
COLOURS = ("#14708c", "#9aa5b1", "#c8553d", "#d9a521", "#588157", "#7d5ba6", "#3d405b", "#e07a5f",
           "#81b29a", "#b56576", "#355070", "#6d6875", "#99b898", "#577590", "#bc6c25", "#a3b18a")
WIDTH, LEFT, RIGHT, TOP_, PLOT, BELOW = 460, 52, 14, 34, 190, 58


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(words)}</text>'


def nice(top):
    """A round number at or above top, and the step of its grid."""
    if top <= 0:
        return 1, 0.25
    for factor in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10):
        rounded = factor * 10 ** math.floor(math.log10(top))
        if rounded >= top:
            return rounded, rounded / 4
    return top, top / 4


def frame(title, unit, top, names, height=TOP_ + PLOT + BELOW):
    """The beginning of a plot: title, grid, legend; and the function from value to y."""
    most, step = nice(top * 1.05)
    base = TOP_ + PLOT

    def at(value):
        return base - value / most * PLOT

    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">',
           text(0, 13, title, kind="title"), text(WIDTH - RIGHT, 13, unit, "end", "quiet")]
    for i in range(5):
        y = at(i * step)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(text(LEFT - 7, y + 4, number(i * step) if i else "0", "end", "quiet"))
    x = LEFT
    for i, name in enumerate(names):
        out.append(f'<rect x="{x:.0f}" y="{base + 36}" width="11" height="11" rx="2" fill="{COLOURS[i]}"/>')
        out.append(text(x + 16, base + 46, name))
        x += 30 + 6.4 * len(name)
    return out, at


def bars(title, unit, groups, names):
    """Grouped bars: groups = [(label, [value or None, ..])]."""
    out, at = frame(title, unit, max(v for _, values in groups for v in values if v), names)
    step = (WIDTH - LEFT - RIGHT) / len(groups)
    wide = min(step * 0.8 / len(names), 54)
    for g, (label, values) in enumerate(groups):
        x = LEFT + g * step + (step - wide * len(values)) / 2
        for i, value in enumerate(values):
            if value is not None:
                out.append(f'<rect x="{x + i * wide + 1:.1f}" y="{at(value):.1f}" width="{wide - 2:.1f}" '
                           f'height="{at(0) - at(value):.1f}" rx="2" fill="{COLOURS[i]}"/>')
                out.append(text(x + (i + .5) * wide, at(value) - 4, number(value), "middle", "value"))
        out.append(text(LEFT + (g + .5) * step, at(0) + 16, label, "middle"))
    return "".join(out) + "</svg>"


def lines(title, unit, labels, series):
    """Lines over labels set apart evenly: series = [(name, [value or None, ..])]. Every second one
    is what the one before is compared with."""
    names = [name for name, _ in series]
    out, at = frame(title, unit, max(v for _, values in series for v in values if v), names)
    step = (WIDTH - LEFT - RIGHT - 50) / max(len(labels) - 1, 1)
    for i, label in enumerate(labels):
        out.append(text(LEFT + 20 + i * step, at(0) + 16, label, "middle"))
    for s, (_, values) in enumerate(series):
        points = [(LEFT + 20 + i * step, at(value), value) for i, value in enumerate(values) if value]
        track = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        dashed = ' stroke-dasharray="5 4"' if s % 2 else ""
        out.append(f'<polyline points="{track}" fill="none" stroke="{COLOURS[s]}" stroke-width="2.2"{dashed}/>')
        for x, y, value in points:
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{COLOURS[s]}"/>')
            if s % 2 == 0:
                out.append(text(x, y - 8, number(value), "middle", "value"))
    return "".join(out) + "</svg>"


def stacked(title, unit, groups, labels_wide=310):
    """One horizontal bar a group: groups = [(label, [(part, value), ..])]. Parts that are too small
    to be seen are put together."""
    width, tall, gap = 980, 24, 12
    top = max(sum(value for _, value in parts) for _, parts in groups)
    small = {part for _, parts in groups for part, _ in parts} - {
        part for _, parts in groups for part, value in parts if value >= 0.02 * top}
    shown = [(label, [(p, v) for p, v in parts if p not in small] +
              [("all others", sum(v for p, v in parts if p in small))]) for label, parts in groups]
    names = [name for name in dict.fromkeys(part for _, parts in shown for part, _ in parts) if name != "all others"]
    names.append("all others")
    colours = dict(zip(names[:-1], COLOURS)) | {"all others": "#c9ced4"}
    legend_at = 34 + len(shown) * (tall + gap)
    out = [f'<svg viewBox="0 0 {width} {legend_at + 26}" role="img" aria-label="{html.escape(title)}" class="wide">',
           text(0, 13, title, kind="title"), text(width, 13, unit, "end", "quiet")]
    for g, (label, parts) in enumerate(shown):
        x, y = labels_wide, 28 + g * (tall + gap)
        out.append(text(labels_wide - 10, y + 16, label, "end"))
        for part, value in parts:
            wide = value / top * (width - labels_wide - 56)
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{max(wide - 1, 0):.1f}" height="{tall}" '
                       f'fill="{colours[part]}"><title>{html.escape(part)}: {number(value)}</title></rect>')
            if wide > 26:
                out.append(text(x + wide / 2, y + 16, f"{value:.0f}", "middle", "inside"))
            x += wide
        out.append(text(x + 6, y + 16, number(sum(value for _, value in parts)), kind="value"))
    x = labels_wide
    for name in names:
        out.append(f'<rect x="{x:.0f}" y="{legend_at}" width="11" height="11" rx="2" fill="{colours[name]}"/>')
        out.append(text(x + 15, legend_at + 10, name))
        x += 28 + 6.6 * len(name)
    return "".join(out) + "</svg>"


def costs(title, unit, rows):
    """One horizontal bar a row: rows = [(label, value, note, ours)]."""
    width, left, tall, gap, notes = 980, 250, 20, 9, 170
    top = max(value for _, value, _, _ in rows)
    out = [f'<svg viewBox="0 0 {width} {30 + len(rows) * (tall + gap)}" role="img" '
           f'aria-label="{html.escape(title)}" class="wide">',
           text(0, 13, title, kind="title"), text(width, 13, unit, "end", "quiet")]
    for i, (label, value, note, ours) in enumerate(rows):
        y = 26 + i * (tall + gap)
        wide = max(2, value / top * (width - left - notes))
        out.append(text(left - 10, y + 14, label, "end"))
        out.append(f'<rect x="{left}" y="{y}" width="{wide:.1f}" height="{tall}" rx="2" '
                   f'fill="{COLOURS[0] if ours else COLOURS[1]}"/>')
        out.append(text(left + wide + 7, y + 14, f"{number(value)}{', ' + note if note else ''}", kind="value"))
    return "".join(out) + "</svg>"


def bullet(row):
    """How far a ratio is from what it must be and from the goal; to the left is better."""
    width, tall = 150, 16

    def share(value):
        worse = value / row.must if row.lower else row.must / value if value else 2
        return min(worse, 1.6) / 1.6 * width

    good = row.verdict != "not met"
    return (f'<svg viewBox="0 0 {width} {tall}" class="bullet" role="img" aria-label="{row.verdict}">'
            f'<rect width="{share(row.must):.1f}" height="{tall}" class="must"/>'
            f'<rect width="{share(row.goal):.1f}" height="{tall}" class="goal"/>'
            f'<rect y="5" width="{share(row.ratio):.1f}" height="6" fill="{COLOURS[0] if good else COLOURS[2]}"/></svg>')
