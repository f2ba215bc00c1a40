/* chappe-dataplane: the process. The main lcore sets everything up, lets go of its privileges and
 * then runs loop.c; every other lcore is a worker. */
#include "arguments.h"
#include "loop.h"
#include "start.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static struct dataplane dataplane;
static struct loop loop;

static int main_run(const struct arguments *arguments, char *error, size_t error_len)
{
	int result = link_check("table.sock", dataplane.config.run_dir, error, error_len);
	if (result == 0)
		result = start_eal(arguments, error, error_len);
	if (result == 0)
		result = start_workers(&dataplane, error, error_len);
	if (result == 0)
		result = loop_open(&loop, &dataplane, error, error_len);
	if (result == 0)
		result = start_ports(&dataplane, error, error_len);
	if (result == 0)
		result = start_confined(&dataplane, arguments->pid_file, error, error_len);
	if (result == 0) {
		start_launch(&dataplane);
		loop_run(&loop);
		start_stop(&dataplane);
	}
	loop_close(&loop);
	return result;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_BYTES] = "";
	struct arguments arguments;
	int result = arguments_parse(argc, argv, &arguments);
	if (result != 0)
		return result < 0 ? 2 : 0;
	if (config_read(&dataplane.config, arguments.config, error, sizeof error) < 0 ||
		confine_account(dataplane.config.user, &dataplane.account, error, sizeof error) <
			0) {
		fprintf(stderr, "error %s\n", error);
		return 2;
	}
	if (arguments.check) {
		printf("%s: fine\n", arguments.config);
		return 0;
	}
	if (sodium_init() < 0) {
		fprintf(stderr, "error libsodium does not start\n");
		return 1;
	}
	result = main_run(&arguments, error, sizeof error);
	if (result < 0)
		fprintf(stderr, "error %s\n", error);
	if (arguments.pid_file && result == 0)
		(void)remove(arguments.pid_file);
	return result < 0 ? 1 : 0;
}
