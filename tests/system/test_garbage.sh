#!/usr/bin/env bash
# Garbage of every kind and frames that were captured are thrown at the relay's port while two
# devices talk. Nothing is disturbed, every dropped frame is counted by a reason, replays are never
# forwarded twice, and replayed inits change nothing.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
#                            attackers 198.18.0.66 (garbage) and .67 (replays), straight into tap0
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
talk alice "send bob 1000000 900 10"
talk bob "send alice 1000000 900 10"
wait_for 20 "messages flow" eval "at_least 50 got alice bob && at_least 50 got bob alice"

# Those of devices that are there now: earlier ones live on for ten seconds.
sessions() {
	ctl session list --json | json 'sorted(s["session"] for s in j["sessions"] if s["expires_in_s"] > 60)'
}
before=$(sessions)
devices=$(ctl device list --json | json 'len(j["devices"])')

say "garbage"
in_ns relay python3 "$lib/throw.py" garbage --interface tap0 --relay 198.18.0.2 --relay6 2001:2::2 \
	--source 198.18.0.66 --count 3000 >"$T/garbage.out" 2>&1 || fail "garbage: $(<"$T/garbage.out")"
for reason in drop_length drop_type drop_reserved drop_version drop_suite drop_mac1 drop_unknown_index \
	drop_fragment drop_truncated drop_not_for_us drop_checksum; do
	wait_for 20 "$reason counts" at_least 1 counter $reason
done

say "replays of what was captured so far"
moves=$(counter endpoint_moves)
in_ns relay python3 "$lib/throw.py" replay --interface tap0 --relay 198.18.0.2 \
	--source 198.18.0.67 --count 2000 --capture "${captures[0]}" >"$T/replay.out" 2>&1 || fail "replay: $(<"$T/replay.out")"
in_ns relay python3 "$lib/throw.py" replay --interface tap0 --relay 198.18.0.2 \
	--count 2000 --capture "${captures[0]}" >>"$T/replay.out" 2>&1 || fail "replay: $(<"$T/replay.out")"
wait_for 20 "replays are dropped as such" at_least 100 counter drop_replay

a=$(got alice bob)
b=$(got bob alice)
wait_for 20 "messages flow as before" eval \
	"at_least $((a + 50)) got alice bob && at_least $((b + 50)) got bob alice"
[ "$(sessions)" = "$before" ] || fail "sessions were $before, are $(sessions)"
[ "$(ctl device list --json | json 'len(j["devices"])')" -eq "$devices" ] || fail "a device appeared"
[ "$(counter endpoint_moves)" -eq "$moves" ] || fail "an endpoint moved"
alive "$dataplane_pid" && alive "$control_pid" || fail "a process of the relay is gone"
no_damage alice bob
talk_stop alice
talk_stop bob

# The replays themselves are repeated pairs, so this looks at what the relay sent, and at the bytes
# that the attackers got for theirs.
capture_stop
python3 - "${captures[0]}" "$lib" <<'PY' || fail "what the relay sent"
import sys
sys.path.insert(0, sys.argv[2])
import wire
seen, pairs = {}, 0
sent, got = {}, {}
for f in wire.datagrams(sys.argv[1]):
    side, other = (sent, f.source) if f.to_relay else (got, f.destination)
    side[other[0]] = side.get(other[0], 0) + len(f.payload)
    if not f.to_relay and f.type == wire.TRANSPORT:
        pair = f.index, f.counter
        assert pair not in seen, f"frame {f.number}: pair {pair} twice from the relay"
        seen[pair] = True
        pairs += 1
print(f"{pairs} pairs from the relay, none twice")
for attacker in ("198.18.0.66", "198.18.0.67"):
    print(f"{attacker} sent {sent.get(attacker, 0)} bytes and got {got.get(attacker, 0)}")
    assert got.get(attacker, 0) <= sent[attacker]
PY
