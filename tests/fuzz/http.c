/* What the API of control parses of a request: byte 0 says whether the rest is a path or the body
 * of one of its operations. */
#include "control/api/body.h"
#include "control/api/path.h"
#include "fuzz.h"

enum { PATH = 0, INVITE = 1, LIMITS = 2, NONE = 3, STORE_LIMITS = 4, BACKUP = 5, MODES = 6 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* Goes into a file name or a query later: nothing but digits and '-' may come through. */
static void check_name(const char *name)
{
	MUST(strnlen(name, API_NAME_BYTES) < API_NAME_BYTES);
	MUST(name[strspn(name, "0123456789abcdefABCDEF-")] == '\0');
}

static void take_path(const uint8_t *data, size_t len)
{
	struct api_path path;
	char *text = malloc(len + 1);
	MUST(text);
	memcpy(text, data, len);
	text[len] = '\0';
	if (api_path_parse(text, &path) == 0) {
		MUST(path.resource < API_RESOURCE_COUNT);
		check_name(path.device);
		check_name(path.name);
	}
	free(text);
}

static void check_fault(int result, const char *fault)
{
	if (result)
		MUST(fault[0] && strnlen(fault, API_FAULT_BYTES) < API_FAULT_BYTES);
}

static void take_invite(const uint8_t *data, size_t len)
{
	char fault[API_FAULT_BYTES] = "";
	struct api_invite invite;
	int result = api_body_invite(data, len, &invite, fault);
	check_fault(result, fault);
	if (result == 0) {
		MUST(invite.count >= 1 && invite.count <= API_INVITE_COUNT_MAX);
		MUST(invite.ttl_s >= 1 && invite.ttl_s <= API_INVITE_TTL_MAX_S);
	}
}

static void take_limits(const uint8_t *data, size_t len)
{
	char fault[API_FAULT_BYTES] = "";
	struct api_limits limits;
	int result = api_body_limits(data, len, &limits, fault);
	check_fault(result, fault);
	if (result)
		return;
	const struct api_limit *all[] = { &limits.routes_max, &limits.frames_per_s,
		&limits.bytes_per_s };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		MUST(!all[i]->given || all[i]->value >= -1);
}

static void take_store_limits(const uint8_t *data, size_t len)
{
	char fault[API_FAULT_BYTES] = "";
	struct api_store_limits limits;
	int result = api_body_store_limits(data, len, &limits, fault);
	check_fault(result, fault);
	if (result)
		return;
#define X(field, least, most, otherwise, what)                                                     \
	MUST(!limits.field.given || limits.field.value == -1 ||                                    \
		(limits.field.value >= (least) && limits.field.value <= (most)));
	ADMIN_LIMITS(X)
#undef X
}

static void take_backup(const uint8_t *data, size_t len)
{
	char fault[API_FAULT_BYTES] = "";
	struct api_backup backup;
	check_fault(api_body_backup(data, len, &backup, fault), fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char fault[API_FAULT_BYTES] = "";
	if (len == 0)
		return 0;
	switch (data[0] % MODES) {
	case PATH:
		take_path(data + 1, len - 1);
		break;
	case INVITE:
		take_invite(data + 1, len - 1);
		break;
	case LIMITS:
		take_limits(data + 1, len - 1);
		break;
	case STORE_LIMITS:
		take_store_limits(data + 1, len - 1);
		break;
	case BACKUP:
		take_backup(data + 1, len - 1);
		break;
	default:
		check_fault(api_body_none(data + 1, len - 1, fault), fault);
	}
	return 0;
}
