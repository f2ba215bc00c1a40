#include "path.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int match(const char *pattern, const char *text, struct api_path *path)
{
	path->name[0] = path->device[0] = '\0';
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '*' && *pattern != '@') {
			if (*text++ != *pattern)
				return -ENOENT;
			continue;
		}
		const size_t len = strspn(text, "0123456789abcdefABCDEF-");
		if (len == 0 || len >= API_NAME_BYTES)
			return -ENOENT;
		char *name = *pattern == '@' ? path->device : path->name;
		memcpy(name, text, len);
		name[len] = '\0';
		text += len;
	}
	return *text == '\0' ? 0 : -ENOENT;
}

int api_path_parse(const char *text, struct api_path *path)
{
	static const char *const patterns[API_RESOURCE_COUNT] = {
#define X(name, pattern) pattern,
		API_RESOURCES(X)
#undef X
	};
	for (int i = 0; i < API_RESOURCE_COUNT; i++) {
		if (match(patterns[i], text, path) == 0) {
			path->resource = (enum api_resource)i;
			return 0;
		}
	}
	*path = (struct api_path){ 0 };
	return -ENOENT;
}
