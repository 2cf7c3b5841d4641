/* SPDX-License-Identifier: Apache-2.0 */
/* The passes in the order of the data's way. */
#include "passes.h"

quell_status quell_passes(struct graph *g, quell_error *err) { return pass_order(g, err); }
