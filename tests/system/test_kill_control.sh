#!/usr/bin/env bash
# chappe-control is killed with SIGKILL while messages flow: they keep flowing without it, and it
# picks up where it was when it returns. No session is made anew.
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
# Those of devices that are there now: earlier ones live on for ten seconds.
sessions() {
	ctl session list --json | json 'sorted(s["session"] for s in j["sessions"] if s["expires_in_s"] > 60)'
}
before=$(sessions)

say "kill -9 chappe-control"
kill -9 "$control_pid"
wait_for 20 "control is gone" eval "! alive $control_pid"
a=$(got alice bob)
b=$(got bob alice)
wait_for 10 "200 more messages each way without control" eval \
	"at_least $((a + 200)) got alice bob && at_least $((b + 200)) got bob alice"

say "control returns"
control_start
relay_ready
[ "$(sessions)" = "$before" ] || fail "sessions were $before, are $(sessions)"
a=$(got alice bob)
wait_for 10 "messages flow on" at_least $((a + 50)) got alice bob
say "a third device can join"
attach carol e0 203.0.113.2/24 203.0.113.1/24
device carol carol
no_damage alice bob
check_wire
