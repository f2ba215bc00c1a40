#!/usr/bin/env bash
# An attacker on the path holds back a fresh, authentic frame of alice's and sends it to the relay
# from an address of his own. The relay may ask that address for a token; alice's endpoint must not
# move, and nothing else may go to the attacker.
#
#   +-- alice --------+        +-- relay ---------------------------+        +-- bob ----------+
#   | e0 192.0.2.2    |--veth--| alice-e0 (the attacker listens and |--veth--| e0 198.51.100.2 |
#   +-----------------+        |  can stop forwarding)              |        +-----------------+
#                              | tap0 198.18.0.1, attacker .66      |
#                              | chappe-dataplane .2                |
#                              +------------------------------------+
. "$(dirname "$0")/lib/system.sh"

ATTACKER=198.18.0.66
relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
contact alice bob
talk_start alice
talk_start bob
talk alice "send bob 1000000 300 20"
talk bob "send alice 1000000 300 20"
wait_for 20 "messages flow" eval "at_least 20 got alice bob && at_least 20 got bob alice"
moves=$(counter endpoint_moves)

say "the attacker holds alice's frames back and sends them from $ATTACKER"
in_ns relay sysctl -q -w net.ipv4.conf.alice-e0.forwarding=0
in_ns relay python3 "$lib/spoof.py" --listen alice-e0 --send tap0 --source "$ATTACKER" --count 20 \
	--relay 198.18.0.2 >"$T/spoof.out" 2>&1 || fail "the attacker: $(<"$T/spoof.out")"
in_ns relay sysctl -q -w net.ipv4.conf.alice-e0.forwarding=1

say "messages still reach alice where she is"
before=$(got alice bob)
wait_for 20 "bob's messages reach alice" at_least $((before + 50)) got alice bob
before=$(got bob alice)
wait_for 20 "alice's messages reach bob" at_least $((before + 50)) got bob alice
at_least 1 counter challenges || fail "the relay took no notice: were the frames authentic?"
[ "$(counter endpoint_moves)" -eq "$moves" ] || fail "an endpoint moved"
no_damage alice bob
capture_stop
# To the attacker: challenges and answers to keepalives, each no more than what he sent.
python3 - "${captures[0]}" "$lib" "$ATTACKER" <<'PY' || fail "what the attacker got"
import sys
sys.path.insert(0, sys.argv[2])
import wire
sent = got = sent_bytes = got_bytes = 0
for f in wire.datagrams(sys.argv[1]):
    if f.source[0] == sys.argv[3]:
        sent, sent_bytes = sent + 1, sent_bytes + len(f.payload)
    elif f.destination[0] == sys.argv[3]:
        got, got_bytes = got + 1, got_bytes + len(f.payload)
print(f"the attacker sent {sent} frames ({sent_bytes} bytes) and got {got} ({got_bytes} bytes)")
assert sent and got <= sent and got_bytes <= sent_bytes
PY
check_wire
