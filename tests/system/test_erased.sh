#!/usr/bin/env bash
# What was delivered can't be brought back from the blocks of the disk, by anyone: the message store lies
# on a disk of its own, whose raw blocks are searched. While messages wait, their epoch's key is found in
# the blocks, and opens them. Once they are delivered the blocks may still hold what was sealed, but the
# key's bytes are nowhere any more, no key that is left opens any of it, and no block ever held text,
# secrets or routes as they are.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, the relay .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"
. "$lib/disk.sh"

MESSAGES=20
NUMBERS=1000 # more than the relay stores here

if disks_possible; then
	# Small files in inodes: they pass through the journal, which keeps what was overwritten.
	disk_make store 256M -I 256 -O inline_data
	disk_mount store
	depot=$T/disks/store
	blocks=$disk_image
	read_blocks() { sync -f "$depot"; }
else
	say "no loop devices: the store's files are searched instead of a disk's blocks"
	blocks=$T/blocks
	read_blocks() { find "$depot" -type f -exec cat {} + >"$blocks"; }
fi
relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start
ctl store limits set --disk-free 16M >"$T/limits.out" # of a small disk
device alice alice
device bob bob
contact alice bob
marker=MARKER-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')-
routes=$(sed -n 's/^peer-route //p' "$T/device-alice/contact-bob" "$T/device-bob/contact-alice")
{
	python3 "$lib/collect_needles.py" --text plaintext "$marker" --link "$(<"$T/alice-bob.link")" \
		"$T/device-alice" "$T/device-bob"
	for route in $routes; do echo "route $route"; done
} >"$T/needles"

opened() { # opened KEY-FILE: prints how many cells and entries of the index the key opens
	# shellcheck disable=SC2086 # several routes
	"$build/tests/system/open_blocks" "$blocks" "$1" $NUMBERS $routes
}

has_key() { # has_key KEY-FILE: in the blocks
	printf 'key %s\n' "$(od -An -tx1 -N 32 "$1" | tr -d ' \n')" >"$T/key"
	! python3 "$lib/search_memory.py" --file "$blocks" "$T/key" >>"$T/search.out"
}

nothing_legible() {
	read_blocks
	python3 "$lib/search_memory.py" --file "$blocks" "$T/needles" >>"$T/search.out" || fail "$(<"$T/search.out")"
}

say "messages wait"
talk_start alice
talk alice "fill $marker"
talk alice "store bob $MESSAGES 700 0"
wait_for 20 "they are accepted" at_least $MESSAGES accepted alice bob
nothing_legible
cp -r "$depot/keys" "$T/keys"
key=
for file in "$T/keys"/*; do
	before=$(opened "$file")
	[ "${before%% cells*}" -lt $MESSAGES ] || key=$file
done
[ -n "$key" ] || fail "no key opens what waits"
before=$(opened "$key")
say "the key opens $before"
before=${before#*, }
[ "${before% entries}" -ge $MESSAGES ] || fail "the key opens but $before of the index"
has_key "$key" || fail "the key was not found in the blocks"

say "they are delivered"
mkfifo "$T/bob.fifo" # bob is to know the text before the first message comes
exec {held}<>"$T/bob.fifo"
echo "fill $marker" >&"$held"
talk_start bob
wait_for 30 "bob has them" at_least $MESSAGES got bob alice
wait_for 30 "the store has nothing left" eval '[ "$(ctl store status --json | json "j[\"waiting\"][\"frames\"]")" = 0 ]'
talk_stop bob
wait_for 40 "their key goes" test ! -e "$depot/keys/${key##*/}"
nothing_legible
! has_key "$key" || fail "the key is still in the blocks: $(tail -n 1 "$T/search.out")"
for file in "$depot/keys"/*; do
	after=$(opened "$file")
	[ "${after%% cells*}" -eq 0 ] || fail "${file##*/} opens $after of what was delivered"
done
say "with the key that is gone, the blocks would give away $(opened "$key")"

say "the search finds what is there"
echo "$marker" >"$depot/planted"
read_blocks
! python3 "$lib/search_memory.py" --file "$blocks" "$T/needles" >"$T/planted.out" || fail "nothing was found"
grep -q "plaintext in $blocks" "$T/planted.out" || fail "$(<"$T/planted.out")"
talk_stop alice
check_wire
