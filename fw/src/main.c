/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"
#include "tasks.h"

int main(void)
{
    device_init();
    receive_start();
    for (;;) {
        receive_task();
        request_task();
        run_task();
        answer_task();
        idle_task();
    }
}
