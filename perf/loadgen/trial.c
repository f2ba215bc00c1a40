#include "trial.h"

#include "perf/cpu_time.h"
#include <rte_cycles.h>
#include <rte_ethdev.h>

enum {
	CATCH_UP_BURSTS = 4, /* what was missed beyond is not offered: a rate, not a flood */
	IN_FLIGHT_PATIENCE_MS = 20,
	PATTERN_BYTES = 4096,
	PATTERN_STEP_BYTES = 8,
};

/* What a frame carries, after the inner header; a pattern fills the cell. */
struct probe {
	le32 trial, from, to, zero;
	le64 sequence, sent_tsc;
};

static uint8_t pattern[PATTERN_BYTES];

static void make_pattern(void)
{
	static const uint8_t seed[randombytes_SEEDBYTES] = "chappe-loadgen";

	randombytes_buf_deterministic(pattern, sizeof pattern, seed);
}

static const uint8_t *pattern_of(uint64_t sequence)
{
	const uint64_t steps = (PATTERN_BYTES - WIRE_LARGE_PAYLOAD_BYTES) / PATTERN_STEP_BYTES;

	return pattern + sequence % steps * PATTERN_STEP_BYTES;
}

/* splitmix64: as good as random to the relay, known to the recipient. */
static uint64_t frame_id_of(uint32_t trial, uint32_t from, uint64_t sequence)
{
	uint64_t z = ((uint64_t)trial << 32 | from) * UINT64_C(0x9e3779b97f4a7c15) + sequence;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void trial_begin(struct load *load, struct trial *trial, const struct trial_plan *plan)
{
	if (load->trials == 0)
		make_pattern();
	memset(trial, 0, sizeof *trial);
	trial->plan = *plan;
	trial->number = ++load->trials;
	trial->before = load->counts;
	for (uint32_t i = 0; i < load->device_count; i++) {
		struct device *device = &load->devices[i];
		device->sent = 0;
		memset(&device->flow, 0, sizeof device->flow);
		memset(device->flow_bitmap, 0, sizeof device->flow_bitmap);
	}
	trial->cpu_ns = cpu_time_ns(load->options.cpu_of, load->options.cpu_count);
	trial->start = trial->last_arrival = rte_rdtsc();
	trial->stop_at =
		plan->duration_s > 0 ? trial->start + load_s(load, plan->duration_s) : UINT64_MAX;
	load->trial = trial;
}

static struct device *draw_sender(struct load *load)
{
	for (uint32_t tries = 0; tries < 64; tries++) {
		const uint32_t n = (uint32_t)((load_random(load) >> 32) * load->device_count >> 32);
		struct device *device = &load->devices[n];
		if (device->ready && load->devices[derive_recipient(n, load->device_count)].ready) {
			rte_prefetch0(device->current);
			return device;
		}
	}
	return NULL;
}

void trial_write(struct load *load, const struct trial *trial, struct device *device,
	struct wire_inner *inner)
{
	const uint32_t from = (uint32_t)(device - load->devices);
	const uint32_t to = derive_recipient(from, load->device_count);
	struct probe *probe = (struct probe *)inner->payload;

	*inner = (struct wire_inner){ .kind = WIRE_LIVE,
		.frame_id = put64(frame_id_of(trial->number, from, device->sent)) };
	memcpy(inner->route, load->devices[to].route, sizeof inner->route);
	*probe = (struct probe){ put32(trial->number), put32(from), put32(to), put32(0),
		put64(device->sent), put64(load->now) };
	memcpy(probe + 1, pattern_of(device->sent),
		trial->plan.cell - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES -
			sizeof *probe);
	device->sent++;
}

static void write_frame(
	struct load *load, struct trial *trial, struct device *device, struct rte_mbuf *mbuf)
{
	const uint32_t cell_bytes = trial->plan.cell;
	const struct packet_template *template = &device->templates[cell_bytes == WIRE_LARGE_BYTES];
	uint8_t *packet =
		(uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(template->len + cell_bytes));
	uint8_t *cell = packet + template->len;

	trial_write(load, trial, device, (struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES));
	struct session *session = device->current;
	aead_seal(&load->aead, &session->send, session->relay_index, session->send_counter++, cell,
		cell_bytes);
	packet_finish(template, packet, cell_bytes);
}

/* Makes up to n frames, all of which leave at `now`. */
static void make_frames(struct load *load, struct trial *trial, uint32_t n)
{
	struct device *senders[LOAD_BURST];
	uint32_t ready = 0;

	while (ready < n && (senders[ready] = draw_sender(load)) != NULL)
		ready++;
	trial->waiting_first = trial->waiting_count = 0;
	if (ready == 0 || rte_pktmbuf_alloc_bulk(load->pool, trial->waiting, ready) != 0) {
		load->counts.no_buffer += ready > 0;
		return;
	}
	for (uint32_t i = 0; i < ready; i++)
		aead_prefetch(&senders[i]->current->send,
			trial->plan.cell - WIRE_TRANSPORT_OVERHEAD_BYTES);
	load->now = rte_rdtsc();
	for (uint32_t i = 0; i < ready; i++)
		write_frame(load, trial, senders[i], trial->waiting[i]);
	trial->waiting_count = ready;
}

static void keep_copy(struct load *load, struct trial *trial, struct rte_mbuf *mbuf)
{
	struct rte_mbuf **copy = &trial->copies[trial->copies_next++ % LOAD_BURST];

	rte_pktmbuf_free(*copy);
	*copy = rte_pktmbuf_copy(mbuf, load->pool, 0, UINT32_MAX);
}

static void send_waiting(struct load *load, struct trial *trial)
{
	struct rte_mbuf **first = trial->waiting + trial->waiting_first;

	if (load->options.repeat_check && trial->waiting_first == 0)
		for (uint32_t i = 0; i < trial->waiting_count; i++)
			keep_copy(load, trial, first[i]);
	const uint16_t sent =
		rte_eth_tx_burst(load->port, 0, first, (uint16_t)trial->waiting_count);
	trial->offered += sent;
	trial->waiting_first += sent;
	trial->waiting_count -= sent;
	trial->port_full += trial->waiting_count > 0;
}

/* How many frames are due now. */
static uint32_t due(struct load *load, struct trial *trial)
{
	const uint32_t burst = load->options.burst;
	uint64_t n = burst;

	if (trial->plan.rate > 0) {
		const double elapsed = (double)(load->now - trial->start) / (double)load->hz;
		const uint64_t wanted = (uint64_t)(elapsed * trial->plan.rate);
		n = wanted - trial->offered - trial->late;
		if (n > CATCH_UP_BURSTS * burst) {
			trial->late += n - CATCH_UP_BURSTS * burst;
			n = CATCH_UP_BURSTS * burst;
		}
	}
	if (trial->plan.in_flight > 0) {
		const uint64_t flying = trial->offered - trial->forgiven - trial->received;
		if ((int64_t)flying >= (int64_t)trial->plan.in_flight) {
			if (load->now - trial->last_arrival < load_ms(load, IN_FLIGHT_PATIENCE_MS))
				return 0;
			trial->forgiven += flying;
			trial->last_arrival = load->now;
		}
	}
	return (uint32_t)RTE_MIN(n, (uint64_t)burst);
}

static void stop_offering(struct load *load, struct trial *trial)
{
	trial->stopped_at = load->now;
	trial->received_meanwhile = trial->received;
	trial->cpu_ns = cpu_time_ns(load->options.cpu_of, load->options.cpu_count) - trial->cpu_ns;
	rte_pktmbuf_free_bulk(trial->waiting + trial->waiting_first, trial->waiting_count);
	trial->waiting_count = 0;
	trial->last_arrival = load->now;
}

bool trial_turn(struct load *load, struct trial *trial)
{
	if (trial->stopped_at != 0)
		return load->now - trial->last_arrival < load_ms(load, load->options.drain_ms) &&
		       trial->received < trial->offered;
	if (load->now >= trial->stop_at || __atomic_load_n(&load->stopped, __ATOMIC_RELAXED)) {
		stop_offering(load, trial);
		return true;
	}
	if (trial->waiting_count == 0) {
		const uint32_t n = due(load, trial);
		if (n == 0)
			return true;
		make_frames(load, trial, n);
	}
	if (trial->waiting_count > 0)
		send_waiting(load, trial);
	return true;
}

void trial_end(struct load *load, struct trial *trial)
{
	rte_pktmbuf_free_bulk(trial->copies, LOAD_BURST);
	memset(trial->copies, 0, sizeof trial->copies);
	load->trial = NULL;
}

static bool probe_right(const struct load *load, const struct device *device,
	const struct wire_inner *inner, uint32_t cell_bytes)
{
	const struct probe *probe = (const struct probe *)inner->payload;
	const uint32_t to = (uint32_t)(device - load->devices), from = get32(probe->from);
	const uint64_t sequence = get64(probe->sequence);
	const uint8_t head[8] = { WIRE_LIVE };

	return memcmp(inner, head, sizeof head) == 0 && get32(probe->to) == to &&
	       from < load->device_count && derive_recipient(from, load->device_count) == to &&
	       get64(inner->frame_id) == frame_id_of(get32(probe->trial), from, sequence) &&
	       memcmp(inner->route, device->route, sizeof inner->route) == 0 &&
	       memcmp(probe + 1, pattern_of(sequence),
		       cell_bytes - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES -
			       sizeof *probe) == 0;
}

void trial_take(struct load *load, struct session *session, const struct wire_inner *inner,
	uint32_t cell_bytes)
{
	struct device *device = &load->devices[session->device];
	const struct probe *probe = (const struct probe *)inner->payload;
	struct trial *trial = load->trial;

	if (!probe_right(load, device, inner, cell_bytes)) {
		load->counts.bad_inner++;
		return;
	}
	if (trial == NULL || get32(probe->trial) != trial->number) {
		load->counts.stale++;
		return;
	}
	const uint64_t above = device->flow.highest_plus_one, sequence = get64(probe->sequence);
	trial->last_arrival = load->now;
	if (!replay_accept(&device->flow, device->flow_bitmap, LOAD_FLOW_WORDS, sequence)) {
		trial->duplicated++;
		return;
	}
	trial->received++;
	trial->checked++;
	trial->reordered += sequence + 1 < above;
	histogram_add(&trial->latency, load_ns(load, load->now - get64(probe->sent_tsc)));
}

uint64_t trial_repeat(struct load *load, struct trial *trial)
{
	const uint64_t duplicated = trial->duplicated, received = trial->received;
	uint16_t n = 0;

	for (uint32_t i = 0; i < LOAD_BURST; i++)
		if (trial->copies[i] != NULL)
			trial->copies[n++] = trial->copies[i];
	const uint16_t sent = rte_eth_tx_burst(load->port, 0, trial->copies, n);
	for (uint32_t i = 0; i < LOAD_BURST; i++)
		if (i < sent || i >= n)
			trial->copies[i] = NULL;
	const uint64_t until = rte_rdtsc() + load_ms(load, load->options.drain_ms);
	while ((load->now = rte_rdtsc()) < until)
		port_receive(load);
	return trial->duplicated - duplicated + trial->received - received;
}
