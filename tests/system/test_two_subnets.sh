#!/usr/bin/env bash
# Two devices on different subnets and of different address families write to each other, in both
# directions, up to 1 MiB.
#
#   +-- alice ------+        +-- relay ------------------------------------------+        +-- bob ---------+
#   |  e0           |  veth  |            (routes)                               |  veth  |           e0   |
#   |  192.0.2.2/24 |--------| 192.0.2.1   tap0 198.18.0.1   2001:db8:b::1       |--------| 2001:db8:b::2  |
#   +---------------+        |                  2001:2::1                        |        +----------------+
#                            |   chappe-dataplane 198.18.0.2, 2001:2::2          |
#                            +---------------------------------------------------+
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 2001:db8:b::2/64 2001:db8:b::1/64
RELAY_NAMES=("198.18.0.2:4460" "[2001:2::2]:4460")
relay_start

say "the relay answers ARP, neighbour solicitations and echo requests"
in_ns relay ping -q -c 2 -W 2 198.18.0.2 >"$T/ping4.log" || fail "no answer to ping over IPv4"
in_ns relay ping -q -c 2 -W 2 2001:2::2 >"$T/ping6.log" || fail "no answer to ping over IPv6"

device alice alice
device bob bob
contact alice bob
talk_start alice
talk_start bob

sizes=(31 400 447 448 1167 1168 1169 10000 65536 1048576)
say "messages of ${sizes[*]} bytes both ways"
n=0
for bytes in "${sizes[@]}"; do
	n=$((n + 1))
	talk alice "send bob 1 $bytes 0"
	talk bob "send alice 1 $bytes 0"
	wait_for 30 "both messages of $bytes bytes are acknowledged" eval \
		"at_least $n acked alice bob && at_least $n acked bob alice"
done
no_damage alice bob
[ "$(got bob alice)" -eq $n ] || fail "bob has $(got bob alice) of $n messages"
[ "$(got alice bob)" -eq $n ] || fail "alice has $(got alice bob) of $n messages"

at_least 2000 counter relayed_frames || fail "the relay counted $(counter relayed_frames) relayed frames"
# Each device speaks its own family: nothing else was on its link.
python3 - "${captures[0]}" "$lib" <<'PY' || fail "families"
import sys
sys.path.insert(0, sys.argv[2])
import wire
seen = {f.source[0] if f.to_relay else f.destination[0] for f in wire.datagrams(sys.argv[1])}
print("devices on the wire:", *sorted(seen))
assert seen == {"192.0.2.2", "2001:db8:b::2"}, seen
PY
talk_stop alice
talk_stop bob
check_wire
