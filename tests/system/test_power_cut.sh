#!/usr/bin/env bash
# The power of a machine is cut while chappe-store works, dozens of times: its disk keeps what was
# synced and random parts of the rest. What was accepted is there afterwards, and every other promise
# of test_store_kill.sh holds too. Then the same with a store that syncs nothing: the test must find
# that.
#
# usage: test_power_cut.sh [SEED]
. "$(dirname "$0")/lib/system.sh"
. "$lib/disk.sh"

ROUNDS=40
seed=${1:-$(($(date +%s) % 1000000 + 1))}

disks_possible || skip "no loop devices: power cuts are not tested here"

soak() { # soak NAME ARGUMENT...: on a disk of its own
	local place=$T/$1/store
	disk_make "$1" 1G
	mkdir -p "$place"
	mount "$disk" "$place"
	timeout 100 "$build/tests/system/store_soak" --seed "$seed" --power "$disk" "${@:2}" \
		"$build/store/chappe-store" "$T/$1"
}

soak good --rounds $ROUNDS || fail "a promise was broken with seed $seed"

say "a store that does not sync"
status=0
soak bad --rounds 5 --preload "$build/tests/system/libunsynced.so" >"$T/bad.out" 2>&1 || status=$?
cat "$T/bad.out"
[ $status -eq 1 ] && grep -qE '^FAILED (lost|order|again|start)' "$T/bad.out" ||
	fail "nothing was noticed: status $status"
