# What the tests of port drivers share: two devices, both ways, and nothing lost.
# shellcheck shell=bash disable=SC2034

driver_devices() {
	attach alice e0 192.0.2.2/24 192.0.2.1/24
	attach bob e0 2001:db8:b::2/64 2001:db8:b::1/64
	RELAY_NAMES=("198.18.0.2:4460" "[2001:2::2]:4460")
}

driver_exchange() {
	local name
	in_ns relay ping -q -c 2 -W 2 198.18.0.2 >"$T/ping4.log" || fail "no answer to ping over IPv4"
	in_ns relay ping -q -c 2 -W 2 2001:2::2 >"$T/ping6.log" || fail "no answer to ping over IPv6"
	device alice alice
	device bob bob
	contact alice bob
	for name in alice bob; do talk_start $name; done
	talk alice "send bob 50 20000 2"
	talk bob "send alice 50 20000 2"
	wait_for 60 "100 messages of 20,000 bytes are acknowledged" eval \
		"at_least 50 acked alice bob && at_least 50 acked bob alice"
	no_damage alice bob
}
