#include "src/cli/cli.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

enum { LINGER_QUIET_MS = 250, LINGER_MAX_MS = 3000 };
enum { SETTLE_OWED_MS = 5000, SETTLE_MAX_MS = 60000 };

/* ---- Signals ---- */

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

int cli_interrupted(void)
{
	return interrupted;
}

/* One that is ignored stays ignored (nohup). */
static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction before;

	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
		if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL &&
			!interrupted)
			sigaction(caught[i], &action, NULL);
}

/* Signals come in while it waits, and at no time between the question whether one came and that. */
void cli_poll(struct pollfd *fds, int count, int timeout_ms)
{
	const struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	sigset_t closed, open;

	sigemptyset(&closed);
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
		sigaddset(&closed, caught[i]);
	sigprocmask(SIG_BLOCK, &closed, &open);
	if (interrupted || ppoll(fds, (nfds_t)count, timeout_ms < 0 ? NULL : &timeout, &open) < 0)
		for (int i = 0; i < count; i++)
			fds[i].revents = 0;
	sigprocmask(SIG_SETMASK, &open, NULL);
}

/* ---- Waiting ---- */

static int shorter(int a, int b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

static void turn(struct cli *cli, int timeout_ms)
{
	struct pollfd fds[1 + CLI_WATCH_MAX] = { { .fd = chappe_fd(cli->chappe),
		.events = POLLIN } };
	int count = 0;

	if (cli->watch) {
		int64_t left = cli->watch->deadline_ms(cli->watch->context) - cli_now_ms();
		count = cli->watch->fill(cli->watch->context, fds + 1);
		if (left < INT_MAX)
			timeout_ms = shorter(timeout_ms, left > 0 ? (int)left : 0);
	}
	cli_poll(fds, 1 + count, shorter(timeout_ms, chappe_timeout_ms(cli->chappe)));
	chappe_process(cli->chappe);
	if (cli->watch)
		cli->watch->ready(cli->watch->context, fds + 1, count);
}

static enum chappe_error why_late(const struct cli *cli, enum chappe_error late)
{
	if (cli->state == CHAPPE_STATE_CONNECTED)
		return late;
	return cli->state_error ? cli->state_error : CHAPPE_ERR_UNREACHABLE;
}

enum chappe_error cli_wait(struct cli *cli, bool (*done)(const struct cli *cli), int timeout_ms,
	enum chappe_error late)
{
	int64_t until = cli_now_ms() + timeout_ms;
	enum chappe_error error = chappe_connect(cli->chappe);

	catch_signals();
	if (error)
		return error;
	while (!done(cli)) {
		int64_t left = until - cli_now_ms();
		if (!cli->chappe)
			return CHAPPE_ERR_LOCKED;
		if (interrupted)
			return why_late(cli, late);
		if (cli->state == CHAPPE_STATE_REFUSED)
			return cli->state_error;
		if (timeout_ms >= 0 && left <= 0)
			return why_late(cli, late);
		turn(cli, timeout_ms < 0 ? -1 : (int)left);
	}
	return CHAPPE_OK;
}

void cli_linger(struct cli *cli)
{
	int64_t end = cli_now_ms() + LINGER_MAX_MS, quiet = cli_now_ms() + LINGER_QUIET_MS;
	uint64_t received = 0;
	struct chappe_status status;

	while (cli->chappe && cli_now_ms() < end && cli_now_ms() < quiet && !interrupted) {
		turn(cli, (int)(quiet - cli_now_ms()));
		if (!cli->chappe)
			return;
		chappe_get_status(cli->chappe, &status);
		if (status.counters.datagrams_received != received)
			quiet = cli_now_ms() + LINGER_QUIET_MS;
		received = status.counters.datagrams_received;
	}
}

static void count(void *context, const struct chappe_outbox_message *message)
{
	(void)message;
	++*(size_t *)context;
}

/* One that the relay does not take holds nobody up: an outbox that has not become shorter for a
 * moment is left to the next process. */
void cli_settle(struct cli *cli)
{
	int64_t owed_until = cli_now_ms() + SETTLE_OWED_MS, end = cli_now_ms() + SETTLE_MAX_MS;
	int64_t quiet = cli_now_ms() + LINGER_QUIET_MS;
	size_t before = SIZE_MAX;

	while (cli->chappe && cli->state == CHAPPE_STATE_CONNECTED && !interrupted) {
		struct chappe_status status;
		size_t waiting = 0;
		int64_t now = cli_now_ms(), until;
		chappe_get_status(cli->chappe, &status);
		chappe_outbox_each(cli->chappe, count, &waiting);
		if (waiting < before)
			quiet = now + LINGER_QUIET_MS;
		before = waiting;
		until = waiting ? quiet < end ? quiet : end : now;
		if (status.acknowledgements_owed && owed_until > until)
			until = owed_until;
		if (until <= now)
			return;
		turn(cli, (int)(until - now));
	}
}
