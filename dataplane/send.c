#include "send.h"

#include "frame.h"
#include <errno.h>
#include <sodium.h>

static int send_enqueue(struct dataplane *dataplane, uint32_t owner, struct rte_mbuf *mbuf)
{
	if (rte_ring_sp_enqueue(dataplane->workers[owner]->inject, mbuf) == 0)
		return 0;
	sodium_memzero(frame_bytes(mbuf), rte_pktmbuf_data_len(mbuf));
	rte_pktmbuf_free(mbuf);
	dataplane_count(dataplane, COUNTER_drop_inject_full, 1);
	return -ENOBUFS;
}

static struct rte_mbuf *send_buffer(struct dataplane *dataplane, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(dataplane->pool);
	if (!mbuf || !rte_pktmbuf_append(mbuf, (uint16_t)len)) {
		rte_pktmbuf_free(mbuf);
		dataplane_count(dataplane, COUNTER_drop_inject_full, 1);
		return NULL;
	}
	memset(frame_of(mbuf), 0, sizeof(struct frame));
	return mbuf;
}

bool send_room(const struct dataplane *dataplane, uint32_t owner, uint32_t frames)
{
	return rte_ring_free_count(dataplane->workers[owner]->inject) >= frames;
}

int send_raw(struct dataplane *dataplane, uint32_t owner, const struct endpoint *endpoint,
	const uint8_t *bytes, uint32_t len)
{
	if (owner >= dataplane->worker_count || endpoint->port >= dataplane->ports.count ||
		(endpoint->family != 4 && endpoint->family != 6) || endpoint->vlan > 4094 ||
		(len != WIRE_SMALL_BYTES && len != WIRE_LARGE_BYTES))
		return -EINVAL;
	struct rte_mbuf *mbuf = send_buffer(dataplane, len);
	if (!mbuf)
		return -ENOBUFS;
	memcpy(frame_bytes(mbuf), bytes, len);
	struct frame *frame = frame_of(mbuf);
	frame->work = FRAME_SEND_RAW;
	frame->endpoint = *endpoint;
	frame->to_endpoint = 1;
	return send_enqueue(dataplane, owner, mbuf);
}

int send_session(struct dataplane *dataplane, uint32_t index, const uint8_t *inner, uint32_t len)
{
	uint32_t owner = wire_index_owner(index), frame_len = len + WIRE_TRANSPORT_OVERHEAD_BYTES;
	if (owner >= dataplane->worker_count ||
		(frame_len != WIRE_SMALL_BYTES && frame_len != WIRE_LARGE_BYTES))
		return -EINVAL;
	struct rte_mbuf *mbuf = send_buffer(dataplane, frame_len);
	if (!mbuf)
		return -ENOBUFS;
	memcpy(frame_bytes(mbuf) + WIRE_TRANSPORT_HEADER_BYTES, inner, len);
	struct frame *frame = frame_of(mbuf);
	frame->work = FRAME_SEND_SESSION;
	frame->index = index;
	return send_enqueue(dataplane, owner, mbuf);
}
