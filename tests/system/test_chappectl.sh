#!/usr/bin/env bash
# chappectl against a running relay: every command as text and as JSON, its exit statuses, who may
# ask, what the audit log says, the metrics, and completion in bash.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"
STORE= # test_store_admin has one

expect() { # expect STATUS PATTERN ARGUMENT...: of chappectl; PATTERN in what it prints
	local want=$1 pattern=$2 status=0
	shift 2
	ctl "$@" >"$T/expect.out" 2>&1 </dev/null || status=$?
	[ $status -eq "$want" ] || fail "chappectl $* ended with $status, not $want: $(<"$T/expect.out")"
	grep -qE -- "$pattern" "$T/expect.out" || fail "chappectl $*: no \"$pattern\" in: $(<"$T/expect.out")"
}

answer() { # answer STATUS EXPRESSION ARGUMENT...: value of the Python expression of --json's answer
	local want=$1 expression=$2 status=0
	shift 2
	ctl "$@" --json >"$T/answer.json" 2>"$T/answer.err" || status=$?
	[ $status -eq "$want" ] || fail "chappectl $* --json ended with $status, not $want: $(<"$T/answer.err")"
	json "$expression" <"$T/answer.json" || fail "chappectl $* --json: $(<"$T/answer.json")"
}

is() { # is VALUE EXPRESSION ARGUMENT...: the answer's value
	local want=$1 got
	shift
	got=$(answer 0 "$@")
	[ "$got" = "$want" ] || fail "chappectl ${*:2}: $1 is $got, not $want"
}

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
write_configuration

say "without chappe-control"
expect 3 "Is chappe-control running" status
[ "$(answer 3 'j["error"]["code"]' status)" = unreachable ] || fail "error as JSON"
expect 2 "no command" frobnicate
expect 2 "wants one of: list, show, limit, revoke" device
expect 2 "wants DEVICE" device show
expect 2 "has no option --qr" status --qr
expect 2 "no value for it" invite --ttl 5y
expect 0 "Exit status" --help
for command in init status invite "invitation list" "invitation cancel" "device list" "device show" \
	"device limit" "device revoke" "route list" "route revoke" "session list" stats disclose audit \
	"store status" "store verify" "store compact" "store limits" backup restore; do
	# shellcheck disable=SC2086
	expect 0 "chappectl $command" $command --help
done

say "init: makes a key and a store for the user, and never again"
"$build/control/chappectl" init --state "$T/new" --user nobody --json >"$T/init.json" || fail "init"
[ "$(stat -c '%a %U' "$T/new" "$T/new/relay.key" "$T/new/chappe.db" | tr '\n' ' ')" = \
	"700 nobody 600 nobody 600 nobody " ] || fail "modes: $(stat -c '%n %a %U' "$T/new"/*)"
before=$(cat "$T/new/relay.key" "$T/new/chappe.db" | cksum)
expect 5 "exists: this relay has been made" init --state "$T/new" --user nobody
rm "$T/new/chappe.db"
expect 5 "relay.key exists" init --state "$T/new" --user nobody
[ ! -e "$T/new/chappe.db" ] || fail "init made half a relay"
expect 2 "no user .no-such-user." init --state "$T/other" --user no-such-user
[ ! -e "$T/other" ] || fail "init left a directory"

relay_start
say "the socket is for root and the group"
[ "$(stat -c '%a %G' "$control_socket")" = "660 nogroup" ] || fail "socket: $(stat -c '%a %U %G' "$control_socket")"
chmod 755 "$run"
chmod 711 "$T"
daemon() { setpriv --reuid daemon --regid daemon --clear-groups "$@"; }
cp "$build/control/chappectl" "$T/chappectl"
status=0
daemon "$T/chappectl" -s "$control_socket" status >"$T/daemon.out" 2>&1 || status=$?
[ $status -eq 6 ] && grep -q "permission denied" "$T/daemon.out" || fail "daemon: $status $(<"$T/daemon.out")"
setpriv --reuid daemon --regid daemon --groups nogroup "$T/chappectl" -s "$control_socket" \
	invite --ttl 1m >/dev/null 2>&1 || fail "the group may not administer"
