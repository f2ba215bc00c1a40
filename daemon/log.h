/* One line an event on standard error: "<level> text". Never with a key, a route or an address. */
#ifndef CHAPPE_DAEMON_LOG_H
#define CHAPPE_DAEMON_LOG_H

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
