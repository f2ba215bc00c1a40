#!/usr/bin/env bash
# The disk of chappe-store turns read-only in the middle of its work, as file systems do by themselves
# when they find an error: nothing is accepted any more, all that was accepted is delivered from that
# disk, and operators are told. Once it is mended and mounted again everything goes on, and nothing
# came twice.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, the relay .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"
. "$lib/disk.sh"

MESSAGES=400

# Without loop devices: tests/unit/store/test_process.c starts a store on a disk that is read-only.
disks_possible || skip "no loop devices: a disk that turns read-only while it is used is not tested here"

disk_make store 512M
disk_mount store -o errors=remount-ro
depot=$T/disks/store
relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
device alice alice
device bob bob
contact alice bob

store_says() { # store_says EXPRESSION: of the status of the message store, which may be bad (1)
	{ ctl store status --json || [ $? -eq 1 ]; } | json "$1"
}

# Numbers of alice's messages that were accepted, and of those that bob has, sorted.
accepted_serials() {
	awk '$1 == "sent" { serial[$3] = n++ } $1 == "accepted" { print serial[$3] }' "$T/alice.talk" | sort -u
}
received_serials() {
	awk '$1 == "message" { print $4 }' "$T/bob.talk" | sort -u
}
bob_has_what_was_accepted() {
	[ -z "$(comm -23 <(accepted_serials) <(received_serials))" ]
}

talk_start alice
talk alice "store bob $MESSAGES 700 5"
wait_for 30 "messages are accepted" at_least 50 accepted alice bob

say "an error on the disk"
echo 1 >"/sys/fs/ext4/${disk##*/}/trigger_fs_error"
! touch "$depot/written" 2>/dev/null || fail "the disk can still be written"
wait_for 30 "the store has noticed" eval '[ "$(store_says "j[\"failed\"]")" = True ]'
status=0
ctl store status >"$T/status.out" || status=$?
[ $status -eq 1 ] || fail "chappectl store status ended with $status"
grep -q "IT DOES NOT WRITE" "$T/status.out" || fail "chappectl store status: $(<"$T/status.out")"

at_error=$(accepted alice bob)
refused=$(store_says 'j["refused"]["failed"]')
wait_for 30 "alice has tried on" eval "[ \$(store_says 'j[\"refused\"][\"failed\"]') -ge $((refused + 3)) ]"
say "$at_error messages were accepted by then"
[ "$(accepted alice bob)" -lt $MESSAGES ] || fail "all was accepted before the disk failed"
# What was on its way to alice when the store noticed may have come later.
at_error=$(accepted alice bob)

say "what was accepted is delivered from the disk as it is"
talk_start bob
wait_for 30 "bob has what was accepted" bob_has_what_was_accepted
refused=$(store_says 'j["refused"]["failed"]')
wait_for 30 "alice tries on" eval "[ \$(store_says 'j[\"refused\"][\"failed\"]') -gt $refused ]"
[ "$(accepted alice bob)" -eq "$at_error" ] || fail "something was accepted that can't be durable"
alive "$store_pid" || fail "chappe-store has ended"
talk_stop bob

say "the disk is mended"
kill "$store_pid"
wait "$store_pid" || fail "chappe-store ended with status $?"
umount "$depot"
fsck.ext4 -fp "$disk" >"$T/fsck.out" 2>&1 || [ $? -eq 1 ] || fail "fsck: $(<"$T/fsck.out")"
disk_mount store
store_start
talk_start bob
wait_for 60 "all that alice wrote is accepted" at_least $MESSAGES accepted alice bob
wait_for 60 "bob has all of it" eval "[ \$(got bob alice) -eq $MESSAGES ]"
no_damage bob
wait_for 30 "the store has nothing left" eval '[ "$(store_says "j[\"waiting\"][\"frames\"]")" = 0 ]'
[ "$(store_says 'j["failed"]')" = False ] || fail "the store says that its disk does not write"
talk_stop alice
talk_stop bob
check_wire
