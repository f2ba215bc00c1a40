/* The dataplane holds the limits of devices as classes: pairs of frames and bytes a second, of
 * which there are TABLE_LIMIT_CLASSES, one of them for no limits. */
#ifndef CHAPPE_CONTROL_LIMIT_CLASSES_H
#define CHAPPE_CONTROL_LIMIT_CLASSES_H

#include "state.h"

/* Whether a device may have these limits, `own` as in store_limits: the dataplane has them as a
 * class or has one left, beside those of all enrolled devices and of the relay's default. Looks at
 * every slot, some milliseconds for a million: for people who change limits. */
bool limit_classes_fit(const struct control *control, const struct store_limits *own);

#endif
