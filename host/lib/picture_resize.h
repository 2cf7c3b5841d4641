/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of another size than the network's: the short side to a given length, then the middle. */
#ifndef QUELL_PICTURE_RESIZE_H
#define QUELL_PICTURE_RESIZE_H

#include "picture.h"

/*
 * The pixels of Pillow's resize(..., BILINEAR) to the byte, of the size and from the place that torchvision's Resize(short_side) and CenterCrop((h, w))
 * take: the long side is rounded down, half a pixel of margin to even. The picture then is h x w; or, PICTURE_OTHER_SIZE, too small for that: its h and w
 * tell how large it would be, and its pixels stay as they were.
 */
enum picture_result picture_resize(struct picture *picture, uint32_t short_side, uint32_t h, uint32_t w);

#endif
