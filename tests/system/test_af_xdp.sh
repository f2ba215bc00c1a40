#!/usr/bin/env bash
# chappe-dataplane on net_af_xdp, where the kernel has it.
#
#   alice 192.0.2.2 --veth-- relay: p0 198.18.0.1 --veth-- p1 (chappe-dataplane .2) | bob 2001:db8:b::2
. "$(dirname "$0")/lib/system.sh"
. "$lib/driver.sh"

python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW, 0)' 2>/dev/null ||
	skip "this kernel has no AF_XDP sockets"
ls /usr/lib/*/dpdk/pmds-*/librte_net_af_xdp.so* >/dev/null 2>&1 || skip "DPDK was built without net_af_xdp"
relay_namespace
driver_devices
pair_up
VDEV=net_af_xdp0,iface=p1,force_copy=1
WIRE=p0
relay_start
driver_exchange
check_wire
