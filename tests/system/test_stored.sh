#!/usr/bin/env bash
# Messages to a device that is not there: the relay keeps them, and delivers all of them in order when
# it comes back, whichever of the relay's processes is killed with SIGKILL in between. While the
# message store is stopped or gone, live messages flow as before, and nothing is acknowledged that is
# not stored.
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

expected=0 # messages that the relay accepted from alice
store() { # store COUNT
	talk alice "store bob $1 700 0"
	expected=$((expected + $1))
}

all_accepted() {
	at_least $expected accepted alice bob
}

# Bob comes, gets what waits, and goes.
fetch() {
	talk_start bob
	wait_for 30 "bob has all $expected messages" eval "[ \$(got bob alice) -eq $expected ]"
	in_order || fail "bob got messages out of order"
	no_damage bob
	wait_for 10 "the store has nothing left" empty
	talk_stop bob
}

in_order() {
	awk '$1 == "message" { print $4 }' "$T/bob.talk" | sort -nc
}

empty() {
	[ "$(ctl store status --json | json 'j["waiting"]["frames"]')" = 0 ]
}

say "to a device that is not there"
store 30
wait_for 20 "30 messages are accepted" all_accepted
fetch

end() { # end NAME PID: by SIGKILL
	say "kill -9 $1"
	kill -9 "$2"
	wait_for 20 "$1 is gone" eval "! alive $2"
}

# Half of the messages are accepted before, half are on their way meanwhile.
store 20
wait_for 20 "20 messages are accepted" all_accepted
end chappe-store "$store_pid"
store 20
store_start
wait_for 20 "the others are accepted" all_accepted
fetch

store 20
wait_for 20 "20 messages are accepted" all_accepted
end chappe-control "$control_pid"
store 20
wait_for 20 "the others are accepted, without control" all_accepted
control_start
relay_ready
fetch

store 20
wait_for 20 "20 messages are accepted" all_accepted
end chappe-dataplane "$dataplane_pid"
capture_stop
store 20
rm -f "$run/table.sock"
dataplane_start
capture_start
relay_ready
wait_for 30 "the others are accepted" all_accepted
fetch

say "live messages while the store is stopped"
talk_start bob
talk bob "send alice 1000000 700 5"
flows() { # flows WHEN
	local n
	n=$(got alice bob)
	wait_for 10 "100 more live messages, $1" at_least $((n + 100)) got alice bob
}
flows "with a store"
kill -STOP "$store_pid"
store 20
flows "while it is stopped"
[ "$(accepted alice bob)" -eq $((expected - 20)) ] || fail "a store that is stopped has accepted messages"
kill -CONT "$store_pid"
wait_for 60 "what was on its way is accepted" all_accepted
end chappe-store "$store_pid"
store 20
say "without a store"
flows "without a store"
wait_for 10 "frames are dropped by name" at_least 1 counter drop_no_store
[ "$(accepted alice bob)" -eq $((expected - 20)) ] || fail "messages were accepted without a store"
say "the store returns"
store_start
wait_for 60 "what was on its way is accepted" all_accepted
wait_for 30 "bob has all $expected messages" eval "[ \$(got bob alice) -eq $expected ]"
in_order || fail "bob got messages out of order"
no_damage alice bob
for name in stored received accepted delivered; do
	at_least 40 counter ${name}_frames || fail "${name}_frames is $(counter ${name}_frames)"
done
talk_stop bob
talk_stop alice
check_wire
