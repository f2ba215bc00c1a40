/* peer_load: clients of other relays, for perf/peers/run. One thread keeps messages in flight
 * between pairs of a sender and a recipient and counts those that arrive. Its own CPU time is not
 * counted, so it is as cheap as it can be: many messages a system call. Between windows, which
 * standard input asks for, it waits. */
#ifndef CHAPPE_PERF_PEER_H
#define CHAPPE_PERF_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PEER_PAIRS_MAX = 256, PEER_BATCH = 64, PEER_MESSAGE_MAX_BYTES = 2048, PEER_PIDS_MAX = 8 };

struct peer_options {
	uint32_t pairs, bytes, in_flight; /* in_flight: of one pair */
	bool tls;
	struct sockaddr_in server;            /* of the relay; of what it forwards to, over a VPN */
	const char *sender_ns, *recipient_ns; /* network namespaces, or NULL */
	pid_t cpu_of[PEER_PIDS_MAX];
	uint32_t cpu_count;
};

/* One sender and its recipient. */
struct peer_pair {
	int sender, recipient;
	void *sender_state, *recipient_state; /* of the protocol */
	uint64_t sent, arrived, forgiven;
	double arrived_at;
};

struct peer {
	struct peer_options options;
	struct peer_pair pairs[PEER_PAIRS_MAX];
	double now;
};

/* A protocol. open() connects all pairs, or ends the process with a message. send() sends up to n
 * messages of a pair and returns how many; receive() returns how many arrived. Neither blocks. */
struct peer_protocol {
	const char *name;
	void (*open)(struct peer *peer);
	uint32_t (*send)(struct peer *peer, struct peer_pair *pair, uint32_t n);
	uint32_t (*receive)(struct peer *peer, struct peer_pair *pair);
};
extern const struct peer_protocol peer_udp, peer_turn, peer_nats;

/* Ends the process. */
void peer_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A UDP socket in a network namespace (NULL: ours), bound to any port, connected where `to` is not
 * NULL; its buffers as large as may be. */
int peer_udp_socket(const char *ns, const struct sockaddr_in *to);

/* n messages of the same bytes; returns how many the kernel took. */
uint32_t peer_send_many(int fd, const uint8_t *bytes, uint32_t len, uint32_t n);
/* Takes what is there, up to PEER_BATCH; counts datagrams of at least len bytes. */
uint32_t peer_receive_many(int fd, uint32_t len);

#endif
