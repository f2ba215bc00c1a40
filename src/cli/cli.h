/* The device's command line, chappe(1): what its commands share. Built on chappe.h alone, as any
 * application would be. */
#ifndef CHAPPE_CLI_H
#define CHAPPE_CLI_H

#include "src/chappe.h"

#include <stdio.h>

struct pollfd;

struct cli {
	const char *directory;
	struct chappe *chappe;
	bool json;
	uint32_t acknowledge_within_s; /* 0: the library's default */
	bool connected_once;
	enum chappe_state state;
	enum chappe_error state_error; /* why the state is not CONNECTED */
	int storage_errno;             /* of the last event with CHAPPE_ERR_STORAGE */
	int borrowed; /* the directory, from a process that receives (handover.h); 0: its own */
	/* of the command that runs; may be NULL */
	int (*on_event)(struct cli *cli, const struct chappe_event *event);
	void *command;
	/* what else to wait for, and what to do then; may be NULL */
	const struct cli_watch *watch;
};

/* How a message is sent, and what is waited for. */
struct cli_sending {
	bool live;
	bool wait; /* stored: for the recipient, not only the relay */
	uint32_t ttl_minutes;
};

/* What has become of a message that was to be sent. */
struct cli_sent {
	bool queued, accepted, acknowledged, refused; /* refused: NOT_ACCEPTED */
	uint64_t message;
};

enum chappe_error cli_queue(const struct cli *cli, const char *name, const void *data, size_t len,
	const struct cli_sending *sending, struct cli_sent *sent);
/* Takes note of an event that is about its contact. */
void cli_sent_note(struct cli_sent *sent, const struct chappe_event *event);
/* All that was waited for has happened. */
bool cli_sent_done(const struct cli_sent *sent, const struct cli_sending *sending);
/* Why it has not, when time is up. */
enum chappe_error cli_sent_late(
	const struct cli *cli, const struct cli_sent *sent, const struct cli_sending *sending);

/* Descriptors besides the library's own. */
enum { CLI_WATCH_MAX = 16 };
struct cli_watch {
	void *context;
	/* Fills at most CLI_WATCH_MAX entries, returns how many. */
	int (*fill)(void *context, struct pollfd *fds);
	void (*ready)(void *context, const struct pollfd *fds, int count);
	/* When ready is due anyway, by cli_now_ms(); INT64_MAX: not. */
	int64_t (*deadline_ms)(void *context);
};

struct cli_command {
	const char *name, *arguments, *summary;
	const char *help; /* options and what the command does, for `chappe help NAME` */
	enum chappe_error (*run)(struct cli *cli, int argc, char **argv);
};

/* The commands; argv[0] is the command's name. */
enum chappe_error cli_join(struct cli *cli, int argc, char **argv);
enum chappe_error cli_contact(struct cli *cli, int argc, char **argv);
enum chappe_error cli_send(struct cli *cli, int argc, char **argv);
enum chappe_error cli_outbox(struct cli *cli, int argc, char **argv);
enum chappe_error cli_recv(struct cli *cli, int argc, char **argv);
enum chappe_error cli_status(struct cli *cli, int argc, char **argv);

/* Opens the handle of a device that has joined; borrows the directory from a process that receives,
 * or waits a moment for one that is about to give it back. Says what is wrong on standard error
 * when it fails. */
enum chappe_error cli_open(struct cli *cli);
/* The same for a device that need not have joined: makes the directory where it is missing. */
enum chappe_error cli_open_new(struct cli *cli);
/* The same as cli_open(), but not a borrowed directory: for a process that stays. */
enum chappe_error cli_open_to_stay(struct cli *cli);
/* False where there is nothing of that name: the directory of no device. To be asked before
 * cli_try_open(), which would make one of a mistyped name. */
bool cli_has_directory(const struct cli *cli);
/* Opens without waiting, and without a word where the directory is in use. */
enum chappe_error cli_try_open(struct cli *cli);
/* After cli_open_to_stay(): gives the directory to others, and takes it back, connected. Where that
 * can't be, it says so and chappe is NULL: the waiting functions return LOCKED then. */
void cli_close(struct cli *cli);
void cli_reopen(struct cli *cli);

/* Prints "chappe: …" with the error's text and returns the error. detail may be NULL. Where the
 * error is about the device's directory, names it. */
enum chappe_error cli_fail(const struct cli *cli, enum chappe_error error, const char *detail);
/* The same for CHAPPE_ERR_USAGE, with where to read on. */
enum chappe_error cli_usage(const struct cli *cli, const char *command, const char *detail);
/* After cli_read_all(). */
enum chappe_error cli_fail_reading(
	const struct cli *cli, enum chappe_error error, const char *what);

/* ---- loop.c ---- */

/* Connects and processes until done says so, the relay refuses for good, timeout_ms (-1: never)
 * have passed or somebody has interrupted; then returns late, or why there was no session. Prints
 * nothing. */
enum chappe_error cli_wait(struct cli *cli, bool (*done)(const struct cli *cli), int timeout_ms,
	enum chappe_error late);
/* Goes on for a moment, so that acknowledgements get out and repeated frames are answered. */
void cli_linger(struct cli *cli);
/* Goes on for what earlier processes have left: messages that the relay takes now, acknowledgements
 * that they owed, for at most 5 s. */
void cli_settle(struct cli *cli);

/* The signal that asks to end (SIGINT, SIGTERM, SIGHUP), or 0. It is caught once cli_wait() has
 * begun: what was being done is brought to an end, in which nothing waits any more, and main() ends
 * by it. The second one ends the process at once. */
int cli_interrupted(void);
/* poll(2), which such a signal ends, whenever it comes. */
void cli_poll(struct pollfd *fds, int count, int timeout_ms);

/* Milliseconds of a clock that only goes forward. */
int64_t cli_now_ms(void);
/* Seconds, with a fraction if wanted, to milliseconds; false: not a number of seconds. */
bool cli_parse_seconds(const char *text, int *ms);
/* Reads everything up to max bytes; TOO_LARGE beyond, INTERNAL with errno. The caller frees *data.
 */
enum chappe_error cli_read_all(FILE *file, size_t max, char **data, size_t *len);
const char *cli_contact_state(enum chappe_contact_state state);

#endif