status=0
setpriv --reuid nobody --regid nogroup --clear-groups "$T/chappectl" -s "$control_socket" \
	invite --ttl 1m >"$T/nobody.out" 2>&1 || status=$?
[ $status -eq 6 ] && grep -q "may not administer" "$T/nobody.out" ||
	fail "the account of the relay's processes: $status $(<"$T/nobody.out")"

say "status"
expect 0 "connected for" status
is "['198.18.0.2:4460']" 'j["names"]' status
is "True 1 256" 'j["dataplane"]["in_step"], j["dataplane"]["workers"], j["dataplane"]["devices_max"]' status

say "invite"
[ "$(ctl invite --count 3 2>/dev/null | grep -c '^chappe:invite/[A-Za-z0-9_-]*$')" -eq 3 ] || fail "three invitations"
expect 0 "▄|█" invite --qr
is 120 'len(set(i["uri"] for i in j["invitations"]))' invite --count 120
expect 2 '"ttl_s" must be an integer' invite --ttl 400d
cancelled=$(answer 0 'j["invitations"][0]["invitation"]' invite)
expect 0 "$cancelled +open" invitation list
expect 0 "cancelled" invitation cancel "$cancelled"
expect 4 "no invitation begins with" invitation cancel "$cancelled"
expect 2 "is no name of a route or invitation" invitation cancel "${cancelled:0:6}"

say "full: no more open invitations than there are slots for devices"
expect 0 "chappe:invite/" invite --count 100
expect 8 "full" invite --count 100
[ "$(answer 8 'j["error"]["code"]' invite --count 100)" = full ] || fail "full as JSON"
for prefix in $(ctl invitation list --json | json '" ".join(i["invitation"] for i in j["invitations"])'); do
	ctl invitation cancel "$prefix" >/dev/null || fail "cancel $prefix"
done
is 0 'j["invitations_open"]' status

device alice alice
device bob bob
contact alice bob
device carol bob
carol=$(ctl device list --json | json 'j["devices"][2]["device"]')
talk_start alice
talk_start bob

say "devices"
is 3 'len(j["devices"])' device list
alice=$(ctl session list --json |
	json "[s['device'] for s in j['sessions'] if s['endpoint']['address'] == '192.0.2.2'][0]")
bob=$(ctl device list --json | json "[d['device'] for d in j['devices'] if d['device'] not in ('$alice', '$carol')][0]")
expect 0 "^$alice +enrolled +0x[0-9a-f]{8} " device list
expect 0 "device +$alice, enrolled" device show "$alice"
expect 0 "device +$alice, enrolled" device show "${alice%%-*}"
expect 4 "number and fingerprint do not fit, there is $alice" device show "${alice%%-*}-00000000"
expect 4 "no device 99" device show 99
expect 2 "is no name" device show "../status"
is "$alice" 'j["device"]' device show "$alice"

say "limits"
expect 2 "nothing to change" device limit "$alice"
is "1000 2000000" '"%d %d" % (j["own_limits"]["frames_per_s"], j["limits"]["bytes_per_s"])' \
	device limit "$alice" --frames 1000 --bytes 2M
is "None 1000" '"%s %s" % (j["own_limits"]["bytes_per_s"], j["limits"]["frames_per_s"])' \
	device limit "$alice" --bytes default
is 0 'j["limits"]["frames_per_s"]' device limit "$alice" --frames none
is "None None" '"%s %s" % (j["own_limits"]["frames_per_s"], j["own_limits"]["routes_max"])' \
	device limit "$alice" --frames default

say "sessions"
is 3 'len(set(s["device"] for s in j["sessions"]))' session list # those replaced live 10 s more
is "['$bob']" 'sorted(set(s["device"] for s in j["sessions"]))' session list "$bob"
is "['198.51.100.2']" 'sorted(set(s["endpoint"]["address"] for s in j["sessions"]))' session list "$bob"
expect 0 "$bob +confirmed +(AES-256-GCM|ChaCha20-Poly1305) .*198.51.100.2:[0-9]+" session list

