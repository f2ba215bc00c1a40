/* The parts of service.c: what is done once a second (service_house.c). */
#ifndef CHAPPE_STORE_SERVICE_PRIVATE_H
#define CHAPPE_STORE_SERVICE_PRIVATE_H

#include "service.h"

/* Keys, the disk, the clock; begins to sweep once a minute. */
void service_keep_house(struct service *service);
/* A step of going through all that waits. */
void service_sweep(struct service *service);
/* Nothing goes because of its age for an hour from now. */
void service_hold_sweep(struct service *service, uint64_t now_us);

#endif
