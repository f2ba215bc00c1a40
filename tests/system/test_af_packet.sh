#!/usr/bin/env bash
# chappe-dataplane on net_af_packet: any interface of the kernel's can be its port.
#
#   alice 192.0.2.2 --veth-- relay: p0 198.18.0.1 --veth-- p1 (chappe-dataplane .2) | bob 2001:db8:b::2
. "$(dirname "$0")/lib/system.sh"
. "$lib/driver.sh"

relay_namespace
driver_devices
pair_up
VDEV=net_af_packet0,iface=p1
WIRE=p0
relay_start
driver_exchange
check_wire
