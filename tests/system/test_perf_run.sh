#!/usr/bin/env bash
# perf/run as a whole, with rounds too small to say anything about speed: its JSON has the promised
# form, its report needs no other file, and it leaves the machine as it was, also when interrupted.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${BUILD:-build}")
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export TMPDIR=$T/t
mkdir "$TMPDIR"
pages=/proc/sys/vm/nr_hugepages

say() { echo "$(date +%T) $*"; }
fail() {
	echo "FAILED: $*"
	[ ! -s "$T/run.log" ] || tail -n 20 "$T/run.log"
	exit 1
}

say "a run"
before=$(<$pages)
perf/run --smoke --build "$build" --json "$T/report.json" --html "$T/report.html" >"$T/run.log" 2>&1 || fail "perf/run"
[ "$(<$pages)" = "$before" ] || fail "the number of hugepages is not what it was"
[ -z "$(ls -A "$TMPDIR")" ] || fail "files are left: $(ls -A "$TMPDIR")"
grep -qE '^path 512 bytes, 64 sessions, aes256gcm +[0-9.,]+ cycles/frame' "$T/run.log" || fail "no table"
grep -q '^== 2 of [0-9]*: .* left)$' "$T/run.log" || fail "no progress"

say "its JSON"
tests/system/lib/figures.py "$T/report.json" path path_swcksum scale_rss scale_steered handshake \
	memory_per_device memory_per_route install_devices install_sessions store_accept store_drain store_start store_memory ||
	fail "JSON"
refused() { # refused EXPRESSION: the check finds what the Python statement does to the JSON j
	python3 -c "import json; j = json.load(open('$T/report.json')); f = j['figures'][0]; $1; json.dump(j, open('$T/other.json', 'w'))"
	! tests/system/lib/figures.py "$T/other.json" path >"$T/other.out" || fail "not refused: $1"
}
refused 'f["cell"] = "512"'
refused 'f["workers"] = None'
refused 'f["suite"] = ""'
refused 'del f["ratio"]'
refused 'f["more"] = 1'
refused 'f["name"] = "paths"'
refused 'f["value"] = -1'
refused 'j["figures"].append(f)'
refused 'del j["machine"]'

say "its report"
grep -q '<svg' "$T/report.html" || fail "no plot"
grep -q 'Where the cycles go' "$T/report.html" || fail "no stages"
! grep -oE '(src|href)=|@import|url\(' "$T/report.html" || fail "the report needs other files"
python3 - "$T/report.html" <<'END' || fail "HTML"
import html.parser, sys
class Parser(html.parser.HTMLParser):
    open = []
    def handle_starttag(self, tag, _):
        if tag not in ("meta", "br", "html"):
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert tag == "html" or self.open.pop() == tag, (tag, self.getpos())
    def handle_startendtag(self, tag, _):
        pass
parser = Parser()
parser.feed(open(sys.argv[1], encoding="utf-8").read())
assert not parser.open, parser.open
END

say "what it plots, and what it says of other relays"
tests/system/lib/report_plots.py perf "$T/plots.html" || fail "plots"

say "the rows of a quick run fit into its minute, by what each says to take"
PYTHONDONTWRITEBYTECODE=1 python3 - <<'END' || fail "--quick"
import importlib.machinery, importlib.util
loader = importlib.machinery.SourceFileLoader("perf_run", "perf/run")
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("perf_run", loader))
loader.exec_module(run)
jobs = run.quick_jobs()
assert {job.group for job in jobs} == {job.group for job in run.full_jobs()}
# Stored messages come last, and where there is time.
while "stored" in jobs[-1].what:
    jobs.pop()
needed = sum(job.seconds for job in jobs)
assert needed <= run.QUICK_S - run.QUICK_MARGIN_S, f"they take {needed} s"
END

say "figures that miss what they must, or their goal"
PYTHONDONTWRITEBYTECODE=1 python3 - perf "$T/misses.html" >"$T/misses.log" <<'END' || fail "misses"
import sys
sys.path.insert(0, sys.argv[1])
import report, report_page, tried

def figure(target, ratio):
    name, where = target[:2]
    return {"name": name, "cell": 0, "sessions": 0, "suite": report.AES, "workers": 1, "unit": "x", **where,
            "value": 1, "floor": 1, "ratio": ratio, **({"sessions": report.MILLION} if name == "install_devices" else {})}

def page(figures):
    report_page.write(sys.argv[2], {"cpu": "a", "cpus": 1}, figures)
    return open(sys.argv[2], encoding="utf-8").read()

def between(target):
    return figure(target, (target[2] + target[3]) / 2)

def beyond(target):
    return figure(target, target[2] * 1.2 if target[4] else target[2] / 1.2)

for target in report.TARGETS:
    for one, by in ((between(target), target[3]), (beyond(target), target[2])):
        row, = report.targets([one])
        assert row.missed() == by and row.missed_by() > 0, (target, row.missed())
        html = page([one])
        assert "What is not met" in html and f"instead of {report.number(by)} " in html, (target, by)
        # Whoever does not find out what a miss costs says so.
        assert (report.UNTRIED.capitalize() in html) == (target[0] not in tried.NOTES), target
        assert all(report_page.escape(line) in html for line in tried.NOTES.get(target[0], {}).get("tried", [])), target
    assert "What is not met" not in page([figure(target, target[3])]), target
tried.NOTES.clear()
assert report.UNTRIED.capitalize() in page([beyond(report.TARGETS[0])])
report.print_table([beyond(report.TARGETS[0])])
END
grep -q 'path 512 bytes.* misses its must, 1.6, by 20.0 %: nothing is written about what was tried' "$T/misses.log" ||
	fail "the table does not name a miss that nobody looked into"

say "interrupted"
perf/run --smoke --only capacity --build "$build" --html "$T/report.html" >"$T/run.log" 2>&1 &
run=$!
for _ in $(seq 300); do
	grep -q '^== 1 of' "$T/run.log" && [ -n "$(ls -A "$TMPDIR")" ] && break
	read -rt 0.05 <> <(:) || :
done
kill -TERM $run
status=0
wait $run || status=$?
[ $status -eq 143 ] || [ $status -eq 0 ] || fail "it ended with $status"
[ "$(<$pages)" = "$before" ] || fail "an interrupted run keeps hugepages"
[ -z "$(ls -A "$TMPDIR")" ] || fail "an interrupted run leaves files: $(ls -A "$TMPDIR")"
! perf/run --only nothing >"$T/run.log" 2>&1 || fail "an unknown group"
grep -q "no group is named nothing" "$T/run.log" || fail "it does not say what is unknown"
say "passed: test_perf_run"
