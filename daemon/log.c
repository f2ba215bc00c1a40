#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>

/* One write a line, so that lines of several threads stay whole. */
static void log_line(const char *level, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof text, format, arguments);
	fprintf(stderr, "%s %s\n", level, text);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line("info", format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line("warning", format, arguments);
	va_end(arguments);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line("error", format, arguments);
	va_end(arguments);
}