say "routes: shown by 4 bytes, revoked by them"
is 2 'len(j["routes"])' route list
is "8" 'len(j["routes"][0]["route"])' route list "$bob"
prefix=$(answer 0 'j["routes"][0]["route"]' route list "$bob")
expect 4 "no route of this device" route revoke "$prefix" "$alice"
expect 2 "is no name" route revoke "${prefix:0:6}"
expect 0 "Route $prefix of device $bob revoked" route revoke "$prefix" "$bob"
expect 4 "no route begins" route revoke "$prefix"
is 1 'len(j["routes"])' route list

say "stats and metrics"
expect 0 "^rx_frames +[0-9]+" stats
is True 'j["dataplane_connected"] and j["total"]["rx_frames"] > 0 and j["control"]["enrolments"] == 3' stats
is True 'j["total"]["rx_frames"] == sum(w["counters"]["rx_frames"] for w in j["workers"])' stats
ctl stats --watch=0.2 --json >"$T/watch.json" 2>&1 &
watcher=$!
wait_for 10 "stats --watch repeats" eval '[ "$(wc -l <"$T/watch.json")" -ge 3 ]'
kill "$watcher"
wait "$watcher" || :
json 'j["total"]["rx_frames"]' < <(tail -n 2 "$T/watch.json" | head -n 1) >/dev/null || fail "stats --watch --json"
ctl stats --stages=2 --json >"$T/stages.json" 2>&1 &
sampler=$!
talk bob "send alice 100 400 30" # its own route is gone
wait "$sampler" || fail "stats --stages: $(<"$T/stages.json")"
for stage in rx open route seal tx; do
	json "all(w['stages']['$stage'][k] > 0 for w in j['workers'] for k in ('frames', 'cycles'))" \
		<"$T/stages.json" | grep -qx True || fail "stats --stages: $stage: $(<"$T/stages.json")"
done
expect 0 "^seal +([0-9.]+|-) +[0-9.]+ +[0-9.]+ %" stats --stages=0.1
expect 2 "no value for it" stats --stages=0
curl -sS --unix-socket "$control_socket" -D "$T/head.out" http://relay/metrics >"$T/metrics.out"
grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$T/head.out" || fail "$(<"$T/head.out")"
python3 "$lib/openmetrics.py" "$T/metrics.out" chappe_rx_frames_total chappe_worker_rx_frames_total \
	chappe_drop_aead_total chappe_control_enrolments_total chappe_devices chappe_routes chappe_sessions \
	chappe_handshake_queue_depth >"$T/openmetrics.out" || fail "$(<"$T/openmetrics.out")"

say "the message store: its limits are there without it"
expect 0 "^store +not connected" status
is False 'j["message_store"]["connected"]' status
expect 9 "chappe-store is not connected" store status
expect 9 "chappe-store is not connected" store verify
[ "$(answer 9 'j["error"]["code"]' store compact)" = store_down ] || fail "store_down"
expect 0 "^time a frame waits +21d \(default\)" store limits
expect 2 "nothing to change" store limits set
expect 2 "say .store limits set" store limits --ttl 7d
expect 2 "takes show or set" store limits give
expect 2 "must be whole minutes" store limits set --ttl 90s
expect 2 '"route_bytes" must be an integer from 1232' store limits set --route-bytes 1k
expect 2 "above device_frames, which would be 50000" store limits set --route-frames 60k
expect 0 "gets these limits as soon as it is" store limits set --route-frames 60k --device-frames 70k --ttl 7d
is "60000 604800 False None" \
	'"%d %d %s %s" % (j["limits"]["route_frames"], j["own_limits"]["ttl_s"], j["in_force"], j["own_limits"]["total_bytes"])' \
	store limits show
expect 0 "^time a frame waits +21d \(default\)" store limits set --ttl default
grep -q '^chappe_store_up 0$' "$T/metrics.out" || fail "metrics of the store"

