#!/usr/bin/env python3
"""Checks a text of OpenMetrics 1.0.0 as chappe-control writes it.

usage: openmetrics.py FILE NAME...
Every sample belongs to a metric family whose TYPE and HELP stand before it, families are not
interleaved, counters end in _total, the text ends with # EOF, and the samples NAME are there.
"""
import re
import sys

SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(\{[a-z_]+="[^"\\]*"\})? (\d+(?:\.\d+)?)$')


def check(lines):
    family, kind, seen, samples = None, None, set(), {}
    assert lines[-1] == "# EOF", "no # EOF at the end"
    for number, line in enumerate(lines[:-1], 1):
        where = f"line {number}: {line}"
        if match := re.match(r"# TYPE (\S+) (counter|gauge)$", line):
            family, kind = match.groups()
            assert family not in seen, f"{where}: a second time"
            seen.add(family)
        elif match := re.match(r"# HELP (\S+) \S", line):
            assert match[1] == family, f"{where}: not of {family}"
        else:
            match = SAMPLE.match(line)
            assert match, f"{where}: no sample"
            want = family + "_total" if kind == "counter" else family
            assert match[1] == want, f"{where}: not {want}"
            key = (match[1], match[2])
            assert key not in samples, f"{where}: a second time"
            samples[key] = float(match[3])
    return {name for name, _ in samples}


def main():
    path, *wanted = sys.argv[1:]
    names = check(open(path).read().splitlines())
    missing = [name for name in wanted if name not in names]
    print(f"{len(names)} metrics" if not missing else f"missing: {missing}")
    return 1 if missing else 0


sys.exit(main())
