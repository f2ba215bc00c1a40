#include "channel.h"
#include "daemon/log.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CHANNEL_RETRY_FIRST_MS = 50,
	/* Devices wait for control once the dataplane is back. */
	CHANNEL_RETRY_LAST_MS = 100,
	/* Messages taken at once, so that a busy link does not starve the others. */
	CHANNEL_TURN_MESSAGES = 64,
	/* Room for several of the largest messages: the kernel charges twice their size. */
	CHANNEL_BUFFER_BYTES = 1 << 20,
};

struct channel {
	const struct channel_calls *calls;
	void *arg;
	const char *name, *peer;
	struct event_base *base;
	struct event *readable, *writable, *timer;
	int priority, fd;
	int retry_ms;
	bool up, broken, complained;
	struct sockaddr_un address;
	_Alignas(8)
		uint8_t buffer[CHANNEL_MESSAGE_BYTES + 1]; /* one more: notices what is too long */
};

static void tell(const struct channel *channel, void (*call)(void *arg))
{
	if (call)
		call(channel->arg);
}

static void retry(struct channel *channel)
{
	const struct timeval wait = { .tv_usec = channel->retry_ms * 1000 };

	channel->retry_ms *= 2;
	if (channel->retry_ms > CHANNEL_RETRY_LAST_MS)
		channel->retry_ms = CHANNEL_RETRY_LAST_MS;
	evtimer_add(channel->timer, &wait);
}

static void close_socket(struct channel *channel)
{
	if (channel->readable)
		event_free(channel->readable);
	if (channel->writable)
		event_free(channel->writable);
	channel->readable = channel->writable = NULL;
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

/* From the event loop, never from inside a call of the owner's. */
static void go_down(struct channel *channel)
{
	close_socket(channel);
	channel->up = channel->broken = false;
	tell(channel, channel->calls->down);
	retry(channel);
}

void channel_break(struct channel *channel, const char *why)
{
	if (!channel->up || channel->broken)
		return;
	if (!channel->complained)
		log_warning("%s link to %s broke: %s", channel->name, channel->peer, why);
	channel->complained = true;
	channel->broken = true;
	event_active(channel->readable, EV_READ, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;

	(void)what;
	for (int i = 0; i < CHANNEL_TURN_MESSAGES && !channel->broken; i++) {
		ssize_t len = recv(fd, channel->buffer, sizeof channel->buffer, MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len <= 0) {
			channel_break(channel, len == 0 ? "closed" : strerror(errno));
			break;
		}
		channel->retry_ms = CHANNEL_RETRY_FIRST_MS;
		channel->complained = false;
		if (len > CHANNEL_MESSAGE_BYTES ||
			channel->calls->message(channel->arg, channel->buffer, (size_t)len) != 0)
			channel_break(channel, "a message that makes no sense; are both programs "
					       "of the same version?");
		sodium_memzero(channel->buffer, (size_t)len);
	}
	tell(channel, channel->calls->turn);
	if (channel->broken)
		go_down(channel);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;

	(void)fd;
	(void)what;
	if (!channel->broken)
		tell(channel, channel->calls->writable);
}

static int connect_socket(struct channel *channel)
{
	int size = CHANNEL_BUFFER_BYTES;

	channel->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (channel->fd < 0)
		return -errno;
	/* Held down to the system's limit where it is lower. */
	setsockopt(channel->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(channel->fd, (const struct sockaddr *)&channel->address,
		    sizeof channel->address) < 0)
		return -errno;
	channel->readable =
		event_new(channel->base, channel->fd, EV_READ | EV_PERSIST, on_readable, channel);
	channel->writable = event_new(channel->base, channel->fd, EV_WRITE, on_writable, channel);
	if (!channel->readable || !channel->writable)
		return -ENOMEM;
	event_priority_set(channel->readable, channel->priority);
	event_priority_set(channel->writable, channel->priority);
	event_add(channel->readable, NULL);
	return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct channel *channel = arg;
	int result = connect_socket(channel);

	(void)fd;
	(void)what;
	if (result < 0) {
		close_socket(channel);
		if (!channel->complained)
			log_warning("%s: %s; trying on until %s is there",
				channel->address.sun_path, strerror(-result), channel->peer);
		channel->complained = true;
		retry(channel);
		return;
	}
	channel->up = true;
	tell(channel, channel->calls->up);
}

int channel_create(struct channel **created, struct event_base *base, const char *path,
	const char *name, const char *peer, int priority, const struct channel_calls *calls,
	void *arg)
{
	struct channel *channel;

	*created = NULL;
	if (strlen(path) >= sizeof channel->address.sun_path)
		return -ENAMETOOLONG;
	channel = calloc(1, sizeof *channel);
	if (!channel)
		return -ENOMEM;
	channel->calls = calls;
	channel->arg = arg;
	channel->name = name;
	channel->peer = peer;
	channel->base = base;
	channel->priority = priority;
	channel->fd = -1;
	channel->retry_ms = CHANNEL_RETRY_FIRST_MS;
	channel->address.sun_family = AF_UNIX;
	strcpy(channel->address.sun_path, path);
	channel->timer = evtimer_new(base, on_timer, channel);
	if (!channel->timer) {
		free(channel);
		return -ENOMEM;
	}
	event_active(channel->timer, EV_TIMEOUT, 0);
	*created = channel;
	return 0;
}

void channel_destroy(struct channel *channel)
{
	if (!channel)
		return;
	close_socket(channel);
	event_free(channel->timer);
	free(channel);
}

bool channel_is_up(const struct channel *channel)
{
	return channel->up && !channel->broken;
}

int channel_send(struct channel *channel, const void *bytes, size_t len)
{
	if (!channel_is_up(channel))
		return -ENOTCONN;
	if (send(channel->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR) {
		event_add(channel->writable, NULL);
		return -EAGAIN;
	}
	channel_break(channel, strerror(errno));
	return -ENOTCONN;
}
