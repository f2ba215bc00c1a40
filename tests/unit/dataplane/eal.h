/* EAL for unit tests: memory without hugepages, no devices, no files. */
#ifndef CHAPPE_TESTS_EAL_H
#define CHAPPE_TESTS_EAL_H

#include "dataplane/frame.h"
#include <rte_eal.h>
#include <rte_lcore.h>

/* Call once, first thing in main(). */
static inline void eal_start(void)
{
	char *arguments[] = { (char[]){ "test" }, (char[]){ "--no-huge" },
		(char[]){ "--no-shconf" }, (char[]){ "--no-telemetry" }, (char[]){ "--no-pci" },
		(char[]){ "-m" }, (char[]){ "64" }, (char[]){ "--lcores" }, (char[]){ "0@0" },
		(char[]){ "--log-level=*:error" }, NULL };
	if (rte_eal_init((int)RTE_DIM(arguments) - 1, arguments) < 0)
		rte_exit(1, "EAL does not start\n");
}

/* Buffers as the dataplane has them. */
static inline struct rte_mempool *eal_pool(uint32_t buffers)
{
	return rte_pktmbuf_pool_create("test", buffers, 0, FRAME_PRIVATE_BYTES,
		2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
}

#endif
