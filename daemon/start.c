#include "daemon/start.h"
#include "daemon/log.h"

#include <sodium.h>
#include <sys/stat.h>

int daemon_start(const struct daemon_program *program, int argc, char **argv,
	struct daemon_arguments *arguments, void *config)
{
	char error[DAEMON_ERROR_BYTES];

	const int asked = daemon_arguments(argc, argv, program->name, program->about, arguments);
	if (asked != 0)
		return asked > 0 ? 0 : 2;
	umask(077);
	if (program->configure(arguments->config, config, error) < 0) {
		log_error("%s", error);
		return 2;
	}
	if (sodium_init() < 0) {
		log_error("libsodium does not start");
		return 1;
	}
	return DAEMON_GOES_ON;
}
