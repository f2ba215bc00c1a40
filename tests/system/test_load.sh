#!/usr/bin/env bash
# Load tests: chappe-loadgen against a whole relay over net_memif, with real handshakes; captures
# replayed against chappe-dataplane-load; and that chappe-dataplane itself lets no frame pass twice.
. "$(dirname "$0")/lib/system.sh"

loadgen=$build/perf/loadgen/chappe-loadgen
load=$build/perf/dataplane_load/chappe-dataplane-load
dataplane=$build/dataplane/chappe-dataplane
DEVICES_OFFERED=24
relay_namespace
VDEV=net_memif0,role=server,socket=$T/memif.sock,socket-abstract=no
DEVICES=64

offer() { # offer NAME OPTION...: results to NAME.json
	local name=$1 cpus
	shift
	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
	in_ns relay "$loadgen" --keys "$T/keys" --json "$T/$name.json" "$@" -- --lcores "0@($cpus)" \
		--no-huge -m 128 --no-pci --no-telemetry --no-shconf --file-prefix load \
		--vdev "net_memif0,role=client,socket=$T/memif.sock,socket-abstract=no" >"$T/$name.log" 2>&1
}

result() { # result NAME EXPRESSION: of the report j
	json "$2" <"$T/$1.json"
}

say "devices with real handshakes"
write_configuration
"$build/control/chappectl" init --state "$state" --user nobody >"$T/init.log" 2>&1 || fail "init"
dataplane_start
control_start
relay_ready
ctl invite --count $DEVICES_OFFERED --json >"$T/invitations.json"
offer first --invitations "$T/invitations.json" --rate 2000 --duration 2 ||
	fail "the generator found something wrong"
grep -qE "^ +1\.[0-9] s  offered +[0-9]+/s  returned .* p99 [0-9.]+ us  devices $DEVICES_OFFERED" "$T/first.log" ||
	fail "no progress was shown: $(<"$T/first.log")"
[ "$(result first 'j["devices"]')" -eq $DEVICES_OFFERED ] || fail "not all devices took part"
[ "$(result first 'j["returned"] > 500 and j["lost"] <= j["offered"] // 100')" = True ] ||
	fail "frames are missing: $(<"$T/first.json")"
[ "$(result first 'j["checked"] == j["returned"]')" = True ] || fail "frames were not checked"
[ "$(result first 'sum(n for us, n in j["latency_us"]["histogram"]) == j["returned"]')" = True ] ||
	fail "the histogram is not of all frames"
grep -qE "^ +[0-9.]+ to +[0-9.]+ us +[0-9]+ +[0-9.]+ % #+" "$T/first.log" || fail "no histogram was shown"
[ "$(stat -c %a "$T/keys")" = 600 ] || fail "others may read the keys"

say "the same devices again; what was sent once does not pass twice"
before=$(counter drop_replay)
offer again --rate 2000 --duration 1 --cell 1232 --repeat-check || fail "repeated frames passed"
[ "$(counter drop_replay)" -ge $((before + 32)) ] || fail "no repeated frame was dropped by name"
[ "$(ctl device list --json | json 'len(j["devices"])')" -eq $DEVICES_OFFERED ] ||
	fail "devices were enrolled twice"

say "no load tests beside a relay"
capture=$T/frames.pcap
"$loadgen" --pcap "$capture" --relay 198.18.0.2:4460 --relay-mac 02:70:63:61:70:00 --devices 20 \
	--frames 400 --seed "a seed" >"$T/pcap.log" 2>&1 || fail "no capture: $(<"$T/pcap.log")"
replay() { # replay PROGRAM SECONDS OPTION...: the capture in a loop
	local program=$1 seconds=$2
	shift 2
	# Not every signal is for the program alone: it must end by itself when asked.
	in_ns relay timeout --signal=TERM "$seconds" "$program" --config "$T/dataplane.conf" "$@" -- \
		--lcores "$(lcores)" --no-huge -m 192 --no-pci --no-telemetry --file-prefix replay \
		--vdev "net_pcap0,rx_pcap=$capture,infinite_rx=1,tx_pcap=/dev/null"
}
replay "$load" 5 --devices 20 --seed "a seed" >"$T/beside.log" 2>&1 && fail "it started"
grep -q "a relay with real devices uses this run_dir" "$T/beside.log" || fail "it does not say why"
mkdir -p /var/lib/chappe
mount -t tmpfs tmpfs /var/lib/chappe # in this test's own mount namespace
touch /var/lib/chappe/chappe.db
kill "$control_pid" "$dataplane_pid"
wait_for 10 "the relay has ended" eval "! alive $control_pid && ! alive $dataplane_pid"
replay "$load" 5 --devices 20 --seed "a seed" >"$T/beside.log" 2>&1 && fail "it started beside a store"
grep -q "devices are enrolled on this machine" "$T/beside.log" || fail "it does not say why"
rm /var/lib/chappe/chappe.db

say "a memif client without a server says what to do"
in_ns relay timeout 30 "$dataplane" --config "$T/dataplane.conf" -- --lcores "$(lcores)" --no-huge -m 192 \
	--no-pci --no-telemetry --file-prefix client \
	--vdev "net_memif0,role=client,socket=$T/nobody.sock,socket-abstract=no" >"$T/client.log" 2>&1 && fail "it started"
grep -q "nobody listens on its socket: start the other end first" "$T/client.log" || fail "$(<"$T/client.log")"

say "a looped capture"
replay "$load" 4 --devices 20 --seed "a seed" >"$T/loop.json" 2>"$T/loop.log" || true
[ "$(tail -n 1 "$T/loop.json" | json 'j.get("relayed_frames", 0) > 800')" = True ] ||
	fail "the loop did not pass: $(<"$T/loop.json")"
[ "$(tail -n 1 "$T/loop.json" | json 'sum(v for k, v in j.items() if k.startswith("drop_")) <= 64')" = True ] ||
	fail "frames of the loop were dropped: $(<"$T/loop.json")"
replay "$load" 4 --devices 20 --seed "another" >"$T/other.json" 2>"$T/other.log" || true
[ "$(tail -n 1 "$T/other.json" | json 'j.get("relayed_frames", 0)')" -eq 0 ] || fail "another seed passed"

say "the shipped dataplane has none of it"
nm "$load" >"$T/load.symbols"
nm "$dataplane" >"$T/dataplane.symbols"
for symbol in load_install load_wait derive_device; do
	grep -qw "$symbol" "$T/load.symbols" || fail "the search for symbols finds nothing: $symbol"
	! grep -qw "$symbol" "$T/dataplane.symbols" || fail "$symbol is in chappe-dataplane"
done
[ "$(grep -c ' [Tt] stage_replay$' "$T/dataplane.symbols")" -eq 1 ] || fail "not one replay stage"
disassemble() { # disassemble PROGRAM: its replay stage, without addresses
	objdump --disassemble=stage_replay --no-show-raw-insn --no-addresses "$1" | sed '1,/<stage_replay>/d'
}
disassemble "$dataplane" >"$T/dataplane.replay"
disassemble "$load" >"$T/load.replay"
grep -q "call.*replay_accept" "$T/dataplane.replay" || fail "chappe-dataplane checks no counter"
! cmp -s "$T/dataplane.replay" "$T/load.replay" || fail "both have the same replay stage"
