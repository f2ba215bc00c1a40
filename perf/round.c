#include "round.h"

#include "bench.h"
#include "src/hop.h"
#include <stdlib.h>

enum { PATTERN_BYTES = 1 << 16 };

/* Payloads are slices of this: what a frame must hold follows from its number. */
static uint8_t pattern[PATTERN_BYTES + WIRE_LARGE_BYTES];

void round_init(struct round *round, struct rig *rig, uint32_t n, uint64_t seed)
{
	*round = (struct round){ .rig = rig, .n = n, .step = 1, .random = seed | 1 };
	round->from = calloc(n, sizeof *round->from);
	round->to = calloc(n, sizeof *round->to);
	round->packets = aligned_alloc(64, (size_t)n * ROUND_PACKET_BYTES);
	round->mbufs = calloc(n, sizeof *round->mbufs);
	round->next = calloc(n, sizeof *round->next);
	round->cells = calloc(n, sizeof *round->cells);
	if (round->from == NULL || round->to == NULL || round->packets == NULL ||
		round->mbufs == NULL || round->next == NULL || round->cells == NULL ||
		rte_pktmbuf_alloc_bulk(rig->pool, round->mbufs, n) != 0)
		bench_fail("no memory for a round");
	for (uint32_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 167 + (i >> 8));
}

void round_free(struct round *round)
{
	free(round->from);
	free(round->to);
	free(round->packets);
	rte_pktmbuf_free_bulk(round->mbufs, round->n);
	free(round->mbufs);
	free(round->next);
	free(round->cells);
}

static const uint8_t *payload_of(const struct round *round, uint32_t i)
{
	return pattern + ((round->frame_id + i) * 2654435761u & (PATTERN_BYTES - 1));
}

static void seal_frame(const struct round *round, uint32_t i, uint32_t route_number)
{
	const struct rig *rig = round->rig;
	const uint32_t from = round->from[i], headers = rig_header_bytes(rig->options.family);
	uint8_t *packet = round->packets + (size_t)i * ROUND_PACKET_BYTES, *cell = packet + headers;
	struct wire_inner *inner = (struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES);
	uint8_t key[WIRE_KEY_BYTES];
	struct hop_key hop;

	memset(inner, 0, sizeof *inner);
	inner->kind = round_is_live(round, i) ? WIRE_LIVE : WIRE_STORED;
	inner->frame_id = put64(round->frame_id + i);
	rig_route(round->to[i], route_number, inner->route);
	memcpy(inner->payload, payload_of(round, i),
		round->cell - WIRE_TRANSPORT_OVERHEAD_BYTES - sizeof *inner);
	rig_key(from, RIG_TO_RELAY, key);
	if (hop_key_init(&hop, rig->options.suite, key) < 0)
		bench_fail("no suite %u on this machine", rig->options.suite);
	hop_seal(&hop, rig->indices[from], rig->counters[from]++, cell, round->cell);
	rig_packet(rig, from, packet, round->cell);
}

void round_make(struct round *round)
{
	const uint32_t devices =
		(round->rig->options.sessions - round->first + round->step - 1) / round->step;

	round->frame_id += round->n;
	for (uint32_t i = 0; i < round->n; i++) {
		round->from[i] = round->first + round->step * bench_below(&round->random, devices);
		round->to[i] = bench_below(&round->random, round->rig->options.sessions);
		seal_frame(round, i, bench_below(&round->random, RIG_ROUTES));
	}
}

void round_load(struct round *round)
{
	const uint32_t headers = rig_header_bytes(round->rig->options.family);
	const uint16_t len = (uint16_t)(headers + round->cell);

	for (uint32_t i = 0; i < round->n; i++) {
		struct rte_mbuf *mbuf = round->mbufs[i];
		rte_pktmbuf_reset(mbuf);
		uint8_t *packet = (uint8_t *)rte_pktmbuf_append(mbuf, len);
		memcpy(packet, round->packets + (size_t)i * ROUND_PACKET_BYTES, len);
		mbuf->port = round->rig->port;
		mbuf->ol_flags = round->offload
					 ? RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD
					 : 0;
		round->cells[i] = packet + headers;
	}
}

static void check_frame(const struct round *round, uint32_t i)
{
	const struct rig *rig = round->rig;
	const struct rte_mbuf *mbuf = round->mbufs[i];
	const uint32_t to = round->to[i], headers = rig_header_bytes(rig->options.family);
	const uint32_t payload_bytes =
		round->cell - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES;
	uint8_t *cell = rte_pktmbuf_mtod(mbuf, uint8_t *) + headers, key[WIRE_KEY_BYTES];
	const struct wire_transport *header = (const struct wire_transport *)cell;
	const struct wire_inner *inner =
		(const struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES);
	struct hop_key hop;

	if (mbuf->pkt_len != headers + round->cell || get32(header->receiver_index) != to)
		rig_fail(rig, "a frame came out for another device");
	rig_check_packet(rig, to, mbuf);
	rig_key(to, RIG_FROM_RELAY, key);
	if (wire_check(cell, round->cell) != WIRE_OK ||
		hop_key_init(&hop, rig->options.suite, key) < 0 ||
		hop_open(&hop, cell, round->cell) != 0)
		rig_fail(rig, "a frame does not open with its recipient's key");
	if (inner->kind != WIRE_LIVE || get64(inner->frame_id) != round->frame_id + i ||
		memcmp(inner->payload, payload_of(round, i), payload_bytes) != 0)
		rig_fail(rig, "a frame is not what its sender sealed");
}

void round_done(struct round *round, bool check)
{
	struct rte_mbuf **used = round->mbufs;

	for (uint32_t i = 0; check && i < round->n; i++)
		if (round_is_live(round, i))
			check_frame(round, i);
	round->mbufs = round->next;
	round->next = used;
}
