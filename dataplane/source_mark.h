/* Where a frame came from in 32 bits, so that stage roam sees without a look at the headers that it
 * came from where the frames before it did. */
#ifndef CHAPPE_DATAPLANE_SOURCE_MARK_H
#define CHAPPE_DATAPLANE_SOURCE_MARK_H

#include "frame.h"
#include <rte_ether.h>

static inline uint64_t source_mix(uint64_t a, uint64_t b)
{
	const unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Equal for frames from one endpoint (frame_source()), and different for others but for one in
 * 2^32: wyhash's folded multiplication. Two endpoints that share a mark pass for one, so a device
 * that moved between them would be found at its next session; the key keeps that from being
 * arranged. mbuf: the whole packet, its frame's vlan and family filled in; udp: where UDP's header
 * lies in it. */
static inline uint32_t source_mark(struct rte_mbuf *mbuf, const uint8_t *udp, const uint64_t key[2])
{
	const struct frame *frame = frame_of(mbuf);
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
	uint64_t words[4], mac;
	uint32_t ports;

	memcpy(&mac, &ether->src_addr, sizeof mac); /* and two bytes that say IPv4, IPv6 or VLAN */
	memcpy(&ports, udp, sizeof ports);
	uint64_t mark = ((uint64_t)frame->vlan << 48 | (uint64_t)mbuf->port << 32 | ports);
	if (frame->family == 4) {
		memcpy(words, udp - 8, 8);
		mark = source_mix(mac ^ key[0], words[0] ^ key[1]) ^
		       source_mix(mark ^ key[1], key[0] | 1);
	} else {
		memcpy(words, udp - 32, 32);
		mark = source_mix(mac ^ key[0], words[0] ^ key[1]) ^
		       source_mix(mark ^ key[1], key[0] | 1) ^
		       source_mix(words[1] ^ key[0], words[2] ^ key[1]) ^
		       source_mix(words[3] ^ key[0], key[1] | 1);
	}
	mark ^= mark >> 32;
	return (uint32_t)mark != 0 ? (uint32_t)mark : 1;
}

#endif
