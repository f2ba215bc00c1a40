/* What an administrator's client may send to the API: paths and bodies. */
#include "control/api_body.h"
#include "control/api_path.h"
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void try_path(const uint8_t *data, size_t len)
{
	struct api_path path;
	char *text = malloc(len + 1);
	MUST(text);
	memcpy(text, data, len);
	text[len] = '\0';
	if (api_path_parse(text, &path) == 0) {
		MUST(path.resource < API_RESOURCE_COUNT);
		MUST(strlen(path.device) < API_NAME_BYTES && strlen(path.name) < API_NAME_BYTES);
		MUST(strlen(path.device) + strlen(path.name) < strlen(text));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct api_invite invite;
	struct api_limits limits;
	char fault[API_FAULT_BYTES];
	uint8_t *copy = fuzz_copy(data, len);
	if (api_body_invite(copy, len, &invite, fault) == 0) {
		MUST(invite.count >= 1 && invite.count <= API_INVITE_COUNT_MAX);
		MUST(invite.ttl_s >= 1 && invite.ttl_s <= API_INVITE_TTL_MAX_S);
	} else {
		MUST(fault[0] != '\0' && memchr(fault, '\0', sizeof fault));
		MUST(invite.count == 0);
	}
	if (api_body_limits(copy, len, &limits, fault) == 0) {
		MUST(limits.routes_max.given || limits.frames_per_s.given ||
			limits.bytes_per_s.given);
		MUST(limits.routes_max.value >= -1 && limits.routes_max.value <= INT32_MAX);
		MUST(limits.frames_per_s.value >= -1 && limits.frames_per_s.value <= UINT32_MAX);
		MUST(limits.bytes_per_s.value >= -1);
	}
	(void)api_body_none(copy, len, fault);
	try_path(copy, len);
	free(copy);
	return 0;
}
