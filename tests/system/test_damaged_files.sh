#!/usr/bin/env bash
# Every file of a message store is damaged in turn, in every way that disks have, while chappe-store is
# not running. It must start each time, say what it found, deliver all that can still be read, whole and
# in order, and accept new messages: never a crash, nor a start that fails again and again.
. "$(dirname "$0")/lib/system.sh"

AT_ONCE=8 # most of the time they wait for messages that do not come
ALL=480
HALF=240 # a life of the store had so many: its key, or what it wrote last, may be what is damaged

mkdir "$T/filled"
"$build/tests/system/store_damaged" fill "$build/store/chappe-store" "$T/filled" || fail "filling"
printf '%s\n' "[limits]" "route_frames = 1000" >"$T/filled/store/limits"

# Prints "ok", or "FAILED" and why.
damaged() { # damaged HOW FILE
	local dir came status=0
	dir=$(mktemp -d "$T/XXXXXX")
	cp -r "$T/filled/store" "$dir/store"
	python3 "$lib/damage.py" "$1" "$dir/store/$2" || return
	timeout 100 "$build/tests/system/store_damaged" serve "$build/store/chappe-store" "$dir" \
		>"$dir/out" 2>&1 || status=$?
	came=$(sed -n "s/ of $ALL\$//p" "$dir/out")
	if [ $status -ne 0 ]; then
		echo "FAILED: $2, $1: $(tail -n 1 "$dir/out"); $(grep error "$dir/store.log")"
	elif [ "$came" -lt $HALF ]; then
		echo "FAILED: $2, $1: $came messages of $ALL are left"
	elif [ "$came" -lt $ALL ] && ! grep -qE '^warning .*(lost|damaged)' "$dir/store.log"; then
		echo "FAILED: $2, $1: $came messages of $ALL are left, and the log does not say so"
	else
		echo "ok: $2, $1: $came of $ALL"
	fi
	rm -r "$dir"
}
export -f damaged
export T lib build ALL HALF

cd "$T/filled/store" || fail "nothing was filled"
find . -type f -size +0 -printf '%P\n' | sort >"$T/files"
while read -r file; do
	for how in begin middle end zeros half empty; do echo "$how $file"; done
done <"$T/files" | xargs -P $AT_ONCE -L 1 bash -c 'damaged "$@"' bash >"$T/results"
sort "$T/results"
! grep -q '^FAILED' "$T/results" || fail "see above"
[ "$(wc -l <"$T/results")" -eq $((6 * $(wc -l <"$T/files"))) ] || fail "not all files were damaged in all ways"
