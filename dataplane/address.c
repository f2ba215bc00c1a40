#include "address.h"

#include <string.h>

static const uint8_t address_mapped[12] = { [10] = 0xff, 0xff };

void address_from_ipv4(uint8_t address[16], const void *ipv4)
{
	memcpy(address, address_mapped, 12);
	memcpy(address + 12, ipv4, 4);
}

bool address_answered(
	const struct config *config, const uint8_t address[16], uint16_t vlan, uint16_t port)
{
	for (uint32_t i = 0; i < config->address_count; i++) {
		const struct config_address *own = &config->addresses[i];
		if (memcmp(own->address, address, 16) == 0 && own->vlan == vlan &&
			(own->port == CONFIG_EVERY_PORT || own->port == port))
			return true;
	}
	return false;
}

bool address_own(const struct config *config, const uint8_t address[16])
{
	for (uint32_t i = 0; i < config->address_count; i++)
		if (memcmp(config->addresses[i].address, address, 16) == 0)
			return true;
	return false;
}

bool address_source_ok(const struct config *config, const uint8_t address[16])
{
	static const uint8_t unspecified[16], loopback[16] = { [15] = 1 };
	if (memcmp(address, address_mapped, 12) == 0) {
		/* 0/8, 127/8, and 224/3: multicast, reserved, broadcast */
		if (address[12] == 0 || address[12] == 127 || address[12] >= 224)
			return false;
	} else if (address[0] == 0xff || memcmp(address, unspecified, 16) == 0 ||
		   memcmp(address, loopback, 16) == 0) {
		return false;
	}
	return !address_own(config, address);
}
