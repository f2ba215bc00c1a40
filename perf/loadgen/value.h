/* Values as people write them, on the command line of chappe-loadgen and in trials. Each returns
 * false where the text is none, or is out of range. */
#ifndef CHAPPE_LOADGEN_VALUE_H
#define CHAPPE_LOADGEN_VALUE_H

#include "src/wire.h"
#include <stdbool.h>
#include <sys/types.h>

/* "1232", "250k", "1.5M" or "max" (0) as frames a second. */
bool value_rate(const char *text, double *rate);

bool value_number(const char *text, uint32_t min, uint32_t max, uint32_t *value);
bool value_short_number(const char *text, uint32_t max, uint16_t *value);
bool value_seconds(const char *text, double *value);

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; ports in host byte order. */
bool value_address(const char *text, uint8_t out[16]);
bool value_address_port(const char *text, uint8_t out[16], uint16_t *port);
bool value_mac_address(const char *text, uint8_t out[6]);

bool value_suite(const char *text, enum wire_suite *out);

/* "12,34": max processes at most. */
bool value_pids(const char *text, uint32_t max, pid_t *pids, uint32_t *count);

#endif
