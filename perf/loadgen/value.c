#include "value.h"

#include <arpa/inet.h>
#include <rte_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool value_rate(const char *text, double *rate)
{
	char *end;

	if (strcmp(text, "max") == 0) {
		*rate = 0;
		return true;
	}
	*rate = strtod(text, &end);
	if (*end == 'k' || *end == 'K')
		*rate *= 1e3, end++;
	else if (*end == 'm' || *end == 'M')
		*rate *= 1e6, end++;
	return end != text && *end == '\0' && *rate > 0 && *rate < 1e9;
}

bool value_number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	*value = (uint32_t)n;
	return end != text && *end == '\0' && n >= min && n <= max;
}

bool value_short_number(const char *text, uint32_t max, uint16_t *value)
{
	uint32_t n;
	const bool ok = value_number(text, 0, max, &n);

	*value = (uint16_t)n;
	return ok;
}

bool value_seconds(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && *end == '\0' && *value > 0 && *value < 1e7;
}

bool value_address(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	out[10] = out[11] = 0xff;
	return inet_pton(AF_INET, text, out + 12) == 1;
}

bool value_address_port(const char *text, uint8_t out[16], uint16_t *port)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	uint32_t n;

	if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
		!value_number(colon + 1, 1, UINT16_MAX, &n))
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	*port = (uint16_t)n;
	const size_t len = strlen(host);
	if (host[0] != '[')
		return strchr(host, ':') == NULL && value_address(host, out);
	if (host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	return value_address(host + 1, out);
}

bool value_mac_address(const char *text, uint8_t out[6])
{
	struct rte_ether_addr mac;
	const bool ok = rte_ether_unformat_addr(text, &mac) == 0;

	if (ok)
		memcpy(out, mac.addr_bytes, 6);
	return ok;
}

bool value_suite(const char *text, enum wire_suite *out)
{
	*out = strcasecmp(text, "aes256gcm") == 0 ? WIRE_SUITE_AES256GCM
						  : WIRE_SUITE_CHACHA20POLY1305;
	return *out == WIRE_SUITE_AES256GCM || strcasecmp(text, "chacha20poly1305") == 0;
}

bool value_pids(const char *text, uint32_t max, pid_t *pids, uint32_t *count)
{
	char *end;

	for (*count = 0; *count < max; text = end + 1) {
		const long pid = strtol(text, &end, 10);
		if (end == text || pid <= 0)
			return false;
		pids[(*count)++] = (pid_t)pid;
		if (*end != ',')
			return *end == '\0';
	}
	return false;
}
