/* Starting and stopping, step by step in the order of main.c: everything that needs privileges or
 * memory first, then their end, then work. Each returns 0, or -errno and a text. */
#ifndef CHAPPE_DATAPLANE_START_H
#define CHAPPE_DATAPLANE_START_H

#include "arguments.h"
#include "dataplane.h"

/* Gives up what threads inherit, then EAL: lcores, memory, devices. */
int start_eal(const struct arguments *arguments, char *error, size_t error_len);

/* Buffers, tables, rings, workers: all memory. Ports are planned here and not touched. */
int start_workers(struct dataplane *dataplane, char *error, size_t error_len);

int start_ports(struct dataplane *dataplane, char *error, size_t error_len);

/* Privileges end here, in every thread. */
int start_confined(
	struct dataplane *dataplane, const char *pid_file, char *error, size_t error_len);

void start_launch(struct dataplane *dataplane);

/* Lets workers finish what they hold, wipes keys, stops ports. */
void start_stop(struct dataplane *dataplane);

#endif
