#!/usr/bin/env bash
# chappe-dataplane is killed with SIGKILL while messages flow. Devices that are sending are back
# within 2 s of its return, and nothing that was acknowledged is missing.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
contact alice bob
talk_start alice
talk_start bob
talk alice "send bob 1000000 700 10"
talk bob "send alice 1000000 700 10"
wait_for 20 "messages flow" eval "at_least 50 got alice bob && at_least 50 got bob alice"

back=0
for round in 1 2 3; do
	# A reset causes a handshake once in five seconds at most (protocol, reset).
	wait_for 20 "devices may believe a reset again" eval '[ $(now_ms) -ge $((back + 5500)) ]'
	say "kill -9 chappe-dataplane, round $round"
	kill -9 "$dataplane_pid"
	wait_for 20 "the dataplane is gone" eval "! alive $dataplane_pid"
	capture_stop
	a=$(got alice bob)
	b=$(got bob alice)
	rm -f "$run/table.sock" "$run/punt.sock"
	dataplane_start
	capture_start
	relay_ready
	back=$(now_ms)
	wait_for 10 "messages flow again" eval \
		"at_least $((a + 5)) got alice bob && at_least $((b + 5)) got bob alice"
	took=$(($(now_ms) - back))
	say "messages both ways ${took} ms after its return"
	[ $took -le 2000 ] || fail "the devices were back after ${took} ms, not within 2,000"
done
at_least 1 counter resets_sent || fail "no reset was sent"

# Every message that a sender was told is acknowledged is one that the recipient's application got.
missing() { # missing SENDER RECIPIENT: serials; the nth message that was sent has serial n - 1
	comm -23 <(awk -v c="$2" '$2 == c && $1 == "sent" { serial[$3] = n++ }
			$2 == c && $1 == "acked" { print serial[$3] }' "$T/$1.talk" | sort -u) \
		<(awk -v c="$1" '$1 == "message" && $2 == c { print $4 }' "$T/$2.talk" | sort -u)
}
talk_stop alice
talk_stop bob
[ -z "$(missing alice bob)" ] || fail "acknowledged to alice, not with bob: $(missing alice bob)"
[ -z "$(missing bob alice)" ] || fail "acknowledged to bob, not with alice: $(missing bob alice)"
say "alice had $(acked alice bob) acknowledged, bob $(acked bob alice)"
no_damage alice bob
check_wire
