/* Parameters behind the ? of a path. */
#include "request.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>

bool api_query_number(
	struct api_request *request, const char *name, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *text = api_query_text(request, name);
	char *end;
	if (text == NULL)
		return true;
	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < min ||
		number > max) {
		api_fail(request, API_BAD_REQUEST, "%s must be a number from %llu to %llu", name,
			(unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*value = number;
	return true;
}

const char *api_query_text(const struct api_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}
