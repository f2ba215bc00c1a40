#!/usr/bin/env bash
# One receive queue, two workers: what arrives for a session of the worker without a queue crosses
# the steering ring, and what that worker seals leaves by the egress ring.
#
#   +-- north --------+        +-- relay -----------------------------------+        +-- south --------+
#   | a1..a4          |--veth--| p0 198.18.0.1 --veth-- p1, one queue:      |--veth--| b1..b4          |
#   +-----------------+        | chappe-dataplane .2: worker 0 has the      |        +-----------------+
#                              | queue, worker 1 has none                   |
#                              +--------------------------------------------+
. "$(dirname "$0")/lib/system.sh"

WORKERS=2
PAIRS=4
MESSAGES=60
relay_namespace
attach north e0 192.0.2.2/24 192.0.2.1/24
attach south e0 198.51.100.2/24 198.51.100.1/24
pair_up
VDEV=net_af_packet0,iface=p1
WIRE=p0
relay_start
grep -q "1 rx and 1 tx queue" "$T/dataplane.log" || fail "the port has more than one queue"
for ((i = 1; i <= PAIRS; i++)); do
	device "a$i" north
	device "b$i" south
	contact "a$i" "b$i"
done
for ((i = 1; i <= PAIRS; i++)); do
	talk_start "a$i"
	talk_start "b$i"
	talk "a$i" "send b$i $MESSAGES 4000 2"
	talk "b$i" "send a$i $MESSAGES 4000 2"
done
for ((i = 1; i <= PAIRS; i++)); do
	wait_for 60 "pair $i is done" eval \
		"at_least $MESSAGES acked a$i b$i && at_least $MESSAGES acked b$i a$i"
	no_damage "a$i" "b$i"
done
# Sessions go to owners in turn: eight devices give each worker some.
at_least 100 counter steered_frames || fail "steered $(counter steered_frames) frames"
owners=$(ctl session list --json | json 'len({s["owner"] for s in j["sessions"]})')
[ "$owners" -eq 2 ] || fail "sessions belong to $owners of 2 workers"
[ "$(ctl status --json | json 'j["dataplane"]["workers"]')" -eq 2 ] || fail "not two workers"
check_wire
