#include "src/device/device.h"

#include <errno.h>

/* The reason is the caller's to read, as chappe.h says: nothing between here and there changes it.
 */
static int failed(int err)
{
	if (err)
		errno = err < 0 ? -err : EIO;
	return err;
}

int device_stored_put(const struct chappe *c, const char *key, const void *value, size_t len)
{
	return failed(c->storage.put(c->storage.context, key, value, len));
}

ssize_t device_stored_get(const struct chappe *c, const char *key, void *value, size_t max)
{
	ssize_t n = c->storage.get(c->storage.context, key, value, max);

	return n < 0 ? failed((int)n) : n;
}

int device_stored_remove(const struct chappe *c, const char *key)
{
	return failed(c->storage.remove(c->storage.context, key));
}

int device_stored_list(const struct chappe *c, const char *prefix,
	void (*found)(void *context, const char *key), void *context)
{
	return failed(c->storage.list(c->storage.context, prefix, found, context));
}

enum chappe_error device_stored_put_text(
	const struct chappe *c, const char *key, struct device_text *text)
{
	int err = text->full ? failed(-EMSGSIZE) : device_stored_put(c, key, text->text, text->len);

	sodium_memzero(text, sizeof *text);
	return err ? CHAPPE_ERR_STORAGE : CHAPPE_OK;
}

enum chappe_error device_stored_get_text(
	const struct chappe *c, const char *key, struct device_text *text, bool *found)
{
	ssize_t n = device_stored_get(c, key, text->text, sizeof text->text);

	text->full = false;
	text->len = n > 0 ? (size_t)n : 0;
	*found = n >= 0;
	if (n >= 0 || n == -ENOENT)
		return CHAPPE_OK;
	return n == -EMSGSIZE ? CHAPPE_ERR_DAMAGED : CHAPPE_ERR_STORAGE;
}
