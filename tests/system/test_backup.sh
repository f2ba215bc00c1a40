#!/usr/bin/env bash
# A backup is taken while the relay runs, and restored to empty state directories: the relay is the
# same one, devices come back by themselves, and a message that waited is delivered. Damaged backups
# and directories in use are refused, and nothing is left behind.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, the relay .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

expect() { # expect STATUS PATTERN ARGUMENT...: of chappectl; PATTERN in what it prints
	local want=$1 pattern=$2 status=0
	shift 2
	ctl "$@" >"$T/expect.out" 2>&1 </dev/null || status=$?
	[ $status -eq "$want" ] || fail "chappectl $* ended with $status, not $want: $(<"$T/expect.out")"
	grep -qE -- "$pattern" "$T/expect.out" || fail "chappectl $*: no \"$pattern\" in: $(<"$T/expect.out")"
}

waiting() {
	ctl store status --json | json 'j["waiting"]["frames"]'
}

nothing_left() {
	[ ! -e "$state/backup" ] && [ ! -e "$depot/backup" ] || fail "copies are left: $(ls -d "$state/backup" "$depot/backup" 2>&1)"
	[ -z "$(find "$T" -maxdepth 1 \( -name '*.partial-*' -o -name '*.restore-*' \))" ] || fail "left: $(ls "$T")"
}

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
contact alice bob
talk_start alice
talk alice "store bob 3 700 0"
wait_for 20 "three messages are accepted" at_least 3 accepted alice bob
ctl invite --count 2 >"$T/invitations" 2>&1 || fail "invite"
ids() { # of the invitations that a list says are open
	ctl invitation list --json | json '" ".join(sorted(r["invitation"] for r in j["invitations"] if r["state"] == "open"))'
}
open_then=$(ids)
[ "$(wc -w <<<"$open_then")" -eq 2 ] || fail "open: $open_then"
before=$(waiting)
[ "$before" -ge 3 ] || fail "$before frames wait"
key=$(ctl status --json | json 'j["relay_key"]')

say "a backup of the running relay"
mkdir "$T/full" && touch "$T/full/file"
expect 5 "goes into an empty or new directory" backup "$T/full"
expect 1 "is to lie in does not exist" backup "$T/none/backup"
mkdir -m 755 "$T/backup"
expect 0 "Backup in .*files" backup "$T/backup"
nothing_left
(cd "$T/backup" && sha256sum --quiet --strict -c SHA256SUMS) || fail "sums"
[ -z "$(find "$T/backup" \( -type f ! -perm 600 \) -o \( -type d ! -perm 700 \))" ] || fail "modes: $(find "$T/backup" -ls)"
for file in backup.json control/chappe.db control/relay.key store/keys store/messages; do
	[ -e "$T/backup/$file" ] || fail "no $file in the backup"
done
cmp "$T/backup/control/relay.key" "$state/relay.key" || fail "key"
expect 0 "without messages" backup "$T/small" --without-store
[ ! -e "$T/small/store" ] || fail "--without-store"

say "who may not read the state gets none, and leaves none"
cp "$build/control/chappectl" "$T/chappectl"
install -d -o daemon "$T/daemon"
chmod 755 "$run"
status=0
setpriv --reuid daemon --regid daemon --groups nogroup "$T/chappectl" -s "$control_socket" \
	backup "$T/daemon/backup" >"$T/daemon.out" 2>&1 || status=$?
[ $status -eq 6 ] && grep -q "run it as root" "$T/daemon.out" || fail "daemon: $status $(<"$T/daemon.out")"
[ -z "$(ls -A "$T/daemon")" ] || fail "left: $(ls -A "$T/daemon")"
nothing_left

say "two at a time, and one that was interrupted"
curl -sS --unix-socket "$control_socket" -d '{}' http://relay/v1/backup >"$T/begun.out"
[ -e "$state/backup/chappe.db" ] && [ -e "$depot/backup/messages" ] || fail "no copies: $(<"$T/begun.out")"
[ "$(stat -c '%a %U' "$state/backup" "$state/backup/chappe.db" | tr '\n' ' ')" = "700 nobody 600 nobody " ] ||
	fail "$(ls -la "$state/backup")"
expect 5 "a backup was begun at" backup "$T/second"
expect 0 "Backup in" backup "$T/second" --discard
nothing_left

