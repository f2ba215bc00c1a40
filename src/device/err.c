#include "src/chappe.h"

static const struct {
	enum chappe_error error;
	const char *name, *text;
} errors[] = {
#define X(name, number, text) { CHAPPE_ERR_##name, #name, text },
	CHAPPE_ERRORS(X)
#undef X
};
enum { ERROR_COUNT = sizeof errors / sizeof errors[0] };

const char *chappe_strerror(enum chappe_error error)
{
	for (int i = 0; i < ERROR_COUNT; i++)
		if (errors[i].error == error)
			return errors[i].text;
	return "unknown error";
}

const char *chappe_error_name(enum chappe_error error)
{
	for (int i = 0; i < ERROR_COUNT; i++)
		if (errors[i].error == error)
			return errors[i].name;
	return "UNKNOWN";
}
