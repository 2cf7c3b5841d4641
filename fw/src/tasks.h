/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks that main() calls in turn, in the order in which a message passes them; none of them waits. */
#ifndef QUELL_TASKS_H
#define QUELL_TASKS_H

void receive_start(void); /* expect the first message; after device_init() */

void receive_task(void);
void request_task(void);
void run_task(void);
void answer_task(void);
void idle_task(void); /* LED 0, which also tells the simulated board when it may sleep */

#endif
