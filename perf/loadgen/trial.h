/* A trial: frames offered at a rate for a time, and what became of them. Device n sends to device
 * n + 1, the last one to the first; who sends next is drawn at random. Each frame carries its place
 * in its flow and the time it left, so that loss, order, duplicates and latency are seen by the
 * recipient. */
#ifndef CHAPPE_LOADGEN_TRIAL_H
#define CHAPPE_LOADGEN_TRIAL_H

#include "histogram.h"
#include "load.h"

struct trial_plan {
	double rate;       /* frames a second; 0: as many as the port takes */
	double duration_s; /* 0: until a signal */
	uint32_t cell;
	uint32_t in_flight; /* 0: no limit */
};

struct trial {
	struct trial_plan plan;
	uint32_t number;
	uint64_t start, stop_at, stopped_at; /* stopped_at: 0 while frames are offered */
	/* frames */
	uint64_t offered;  /* taken by the port */
	uint64_t late;     /* not offered, because this process could not keep up with the rate */
	uint64_t received; /* came back, and right as far as looked at */
	uint64_t checked;  /* of them, opened and compared */
	uint64_t duplicated, reordered;
	uint64_t forgiven;           /* taken for lost by the limit of frames in flight */
	uint64_t received_meanwhile; /* while frames were offered */
	uint64_t arrivals, last_arrival, port_full;
	uint64_t cpu_ns; /* of the processes named by --cpu-of, while frames were offered */
	struct histogram latency;
	/* made and not yet taken by the port */
	struct rte_mbuf *waiting[LOAD_BURST];
	uint32_t waiting_first, waiting_count;
	/* copies of the last frames offered: --repeat-check */
	struct rte_mbuf *copies[LOAD_BURST];
	uint32_t copies_next;
	struct load_counts before;
};

void trial_begin(struct load *load, struct trial *trial, const struct trial_plan *plan);
/* Offers what is due. False once the trial is over and everything came back or had its time. */
bool trial_turn(struct load *load, struct trial *trial);
/* Frees what it holds. */
void trial_end(struct load *load, struct trial *trial);
/* The next frame of a device's flow, before it is sealed: room for a cell of the plan. */
void trial_write(struct load *load, const struct trial *trial, struct device *device,
	struct wire_inner *inner);
/* A frame came back that was not opened. */
static inline void trial_count(struct trial *trial, uint64_t now)
{
	trial->received++;
	trial->last_arrival = now;
}
/* A live frame opened under the recipient's key: is it one that was sent? */
void trial_take(struct load *load, struct session *session, const struct wire_inner *inner,
	uint32_t cell_bytes);

/* Sends copies of the last frames once more; returns how many came back as if they were new. */
uint64_t trial_repeat(struct load *load, struct trial *trial);

/* ---- report.c ---- */

void report_progress(const struct load *load, const struct trial *trial);
/* The table for people, to standard error. */
void report_print(const struct load *load, const struct trial *trial);
/* One object; the caller frees the string. */
char *report_json(const struct load *load, const struct trial *trial);

#endif
