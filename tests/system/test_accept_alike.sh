#!/usr/bin/env bash
# chappe-store accepts a message after the same times whether its recipient is online, has left
# without a word or is absent: on a quiet store, whose ticks are of 5 ms, and in a crowd, where they are
# of 1 ms. Dataplane and devices are played (tools/accept_times.c), so that nothing but the store and
# its disk takes time, and recipients are drawn by lot, so that any difference is the store's.
# test_accept_time has the same between real devices.
. "$(dirname "$0")/lib/system.sh"

alike() { # alike NAME TICK-US MESSAGES PER-S CROWD-PER-S
	local try status
	for try in 1 2; do # what chance makes, once in 300 times, is not made twice
		mkdir "$T/$1-$try"
		timeout 100 "$build/tests/system/accept_times" "$build/store/chappe-store" "$T/$1-$try" "${@:3}" \
			>"$T/$1-$try.out" || fail "$1: see $T/$1-$try/store.log"
		rm -r "$T/$1-$try/store"
		status=0
		python3 "$lib/same_times.py" --shift "$2" "$T/$1-$try.out" online left absent || status=$?
		[ $status -ne 0 ] || return 0
	done
	fail "$1: the time until a message is accepted tells where its recipient is"
}

say "a quiet store"
alike quiet 5000 2000 250 0
say "a crowd"
alike crowd 1000 6000 1000 80000
