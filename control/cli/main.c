#include "cli.h"
#include <stddef.h>

#define O(name) (1u << OPTION_##name)

const struct command commands[] = {
	{ "init", "", 0, 0, O(state) | O(user), cli_init, "make the relay's key and store",
		"Makes the state directory, the relay's identity key (relay.key, mode 0600) and "
		"an\n"
		"empty store (chappe.db). Works without chappe-control. What exists is never\n"
		"overwritten: a relay whose key changes loses all of its devices.\n\n"
		"  chappectl init\n"
		"  chappectl init --state /srv/relay --user none\n" },
	{ "status", "", 0, 0, 0, cli_status, "how the relay is doing",
		"Shows the relay's public key and names, the link to chappe-dataplane, and how "
		"much\n"
		"is in use. The exit status is 7 while chappe-dataplane is not connected or does "
		"not\n"
		"answer.\n\n"
		"  chappectl status\n"
		"  chappectl status --json | jq .dataplane.connected\n" },
	{ "invite", "", 0, 0, O(ttl) | O(count) | O(qr), cli_invite, "invite devices",
		"Prints invitations, one a line. Each enrols one device, once: `chappe join\n"
		"INVITATION`. It holds a secret: hand it over as you would a password. It is "
		"shown\n"
		"now and never again.\n\n"
		"  chappectl invite\n"
		"  chappectl invite --ttl 30m --qr\n"
		"  chappectl invite --count 50 --ttl 7d > invitations.txt\n" },
	{ "invitation list", "", 0, 0, 0, cli_invitation_list, "invitations not used yet",
		"Shows the invitations that are open, used or expired, by their first 4 bytes.\n\n"
		"  chappectl invitation list\n" },
	{ "invitation cancel", "INVITATION", 1, 1, 0, cli_invitation_cancel,
		"make an invitation worthless",
		"For an invitation that got into the wrong hands, or was never used.\n\n"
		"  chappectl invitation cancel 9c41d2aa\n" },
	{ "device list", "", 0, 0, O(all), cli_device_list, "devices that are enrolled",
		"Shows enrolled devices; --all also those revoked in the last 30 days. A device "
		"is\n"
		"named by its number and the first 4 bytes of its key's fingerprint; the number\n"
		"alone will do.\n\n"
		"  chappectl device list\n"
		"  chappectl device list --json | jq -r '.devices[].device'\n" },
	{ "device show", "DEVICE", 1, 1, 0, cli_device_show, "one device, its limits and session",
		"  chappectl device show 17\n"
		"  chappectl device show 17-3f9a2c1b --json\n" },
	{ "device limit", "DEVICE", 1, 1, O(frames) | O(bytes) | O(routes), cli_device_limit,
		"change a device's limits",
		"Takes effect at once; what is not named stays as it is. `default` gives back to "
		"the\n"
		"relay's default, which may change later. Frames above a limit are dropped and\n"
		"counted as drop_meter.\n\n"
		"  chappectl device limit 17 --frames 1000 --bytes 2M\n"
		"  chappectl device limit 17 --routes 64 --frames default\n" },
	{ "device revoke", "DEVICE", 1, 1, 0, cli_device_revoke, "end a device for good",
		"Ends its sessions within a second and deletes its routes. Its key and psk are "
		"kept\n"
		"30 days, to tell the device so when it calls, and then erased. There is no way\n"
		"back but a new invitation.\n\n"
		"  chappectl device revoke 17-3f9a2c1b\n" },
	{ "route list", "[DEVICE]", 0, 1, 0, cli_route_list, "routes, of one device or all",
		"Shows routes by their first 4 bytes: a whole route is a capability to send, and "
		"no\n"
		"tool prints one.\n\n"
		"  chappectl route list\n"
		"  chappectl route list 17\n" },
	{ "route revoke", "ROUTE [DEVICE]", 1, 2, 0, cli_route_revoke,
		"close one route to a device",
		"ROUTE is its beginning, at least the 4 bytes that `route list` shows; where "
		"routes of\n"
		"several devices begin so, nothing is done and DEVICE says which. Whoever used "
		"the\n"
		"route can no longer send; the device's other routes stay.\n\n"
		"  chappectl route revoke 5be1a07c\n"
		"  chappectl route revoke 5be1a07c 17-3f9a2c1b\n" },
	{ "session list", "[DEVICE]", 0, 1, 0, cli_session_list, "live sessions in the dataplane",
		"Asks chappe-dataplane for its live sessions. The addresses are in its memory "
		"only.\n\n"
		"  chappectl session list\n"
		"  chappectl session list 17 --json\n" },
	{ "stats", "", 0, 0, O(watch) | O(all) | O(stages), cli_stats,
		"counters of dataplane and control",
		"Shows each counter that is not zero (--all: every one), per worker and in sum.\n"
		"With --watch the counters that move, a second each, until interrupted.\n"
		"--stages times the stages of the packet path meanwhile: what a frame costs in "
		"each, in\n"
		"cycles of the TSC, and its part of the time. `idle` are turns that find no "
		"frame.\n\n"
		"  chappectl stats\n"
		"  chappectl stats --stages=10\n"
		"  chappectl stats --watch=5\n"
		"  chappectl stats --json | jq .total.drop_aead\n" },
	{ "disclose", "DEVICE | --all", 0, 1, O(all), cli_disclose,
		"everything the relay holds about a device",
		"Prints every datum that exists, in which store or memory, for how long, and its\n"
		"value: what the operator can be made to hand over, made from the live stores and\n"
		"tables. Key material is shown as present, with what it opens and what it "
		"doesn't.\n\n"
		"  chappectl disclose 17\n"
		"  chappectl disclose --all --json > disclosure.json\n" },
	{ "store status", "", 0, 0, 0, cli_store_status, "how the message store is doing",
		"Shows what waits, what chappe-store has taken, delivered and refused since it "
		"started,\n"
		"what damage it found then, and how its disk does. The exit status is 9 while\n"
		"chappe-store is not connected, and 1 while its disk does not write.\n\n"
		"  chappectl store status\n"
		"  chappectl store status --json | jq .waiting.frames\n" },
	{ "store verify", "", 0, 0, O(no_wait), cli_store_verify, "read all that waits",
		"Has chappe-store read every frame that waits and check its tag, while it serves "
		"on,\n"
		"and waits for the result. The exit status is 10 where something can't be read: "
		"it is\n"
		"left where it is, and the rest is served.\n\n"
		"  chappectl store verify\n"
		"  chappectl store verify --no-wait; chappectl store status\n" },
	{ "store compact", "", 0, 0, O(no_wait), cli_store_compact,
		"give the room of what was erased back to the disk",
		"Has chappe-store rewrite its files without what was erased, and waits for the "
		"end.\n"
		"It does so by itself too, bit by bit; this is for when the room is wanted "
		"now.\n\n"
		"  chappectl store compact\n" },
	{ "store limits", "[show | set]", 0, 1,
		O(route_frames) | O(route_bytes) | O(device_frames) | O(device_bytes) |
			O(total_bytes) | O(disk_free) | O(ttl),
		cli_store_limits, "how much may wait, and how long",
		"Shows the limits, or sets those that are named; others stay. Above a limit a "
		"frame "
		"is\n"
		"not accepted, and its sender is told so by its device. What waits already stays, "
		"but\n"
		"for --ttl: it holds for what waits too. Bytes are those of cells: 512 for a "
		"short\n"
		"message, 1232 for each part of a long one.\n\n"
		"  chappectl store limits\n"
		"  chappectl store limits set --device-frames 20000 --device-bytes 32M\n"
		"  chappectl store limits set --total-bytes 200G --disk-free 5G --ttl 7d\n"
		"  chappectl store limits set --ttl default\n" },
	{ "backup", "DIR", 1, 1, O(without_store) | O(discard), cli_backup,
		"copy all of the relay's state while it runs",
		"Copies control's store, the relay's key and the messages that wait to DIR, which "
		"has to\n"
		"be empty or absent, with sums of all files (SHA256SUMS); DIR is there when all of "
		"it\n"
		"is, or not at all. Needs to read the state: run it as root. Who has the backup "
		"can "
		"be\n"
		"the relay, and it keeps what is erased from the relay later: lock it away, and "
		"destroy\n"
		"old ones.\n\n"
		"  chappectl backup /srv/backup/$(date +%F)\n"
		"  chappectl backup /mnt/usb/chappe --without-store\n" },
	{ "restore", "DIR", 1, 1,
		O(state) | O(store) | O(user) | O(without_store) | O(keep_invitations), cli_restore,
		"make the relay's state from a backup",
		"Checks a backup and makes state directories from it, which have to be empty or "
		"absent.\n"
		"Works without chappe-control: nothing of the relay may run on them. What happened "
		"after\n"
		"the backup is not in it: devices revoked since are to be revoked again, those "
		"enrolled\n"
		"since need new invitations. Invitations that were open then may have been used "
		"since, and\n"
		"nothing in the backup says so: they are cancelled, unless --keep-invitations is "
		"given.\n\n"
		"  chappectl restore /srv/backup/2026-11-22\n"
		"  chappectl restore DIR --state /srv/relay --store /srv/messages --user none\n" },
	{ "audit", "", 0, 0, O(limit) | O(all), cli_audit, "who administered what, and when",
		"Shows acts of administration, refused ones too; never what devices do.\n\n"
		"  chappectl audit --limit 20\n"
		"  chappectl audit --all --json | jq '.entries[] | select(.outcome != \"ok\")'\n" },
	{ 0 },
};

int main(int argc, char *argv[])
{
	struct options options;
	int status;
	if (options_parse(argc, argv, &options, &status) != 0)
		return status;
	return options.command->run(&options);
}
