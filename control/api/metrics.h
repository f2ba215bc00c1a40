/* Pieces of /metrics. */
#ifndef CHAPPE_CONTROL_API_METRICS_H
#define CHAPPE_CONTROL_API_METRICS_H

#include "control/control.h"

#include <stdio.h>

void metrics_help(
	FILE *out, const char *prefix, const char *name, const char *type, const char *help);
void metrics_gauge(FILE *out, const char *name, const char *help, uint64_t value);

/* The message store, as it last said; only whether it is there where it does not answer. */
void metrics_store(FILE *out, const struct control *control, uint64_t erasures);

#endif
