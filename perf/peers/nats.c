/* The NATS client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol): each
 * sender publishes on a subject of its own, which its recipient subscribes to. Over TCP, or TLS. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_BYTES = 8192, READ_BYTES = 1 << 18 };

struct connection {
	int fd;
	SSL *ssl; /* NULL: plain */
	/* of a sender: the same message PEER_BATCH times over, and how far the last one got */
	uint8_t *batch;
	uint32_t message_bytes, offset;
	/* of a recipient: what of the message now coming is still missing, and the header line */
	uint32_t missing, line_bytes;
	char line[64];
};

static ssize_t stream_write(struct connection *connection, const void *bytes, size_t len)
{
	if (connection->ssl == NULL)
		return send(connection->fd, bytes, len, MSG_NOSIGNAL);
	const int n = SSL_write(connection->ssl, bytes, (int)len);
	if (n <= 0)
		errno = EAGAIN;
	return n > 0 ? n : -1;
}

static ssize_t stream_read(struct connection *connection, void *bytes, size_t len)
{
	if (connection->ssl == NULL)
		return recv(connection->fd, bytes, len, 0);
	const int n = SSL_read(connection->ssl, bytes, (int)len);
	if (n <= 0)
		errno = EAGAIN;
	return n > 0 ? n : -1;
}

/* A line up to its end, while the socket still blocks; byte by byte, so that nothing behind it is
 * taken. */
static void read_line(struct connection *connection, char line[LINE_BYTES])
{
	size_t used = 0;

	while (used + 1 < LINE_BYTES && stream_read(connection, line + used, 1) == 1)
		if (line[used++] == '\n') {
			line[used] = '\0';
			return;
		}
	peer_fail("the NATS server ends the connection");
}

static SSL *start_tls(int fd)
{
	static SSL_CTX *context;

	if (context == NULL) {
		context = SSL_CTX_new(TLS_client_method());
		/* The server and its certificate are made by the same script, for this run. */
		SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_mode(context,
			SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	SSL *ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		peer_fail("TLS: %s", ERR_error_string(ERR_get_error(), NULL));
	return ssl;
}

static struct connection *join(const struct peer *peer, const char *subscribe)
{
	static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\","
				    "\"version\":\"1\",\"protocol\":1}\r\n";
	struct connection *connection = calloc(1, sizeof *connection);
	char line[LINE_BYTES];
	const int yes = 1;

	if (connection == NULL)
		peer_fail("no memory");
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 ||
		connect(connection->fd, (const struct sockaddr *)&peer->options.server,
			sizeof peer->options.server) < 0)
		peer_fail("NATS server: %s", strerror(errno));
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	read_line(connection, line); /* INFO */
	if (peer->options.tls)
		connection->ssl = start_tls(connection->fd);
	snprintf(line, sizeof line, "%s%sPING\r\n", hello, subscribe);
	if (stream_write(connection, line, strlen(line)) != (ssize_t)strlen(line))
		peer_fail("NATS server: %s", strerror(errno));
	while (read_line(connection, line), strncmp(line, "PONG", 4) != 0)
		if (line[0] == '-')
			peer_fail("NATS server: %s", line);
	if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) < 0)
		peer_fail("fcntl: %s", strerror(errno));
	return connection;
}

static void nats_open(struct peer *peer)
{
	for (uint32_t i = 0; i < peer->options.pairs; i++) {
		struct peer_pair *pair = &peer->pairs[i];
		char text[64];
		snprintf(text, sizeof text, "SUB perf.%u 1\r\n", i);
		pair->recipient_state = join(peer, text);
		struct connection *sender = pair->sender_state = join(peer, "");
		const int head =
			snprintf(text, sizeof text, "PUB perf.%u %u\r\n", i, peer->options.bytes);
		sender->message_bytes = (uint32_t)head + peer->options.bytes + 2;
		sender->batch = calloc(PEER_BATCH, sender->message_bytes);
		if (sender->batch == NULL)
			peer_fail("no memory");
		for (uint32_t n = 0; n < PEER_BATCH; n++) {
			uint8_t *at = sender->batch + (size_t)n * sender->message_bytes;
			memcpy(at, text, (size_t)head);
			memcpy(at + head + peer->options.bytes, "\r\n", 2);
		}
	}
}

/* A message that the kernel took in part is ended first; it was counted when it began. */
static uint32_t nats_send(struct peer *peer, struct peer_pair *pair, uint32_t n)
{
	struct connection *sender = pair->sender_state;
	const uint32_t rest = sender->offset > 0 ? sender->message_bytes - sender->offset : 0;

	(void)peer;
	n = n < PEER_BATCH - 1 ? n : PEER_BATCH - 1;
	const ssize_t wrote = stream_write(
		sender, sender->batch + sender->offset, rest + (size_t)n * sender->message_bytes);
	if (wrote <= 0)
		return 0;
	const uint32_t end = sender->offset + (uint32_t)wrote;
	const uint32_t begun = (end + sender->message_bytes - 1) / sender->message_bytes;
	const uint32_t before = sender->offset > 0;
	sender->offset = end % sender->message_bytes;
	return begun - before;
}

/* Reads on where the last one stopped: header line, then payload and its line end. */
static uint32_t take(struct connection *recipient, const uint8_t *bytes, size_t len, uint32_t size)
{
	uint32_t arrived = 0;

	while (len > 0) {
		if (recipient->missing > 0) {
			const size_t n = len < recipient->missing ? len : recipient->missing;
			recipient->missing -= (uint32_t)n;
			arrived += recipient->missing == 0;
			bytes += n;
			len -= n;
			continue;
		}
		const char c = (char)*bytes++;
		len--;
		if (recipient->line_bytes + 1 < sizeof recipient->line)
			recipient->line[recipient->line_bytes++] = c;
		if (c != '\n')
			continue;
		recipient->line[recipient->line_bytes] = '\0';
		recipient->line_bytes = 0;
		if (strncmp(recipient->line, "MSG ", 4) == 0)
			recipient->missing = size + 2;
		else if (recipient->line[0] == '-')
			peer_fail("NATS server: %s", recipient->line);
	}
	return arrived;
}

static uint32_t nats_receive(struct peer *peer, struct peer_pair *pair)
{
	static uint8_t buffer[READ_BYTES];
	struct connection *recipient = pair->recipient_state;
	const ssize_t n = stream_read(recipient, buffer, sizeof buffer);

	return n > 0 ? take(recipient, buffer, (size_t)n, peer->options.bytes) : 0;
}

const struct peer_protocol peer_nats = { "nats", nats_open, nats_send, nats_receive };
