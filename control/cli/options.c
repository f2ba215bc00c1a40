#include "options.h"
#include "cli.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *argument, *help;
	char letter;
} option_table[OPTION_COUNT] = {
#define X(option, letter_, argument_, help_)                                                       \
	[OPTION_##option] = {                                                                      \
		.name = #option, .argument = argument_, .help = help_, .letter = letter_           \
	},
	OPTIONS(X)
#undef X
};

/* As it is typed. */
static const char *option_name(enum option_id option)
{
	static char names[OPTION_COUNT][OPTIONS_NAME_BYTES];
	char *name = names[option];
	snprintf(name, OPTIONS_NAME_BYTES, "%s", option_table[option].name);
	for (char *dash = name; (dash = strchr(dash, '_')) != NULL;)
		*dash = '-';
	return name;
}

enum {
	LONG_ONLY = 256, /* getopt value of option n: LONG_ONLY + n, letters map to the same */
	ALWAYS = 1u << OPTION_socket | 1u << OPTION_json | 1u << OPTION_help,
};

static int usage_error(const struct command *command)
{
	if (command != NULL)
		fprintf(stderr,
			"Usage: chappectl %s%s%s [OPTIONS]; `chappectl %s --help` has examples\n",
			command->name, *command->operands ? " " : "", command->operands,
			command->name);
	else
		fputs("`chappectl --help` lists the commands\n", stderr);
	return CLI_USAGE;
}

/* Finds the command that the first one or two words name; *words says how many it took. */
static const struct command *find_command(int count, const char *const words_in[], int *words)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		const char *space = strchr(c->name, ' ');
		const size_t first = space ? (size_t)(space - c->name) : strlen(c->name);
		if (count < 1 || strlen(words_in[0]) != first ||
			strncmp(c->name, words_in[0], first) != 0)
			continue;
		if (space == NULL) {
			*words = 1;
			return c;
		}
		if (count >= 2 && strcmp(space + 1, words_in[1]) == 0) {
			*words = 2;
			return c;
		}
	}
	return NULL;
}

static void print_command(const struct command *command)
{
	char line[64];
	snprintf(line, sizeof line, "%s%s%s", command->name, *command->operands ? " " : "",
		command->operands);
	printf("  %-32s %s\n", line, command->brief);
}

/* Says which commands begin with a word such as "device"; false when none does. */
static bool suggest_group(const char *word, FILE *out)
{
	const size_t len = strlen(word);
	bool any = false;
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strncmp(c->name, word, len) != 0 || c->name[len] != ' ')
			continue;
		fprintf(out, "%s%s", any ? ", " : "", c->name + len + 1);
		any = true;
	}
	return any;
}

static int unknown_command(int count, const char *const words[])
{
	const struct command *c = commands;
	size_t group = strlen(words[0]);
	while (c->name != NULL && (strncmp(c->name, words[0], group) != 0 || c->name[group] != ' '))
		c++;
	if (c->name == NULL) {
		fprintf(stderr, "chappectl: no command `%s`\n", words[0]);
		return usage_error(NULL);
	}
	if (count < 2)
		fprintf(stderr, "chappectl: `%s` wants one of: ", words[0]);
	else
		fprintf(stderr, "chappectl: no command `%s %s`; there are: ", words[0], words[1]);
	suggest_group(words[0], stderr);
	fputc('\n', stderr);
	return usage_error(NULL);
}

static void print_option(enum option_id option)
{
	char left[40];
	const char *argument = option_table[option].argument;
	if (option_table[option].letter)
		snprintf(left, sizeof left, "-%c, --%.30s", option_table[option].letter,
			option_name(option));
	else
		snprintf(left, sizeof left, "    --%.30s", option_name(option));
	if (argument != NULL) {
		const size_t used = strlen(left);
		if (*argument == '[')
			snprintf(left + used, sizeof left - used, "[=%.*s]",
				(int)strlen(argument) - 2, argument + 1);
		else
			snprintf(left + used, sizeof left - used, " %s", argument);
	}
	printf("  %-24s %s\n", left, option_table[option].help);
}

static void print_exits(void)
{
	static const struct {
		int value;
		const char *help;
	} exits[] = {
#define X(name, value, help) { value, help },
		CLI_EXITS(X)
#undef X
	};
	puts("\nExit status:");
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
		printf("  %d  %s\n", exits[i].value, exits[i].help);
}

