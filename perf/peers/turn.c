/* TURN (RFC 8656): each sender has an allocation and a channel bound to its recipient, a plain
 * socket. A message goes in as channel data and out as a datagram: the least that a TURN server can
 * do for one. No authentication, so no integrity attribute. */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STUN_HEADER_BYTES = 20,
	STUN_COOKIE = 0x2112a442,
	STUN_ALLOCATE = 0x0003,
	STUN_CHANNEL_BIND = 0x0009,
	STUN_SUCCESS = 0x0100,
	STUN_ANSWER_MASK = 0x0110,
	STUN_CHANNEL_NUMBER = 0x000c,
	STUN_XOR_PEER_ADDRESS = 0x0012,
	STUN_REQUESTED_TRANSPORT = 0x0019,
	STUN_ERROR_CODE = 0x0009,
	CHANNEL = 0x4000,
	CHANNEL_HEADER_BYTES = 4,
	ANSWER_MS = 500,
	TRIES = 10,
};

static uint8_t channel_data[CHANNEL_HEADER_BYTES + PEER_MESSAGE_MAX_BYTES];

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Sends a request until it is answered with success. */
static void ask(int fd, uint32_t method, const uint8_t *attributes, uint32_t len)
{
	uint8_t request[256], answer[1500];
	uint8_t *at = put32(put16(put16(request, method), len), STUN_COOKIE);

	if (getrandom(at, 12, 0) != 12)
		peer_fail("getrandom: %s", strerror(errno));
	memcpy(at + 12, attributes, len);
	for (uint32_t i = 0; i < TRIES; i++) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		(void)send(fd, request, STUN_HEADER_BYTES + len, 0);
		if (poll(&in, 1, ANSWER_MS) <= 0)
			continue;
		const ssize_t n = recv(fd, answer, sizeof answer, 0);
		if (n < STUN_HEADER_BYTES || memcmp(answer + 8, request + 8, 12) != 0)
			continue;
		if ((get16(answer) & STUN_ANSWER_MASK) == STUN_SUCCESS)
			return;
		peer_fail("the TURN server refuses request %#x with %#x", method, get16(answer));
	}
	peer_fail("the TURN server does not answer request %#x", method);
}

static void allocate(int fd)
{
	uint8_t attributes[8];

	put32(put16(put16(attributes, STUN_REQUESTED_TRANSPORT), 4), (uint32_t)IPPROTO_UDP << 24);
	ask(fd, STUN_ALLOCATE, attributes, sizeof attributes);
}

static void bind_channel(int fd, const struct sockaddr_in *recipient)
{
	uint8_t attributes[20];
	uint8_t *at = put32(put16(put16(attributes, STUN_CHANNEL_NUMBER), 4), CHANNEL << 16);

	at = put16(put16(put16(at, STUN_XOR_PEER_ADDRESS), 8), 1 /* IPv4 */);
	at = put16(at, ntohs(recipient->sin_port) ^ STUN_COOKIE >> 16);
	put32(at, ntohl(recipient->sin_addr.s_addr) ^ STUN_COOKIE);
	ask(fd, STUN_CHANNEL_BIND, attributes, sizeof attributes);
}

static void turn_open(struct peer *peer)
{
	put16(put16(channel_data, CHANNEL), peer->options.bytes);
	for (uint32_t i = 0; i < peer->options.pairs; i++) {
		struct peer_pair *pair = &peer->pairs[i];
		struct sockaddr_in at = { 0 };
		socklen_t len = sizeof at;
		pair->sender = peer_udp_socket(NULL, &peer->options.server);
		pair->recipient = peer_udp_socket(NULL, NULL);
		if (getsockname(pair->recipient, (struct sockaddr *)&at, &len) < 0)
			peer_fail("getsockname: %s", strerror(errno));
		at.sin_addr = peer->options.server.sin_addr;
		allocate(pair->sender);
		bind_channel(pair->sender, &at);
	}
}

static uint32_t turn_send(struct peer *peer, struct peer_pair *pair, uint32_t n)
{
	return peer_send_many(
		pair->sender, channel_data, CHANNEL_HEADER_BYTES + peer->options.bytes, n);
}

static uint32_t turn_receive(struct peer *peer, struct peer_pair *pair)
{
	return peer_receive_many(pair->recipient, peer->options.bytes);
}

const struct peer_protocol peer_turn = { "turn", turn_open, turn_send, turn_receive };
