#!/usr/bin/env bash
# Never plaintext, and nothing in common. While known messages flow, and some wait for a device that
# is not there, the memory of all relay processes, the raw files of control's and of the message store
# and a capture of the wire are searched for the plaintext,
# for the secrets that the contacts share and for the keys that seal: no hit. Beyond the 16 header
# bytes, no 8 bytes of a frame going in are in any frame coming out.
#
# Control runs show that the same search finds a marker in an mbuf, in a session's slot, in the
# memory of control, in the store and on the wire, and that the comparison of frames finds 8 bytes.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
#
# Runs without hugepages, and again with them where the machine can spare 80 (--hugepages).
. "$(dirname "$0")/lib/system.sh"

MEMORY=(--no-huge -m 128) # all of it is searched, many times
pages_before=
if [ "${1-}" = --hugepages ]; then
	pages_before=$(cat /proc/sys/vm/nr_hugepages)
	MEMORY=(--in-memory -m 128)
	trap 'status=$?; echo "$pages_before" >/proc/sys/vm/nr_hugepages; (exit $status); cleanup' EXIT
	echo $((pages_before + 80)) >/proc/sys/vm/nr_hugepages
	[ "$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)" -ge 80 ] || skip "no 80 hugepages to spare"
fi

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
device carol bob
contact alice bob
contact alice carol
link=$(<"$T/alice-bob.link")

marker=MARKER-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')-
python3 "$lib/collect_needles.py" --text plaintext "$marker" --link "$link" \
	--link "$(<"$T/alice-carol.link")" \
	"$T/device-alice" "$T/device-bob" "$T/device-carol" >"$T/needles"
say "$(wc -l <"$T/needles") needles: the plaintext, the link, keys and shared secrets"

talk_start alice
talk_start bob
for name in alice bob; do talk $name "fill $marker"; done
talk alice "store carol 20 3000 0"
wait_for 20 "messages wait for carol" at_least 20 accepted alice carol
talk alice "send bob 1000000 3000 5"
talk bob "send alice 1000000 3000 5"
wait_for 20 "messages flow" eval "at_least 50 got alice bob && at_least 50 got bob alice"

search() { # search NEEDLES: the processes and the files of both stores
	local file files=()
	while read -r file; do files+=(--file "$file"); done < <(find "$state" "$depot" -type f)
	python3 "$lib/search_memory.py" --verbose --pid "$dataplane_pid" --pid "$control_pid" \
		--pid "$store_pid" "${files[@]}" "$1"
}

say "the search, while messages flow"
for round in 1 2 3; do
	a=$(got alice bob)
	b=$(got bob alice)
	search "$T/needles" >"$T/search.out" || fail "round $round: $(<"$T/search.out")"
	tail -n 1 "$T/search.out"
	at_least $((a + 5)) got alice bob && at_least $((b + 5)) got bob alice ||
		fail "messages did not flow while the memory was searched"
done
# The same search finds the same messages where they are supposed to be: at a device.
status=0
python3 "$lib/search_memory.py" --pid "${device_pid[alice]}" "$T/needles" >"$T/device.out" || status=$?
[ $status -eq 1 ] || fail "the search of alice's own memory ended with $status"
for secret in plaintext alice/device/key link0.psk; do
	grep -q "$secret" "$T/device.out" || fail "$secret was not found where it is: in alice's memory"
done
if [ -n "$pages_before" ]; then
	grep -qE '^KernelPageSize: +2048 kB' "/proc/$dataplane_pid/smaps" || fail "the dataplane has no hugepages"
fi

no_damage alice bob
talk_stop alice
talk_stop bob
check_wire
python3 "$lib/check_wire.py" absent --needles "$T/needles" "${captures[@]}" || fail "the wire"

say "control runs"
found() { # found WHERE: the search of the relay finds the marker there
	local status=0
	search "$T/marker" >"$T/found.out" || status=$?
	[ $status -eq 1 ] && grep -q "$1" "$T/found.out"
}
new_marker() {
	planted=PLANTED-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
	printf 'marker %s\n' "$(printf %s "$planted" | od -An -tx1 | tr -d ' \n')" >"$T/marker"
}
in_mbuf() {
	in_ns relay python3 "$lib/plant.py" mbuf 198.18.0.2 "$planted"
	found "process $dataplane_pid "
}

new_marker
search "$T/marker" >"$T/found.out" || fail "a marker was found before it was planted"
wait_for 20 "a marker in an mbuf is found" in_mbuf
head -n 3 "$T/found.out"

new_marker
talk_start alice
# the newest: earlier ones of a device end seconds after it
index=$(ctl session list --json | json 'max(j["sessions"], key=lambda s: s["expires_in_s"])["session"]')
python3 "$lib/plant.py" session "$dataplane_pid" "$index" "$planted" || fail "planting in a session"
found "process $dataplane_pid " || fail "a marker in the slot of session $index was not found"

new_marker
echo "$planted" >>"$depot/planted"
found "$depot" || fail "a marker in the message store's files was not found"
rm "$depot/planted"

# What chappe-store has to know of a message that waits: its route.
say "the search sees into chappe-store's memory too"
sed -n 's/^peer-route /route /p' "$T/device-alice/contact-carol" >"$T/route"
status=0
python3 "$lib/search_memory.py" --pid "$store_pid" "$T/route" || status=$?
[ $status -eq 1 ] || fail "the route of what waits was not found in chappe-store"

say "the relay's own key is with control, and nowhere else"
printf 'relay.key %s\n' "$(base64 -d <"$state/relay.key" | od -An -tx1 | tr -d ' \n')" >"$T/relay-key"
python3 "$lib/search_memory.py" --pid "$dataplane_pid" --pid "$store_pid" --file "$state/chappe.db" \
	"$T/relay-key" ||
	fail "the dataplane or the store holds the relay's key"
status=0
python3 "$lib/search_memory.py" --pid "$control_pid" "$T/relay-key" || status=$?
[ $status -eq 1 ] || fail "the relay's key was not found in control, which holds it"

new_marker
capture_start
in_ns relay python3 "$lib/plant.py" mbuf 198.18.0.2 "$planted" >/dev/null
wait_for 20 "the datagram is captured" grep -q "$planted" "${captures[-1]}"
capture_stop
! python3 "$lib/check_wire.py" absent --needles "$T/marker" "${captures[-1]}" ||
	fail "a marker on the wire was not found"

python3 "$lib/forge_capture.py" "${captures[0]}" "$T/forged.pcap" || fail "forging a capture"
for check in common counters; do
	! python3 "$lib/check_wire.py" $check "$T/forged.pcap" || fail "$check found nothing in a forged capture"
done
talk_stop alice

new_marker
kill "$control_pid" # it alone may use the store while it runs
wait "$control_pid" || fail "control ended with status $?"
python3 "$lib/plant.py" store "$state/chappe.db" "$planted" || fail "planting in the store"
status=0
python3 "$lib/search_memory.py" --file "$state/chappe.db" "$T/marker" || status=$?
[ $status -eq 1 ] || fail "a marker in the store was not found"
