/* The devices' end of a relay's port (net_memif): sends the keepalive that confirms a session, as
 * devices do when they have the response. */
#ifndef CHAPPE_PERF_DEVICE_PORT_H
#define CHAPPE_PERF_DEVICE_PORT_H

#include "src/wire.h"

/* Starts EAL in this process and makes the port's socket, in a directory of its own. Once in a
 * process. */
void device_port_open(void);
/* What the relay's EAL needs for its end, in the form of --vdev. */
const char *device_port_vdev(void);
/* Waits until the relay has joined. */
void device_port_wait(void);
/* Sends a keepalive of a session under AES-256-GCM; the device's address follows from its number.
 */
void device_port_keepalive(
	uint32_t device, uint32_t index, uint64_t counter, const uint8_t key[WIRE_KEY_BYTES]);
/* Throws away what the relay has sent. */
void device_port_discard(void);
/* Takes the socket away. */
void device_port_close(void);

#endif
