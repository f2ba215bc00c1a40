#!/usr/bin/env bash
# Twelve devices, six pairs, every one sending to its partner while it receives. Two workers, with a
# receive queue each where the port offers them.
#
#   +-- north ------------+        +-- relay ------------------+        +-- south ----------------+
#   | a1..a6   192.0.2.2  |  veth  |  tap0 198.18.0.1          |  veth  |  b1..b6   198.51.100.2  |
#   |                     |--------|  chappe-dataplane .2      |--------|  (and 2001:db8:b::2)    |
#   +---------------------+        +---------------------------+        +-------------------------+
. "$(dirname "$0")/lib/system.sh"

WORKERS=2
PAIRS=6
MESSAGES=40
relay_namespace
attach north e0 192.0.2.2/24 192.0.2.1/24
attach south e0 198.51.100.2/24 198.51.100.1/24
relay_start

for ((i = 1; i <= PAIRS; i++)); do
	device "a$i" north
	device "b$i" south
	contact "a$i" "b$i"
done
for ((i = 1; i <= PAIRS; i++)); do
	talk_start "a$i"
	talk_start "b$i"
done
say "each of $((2 * PAIRS)) devices sends $MESSAGES messages of 5,000 bytes"
for ((i = 1; i <= PAIRS; i++)); do
	talk "a$i" "send b$i $MESSAGES 5000 5"
	talk "b$i" "send a$i $MESSAGES 5000 5"
done
for ((i = 1; i <= PAIRS; i++)); do
	wait_for 60 "a$i's messages are acknowledged" at_least $MESSAGES acked "a$i" "b$i"
	wait_for 60 "b$i's messages are acknowledged" at_least $MESSAGES acked "b$i" "a$i"
	[ "$(got "a$i" "b$i")" -eq $MESSAGES ] || fail "a$i has $(got "a$i" "b$i") messages"
	[ "$(got "b$i" "a$i")" -eq $MESSAGES ] || fail "b$i has $(got "b$i" "a$i") messages"
	no_damage "a$i" "b$i"
done
[ "$(ctl device list --json | json 'len(j["devices"])')" -eq $((2 * PAIRS)) ] || fail "device list"
[ "$(ctl session list --json | json 'len(j["sessions"])')" -ge $((2 * PAIRS)) ] || fail "session list"
check_wire