void options_help(const struct command *command)
{
	if (command == NULL) {
		puts("chappectl: administer a Chappe relay.\n\n"
		     "Usage: chappectl COMMAND [OPERANDS] [OPTIONS]\n\nCommands:");
		for (const struct command *c = commands; c->name != NULL; c++)
			print_command(c);
		puts("\nOptions of every command:");
	} else {
		printf("chappectl %s: %s.\n\nUsage: chappectl %s%s%s [OPTIONS]\n\n%s\nOptions:\n",
			command->name, command->brief, command->name, *command->operands ? " " : "",
			command->operands, command->help);
	}
	const uint32_t mask =
		command != NULL ? command->options | ALWAYS : ALWAYS | 1u << OPTION_version;
	for (uint32_t i = 0; i < OPTION_COUNT; i++)
		if (mask >> i & 1)
			print_option((enum option_id)i);
	if (command == NULL) {
		print_exits();
		puts("\nA new relay, its first device, and what the relay knows of it:\n\n"
		     "  chappectl init && systemctl start chappe-dataplane chappe-control\n"
		     "  chappectl invite --qr\n"
		     "  chappectl device list\n"
		     "  chappectl disclose 1\n\n"
		     "`chappectl COMMAND --help` explains each command.");
	}
}

/* getopt over everything; operands are collected in order. Returns 0 or -1 with the error printed.
 */
static int collect(int argc, char *argv[], struct options *options, const char *words[], int *count)
{
	struct option longs[OPTION_COUNT + 1] = { 0 };
	char shorts[2 + 3 * OPTION_COUNT] = ":";
	size_t used = 1;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const char *argument = option_table[i].argument;
		longs[i].name = option_name((enum option_id)i);
		longs[i].has_arg = argument == NULL   ? no_argument
				   : *argument == '[' ? optional_argument
						      : required_argument;
		longs[i].val = LONG_ONLY + i;
		if (option_table[i].letter != '\0') {
			shorts[used++] = option_table[i].letter;
			for (int colons = longs[i].has_arg; colons > 0; colons--)
				shorts[used++] = ':'; /* one: required, two: optional */
		}
	}
	int c;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int which = c - LONG_ONLY;
		for (int i = 0; c < LONG_ONLY && i < OPTION_COUNT; i++)
			if (option_table[i].letter == c)
				which = i;
		if (c == '?' || c == ':' || which < 0) {
			const char *what = optind > 0 ? argv[optind - 1] : "";
			fprintf(stderr, "chappectl: %s `%s`\n",
				c == ':' ? "an argument is missing after" : "no option", what);
			return -1;
		}
		options->given[which] = true;
		if (options_set((enum option_id)which, optarg, options) != 0) {
			fprintf(stderr, "chappectl: --%s: `%s` is no value for it: %s\n",
				option_name((enum option_id)which), optarg,
				option_table[which].help);
			return -1;
		}
	}
	*count = argc - optind;
	for (int i = 0; i < *count && i < OPTIONS_OPERANDS_MAX + 2; i++)
		words[i] = argv[optind + i];
	return 0;
}

static int check_fit(const struct options *options)
{
	const struct command *command = options->command;
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (options->given[i] && !((command->options | ALWAYS) >> i & 1)) {
			fprintf(stderr, "chappectl: `%s` has no option --%s\n", command->name,
				option_name((enum option_id)i));
			return usage_error(command);
		}
	}
	if (options->operands < command->operands_min) {
		fprintf(stderr, "chappectl: `%s` wants %s\n", command->name, command->operands);
		return usage_error(command);
	}
	if (options->operands > command->operands_max) {
		fprintf(stderr, "chappectl: `%s` does not take `%s`\n", command->name,
			options->operand[command->operands_max]);
		return usage_error(command);
	}
	return CLI_OK;
}

int options_parse(int argc, char *argv[], struct options *options, int *status)
{
	const char *environment = getenv("CHAPPECTL_SOCKET");
	*options = (struct options){
		.socket = environment != NULL && *environment != '\0' ? environment
								      : "/run/chappe/control.sock",
		.state = "/var/lib/chappe",
		.store = "/var/lib/chappe-store",
		.ttl_s = 86400,
		.count = 1,
		.limit = 50,
		.watch_s = 1,
		.stages_s = 1,
	};
	const char *words[OPTIONS_OPERANDS_MAX + 2];
	int count, taken = 0;
	*status = CLI_USAGE;
	if (collect(argc, argv, options, words, &count) != 0) {
		usage_error(NULL);
		return -1;
	}
	if (options->given[OPTION_version]) {
		printf("chappectl %s\n", CHAPPE_VERSION);
		*status = CLI_OK;
		return -1;
	}
	const bool asked = count > 0 && strcmp(words[0], "help") == 0;
	if (count == 0 || (asked && count == 1)) {
		options_help(NULL);
		*status = asked || options->given[OPTION_help] ? CLI_OK : CLI_USAGE;
		return -1;
	}
	const int shown = count > OPTIONS_OPERANDS_MAX + 2 ? OPTIONS_OPERANDS_MAX + 2 : count;
	options->command = find_command(shown - asked, words + asked, &taken);
	if (options->command == NULL) {
		*status = unknown_command(shown - asked, words + asked);
		return -1;
	}
	if (asked || options->given[OPTION_help]) {
		options_help(options->command);
		*status = CLI_OK;
		return -1;
	}
	for (int i = taken; i < shown && i - taken < OPTIONS_OPERANDS_MAX; i++)
		options->operand[options->operands++] = words[i];
	*status = check_fit(options);
	return *status == CLI_OK ? 0 : -1;
}
