#include "address.h"

static const uint8_t address_mapped[12] = { [10] = 0xff, 0xff };

void address_from_ipv4(uint8_t address[16], const void *ipv4)
{
	memcpy(address, address_mapped, 12);
	memcpy(address + 12, ipv4, 4);
}

bool address_answered(
	const struct config *config, const uint8_t address[16], uint16_t vlan, uint16_t port)
{
	return address_words_answered(config, address_words(address), vlan, port);
}

bool address_source_ok(const struct config *config, const uint8_t address[16])
{
	static const uint8_t unspecified[16], loopback[16] = { [15] = 1 };
	const struct address_words words = address_words(address);
	uint32_t ipv4;

	if (memcmp(address, address_mapped, 12) == 0) {
		memcpy(&ipv4, address + 12, sizeof ipv4);
		return address_ipv4_source_ok(config, ipv4);
	}
	return address[0] != 0xff && !address_same(words, address_words(unspecified)) &&
	       !address_same(words, address_words(loopback)) && !address_words_own(config, words);
}
