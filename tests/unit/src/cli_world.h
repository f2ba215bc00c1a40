/* The real `chappe` program at a relay_peer.h relay behind a UDP socket on loopback. The relay is
 * served while a test waits for one of the programs. */
#ifndef TEST_CLI_WORLD_H
#define TEST_CLI_WORLD_H

#include "relay_peer.h"

#include <netinet/in.h>
#include <sys/types.h>

enum { CLI_OUTPUT_BYTES = 1 << 18 };

struct cli_world {
	struct relay_peer *relay;
	int socket, next_link;
	struct sockaddr_in from[PEER_LINKS];
	char dir[64];
	char out[CLI_OUTPUT_BYTES], err[CLI_OUTPUT_BYTES]; /* of the program that ended last */
	size_t out_len;
	const char *program; /* instead of chappe --dir DIR/device: this with DIR/device; or NULL */
};

int cli_setup(void **state);
int cli_teardown(void **state);

#define CLI_CLOSED "" /* no standard output at all */
/* Starts chappe --dir DIR/device with arguments up to NULL; output is a path or CLI_CLOSED, NULL:
 * DIR/device.out.
 */
pid_t cli_start(
	struct cli_world *w, const char *device, const char *output, const char *const *arguments);
/* Serves the relay until the program has ended; its exit status, -1 for a signal. */
int cli_finish(struct cli_world *w, const char *device, pid_t pid);
/* Both. */
int cli_run(struct cli_world *w, const char *device, const char *const *arguments);
#define CLI(w, device, ...) cli_run(w, device, (const char *const[]){ __VA_ARGS__, NULL })
#define CLI_START(w, device, ...)                                                                  \
	cli_start(w, device, NULL, (const char *const[]){ __VA_ARGS__, NULL })

/* Serves the relay for a while. */
void cli_serve(struct cli_world *w, int ms);
void cli_invitation(struct cli_world *w, char text[2048]);
/* Two devices, alice and bob, joined and contacts of each other. */
void cli_pair(struct cli_world *w);

#endif
