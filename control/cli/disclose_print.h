/* Disclosures (docs/api.md) as people read them. */
#ifndef CHAPPE_CONTROL_CLI_DISCLOSE_PRINT_H
#define CHAPPE_CONTROL_CLI_DISCLOSE_PRINT_H

#include <jansson.h>

/* One device: meanings and values together. */
void disclose_print_one(const json_t *disclosure);
/* The relay as a whole, likewise. */
void disclose_print_relay(const json_t *relay);
/* What is kept of each device, said before the first of many. */
void disclose_explain_devices(const json_t *page);
/* A page of devices: values only. */
void disclose_print_many(const json_t *disclosure);

#endif
