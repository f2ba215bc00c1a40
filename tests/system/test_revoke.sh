#!/usr/bin/env bash
# Revocation: a contact's route at the device, a route and a device at the relay. What is revoked
# ends within a second, what is not goes on.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- others 198.51.100.2
#                                                                           (bob, carol, dave)
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach others e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
for name in bob carol dave; do
	device $name others
	contact alice $name
done
routes() { ctl route list --json | json 'len(j["routes"])'; }
[ "$(routes)" -eq 6 ] || fail "three contacts have $(routes) routes"

say "alice revokes bob as a contact: bob's messages end at the relay, carol's do not"
chappe alice contact revoke bob >"$T/revoke.log" 2>&1 || fail "contact revoke: $(<"$T/revoke.log")"
wait_for 1 "the relay has dropped the route" eval '[ "$(routes)" -eq 5 ]'
no_route=$(counter drop_no_route)
status=0
chappe bob send alice "are you there?" --live --timeout 3 >"$T/bob-send.log" 2>&1 || status=$?
[ $status -eq 9 ] || fail "bob's send ended with $status, not 9 (not acknowledged)"
at_least $((no_route + 1)) counter drop_no_route || fail "bob's frames were not dropped as drop_no_route"

talk_start alice
for name in carol dave; do
	talk_start $name
	talk $name "send alice 1000000 300 20"
	wait_for 20 "$name's messages reach alice" at_least 20 got alice $name
done

say "the operator revokes one of alice's two routes: who writes to it is stopped within a second"
alice_name=$(ctl session list --json |
	json "[s['device'] for s in j['sessions'] if '192.0.2.2' in str(s)][0]")
prefix=$(ctl route list "$alice_name" --json | json 'j["routes"][0]["route"]')
ctl route revoke "$prefix" >"$T/route-revoke.log" 2>&1 || fail "route revoke: $(<"$T/route-revoke.log")"
read -rt 1 <> <(:) || : # the second
c=$(got alice carol)
d=$(got alice dave)
wait_for 15 "the other goes on" eval "[ \$((\$(got alice carol) - c + \$(got alice dave) - d)) -ge 60 ]"
on=carol
stopped=dave
[ "$(got alice carol)" -gt "$c" ] || {
	on=dave
	stopped=carol
}
[ "$(got alice $stopped)" -eq "$([ $stopped = carol ] && echo "$c" || echo "$d")" ] ||
	fail "route $prefix is revoked and both still write"
say "route $prefix is gone: $stopped is stopped, $on goes on"

say "the operator revokes alice: her session ends within a second"
revoked_at=$(now_ms)
ctl device revoke "$alice_name" >"$T/device-revoke.log" 2>&1 || fail "device revoke: $(<"$T/device-revoke.log")"
wait_for 1 "no session of 192.0.2.2 is left" eval "! ctl session list --json | grep -qF 192.0.2.2"
say "gone after $(($(now_ms) - revoked_at)) ms"
talk alice "send $on 1 300 0"
wait_for 15 "alice, who sends, hears why" grep -q "^state refused REVOKED" "$T/alice.talk"
talk_stop alice
status=0
chappe alice send $on "hello?" --timeout 8 >"$T/alice-send.log" 2>&1 || status=$?
[ $status -eq 4 ] || fail "alice's send ended with $status, not 4 (revoked): $(<"$T/alice-send.log")"
ctl audit --json >"$T/audit.json" || fail "audit"
for act in device.revoke route.revoke; do
	grep -qE "${act/./[._ -]}" "$T/audit.json" || fail "the audit log has no $act: $(<"$T/audit.json")"
done
check_wire
