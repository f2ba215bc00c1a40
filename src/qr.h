/* QR codes for terminals (ISO/IEC 18004 by libqrencode), two modules a character by half blocks. */
#ifndef CHAPPE_QR_H
#define CHAPPE_QR_H

/* Returns text as a QR code in UTF-8: lines ending in '\n', light modules drawn as blocks (for
 * terminals that write light on dark), with the quiet zone of four modules. The caller wipes and
 * frees it. NULL with errno set: ERANGE where text does not fit a code, ENOMEM. */
char *qr_text(const char *text);

#endif
