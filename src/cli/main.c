#include "src/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct cli_command commands[] = {
	{ "join", "INVITATION", "enrol this device with a relay, by its operator's invitation",
		"Draws this device's keys, stores them and enrols the device. INVITATION is the\n"
		"chappe:invite/… text that the operator gave you; - reads it from standard input,\n"
		"which keeps it out of your shell's history. If the relay can't be reached, the\n"
		"invitation is kept: every later command tries again.\n\n"
		"  --timeout S   give up after S seconds (default 20)\n",
		cli_join },
	{ "contact", "new|link|add|list|verify|revoke …", "who this device exchanges messages with",
		"  contact new NAME [--qr]     make a contact and print the link to hand over.\n"
		"                              It is good for one person and must reach them by a\n"
		"                              way that nobody else reads. --qr draws it as well.\n"
		"  contact link NAME [--qr]    show that link again, until it is used\n"
		"  contact add NAME LINK       take the link another person made (- reads it from\n"
		"                              standard input) and say hello to their device; if "
		"it\n"
		"                              is not there now, the relay keeps the hello, or "
		"any\n"
		"                              later command goes on trying.\n"
		"  contact list [--json]       names, states, and whether they are verified\n"
		"  contact verify NAME [--yes] show the digits that both of you compare, by voice "
		"or\n"
		"                              in person; --yes notes that they were the same\n"
		"  contact revoke NAME         end a contact at once: its route ends at the "
		"relay,\n"
		"                              its keys are forgotten here\n\n"
		"  --timeout S   new, add, revoke: wait at most S seconds for the relay (default "
		"20)\n"
		"  --wait S      add: wait S seconds for the other device as well (default 2)\n",
		cli_contact },
	{ "send", "NAME [TEXT | --file FILE | -]", "send a message",
		"Sends TEXT, a file, or standard input (-, also when nothing is given). The exit\n"
		"status is 0 once the relay has stored the message durably: NAME's device gets it\n"
		"when it is there, whatever happens to this one. Otherwise it is kept here, "
		"sealed,\n"
		"and the next send or recv goes on with it; see also `chappe outbox`. Status 28:\n"
		"the relay could not be reached; 27: it answers, and does not accept the message,\n"
		"because of a limit, or because NAME has ended the contact. Do not send it again:\n"
		"it would arrive twice. While another process of this device receives, it sends\n"
		"for us.\n\n"
		"  --file FILE   send what FILE holds\n"
		"  --wait        wait until NAME's device has it: it acknowledges after a random\n"
		"                time, up to a minute; status 9: it has not yet, but the relay\n"
		"                keeps the message\n"
		"  --live        from device to device: 0 only if NAME's device is there now and\n"
		"                has the message; the relay stores nothing\n"
		"  --ttl M       the relay keeps it M minutes, rounded up to a power of two\n"
		"                (default: as long as it keeps anything, mostly 21 days)\n"
		"  --timeout S   give up after S seconds (default 30; with --wait 300)\n",
		cli_send },
	{ "outbox", "[list | drop NAME NUMBER …]", "messages that the relay has not accepted yet",
		"Lists what is kept here until the relay accepts it: contact, number, since when,\n"
		"and the bytes it takes, sealed. Nobody can read it any more, nor can you.\n\n"
		"  outbox list [--json]        the same\n"
		"  outbox drop NAME NUMBER …   give messages up. They may have arrived all the "
		"same;\n"
		"                              if not, NAME's device is told not to wait for "
		"them,\n"
		"                              by the next send or recv\n",
		cli_outbox },
	{ "recv", "[--follow] [--from NAME]", "receive messages",
		"Prints messages and acknowledges each once it is printed and flushed. Without\n"
		"options: waits for one message, prints it and those that come with it, and "
		"ends.\n\n"
		"  --follow      go on until interrupted\n"
		"  --count N     end after N messages; N = 1 prints the bytes exactly as they "
		"came,\n"
		"                otherwise each message ends with a newline\n"
		"  --from NAME   only from this contact; without it, lines begin with the name\n"
		"  --timeout S   end after S seconds; status 22 if nothing came (default: wait "
		"on)\n"
		"  --json        one object a line: contact, message, data (base64), text if "
		"UTF-8\n"
		"  --out DIR     write each message to DIR/NAME-NUMBER and print the path; a "
		"message\n"
		"                that comes again after a crash lands in the same file\n",
		cli_recv },
	{ "status", "[--json]", "whether the relay is there, and what it grants",
		"Connects and shows the session, the limits and the counters of this device.\n\n"
		"  --offline     do not connect\n"
		"  --timeout S   give up after S seconds (default 10)\n",
		cli_status },
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct cli_command *find_command(const char *name)
{
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_help(FILE *out)
{
	fputs("usage: chappe [--dir DIR] COMMAND …\n\n"
	      "Sealed messages over a Chappe relay: only the two devices can read them.\n\n",
		out);
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %-31s %s\n", commands[i].name, commands[i].arguments,
			commands[i].summary);
	fputs("  help     [COMMAND]                       more about a command\n\n"
	      "  --dir DIR   where this device keeps its keys (default $CHAPPE_DIR, else\n"
	      "              ~/.config/chappe). One device is one directory.\n\n"
	      "To begin, on both machines:   chappe join INVITATION\n"
	      "One makes a contact:          chappe contact new bob       and sends bob the link\n"
	      "who takes it:                 chappe contact add alice LINK\n"
	      "Then:                         chappe send bob 'good morning'\n"
	      "and there:                    chappe recv --follow\n\n"
	      "Exit statuses:\n",
		out);
#define X(name, number, text) fprintf(out, "  %3d  %s\n", number, text);
	CHAPPE_ERRORS(X)
#undef X
}

