#include "src/cli/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Both ends are the same program on the same machine: integers are native. The answer is two: one
 * when the message is taken, then the outcome, enum chappe_error. */
enum { HANDOVER_MAGIC = 0x33706863, HANDOVER_CLIENTS_MAX = CLI_WATCH_MAX - 1 };
enum { TAKEN_WAITS = 1, TAKEN_QUEUED = 2 }; /* for the contact to be ready; with the library */

struct request {
	uint32_t magic, timeout_ms, name_len, data_len;
	struct cli_sending sending; /* name and data follow */
};

struct client {
	int fd; /* -1: free */
	struct request head;
	char *body; /* NULL until the head is complete */
	size_t got;
	bool complete;
	int64_t until_ms;
	struct cli_sent sent;
	char name[CHAPPE_NAME_MAX_BYTES + 1];
};

struct handover {
	struct cli *cli;
	struct cli_watch watch;
	int dir, listener;
	struct client clients[HANDOVER_CLIENTS_MAX];
};

static const char socket_name[] = ".socket";

/* By way of the directory's descriptor: its path may be longer than a socket's name may be. */
static struct sockaddr_un socket_address(int dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(
		address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, socket_name);
	return address;
}

/* ---- The sender's side ---- */

static bool send_all(int fd, const void *data, size_t len)
{
	const char *bytes = data;

	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Whatever becomes of the receiver, we do not wait for it much longer than for the message. */
static void bound_waiting(int fd, int timeout_ms)
{
	const struct timeval wait = { .tv_sec = timeout_ms / 1000 + 1,
		.tv_usec = timeout_ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
}

static int connect_to_receiver(const char *directory, int timeout_ms)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = socket_address(dir);

	if (fd >= 0)
		bound_waiting(fd, timeout_ms);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		fd = -1;
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

enum chappe_error handover_send(const struct cli *cli, const char *name, const void *data,
	size_t len, const struct cli_sending *sending, int timeout_ms, bool *handed)
{
	struct request head = { HANDOVER_MAGIC, (uint32_t)timeout_ms, (uint32_t)strlen(name),
		(uint32_t)len, *sending };
	uint32_t answer[2] = { 0 };
	int fd = connect_to_receiver(cli->directory, timeout_ms);

	*handed = false;
	if (fd < 0)
		return CHAPPE_ERR_LOCKED;
	if (send_all(fd, &head, sizeof head) && send_all(fd, name, head.name_len) &&
		send_all(fd, data, len))
		*handed = recv(fd, &answer[0], sizeof answer[0], MSG_WAITALL) == sizeof answer[0];
	/* where the receiver ends before it knows the outcome, nobody knows */
	if (*handed && recv(fd, &answer[1], sizeof answer[1], MSG_WAITALL) != sizeof answer[1])
		answer[1] = answer[0] != TAKEN_QUEUED ? CHAPPE_ERR_CONTACT_NOT_READY
			    : sending->live           ? CHAPPE_ERR_NOT_ACKNOWLEDGED
						      : CHAPPE_ERR_KEPT;
	close(fd);
	return *handed ? (enum chappe_error)answer[1] : CHAPPE_ERR_LOCKED;
}

/* ---- The receiver's side ---- */

static void drop_client(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	if (client->body)
		sodium_memzero(client->body, client->head.name_len + client->head.data_len);
	free(client->body);
	memset(client, 0, sizeof *client);
	client->fd = -1;
}

static void answer(struct client *client, enum chappe_error error)
{
	uint32_t outcome = error;

	(void)send_all(client->fd, &outcome, sizeof outcome);
	drop_client(client);
}

static enum chappe_error try_to_queue(const struct handover *handover, struct client *client)
{
	enum chappe_error error =
		cli_queue(handover->cli, client->name, client->body + client->head.name_len,
			client->head.data_len, &client->head.sending, &client->sent);

	return error == CHAPPE_ERR_CONTACT_NOT_READY ? CHAPPE_OK : error;
}

/* False: the client is gone. */
static bool take(const struct handover *handover, struct client *client)
{
	enum chappe_error error = try_to_queue(handover, client);
	uint32_t taken = client->sent.queued ? TAKEN_QUEUED : TAKEN_WAITS;

	if (!send_all(client->fd, &taken, sizeof taken))
		return false;
	client->complete = true;
	client->until_ms = cli_now_ms() + client->head.timeout_ms;
	if (error)
		answer(client, error);
	return true;
}

static bool head_ok(const struct request *head)
{
	return head->magic == HANDOVER_MAGIC && head->name_len <= CHAPPE_NAME_MAX_BYTES &&
	       head->data_len <= CHAPPE_MESSAGE_MAX_BYTES && head->timeout_ms <= INT32_MAX;
}

/* Takes what has come. False: the client is gone or makes no sense. */
static bool read_client(struct handover *handover, struct client *client)
{
	size_t body_len = (size_t)client->head.name_len + client->head.data_len;
	char *to = client->body ? client->body : (char *)&client->head;
	size_t want = client->body ? body_len : sizeof client->head;
	ssize_t n = client->got < want
			    ? recv(client->fd, to + client->got, want - client->got, MSG_DONTWAIT)
			    : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0 && client->got < want)
		return false;
	client->got += (size_t)n;
	if (client->got < want)
		return true;
	if (!client->body) {
		if (!head_ok(&client->head))
			return false;
		body_len = (size_t)client->head.name_len + client->head.data_len;
		client->body = malloc(body_len + 1);
		client->got = 0;
		return client->body && (body_len > 0 || read_client(handover, client));
	}
	memcpy(client->name, client->body, client->head.name_len);
	return take(handover, client);
}

static void accept_client(struct handover *handover)
{
	int fd = accept4(handover->listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; i < HANDOVER_CLIENTS_MAX && fd >= 0; i++)
		if (handover->clients[i].fd < 0) {
			handover->clients[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static int fill(void *context, struct pollfd *fds)
{
	struct handover *handover = context;
	int count = 0;

	if (handover->listener >= 0)
		fds[count++] = (struct pollfd){ .fd = handover->listener, .events = POLLIN };
	for (int i = 0; i < HANDOVER_CLIENTS_MAX; i++)
		if (handover->clients[i].fd >= 0)
			fds[count++] =
				(struct pollfd){ .fd = handover->clients[i].fd, .events = POLLIN };
	return count;
}

static void serve_client(struct handover *handover, struct client *client)
{
	char byte;

	if (!client->complete) {
		if (!read_client(handover, client))
			drop_client(client);
	} else if (recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
		drop_client(client); /* it does not wait any more; the message goes on */
	}
}

static enum chappe_error why_late(const struct handover *handover, const struct client *client)
{
	return cli_sent_late(handover->cli, &client->sent, &client->head.sending);
}

static void ready(void *context, const struct pollfd *fds, int count)
{
	struct handover *handover = context;

	for (int i = 0; i < count; i++) {
		if (!fds[i].revents)
			continue;
		if (fds[i].fd == handover->listener)
			accept_client(handover);
		for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
			if (handover->clients[k].fd == fds[i].fd)
				serve_client(handover, &handover->clients[k]);
	}
	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++) {
		struct client *client = &handover->clients[k];
		if (client->complete && cli_now_ms() >= client->until_ms)
			answer(client, why_late(handover, client));
	}
}

static int64_t deadline_ms(void *context)
{
	const struct handover *handover = context;
	int64_t until = INT64_MAX;

	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
		if (handover->clients[k].complete && handover->clients[k].until_ms < until)
			until = handover->clients[k].until_ms;
	return until;
}

void handover_event(struct handover *handover, const struct chappe_event *event)
{
	for (int k = 0; handover && k < HANDOVER_CLIENTS_MAX; k++) {
		struct client *client = &handover->clients[k];
		if (!client->complete || !event->contact ||
			strcmp(client->name, event->contact) != 0)
			continue;
		cli_sent_note(&client->sent, event);
		if (event->type == CHAPPE_EVENT_CONTACT_READY && !client->sent.queued) {
			enum chappe_error error = try_to_queue(handover, client);
			if (error)
				answer(client, error);
		} else if (client->sent.refused)
			answer(client, CHAPPE_ERR_NOT_ACCEPTED);
		else if (cli_sent_done(&client->sent, &client->head.sending))
			answer(client, CHAPPE_OK);
	}
}

static bool open_listener(struct handover *handover)
{
	struct sockaddr_un address;
	mode_t mask;
	bool ok;

	handover->dir = open(handover->cli->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	handover->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (handover->dir < 0 || handover->listener < 0)
		return false;
	address = socket_address(handover->dir);
	unlinkat(handover->dir, socket_name, 0); /* of a process that died: we have the lock */
	mask = umask(0077);
	ok = bind(handover->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
	     listen(handover->listener, HANDOVER_CLIENTS_MAX) == 0;
	umask(mask);
	return ok;
}

static void stop_listening(struct handover *handover)
{
	if (handover->dir >= 0) {
		unlinkat(handover->dir, socket_name, 0);
		close(handover->dir);
	}
	if (handover->listener >= 0)
		close(handover->listener);
	handover->dir = handover->listener = -1;
}

struct handover *handover_start(struct cli *cli)
{
	struct handover *handover = calloc(1, sizeof *handover);

	if (!handover)
		return NULL;
	handover->cli = cli;
	handover->dir = handover->listener = -1;
	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
		handover->clients[k].fd = -1;
	if (!open_listener(handover)) {
		stop_listening(handover);
		free(handover);
		return NULL;
	}
	handover->watch = (struct cli_watch){
		.context = handover, .fill = fill, .ready = ready, .deadline_ms = deadline_ms
	};
	cli->watch = &handover->watch;
	return handover;
}

static bool nobody_waits(const struct cli *cli)
{
	const struct handover *handover = cli->watch->context;

	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
		if (handover->clients[k].complete)
			return false;
	return true;
}

void handover_finish(struct handover *handover)
{
	if (!handover)
		return;
	stop_listening(handover);
	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
		if (!handover->clients[k].complete)
			drop_client(&handover->clients[k]); /* it tries again by itself */
	(void)cli_wait(handover->cli, nobody_waits, -1, CHAPPE_OK);
	for (int k = 0; k < HANDOVER_CLIENTS_MAX; k++)
		if (handover->clients[k].complete)
			answer(&handover->clients[k], why_late(handover, &handover->clients[k]));
	handover->cli->watch = NULL;
	free(handover);
}
