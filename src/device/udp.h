/* The default transport: one UDP socket for IPv4 and IPv6. It is not connected, so that the kernel
 * picks a source address for every datagram and a device may move between networks. */
#ifndef CHAPPE_DEVICE_UDP_H
#define CHAPPE_DEVICE_UDP_H

#include "src/chappe.h"

/* Returns 0 or -errno. */
int device_udp_open(struct chappe_transport *transport);

#endif
