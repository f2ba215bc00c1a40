/* Arguments of chappectl: commands, options, help. Options may stand anywhere. */
#ifndef CHAPPE_CONTROL_CLI_OPTIONS_H
#define CHAPPE_CONTROL_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* name, of which an underscore is typed as a dash; short letter or 0, argument or NULL, help */
#define OPTIONS(X)                                                                                 \
	X(socket, 's', "PATH", "socket of chappe-control (or CHAPPECTL_SOCKET)")                   \
	X(json, 'j', NULL, "print JSON, errors too")                                               \
	X(help, 'h', NULL, "explain the command, with examples")                                   \
	X(version, 'V', NULL, "print the version")                                                 \
	X(state, 0, "DIR", "state directory; default /var/lib/chappe")                             \
	X(user, 0, "NAME", "who shall own the state; default chappe, `none` changes no owner")     \
	X(ttl, 0, "TIME",                                                                          \
		"how long an invitation holds (default 24h) or a message waits (21d): 90s, 30m, "  \
		"24h, 7d")                                                                         \
	X(count, 'n', "N", "how many invitations, each for one device; default 1")                 \
	X(qr, 'q', NULL, "draw each invitation as a QR code")                                      \
	X(frames, 0, "N", "frames a second the device may send, or `none`, or `default`")          \
	X(bytes, 0, "N", "bytes a second, such as 2M, or `none`, or `default`")                    \
	X(routes, 0, "N", "routes the device may have, or `default`")                              \
	X(all, 'a', NULL, "everything")                                                            \
	X(watch, 'w', "[SECONDS]", "repeat, with rates; default every second")                     \
	X(stages, 0, "[SECONDS]", "where the cycles of the packet path go; default for a second")  \
	X(limit, 0, "N", "the newest N entries only; default 50")                                  \
	X(route_frames, 0, "N", "frames that may wait under a route, or `default`")                \
	X(route_bytes, 0, "SIZE", "bytes that may wait under a route, such as 12M, or `default`")  \
	X(device_frames, 0, "N", "frames that may wait for a device, or `default`")                \
	X(device_bytes, 0, "SIZE", "bytes that may wait for a device, or `default`")               \
	X(total_bytes, 0, "SIZE", "bytes that may wait altogether, such as 16G, or `default`")     \
	X(disk_free, 0, "SIZE", "nothing is taken while the disk has less free, or `default`")     \
	X(no_wait, 0, NULL, "start it and leave; `store status` shows how far it is")              \
	X(store, 0, "DIR", "directory of chappe-store; default /var/lib/chappe-store")             \
	X(without_store, 0, NULL, "leave out the messages that wait")                              \
	X(keep_invitations, 0, NULL, "leave invitations open that may have been used since")       \
	X(discard, 0, NULL, "end a backup that was begun before and interrupted")

enum option_id {
#define X(name, letter, argument, help) OPTION_##name,
	OPTIONS(X)
#undef X
		OPTION_COUNT
};

enum { OPTIONS_OPERANDS_MAX = 4, OPTIONS_NAME_BYTES = 32 };

/* For limits and --ttl: the default. In --frames and --bytes 0 is no limit. */
#define OPTIONS_LIMIT_DEFAULT UINT64_MAX

struct options {
	const struct command *command;
	bool given[OPTION_COUNT];
	const char *socket, *state, *store, *user;
	bool json;
	uint64_t ttl_s, count, frames, bytes, routes, limit;
	uint64_t route_frames, route_bytes, device_frames, device_bytes, total_bytes, disk_free;
	double watch_s, stages_s;
	int operands;
	const char *operand[OPTIONS_OPERANDS_MAX];
};

struct command {
	const char *name;     /* one or two words */
	const char *operands; /* as help shows them, or "" */
	int operands_min, operands_max;
	uint32_t options; /* bit n: option_id n; socket, json and help always */
	int (*run)(const struct options *options);
	const char *brief; /* one line */
	const char *help;  /* what it does, then examples */
};

extern const struct command commands[]; /* the last has no name */

/* Fills options and names the command. Returns 0; otherwise the help or the error has been printed
 * and *status is the exit status. */
int options_parse(int argc, char *argv[], struct options *options, int *status);

void options_help(const struct command *command); /* NULL: the overview */

/* options_set.c: takes the value of an option, or NULL where it has none. Returns 0 or -EINVAL. */
int options_set(enum option_id option, const char *text, struct options *options);

/* "90", "90s", "30m", "24h", "7d" to seconds. Returns 0 or -EINVAL. */
int options_duration(const char *text, uint64_t *seconds);
/* "1500", "20k", "5M", "1G", "2T" (powers of 1,000). Returns 0 or -EINVAL. */
int options_number(const char *text, uint64_t *number);

#endif