static enum chappe_error help(const struct cli *cli, const char *name)
{
	const struct cli_command *command = name ? find_command(name) : NULL;

	if (!name) {
		print_help(stdout);
		return CHAPPE_OK;
	}
	if (!command)
		return cli_usage(cli, NULL, "there is no such command");
	printf("usage: chappe [--dir DIR] %s %s\n\n%s", command->name, command->arguments,
		command->help);
	return CHAPPE_OK;
}

static char *default_directory(void)
{
	const char *named = getenv("CHAPPE_DIR"), *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int n = 0;

	if (named && *named)
		return strdup(named);
	if (config && *config)
		n = asprintf(&path, "%s/chappe", config);
	else if (home && *home)
		n = asprintf(&path, "%s/.config/chappe", home);
	return n < 0 ? NULL : path;
}

static enum chappe_error run(struct cli *cli, int argc, char **argv)
{
	static char name[32];
	const struct cli_command *command;

	if (argc == 0) {
		print_help(stderr);
		return CHAPPE_ERR_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(cli, argc > 1 ? argv[1] : NULL);
	command = find_command(argv[0]);
	if (!command)
		return cli_usage(cli, NULL, "there is no such command");
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return help(cli, argv[0]);
	if (!cli->directory)
		return cli_usage(cli, NULL, "no directory: give --dir, or set CHAPPE_DIR or HOME");
	snprintf(name, sizeof name, "chappe %s", command->name);
	argv[0] = name; /* getopt(3) begins with it what it says of a wrong option */
	optind = 0;     /* the command's own options, from the start (GNU) */
	return command->run(cli, argc, argv);
}

/* Where one of the three is closed, the next file that is opened would take its place: a message
 * would be printed into the device's storage, and acknowledged. So reading and writing fails. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* What was printed has arrived, or it is said. */
static enum chappe_error finish_output(enum chappe_error error)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return error;
	if (error)
		return error; /* which was said */
	fprintf(stderr, "chappe: can't write the output: %s\n", strerror(errno));
	return CHAPPE_ERR_INTERNAL;
}

/* The option that ends here, 0 where a command follows. */
static int parse(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' }, { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) == 'd')
		cli->directory = optarg;
	return option == -1 ? 0 : option;
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 }; /* it would hold keys */
	struct cli cli = { 0 };
	char *fallback;
	enum chappe_error error = CHAPPE_OK;
	int option;

	hold_standard_descriptors();
	setlocale(LC_CTYPE, ""); /* what the terminal can show */
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &no_core);
	cli.directory = fallback = default_directory();
	option = parse(&cli, argc, argv);
	if (option == 'h')
		print_help(stdout);
	else if (option == 'v')
		puts("chappe " CHAPPE_VERSION);
	else if (option == '?')
		error = cli_usage(&cli, NULL, NULL);
	else
		error = run(&cli, argc - optind, argv + optind);
	cli_close(&cli);
	error = finish_output(error);
	free(fallback);
	if (cli_interrupted())
		raise(cli_interrupted()); /* as whoever started us expects */
	return (int)error;
}
