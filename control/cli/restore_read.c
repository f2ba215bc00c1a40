#include "backup_format.h"
#include "cli.h"
#include "client.h"
#include "print.h"
#include "restore.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int restore_damaged(const struct restore *restore, const char *what, const char *why)
{
	return client_error(restore->options, CLI_DAMAGED, "damaged",
		"%s/%s: %s. This is no whole backup: nothing was restored; take another one",
		restore->from, what, why);
}

int restore_failed(const struct restore *restore, int error)
{
	return client_error(restore->options,
		error == -EACCES || error == -EPERM ? CLI_FORBIDDEN : CLI_FAILED,
		error == -EACCES || error == -EPERM ? "forbidden" : "internal",
		"%s: nothing was restored", restore->files.error);
}

/* A line of sums names a file of the backup and nothing else. */
static bool label_ok(const char *label)
{
	const size_t len = strlen(label);
	if (len == 0 || label[0] == '/' || label[len - 1] == '/' || strstr(label, "//") != NULL)
		return false;
	for (const char *part = label; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 || strncmp(part, "./", 2) == 0)
			return false;
	}
	return true;
}

static int read_sums(struct restore *restore)
{
	char path[FILES_PATH_BYTES], *line = NULL;
	size_t room = 0;
	ssize_t len;
	int r = CLI_OK;
	snprintf(path, sizeof path, "%s/" BACKUP_SUMS, restore->from);
	FILE *sums = fopen(path, "re");
	if (sums == NULL)
		return errno == ENOENT
			       ? client_error(restore->options, CLI_NOT_FOUND, "not_found",
					 "%s: no such file. Is %s a backup (chappectl backup)?",
					 path, restore->from)
			       : restore_damaged(restore, BACKUP_SUMS, strerror(errno));
	restore->listed = json_object();
	while (r == CLI_OK && (len = getline(&line, &room, sums)) > 0) {
		const size_t sum = FILES_SUM_BYTES - 1;
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if ((size_t)len <= sum + 2 || strspn(line, "0123456789abcdef") != sum ||
			line[sum] != ' ' || line[sum + 1] != ' ' || !label_ok(line + sum + 2)) {
			r = restore_damaged(restore, BACKUP_SUMS, "a line is no sum of a file");
			break;
		}
		json_object_set_new(
			restore->listed, line + sum + 2, json_stringn(line, FILES_SUM_BYTES - 1));
	}
	free(line);
	fclose(sums);
	return r;
}

static int read_about(struct restore *restore)
{
	char path[FILES_PATH_BYTES];
	json_error_t error;
	snprintf(path, sizeof path, "%s/" BACKUP_ABOUT, restore->from);
	restore->about = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (restore->about == NULL)
		return restore_damaged(restore, BACKUP_ABOUT, error.text);
	const int64_t format = print_integer(restore->about, "format");
	if (format > BACKUP_FORMAT)
		return client_error(restore->options, CLI_REFUSED, "conflict",
			"%s: made by a later version of Chappe (%s): restore it with that", path,
			print_text(restore->about, "version"));
	if (format < 1 ||
		(size_t)print_integer(restore->about, "files") != json_object_size(restore->listed))
		return restore_damaged(
			restore, BACKUP_ABOUT, "its number of files is not that of the sums");
	restore->messages = json_is_true(json_object_get(restore->about, "messages")) &&
			    !restore->options->given[OPTION_without_store];
	return CLI_OK;
}

int restore_read(struct restore *restore)
{
	const int r = read_sums(restore);
	return r == CLI_OK ? read_about(restore) : r;
}
