#!/usr/bin/env bash
# What an operator does with the message store: status, limits, verify, compact, what of it is
# disclosed, and what becomes of messages whose recipient is revoked while the store is away.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, the relay .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

expect() { # expect STATUS PATTERN ARGUMENT...: of chappectl; PATTERN in what it prints
	local want=$1 pattern=$2 status=0
	shift 2
	ctl "$@" >"$T/expect.out" 2>&1 </dev/null || status=$?
	[ $status -eq "$want" ] || fail "chappectl $* ended with $status, not $want: $(<"$T/expect.out")"
	grep -qE -- "$pattern" "$T/expect.out" || fail "chappectl $*: no \"$pattern\" in: $(<"$T/expect.out")"
}

store_says() { # store_says EXPRESSION: of the status of the message store
	ctl store status --json | json "$1"
}

is_waiting() { # is_waiting FRAMES
	[ "$(store_says 'j["waiting"]["frames"]')" -eq "$1" ]
}

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
wait_for 10 "control is connected to the store" eval 'ctl store status'
device alice alice
device bob bob
contact alice bob

say "status"
expect 0 "^store +connected for .*, [0-9]+ frames wait" status
expect 0 "^store +connected for .*, linked to the dataplane" store status
expect 0 "^damage +none found" store status
[ "$(store_says 'j["linked"], j["failed"]')" = "True False" ] || fail "$(store_says j)"
before=$(store_says 'j["waiting"]["frames"]')

say "limits reach the store and outlive it"
expect 0 "^time a frame waits +7d$" store limits set --ttl 7d --route-frames 500
wait_for 20 "they are written down" grep -q '^route_frames = 500$' "$depot/limits"
grep -q '^ttl_minutes = 10080$' "$depot/limits" || fail "$(<"$depot/limits")"

say "messages wait for bob"
chappe alice send bob --stored hello >"$T/send.out" 2>&1 || fail "send: $(<"$T/send.out")"
wait_for 10 "it waits" eval '! is_waiting $before'
waiting=$(store_says 'j["waiting"]["frames"]')
bob=$(ctl device list --json | json 'j["devices"][1]["device"]')

say "disclose tells how much waits under a route, and when it came"
ctl disclose "$bob" --json >"$T/bob.json" || fail "disclose"
python3 - "$T/bob.json" "$((waiting - before))" <<-'END'
	import json, sys, time
	disclosure = json.load(open(sys.argv[1]))
	assert disclosure["message_store"] == "answered"
	records = disclosure["devices"][0]["records"]
	assert len(records["waiting"]) == len(records["table_route"]) > 0
	boxes = [r for r in records["waiting"] if r["frames"]]
	assert sum(r["frames"] for r in boxes) >= int(sys.argv[2]) > 0, records["waiting"]
	for box in boxes:
	    assert box["bytes"] == 512 * (box["frames"] - box["large_frames"]) + 1232 * box["large_frames"]
	    assert box["oldest"] <= box["newest"] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
	    assert box["newest"].endswith(":00Z")
	assert len(records["store_index"]) == len(records["store_body"]) == len(boxes)
	for place in disclosure["places"]:
	    names = [datum["name"] for datum in place["data"]]
	    for record in records[place["place"]]:
	        assert list(record) == names, (place["place"], list(record), names)
END
expect 0 "Who sent what waits" disclose "$bob"

say "verify and compact"
expect 0 "^Verified: [0-9]+ records" store verify
[ "$(store_says 'j["verify"]["state"]')" = "done" ] || fail "verify"
expect 0 "^Compacted" store compact
expect 0 "Started" store verify --no-wait
curl -sS --unix-socket "$control_socket" http://relay/metrics >"$T/metrics.out"
python3 "$lib/openmetrics.py" "$T/metrics.out" chappe_store_up chappe_store_waiting_frames \
	chappe_store_accepted_total chappe_store_commit_p99_us >"$T/openmetrics.out" || fail "$(<"$T/openmetrics.out")"
grep -qx 'chappe_store_up 1' "$T/metrics.out" || fail "metrics"

say "a store that hangs holds nobody up"
kill -STOP "$store_pid"
expect 9 "did not answer within 4 s" store status
expect 0 "$bob" device list
expect 9 "chappe-store did not answer" disclose "$bob"
kill -CONT "$store_pid"
wait_for 10 "it answers again" eval 'ctl store status'

say "what waits for a revoked device is erased, though the store is away just then"
kill -KILL "$store_pid"
wait_for 10 "control sees it" eval 'ctl store status; [ $? -eq 9 ]'
expect 9 "what waits is missing" disclose "$bob"
expect 0 "Revoked" device revoke "$bob"
expect 0 "not connected" status
[ "$(ctl disclose --all --json | json 'j["relay"]["counts"]["erasures"]')" -gt 0 ] || fail "no erasure is noted"
store_start
wait_for 20 "all is erased" eval "[ \"\$(ctl disclose --all --json | json 'j[\"relay\"][\"counts\"][\"erasures\"]')\" -eq 0 ]"
# An acknowledgement may wait for alice, who is not here.
alice=$(ctl device list --json | json 'j["devices"][0]["device"]')
wait_for 10 "nothing waits but for alice" eval 'is_waiting "$(ctl disclose "$alice" --json |
	json '"'"'sum(r["frames"] for r in j["devices"][0]["records"]["waiting"])'"'"')"'
check_wire
