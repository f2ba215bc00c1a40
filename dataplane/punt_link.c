#include "punt_link.h"

#include "frame.h"
#include "send.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>

enum { PUNT_MESSAGES_PER_TURN = 8 };

static void punt_link_handle(struct punt_link *punt, uint32_t count)
{
	struct dataplane *dataplane = punt->dataplane;
	for (uint32_t i = 0; i < count; i++) {
		const struct punt_record *record = &punt->in[i];
		int result = record->kind == PUNT_SEND_RAW
				     ? send_raw(dataplane, record->owner, &record->endpoint,
					       record->frame, record->len)
				     : send_session(dataplane, record->index, record->frame,
					       record->len);
		if (result == -EINVAL)
			fprintf(stderr, "warning punt.sock: control asks to send to a port or "
					"owner that is "
					"not here\n");
	}
}

void punt_link_receive(struct punt_link *punt)
{
	for (uint32_t i = 0; i < PUNT_MESSAGES_PER_TURN && punt->link.connection >= 0; i++) {
		ssize_t got = recv(
			punt->link.connection, punt->in, sizeof punt->in, MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0)
			link_disconnect(&punt->link, got ? strerror(errno) : "closed");
		else if ((size_t)got > sizeof punt->in ||
			 punt_message_check(punt->in, (size_t)got, false) < 0)
			link_disconnect(&punt->link, "it sent a message that is not one");
		else
			punt_link_handle(punt, (uint32_t)((size_t)got / sizeof *punt->in));
		/* Answers of control carry routes. */
		if (got > 0)
			sodium_memzero(punt->in, RTE_MIN((size_t)got, sizeof punt->in));
	}
}

/* An init is the whole frame; of a control frame what was opened, and it does not stay in the
 * buffer: operations carry routes. */
static void punt_link_record(struct punt_record *record, struct rte_mbuf *mbuf)
{
	const struct frame *frame = frame_of(mbuf);
	uint8_t *bytes = frame_bytes(mbuf);
	bool init = frame->work == FRAME_PUNT_INIT;
	uint32_t len = rte_pktmbuf_data_len(mbuf);
	if (!init) {
		bytes += WIRE_TRANSPORT_HEADER_BYTES;
		len -= WIRE_TRANSPORT_OVERHEAD_BYTES;
	}
	*record = (struct punt_record){ .kind = init ? PUNT_INIT : PUNT_CONTROL,
		.len = (uint16_t)len,
		.owner = frame->owner,
		.index = frame->index,
		.device = frame->device,
		.endpoint = frame->endpoint };
	memcpy(record->frame, bytes, len);
	sodium_memzero(bytes, len);
}

/* Sends what is pending. Returns false while the socket has no room. */
static bool punt_link_flush(struct punt_link *punt)
{
	size_t len = punt->pending * sizeof *punt->out;
	if (punt->pending == 0)
		return true;
	if (punt->link.connection >= 0 &&
		send(punt->link.connection, punt->out, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			return false;
		link_disconnect(&punt->link, strerror(errno));
		dataplane_count(punt->dataplane, COUNTER_drop_no_control, punt->pending);
	} else if (punt->link.connection < 0) {
		dataplane_count(punt->dataplane, COUNTER_drop_no_control, punt->pending);
	}
	sodium_memzero(punt->out, len);
	punt->pending = 0;
	return true;
}

static uint32_t punt_link_batch(struct punt_link *punt)
{
	struct dataplane *dataplane = punt->dataplane;
	struct rte_mbuf *mbufs[PUNT_RECORDS_MAX];
	uint32_t n = 0;
	for (uint32_t i = 0; i < dataplane->worker_count && n < PUNT_RECORDS_MAX; i++) {
		uint32_t worker = punt->next_worker + i;
		if (worker >= dataplane->worker_count)
			worker -= dataplane->worker_count;
		n += rte_ring_sc_dequeue_burst(dataplane->workers[worker]->punt, (void **)&mbufs[n],
			PUNT_RECORDS_MAX - n, NULL);
	}
	if (++punt->next_worker >= dataplane->worker_count)
		punt->next_worker = 0;
	for (uint32_t i = 0; i < n; i++)
		punt_link_record(&punt->out[i], mbufs[i]);
	rte_pktmbuf_free_bulk(mbufs, n);
	punt->pending = n;
	return n;
}

uint32_t punt_link_send(struct punt_link *punt)
{
	uint32_t taken = 0;
	for (uint32_t i = 0; i < PUNT_MESSAGES_PER_TURN && punt_link_flush(punt); i++) {
		uint32_t n = punt_link_batch(punt);
		taken += n;
		if (n == 0)
			break;
	}
	return taken;
}
