#!/usr/bin/env bash
# What the operator can be made to hand over: the disclosure names every column of the store and
# every field of the structs that the three programs were built with; shows the live values of a device
# and no secret; and says so when the dataplane's part is missing.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
contact alice bob
talk_start alice

say "every column and every field is named"
ctl disclose --all --json >"$T/all.json" || fail "disclose --all"
json 'j["complete"]' <"$T/all.json" | grep -qx True || fail "the disclosure says that it is not complete"
for part in dataplane control store; do
	python3 "$lib/structs.py" "$build/$part/chappe-$part" "$top" "$part" src daemon store >"$T/$part.json"
done
complete() { # complete DISCLOSURE STORE CONTROL-STRUCTS DATAPLANE-STRUCTS STORE-STRUCTS
	python3 "$lib/check_disclosed.py" "$1" "$2" "$lib/not_disclosed" \
		chappe-control="$3" chappe-dataplane="$4" chappe-store="$5" >"$T/complete.out"
}
python3 - "$state/chappe.db" "$T/copy.db" <<-'END'
	import sqlite3, sys
	source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro&immutable=1", uri=True)
	copy = sqlite3.connect(sys.argv[2])
	for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE type = 'table'"):
	    copy.execute(sql)
	copy.commit()
END
complete "$T/all.json" "$T/copy.db" "$T/control.json" "$T/dataplane.json" "$T/store.json" || fail "$(<"$T/complete.out")"
say "$(tail -n 1 "$T/complete.out")"

say "and the check finds what is not"
finds() { # finds WHAT: in the complaints of the check, which has to fail
	! complete "$T/all.json" "${db-$T/copy.db}" "${control-$T/control.json}" \
		"${dataplane-$T/dataplane.json}" "${store-$T/store.json}" || fail "not found: $1"
	grep -qF "$1" "$T/complete.out" || fail "no \"$1\" in: $(<"$T/complete.out")"
}
python3 - "$T" <<-'END'
	import json, shutil, sqlite3, sys
	directory = sys.argv[1]
	shutil.copy(f"{directory}/copy.db", f"{directory}/more.db")
	database = sqlite3.connect(f"{directory}/more.db")
	database.execute("ALTER TABLE device ADD COLUMN last_seen INTEGER")
	database.execute("CREATE TABLE contacts (device INTEGER)")
	database.commit()
	control = json.load(open(f"{directory}/control.json"))
	control["device"].append("last_seen_s")
	json.dump(control, open(f"{directory}/control-more.json", "w"))
	dataplane = json.load(open(f"{directory}/dataplane.json"))
	dataplane["session_send"].append("recipients")
	dataplane["diary"] = ["entries"]
	json.dump(dataplane, open(f"{directory}/dataplane-more.json", "w"))
	store = json.load(open(f"{directory}/store.json"))
	store["record_index_bytes"].append("sender")
	json.dump(store, open(f"{directory}/store-more.json", "w"))
END
db=$T/more.db finds "column device.last_seen is not disclosed"
db=$T/more.db finds "table contacts is not disclosed"
control=$T/control-more.json finds "field device.last_seen_s of chappe-control is not disclosed"
dataplane=$T/dataplane-more.json finds "field session_send.recipients of chappe-dataplane is not disclosed"
dataplane=$T/dataplane-more.json finds "struct diary of chappe-dataplane is neither"

store=$T/store-more.json finds "field record_index_bytes.sender of chappe-store is not disclosed"

say "the values are those of the live device"
name=$(ctl session list --json |
	json "[s['device'] for s in j['sessions'] if s['endpoint']['address'] == '192.0.2.2'][0]")
ctl disclose "$name" --json >"$T/alice.json" || fail "disclose $name"
value() { json "j['devices'][0]['records']$1" <"$T/alice.json"; }
[ "$(value '["table_device"][0]["key"]')" = "$(ctl device show "$name" --json | json 'j["key"]')" ] || fail "key"
[ "$(value '["endpoint"][0]["remote"]')" = 192.0.2.2 ] || fail "address"
session=$(ctl device show "$name" --json | json 'j["session"]')
of_session() { # of_session PLACE DATUM [KEY]: in the record of alice's session; those replaced live 10 s more
	json "[r['$2'] for r in j['devices'][0]['records']['$1'] if r['${3-index}'] == '$session'][0]" <"$T/alice.json"
}
[ "$(of_session session_receive head)" -gt 0 ] || fail "counter"
[ "$(of_session session_send endpoint tag | grep -c 192.0.2.2)" -eq 1 ] || fail "endpoint"
[ "$(of_session dataplane_slot state)" = confirmed ] || fail "state"
[ "$(value '["control_device"][0]["attempt"]')" -gt 0 ] || fail "attempt"
[ "$(value '["table_invitation"][0]["used"]')" != None ] || fail "invitation"
routes=$(ctl route list "$name" --json | json 'len(j["routes"])')
[ "$routes" -gt 0 ] && [ "$(value '["table_route"].__len__()')" -eq "$routes" ] || fail "routes"
python3 - "$T/alice.json" <<-'END'
	import json, sys
	disclosure = json.load(open(sys.argv[1]))
	records = disclosure["devices"][0]["records"]
	for place in disclosure["places"]:
	    names = [datum["name"] for datum in place["data"]]
	    for record in records[place["place"]]:
	        assert list(record) == names, (place["place"], list(record), names)
END

say "no secret is in it, as JSON or as text"
ctl disclose --all >"$T/all.txt" || fail "disclose --all"
ctl disclose "$name" >"$T/alice.txt" || fail "disclose"
python3 "$lib/collect_needles.py" "$T/device-alice" "$T/device-bob" >"$T/needles"
for file in all.json all.txt alice.json alice.txt; do
	python3 "$lib/search_memory.py" --file "$T/$file" "$T/needles" || fail "$file shows a secret"
done
grep -q "Plaintext of messages" "$T/alice.txt" || fail "it does not say what does not exist"
talk_stop alice

say "after its revocation little is left"
ctl device revoke "$name" >/dev/null || fail "revoke"
wait_for 20 "its sessions are gone" eval "[ \"\$(ctl disclose $name --json |
	json 'len(j[\"devices\"][0][\"records\"][\"session_receive\"])')\" -eq 0 ]"
ctl disclose "$name" --json >"$T/alice.json" || fail "disclose a revoked device"
for place in table_route control_device dataplane_route session_send endpoint; do
	[ "$(value "['$place']")" = "[]" ] || fail "$place of a revoked device: $(value "['$place']")"
done
[ "$(value '["table_device"][0]["revoked"]')" != None ] || fail "revoked"

say "without the dataplane it says what is missing"
kill -TERM "$dataplane_pid"
wait_for 10 "control sees it" eval "! in_step"
status=0
ctl disclose --all --json >"$T/alone.json" || status=$?
[ $status -eq 7 ] || fail "disclose --all without a dataplane ended with $status"
json 'j["complete"]' <"$T/alone.json" | grep -qx False || fail "it claims to be complete"
check_wire