say "the API refuses what it does not know"
http() { # http STATUS CODE CURL-ARGUMENT...
	local want="$1 $2"
	shift 2
	[ "$(curl -sS --unix-socket "$control_socket" -o "$T/http.out" -w '%{http_code}' "$@") $(json 'j["error"]["code"]' <"$T/http.out")" = "$want" ] ||
		fail "not $want: curl $*: $(<"$T/http.out")"
}
http 404 not_found http://relay/
http 404 not_found http://relay/v2/status
http 405 method_not_allowed -X PUT http://relay/v1/status
http 405 method_not_allowed -X DELETE http://relay/v1/devices
http 400 bad_request -d '{"ttl_s":"soon"}' http://relay/v1/invitations
http 400 bad_request -d '{"colour":1}' http://relay/v1/invitations
http 400 bad_request "http://relay/v1/devices?limit=0"
http 413 too_large -d "@$build/control/chappectl" http://relay/v1/invitations
ctl status >/dev/null || fail "control is still well"

say "pages"
[ "$(curl -sS --unix-socket "$control_socket" "http://relay/v1/devices?limit=1" | json 'len(j["devices"]), j["next"]')" = "1 1" ] || fail "page"
[ "$(curl -sS --unix-socket "$control_socket" "http://relay/v1/devices?limit=1&after=2" | json 'j["next"]')" = None ] || fail "last page"

say "completion"
complete_words() { # complete_words WORD...: what bash offers for the last of them
	PATH=$build/control:$PATH bash -c '. "$0"; COMP_WORDS=(chappectl "$@"); COMP_CWORD=$#; _chappectl
		printf "%s " "${COMPREPLY[@]}"' "$top/control/cli/completion.bash" "$@"
}
[ "$(complete_words dev)" = "device " ] || fail "completion of dev: $(complete_words dev)"
[ "$(complete_words device r)" = "revoke " ] || fail "completion of device r"
[ "$(complete_words store limits s)" = "show set " ] || fail "completion of store limits"
[ "$(complete_words store limits set --disk)" = "--disk-free " ] || fail "completion of --disk-free"
[ "$(complete_words invite --q)" = "--qr " ] || fail "completion of invite --q"
[ "$(complete_words stats --st)" = "--stages " ] || fail "completion of stats --st"
[ "$(complete_words --socket "$control_socket" device show "${alice:0:4}")" = "$alice " ] || fail "completion of a device"

say "revocation"
expect 0 "Revoked" device revoke "$alice"
expect 0 "$alice, revoked" device revoke "$alice"
expect 5 "is revoked" device limit "$alice" --frames 5
is 2 'len(j["devices"])' device list
is 3 'len(j["devices"])' device list --all

say "the audit log has every act, and who"
ctl audit --all --json >"$T/audit.json" || fail "audit"
python3 - "$T/audit.json" "$alice" "$bob" "$prefix" <<-'END'
	import json, sys
	path, alice, bob, prefix = sys.argv[1:]
	entries = json.load(open(path))["entries"]
	acts = [(e["what"], e["outcome"]) for e in entries]
	for act in [
	    ("invite count=3 ttl_s=86400", "ok"), ("invite count=100 ttl_s=86400", "full"),
	    (f"device limit {alice} frames_per_s=1000 bytes_per_s=2000000", "ok"),
	    (f"device limit {alice} bytes_per_s=default", "ok"),
	    (f"device limit {alice} frames_per_s=5", "conflict"),
	    (f"route revoke {prefix} of device {bob}", "ok"), (f"route revoke {prefix}", "not_found"),
	    ("store verify", "store_down"), ("store limits route_frames=60000", "bad_request"),
	    ("store limits route_frames=60000 device_frames=70000 ttl_minutes=10080", "ok"),
	    (f"device revoke {alice}", "ok"), ("invite", "bad_request"), ("invite", "too_large"),
	]:
	    assert act in acts, (act, acts)
	assert acts.count((f"device revoke {alice}", "ok")) == 2
	assert [e["row"] for e in entries] == list(range(1, len(entries) + 1))
	assert any(e["who"].startswith("daemon uid=") for e in entries)
	assert any(e["who"].startswith("root uid=0 gid=0 pid=") for e in entries)
	assert not any("chappe:invite" in json.dumps(e) for e in entries)
END
is 3 'len(j["entries"])' audit --limit 3
expect 0 "device revoke $alice" audit

say "a dataplane that hangs"
kill -STOP "$dataplane_pid"
expect 7 "did not answer within 5 s" session list
[ "$(answer 7 'j["error"]["code"]' session list)" = timeout ] || fail "timeout"
[ "$(answer 7 'j["dataplane_connected"]' stats)" = False ] || fail "stats of a hanging dataplane"
[ "$(answer 7 'j["dataplane_connected"]' disclose "$bob")" = False ] || fail "disclosure of a hanging dataplane"
ctl session list >"$T/waiting.out" 2>&1 &
waiting=$!
expect 7 "DOES NOT ANSWER" status
kill -TERM "$control_pid" # with a request that waits for the dataplane
status=0
wait "$waiting" || status=$?
[ $status -eq 7 ] || fail "a request while control ends: $status $(<"$T/waiting.out")"
wait_for 20 "control is gone" eval "! alive $control_pid"
grep -q "chappe-control is stopping" "$T/waiting.out" || fail "$(<"$T/waiting.out")"
kill -CONT "$dataplane_pid"
control_start
relay_ready
expect 0 "$bob" session list

say "without chappe-dataplane"
talk_stop bob
kill -TERM "$dataplane_pid"
wait_for 10 "control sees it" eval "! in_step"
expect 7 "NOT CONNECTED" status
expect 7 "not connected" session list
[ "$(answer 7 'j["error"]["code"]' session list)" = dataplane_down ] || fail "dataplane_down"
expect 7 "CONTROL" stats
expect 0 "$bob" device list
curl -sS --unix-socket "$control_socket" http://relay/metrics >"$T/metrics.out"
grep -qx 'chappe_dataplane_up 0' "$T/metrics.out" || fail "metrics: $(<"$T/metrics.out")"

say "a socket left behind by kill -9 is taken over; a live one is not"
"$build/control/chappe-control" --config "$T/control.conf" --pid-file "$T/control.pid" >"$T/second.out" 2>&1 &&
	fail "two controls"
grep -q "another chappe-control answers there" "$T/second.out" || fail "$(<"$T/second.out")"
[ "$(<"$T/control.pid")" = "$control_pid" ] || fail "the pid file is no longer that of the control that runs"
kill -KILL "$control_pid"
wait_for 20 "control is gone" eval "! alive $control_pid"
expect 3 "nobody listens there" device list
# Three routes that begin alike, two of them of one device: tools show no more of them.
python3 - "$state/chappe.db" "${bob%%-*}" "${carol%%-*}" <<-'END'
	import sqlite3, sys
	path, bob, carol = sys.argv[1:]
	with sqlite3.connect(path) as store:
	    for number, device in enumerate([bob, bob, carol]):
	        route = bytes.fromhex("00c0ffee") + bytes([number]) * 12
	        store.execute("INSERT INTO route (route, device, flags, created, request) VALUES (?, ?, 1, 1, ?)",
	                      (route, int(device), number))
END
chown nobody:nogroup "$state"/chappe.db*
control_start
say "an ambiguous name does nothing"
expect 5 "3 routes begin with 00c0ffee; nothing was done. Name the device too" route revoke 00c0ffee
[ "$(answer 5 'j["error"]["code"]' route revoke 00c0ffee)" = ambiguous ] || fail "ambiguous"
expect 5 "2 routes begin with 00c0ffee" route revoke 00c0ffee "$bob"
expect 0 "Route 00c0ffee of device $carol revoked" route revoke 00c0ffee "$carol"
expect 0 "Route 00c0ffee of device $bob revoked" route revoke 00c0ffee01
is 1 'len([r for r in j["routes"] if r["route"] == "00c0ffee"])' route list
expect 0 "$bob" device list
check_wire
