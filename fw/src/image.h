/* SPDX-License-Identifier: Apache-2.0 */
/* From the codes of a request to a padded tensor in activation memory. */
#ifndef QUELL_IMAGE_H
#define QUELL_IMAGE_H

#include <stdbool.h>
#include "map.h"

/* Expand the image that lies in the message buffer at `offset` (h*w*c codes) to words of eight channels at activation word `address`,
 * with image_pad pixels of pad_code around. If the place is not fresh, an image has been expanded there already and only images since then: padding
 * and channels that do not exist are as they must be. Calls background() after every row, because this takes long and layers must go on. */
void image_expand(const struct qp_table *table, uint32_t offset, uint32_t address, bool fresh, void (*background)(void));

#endif
