/* chappe-dataplane-load: the process. Set up as chappe-dataplane is, confined alike; instead of a
 * link to control it has devices that follow from a seed. */
#include "load.h"

#include "dataplane/start.h"
#include <sodium.h>
#include <stdio.h>

static struct dataplane dataplane;

static int run(const struct arguments *arguments, const struct load_options *options, char *error,
	size_t error_len)
{
	int result = start_eal(arguments, error, error_len);
	if (result == 0)
		result = start_workers(&dataplane, error, error_len);
	if (result == 0)
		result = load_install(&dataplane, options, error, error_len);
	if (result == 0)
		result = start_ports(&dataplane, error, error_len);
	const int signals = load_signals();
	if (result == 0 && signals < 0) {
		snprintf(error, error_len, "signals: %s", strerror(-signals));
		result = signals;
	}
	if (result == 0)
		result = start_confined(&dataplane, arguments->pid_file, error, error_len);
	if (result == 0) {
		start_launch(&dataplane);
		load_wait(&dataplane, signals, options->stats_s);
		start_stop(&dataplane);
	}
	return result;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_BYTES] = "";
	struct arguments arguments;
	struct load_options options;
	int result = load_options_parse(argc, argv, &options, &arguments);
	if (result != 0)
		return result < 0 ? 2 : 0;
	if (config_read(&dataplane.config, arguments.config, error, sizeof error) < 0 ||
		confine_account(dataplane.config.user, &dataplane.account, error, sizeof error) <
			0 ||
		load_refuse_store(&dataplane.config, error, sizeof error) < 0) {
		fprintf(stderr, "error %s\n", error);
		return 2;
	}
	if (sodium_init() < 0) {
		fprintf(stderr, "error libsodium does not start\n");
		return 1;
	}
	fputs("warning this is chappe-dataplane-load: no replay check, for load tests only\n",
		stderr);
	result = run(&arguments, &options, error, sizeof error);
	if (result < 0)
		fprintf(stderr, "error %s\n", error);
	if (arguments.pid_file && result == 0)
		(void)remove(arguments.pid_file);
	return result < 0 ? 1 : 0;
}
