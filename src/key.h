/* Key files: one line, a 32-byte secret in base64 (RFC 4648, section 4, with padding), as
 * `wg genkey` prints it. Mode 0600. The caller wipes what it got with sodium_memzero(). */
#ifndef CHAPPE_KEY_H
#define CHAPPE_KEY_H

#include "noise.h"

/* 44 characters of base64 for 32 bytes, and the terminating zero. */
enum { KEY_TEXT_BYTES = 45 };

/* Writes the secret to a new file and syncs file and directory. Returns 0 or -errno: -EEXIST where
 * the path exists, which is then left as it is. */
int key_save(const char *path, const uint8_t secret[NOISE_KEY_BYTES]);

/* Returns 0, or -errno with secret wiped: -EPERM where group or others may read or write the file,
 * -EBADMSG where it is no key file, or what open() says (-ENOENT, -EACCES, ...). */
int key_load(const char *path, uint8_t secret[NOISE_KEY_BYTES]) __attribute__((warn_unused_result));

/* The same for a key pair: a new one is drawn and saved; the public key is worked out. */
int key_pair_create(const char *path, struct noise_keypair *keypair)
	__attribute__((warn_unused_result));
int key_pair_load(const char *path, struct noise_keypair *keypair)
	__attribute__((warn_unused_result));

/* What an error of the functions above means and what to do about it, for people; static. */
const char *key_error_text(int error);

/* Text form of a key, and back: 0, or -EBADMSG with key wiped where text is anything but 44
 * characters of canonical base64 for 32 bytes. */
void key_to_text(const uint8_t key[NOISE_KEY_BYTES], char text[KEY_TEXT_BYTES]);
int key_from_text(const char *text, size_t len, uint8_t key[NOISE_KEY_BYTES])
	__attribute__((warn_unused_result));

#endif
