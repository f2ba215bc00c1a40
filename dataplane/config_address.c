/* [relay] address = ADDRESS/PREFIX [vlan N] [port N] */
#include "config_parse.h"

#include <arpa/inet.h>
#include <string.h>

static bool config_ipv4_usable(uint32_t address, uint32_t prefix)
{
	uint32_t host_mask = prefix >= 31 ? 0 : UINT32_MAX >> prefix;
	uint32_t host = address & host_mask;
	return address >> 24 != 0 && address >> 24 != 127 && address >> 28 < 14 &&
	       (!host_mask || (host && host != host_mask));
}

/* Text before the slash and the prefix after it. */
static bool config_ip(struct config_parse *parse, const char *text, const char *prefix,
	struct config_address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	struct in_addr v4;
	struct in6_addr v6;
	uint32_t bits = 0;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		if (!config_number(parse, "address: prefix", prefix, 1, 32, &bits))
			return false;
		if (!config_ipv4_usable(ntohl(v4.s_addr), bits))
			return config_refuse(
				parse, "address: no host can have %s/%s", text, prefix);
		out->family = 4;
		memcpy(out->address, mapped, 12);
		memcpy(out->address + 12, &v4, 4);
	} else if (inet_pton(AF_INET6, text, &v6) == 1) {
		if (!config_number(parse, "address: prefix", prefix, 1, 128, &bits))
			return false;
		if (IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LOOPBACK(&v6) ||
			IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_V4MAPPED(&v6))
			return config_refuse(
				parse, "address: no host can have %s/%s", text, prefix);
		out->family = 6;
		memcpy(out->address, &v6, 16);
	} else {
		return config_refuse(parse, "address: '%s' is no IPv4 or IPv6 address", text);
	}
	out->prefix = (uint8_t)bits;
	return true;
}

static bool config_address_options(
	struct config_parse *parse, char **rest, struct config_address *address)
{
	bool has_vlan = false, has_port = false;
	for (char *word; (word = strtok_r(NULL, " \t", rest)) != NULL;) {
		bool vlan = strcmp(word, "vlan") == 0;
		if (!vlan && strcmp(word, "port") != 0)
			return config_refuse(
				parse, "address: '%s' is neither 'vlan N' nor 'port N'", word);
		if (vlan ? has_vlan : has_port)
			return config_refuse(parse, "address: %s is given twice", word);
		char *number = strtok_r(NULL, " \t", rest);
		if (!number)
			return config_refuse(parse, "address: a number must follow '%s'", word);
		uint32_t n = 0;
		if (!config_number(parse, vlan ? "address: vlan" : "address: port", number,
			    vlan ? 1 : 0, vlan ? 4094 : 31, &n))
			return false;
		if (vlan)
			address->vlan = (uint16_t)n, has_vlan = true;
		else
			address->port = (int32_t)n, has_port = true;
	}
	return true;
}

bool config_add_address(struct config_parse *parse, const char *value)
{
	struct config *config = parse->config;
	struct config_address address = { .port = CONFIG_EVERY_PORT };
	char text[256], *rest = NULL;
	if (strlen(value) >= sizeof text)
		return config_refuse(parse, "address: too long");
	strcpy(text, value);
	char *ip = strtok_r(text, " \t", &rest);
	char *slash = ip ? strchr(ip, '/') : NULL;
	if (!slash)
		return config_refuse(
			parse, "address: '%s' must be ADDRESS/PREFIX, as in 198.18.0.2/24", value);
	*slash = '\0';
	if (!config_ip(parse, ip, slash + 1, &address) ||
		!config_address_options(parse, &rest, &address))
		return false;
	for (uint32_t i = 0; i < config->address_count; i++) {
		const struct config_address *other = &config->addresses[i];
		if (memcmp(other->address, address.address, 16) == 0 &&
			other->vlan == address.vlan &&
			(other->port == address.port || other->port == CONFIG_EVERY_PORT ||
				address.port == CONFIG_EVERY_PORT))
			return config_refuse(parse, "address: %s is given twice", ip);
	}
	if (config->address_count == CONFIG_ADDRESSES_MAX)
		return config_refuse(
			parse, "address: more than %d are given", CONFIG_ADDRESSES_MAX);
	config->addresses[config->address_count++] = address;
	return true;
}
