#!/usr/bin/env bash
# The sender of a stored message can't tell from the relay's answer whether the recipient is online,
# has left without a word (its session is still there, nobody answers), or has no session: `accepted`
# comes after the same times, by a statistical test that would notice a tick of 5 ms.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- others 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach others e0 198.51.100.2/24 198.51.100.1/24
# The files of devices are in memory: they are other machines, and what alice waits for on the store's
# disk when she writes down what she sends and gets would count as the relay's.
for name in alice online left absent; do
	mkdir -m 700 "$T/device-$name"
	mount -t tmpfs -o mode=700 tmpfs "$T/device-$name" || fail "no memory for the files of $name"
done
relay_start
device alice alice
for name in online left absent; do
	device $name others
	contact alice $name
done

say "a new dataplane: nobody has a session, and one does not come back"
kill -9 "$dataplane_pid"
wait_for 20 "the dataplane is gone" eval "! alive $dataplane_pid"
capture_stop
rm -f "$run/table.sock"
dataplane_start
capture_start
relay_ready
wait_for 10 "the store is back" store_attached 2
talk_start left
kill -9 "${device_pid[left]}"
for name in alice online; do talk_start $name; done
sessions() { ctl session list --json | json 'len({s["device"] for s in j["sessions"]})'; }
[ "$(sessions)" -eq 3 ] || fail "$(sessions) devices have sessions, not alice, online and left"

# Intervals without a common divisor: no contact is always the first of a tick.
round() {
	local before=$1
	talk alice "store online 400 400 19"
	talk alice "store left 330 400 23"
	talk alice "store absent 262 400 29"
	wait_for 60 "all are accepted" eval "at_least $((before + 400)) accepted alice online &&
		at_least $((before * 33 / 40 + 330)) accepted alice left &&
		at_least $((before * 262 / 400 + 262)) accepted alice absent"
}

# Samples that share a disk are not quite independent: what chance makes is not made three times.
same=
for n in 0 1 2; do
	round $((n * 400))
	tail -n +$((${lines-0} + 1)) "$T/alice.talk" >"$T/round.talk"
	lines=$(wc -l <"$T/alice.talk")
	status=0
	python3 "$lib/same_times.py" "$T/round.talk" online left absent || status=$?
	[ $status -ne 0 ] || same=yes
	[ -z "$same" ] || break
done
[ -n "$same" ] || fail "the time until a message is accepted tells where its recipient is"
wait_for 20 "the one who is online has all of its messages" at_least 400 got online alice
talk_stop alice
talk_stop online
check_wire
