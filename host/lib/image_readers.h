/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: the readers of image files, one a format. Each appends to a set; none knows another. */
#ifndef QUELL_IMAGE_READERS_H
#define QUELL_IMAGE_READERS_H

#include "image_set.h"
#include "labels.h"

/* labels: NULL, or in the images' order (IDX, .npy) or with file names (folders). */
quell_status images_read_idx(struct quell_images *images, const char *path, const struct labels *labels, quell_error *err);
quell_status images_read_npy(struct quell_images *images, const char *path, const struct labels *labels, quell_error *err);
quell_status images_read_cifar(struct quell_images *images, const char *path, quell_error *err);                    /* one file */
quell_status images_read_cifar_folder(struct quell_images *images, const char *path, int *found, quell_error *err); /* found 0: no such file there */
quell_status images_read_folder(struct quell_images *images, const char *path, const struct labels *labels, quell_error *err);
quell_status images_read_picture(struct quell_images *images, const char *path, const struct labels *labels, quell_error *err);
int images_is_picture(const char *path);

#endif
