#!/usr/bin/env bash
# chappe-store is killed with SIGKILL at random moments, hundreds of times, while a played dataplane
# (tools/store_soak.c) sends and takes messages through its rings: nothing that was accepted is lost,
# what was received does not come again, and messages of a route keep their order. Then the same with
# a store that says `accepted` for what lies in its memory alone: the test must find that.
#
# usage: test_store_kill.sh [SEED]
. "$(dirname "$0")/lib/system.sh"

ROUNDS=200
seed=${1:-$(($(date +%s) % 1000000 + 1))}
soak=$build/tests/system/store_soak

mkdir "$T/good" "$T/bad"
timeout 110 "$soak" --rounds $ROUNDS --seed "$seed" "$build/store/chappe-store" "$T/good" ||
	fail "a promise was broken with seed $seed"

say "a store that forgets what it has accepted"
status=0
timeout 60 "$soak" --rounds 5 --seed "$seed" --preload "$build/tests/system/libforgetful.so" \
	"$build/store/chappe-store" "$T/bad" >"$T/bad.out" 2>&1 || status=$?
cat "$T/bad.out"
[ $status -eq 1 ] && grep -qE '^FAILED (lost|order|again)' "$T/bad.out" ||
	fail "nothing was noticed: status $status"
