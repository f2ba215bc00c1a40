#!/usr/bin/env bash
# chappe-dataplane on net_memif: its port is shared memory with another process, DPDK's testpmd,
# which forwards between it and a TAP. The peer is killed while messages flow, and returns.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1 [testpmd] memif [chappe-dataplane .2]
#                                                                       | bob 2001:db8:b::2
. "$(dirname "$0")/lib/system.sh"
. "$lib/driver.sh"

relay_namespace
driver_devices
VDEV=net_memif0,role=server,socket=$T/memif.sock,socket-abstract=no
WIRE=tap0

peer_start() {
	local cpus
	wait_for 10 "no earlier tap0 is left" no_tap
	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
	[ -p "$T/peer.in" ] || mkfifo "$T/peer.in" # testpmd ends at the end of its input
	spawn_in relay dpdk-testpmd --no-huge -m 128 --no-pci --no-telemetry --file-prefix peer \
		--lcores "0@($cpus),1@($cpus)" --vdev net_tap0,iface=tap0 \
		--vdev "net_memif0,role=client,socket=$T/memif.sock,socket-abstract=no" \
		-- --forward-mode=io --total-num-mbufs=8192 --no-lsc-interrupt <>"$T/peer.in" >>"$T/peer.log" 2>&1 &
	peer_pid=$!
	kernel_side_up
}

write_configuration
dataplane_first() { # the memif's server has to be there before its client
	"$build/control/chappectl" init --state "$state" --user nobody >"$T/init.log" 2>&1 || fail "init"
	dataplane_start
	peer_start
	capture_start
	control_start
	relay_ready
}
dataplane_first
driver_exchange

say "the peer is killed while messages flow, and returns"
talk alice "send bob 1000000 700 10"
talk bob "send alice 1000000 700 10"
wait_for 20 "messages flow" eval "at_least 80 got alice bob && at_least 80 got bob alice"
kill -9 $peer_pid
wait_for 20 "the peer is gone" eval "! alive $peer_pid"
capture_stop
alive "$dataplane_pid" || fail "the dataplane ended with its peer"
a=$(got alice bob)
b=$(got bob alice)
peer_start
capture_start
wait_for 30 "messages flow again" eval \
	"at_least $((a + 50)) got alice bob && at_least $((b + 50)) got bob alice"
no_damage alice bob
check_wire