say "what is damaged is not restored"
refused() { # refused STATUS PATTERN: to restore the damaged copy
	expect "$1" "$2" restore "$T/bad" --state "$T/new-state" --store "$T/new-store" --user nobody
	[ ! -e "$T/new-state" ] && [ ! -e "$T/new-store" ] || fail "something was restored"
	nothing_left
	rm -rf "$T/bad"
}
damage() { # damage COMMAND...: in a copy of the backup
	cp -r "$T/backup" "$T/bad"
	(cd "$T/bad" && "$@")
}
flip() { # flip FILE: one bit in its middle
	python3 -c 'import sys; f = open(sys.argv[1], "r+b"); b = bytearray(f.read()); b[len(b) // 2] ^= 4; f.seek(0); f.write(b)' "$1"
}
for file in control/chappe.db control/relay.key backup.json; do
	damage flip $file
	refused 10 "$file"
done
damage flip "store/keys/$(ls "$T/backup/store/keys" | head -n 1)"
refused 10 "store/keys/.*its sum is not that"
damage rm "store/messages/index/CURRENT"
refused 10 "store/messages/index/CURRENT: it is missing"
damage touch control/more
refused 10 "control/more: not in SHA256SUMS"
damage sed -i 2d SHA256SUMS
refused 10 "number of files"
damage sed -i '1s|  .*|  ../escape|' SHA256SUMS
refused 10 "a line is no sum"
damage rm SHA256SUMS
refused 4 "Is .* a backup"
expect 5 "restored to an empty or new directory" restore "$T/backup" --state "$state" --store "$T/new-store" --user nobody
expect 5 "restored to an empty or new directory" restore "$T/backup" --state "$T/new-state" --store "$depot" --user nobody
[ ! -e "$T/new-state" ] && [ ! -e "$T/new-store" ] || fail "something was restored"

say "the machine is lost: another one gets the backup"
kill -KILL "$control_pid" "$store_pid"
wait_for 20 "both are gone" eval "! alive $control_pid && ! alive $store_pid"
mv "$state" "$T/lost-state"
mv "$depot" "$T/lost-store"
mkdir "$depot" # as systemd makes it; the other one is absent
expect 0 "^Relay key ${key//+/.}, as of" restore "$T/backup" --state "$T/kept" --without-store --keep-invitations --user nobody
expect 0 "${key//+/.}" restore "$T/backup" --state "$state" --store "$depot" --user nobody --json
[ "$(json '" ".join(sorted(j["cancelled_invitations"]))' <"$T/expect.out")" = "$open_then" ] || fail "$(<"$T/expect.out")"
[ "$(stat -c '%a %U' "$state" "$state/relay.key" "$state/chappe.db" "$depot" "$depot/keys" | tr '\n' ' ')" = \
	"700 nobody 600 nobody 600 nobody 700 nobody 700 nobody " ] || fail "$(ls -laR "$state" "$depot")"
nothing_left

say "sessions that the dataplane still has are not those of the restored devices"
control_start
relay_ready
[ "$(ctl status --json | json 'j["relay_key"]')" = "$key" ] || fail "another key"
[ "$(ctl stats --json | json 'j["control"]["sessions_kept"]')" -eq 0 ] || fail "sessions were kept"
[ ! -e "$state/restored" ] || fail "the mark of the restoration is still there"
[ -z "$(ids)" ] || fail "invitations that may have been used since are open"
ctl audit | grep -q "invitations of the backup cancelled: 2" || fail "audit"
[ "$(python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(
	"select count(*) from invitation where used is null").fetchone())' "$T/kept/chappe.db")" = 2 ] || fail "--keep-invitations"
store_start
wait_for 10 "control is connected to the store" eval 'ctl store status'
[ "$(waiting)" -eq "$before" ] || fail "$(waiting) frames wait, not $before"

say "what waited is delivered, and the relay goes on"
talk_start bob
wait_for 30 "bob has all three messages" eval '[ "$(got bob alice)" -eq 3 ]'
no_damage bob
# An acknowledgement may wait for alice, who finds out with her next keepalive, within 25 s.
wait_for 60 "nothing waits" eval '[ "$(waiting)" -eq 0 ]'
talk alice "store bob 2 700 0"
wait_for 30 "bob has two more" eval '[ "$(got bob alice)" -eq 5 ]'
no_damage bob
talk_stop bob
talk_stop alice
check_wire
