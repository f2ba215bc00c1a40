#!/usr/bin/env bash
# The relay as a host on its network: the kernel finds and pings its addresses of both families,
# in VLANs as well; it answers for no other, and defends its own.
#
#   relay: tap0 198.18.0.1 2001:2::1 | chappe-dataplane: 198.18.0.2 198.18.0.3 2001:2::2,
#                                     |   in VLAN 5 198.18.5.2
. "$(dirname "$0")/lib/system.sh"

cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
relay_namespace
cat >"$T/c.ini" <<INI
[relay]
address = 198.18.0.2/24
address = 198.18.0.3/24 port 0
address = 2001:2::2/64
address = 198.18.5.2/24 vlan 5
[tables]
devices = 64
[worker]
idle_sleep_us = 200
[process]
run_dir = $T/run
user = nobody
INI
spawn_in relay "$build/dataplane/chappe-dataplane" --config "$T/c.ini" -- \
	--lcores "0@($cpus),1@($cpus)" --no-huge -m 128 --no-pci --vdev net_tap0,iface=tap0 \
	>"$T/dataplane.log" 2>&1 &
pid=$!
wait_for 20 "it is ready" grep -q '^chappe-dataplane: ready$' "$T/dataplane.log"

in_ns relay sysctl -q -w net.ipv6.conf.tap0.accept_dad=0
for address in 198.18.0.1/24 2001:2::1/64; do ip -n relay addr add $address dev tap0; done
ip -n relay link set tap0 up

pings() { in_ns relay ping -q -i 0.1 -c "${2-3}" -s "${3-56}" -W 1 "$1" >"$T/ping.out" 2>&1; }

say "its addresses answer, with empty and full frames"
for target in 198.18.0.2 198.18.0.3 2001:2::2; do
	pings $target || fail "no answer from $target"
	pings $target 3 1452 || fail "no answer from $target to a full frame"
	pings $target 3 1 || fail "no answer from $target to a frame of one byte"
	in_ns relay ip neigh show $target | grep -q lladdr || fail "$target has no neighbour entry"
done

say "nothing else does"
ip -n relay route add 198.18.5.2/32 dev tap0 # there is one in VLAN 5 only
for target in 198.18.0.4 2001:2::3 198.18.5.2; do
	! pings $target 2 || fail "$target answers"
done
! pings 198.18.0.2 1 3000 || fail "a fragmented echo is answered"

say "its address is taken: the kernel notices when it wants it too"
in_ns relay sysctl -q -w net.ipv6.conf.all.accept_dad=1 net.ipv6.conf.tap0.accept_dad=1
ip -n relay addr add 2001:2::2/64 dev tap0
wait_for 20 "duplicate address detection fails" eval "ip -n relay addr show dev tap0 | grep -q dadfailed"
ip -n relay addr del 2001:2::2/64 dev tap0

# ask SENDER TARGET [VLAN]: an ARP request, and whether an answer comes back with the same tag
cat >"$T/ask.py" <<'PY'
import socket, struct, sys, time
sender, target = (socket.inet_aton(a) for a in sys.argv[1:3])
vlan = int(sys.argv[3]) if len(sys.argv) > 3 else None
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
port.bind(("tap0", 0))
port.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA: the kernel takes tags off
mac = port.getsockname()[4]
tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
port.send(b"\xff" * 6 + mac + tag + b"\x08\x06\0\1\x08\0\6\4\0\1" + mac + sender + bytes(6) + target)
end = time.monotonic() + 1
while (left := end - time.monotonic()) > 0:
    port.settimeout(left)
    try:
        frame, extra, _, _ = port.recvmsg(200, 100)
    except TimeoutError:
        break
    status, _, _, _, _, tci, _ = struct.unpack("=IIIHHHH", extra[0][2][:20])
    got = tci & 0xFFF if status & 0x10 else None
    if frame[12:22] == b"\x08\x06\0\1\x08\0\6\4\0\2" and frame[28:32] == target and frame[32:38] == mac:
        assert got == vlan, (got, vlan)
        sys.exit(0)
sys.exit(1)
PY
ask() { in_ns relay python3 "$T/ask.py" "$@"; }
ask 0.0.0.0 198.18.0.2 || fail "no answer to an ARP probe"

say "VLANs are apart"
ask 198.18.5.1 198.18.5.2 5 || fail "no answer in VLAN 5"
! ask 198.18.5.1 198.18.5.2 6 || fail "an answer in VLAN 6"
! ask 198.18.0.1 198.18.0.2 5 || fail "an untagged address answers in VLAN 5"

say "it ends as it should"
kill "$pid"
status=0
wait "$pid" || status=$?
[ $status -eq 0 ] || fail "status $status"
