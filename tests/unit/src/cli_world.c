#include "cli_world.h"
#include "src/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 16, GIVE_UP_MS = 60000 };

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int cli_setup(void **state)
{
	struct cli_world *w = calloc(1, sizeof *w);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	assert_non_null(w);
	w->relay = relay_peer_new();
	w->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->socket, (struct sockaddr *)&address, sizeof address), 0);
	strcpy(w->dir, "/tmp/chappe-cli-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

int cli_teardown(void **state)
{
	struct cli_world *w = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	close(w->socket);
	relay_peer_free(w->relay);
	free(w);
	return 0;
}

void cli_invitation(struct cli_world *w, char text[2048])
{
	const struct peer_device *device = &w->relay->devices[relay_peer_invite(w->relay)];
	struct link link = { .kind = LINK_INVITE, .relay_count = 1 };
	struct sockaddr_in address = { 0 };
	socklen_t len = sizeof address;

	assert_int_equal(getsockname(w->socket, (struct sockaddr *)&address, &len), 0);
	snprintf(link.relays[0], sizeof link.relays[0], "127.0.0.1:%u", ntohs(address.sin_port));
	memcpy(link.relay_key, w->relay->key.public, WIRE_KEY_BYTES);
	memcpy(link.invitation_id, device->invitation_id, sizeof link.invitation_id);
	memcpy(link.secret, device->psk, sizeof link.secret);
	assert_int_equal(link_format(&link, text), 0);
}

/* ---- The relay's socket ---- */

static int link_of(struct cli_world *w, const struct sockaddr_in *from)
{
	for (int i = 0; i < PEER_LINKS; i++)
		if (w->from[i].sin_port == from->sin_port)
			return i;
	w->next_link = (w->next_link + 1) % PEER_LINKS;
	w->from[w->next_link] = *from;
	w->relay->links[w->next_link].count = 0;
	return w->next_link;
}

static void flush(struct cli_world *w)
{
	for (int i = 0; i < PEER_LINKS; i++) {
		struct chappe_transport link = relay_peer_transport(w->relay, i);
		uint8_t datagram[WIRE_LARGE_BYTES];
		ssize_t n;
		while ((n = link.receive(link.context, datagram, sizeof datagram)) >= 0)
			sendto(w->socket, datagram, (size_t)n, 0, (struct sockaddr *)&w->from[i],
				sizeof w->from[i]);
	}
}

static void serve_once(struct cli_world *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->socket, .events = POLLIN };
	struct sockaddr_in from = { 0 };
	socklen_t from_len = sizeof from;
	uint8_t datagram[WIRE_LARGE_BYTES + 1];
	ssize_t n;

	w->relay->now_ns = 1000 * PEER_S + (uint64_t)now_ms() * PEER_MS;
	relay_peer_deliver(w->relay);
	flush(w);
	poll(&p, 1, timeout_ms);
	while ((n = recvfrom(w->socket, datagram, sizeof datagram, 0, (struct sockaddr *)&from,
			&from_len)) >= 0) {
		int link = link_of(w, &from);
		if (!w->relay->down)
			relay_peer_take(&w->relay->links[link], datagram, (size_t)n);
		flush(w);
	}
}

void cli_serve(struct cli_world *w, int ms)
{
	int64_t until = now_ms() + ms;
	while (now_ms() < until)
		serve_once(w, 5);
}

/* ---- Programs ---- */

pid_t cli_start(
	struct cli_world *w, const char *device, const char *output, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX + 4] = { CHAPPE_PROGRAM, "--dir" };
	int count = 2;
	char dir[128], out[128], err[128];
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/%s", w->dir, device);
	snprintf(out, sizeof out, "%s/%s.out", w->dir, device);
	snprintf(err, sizeof err, "%s/%s.err", w->dir, device);
	if (w->program) {
		argv[0] = w->program;
		count = 1;
	}
	argv[count++] = dir;
	for (int i = 0; arguments[i]; i++)
		argv[count++] = arguments[i];
	argv[count] = NULL;
	pid = fork();
	if (pid == 0) {
		int o = open(output ? output : out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int i = open("/dev/null", O_RDONLY);
		if (dup2(i, 0) < 0 || dup2(e, 2) < 0 || (o >= 0 && dup2(o, 1) < 0))
			_exit(99);
		if (output && !*output)
			close(STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(98);
	}
	assert_true(pid > 0);
	return pid;
}

static size_t read_output(const struct cli_world *w, const char *device, const char *kind,
	char bytes[CLI_OUTPUT_BYTES])
{
	char path[128];
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s.%s", w->dir, device, kind);
	file = fopen(path, "rb");
	if (file) {
		len = fread(bytes, 1, CLI_OUTPUT_BYTES - 1, file);
		fclose(file);
	}
	bytes[len] = '\0';
	return len;
}

int cli_finish(struct cli_world *w, const char *device, pid_t pid)
{
	int64_t until = now_ms() + GIVE_UP_MS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		serve_once(w, 5);
		if (now_ms() > until) {
			kill(pid, SIGKILL);
			until = INT64_MAX;
		}
	}
	w->out_len = read_output(w, device, "out", w->out);
	read_output(w, device, "err", w->err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int cli_run(struct cli_world *w, const char *device, const char *const *arguments)
{
	return cli_finish(w, device, cli_start(w, device, NULL, arguments));
}

void cli_pair(struct cli_world *w)
{
	static const char *const names[] = { "alice", "bob" };
	char text[2048];
	pid_t receiver;

	for (int i = 0; i < 2; i++) {
		cli_invitation(w, text);
		assert_int_equal(CLI(w, names[i], "join", text), 0);
	}
	assert_int_equal(CLI(w, "alice", "contact", "new", "bob"), 0);
	w->out[strcspn(w->out, "\n")] = '\0';
	strcpy(text, w->out);
	receiver = CLI_START(w, "alice", "recv", "--follow");
	for (unsigned int before = w->relay->counts.confirmed;
		w->relay->counts.confirmed == before;)
		serve_once(w, 5);
	assert_int_equal(CLI(w, "bob", "contact", "add", "alice", text, "--wait", "5"), 0);
	assert_non_null(strstr(w->err, "has answered"));
	kill(receiver, SIGTERM);
	assert_int_equal(cli_finish(w, "alice", receiver), -1);
}
