#!/usr/bin/env bash
# A device changes its address in mid-stream: first inside its subnet, then to another interface
# and address family. It keeps its session, and no message is lost.
#
#   +-- alice -------------+        +-- relay -------------------+        +-- bob ----------+
#   | e0 192.0.2.2, then .3|--veth--|  tap0 198.18.0.1           |--veth--| e0 198.51.100.2 |
#   | e1 2001:db8:a::2     |--veth--|  chappe-dataplane .2, ::2  |        +-----------------+
#   +----------------------+        +----------------------------+
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach alice e1 2001:db8:a::2/64 2001:db8:a::1/64
attach bob e0 198.51.100.2/24 198.51.100.1/24
RELAY_NAMES=("198.18.0.2:4460" "[2001:2::2]:4460")
relay_start
device alice alice
device bob bob
contact alice bob
talk_start alice
talk_start bob

handshakes() { # handshakes NAME: inits that the device sent since it started
	local before
	before=$(grep -c '^status ' "$T/$1.talk" || :)
	talk "$1" status
	wait_for 20 "$1 prints its status" eval "[ \$(grep -c '^status ' '$T/$1.talk') -gt $before ]"
	grep '^status ' "$T/$1.talk" | tail -n 1 | grep -o 'handshakes_started=[0-9]*' | cut -d= -f2
}

endpoint_is() { # endpoint_is ADDRESS: some session of the relay has it as its endpoint
	ctl session list --json | grep -qF "$1"
}

say "both send all the time"
talk alice "send bob 600 900 10"
talk bob "send alice 600 900 10"
wait_for 20 "messages flow" eval "at_least 50 got alice bob && at_least 50 got bob alice"
started=$(handshakes alice)

say "alice moves from 192.0.2.2 to 192.0.2.3"
ip -n alice addr add 192.0.2.3/24 dev e0
ip -n alice addr del 192.0.2.2/24 dev e0
ip -n alice addr replace 192.0.2.3/24 dev e0
ip -n alice route replace default via 192.0.2.1 dev e0
wait_for 10 "the relay sends to 192.0.2.3" endpoint_is 192.0.2.3
moved_at=$(got alice bob)
wait_for 10 "bob's messages reach alice at her new address" at_least $((moved_at + 50)) got alice bob
[ "$(handshakes alice)" -eq "$started" ] || fail "alice made a new handshake although she only moved"

say "alice loses IPv4 and goes on over IPv6"
ip -n alice link set e0 down
wait_for 30 "the relay sends to 2001:db8:a::2" endpoint_is 2001:db8:a::2
wait_for 60 "every message is acknowledged" eval "at_least 600 acked alice bob && at_least 600 acked bob alice"
[ "$(got alice bob)" -eq 600 ] && [ "$(got bob alice)" -eq 600 ] || fail "messages are missing"
no_damage alice bob
check_wire
