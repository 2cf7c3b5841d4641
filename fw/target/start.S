/* SPDX-License-Identifier: Apache-2.0 */
/* Reset: the processor starts at address 0 with the stack pointer already set. .data is where it was loaded; .bss is cleared. */
    .section .start, "ax"
    .globl _start
_start:
    la   a0, __bss_start
    la   a1, __bss_end
1:  bgeu a0, a1, 2f
    sw   zero, 0(a0)
    addi a0, a0, 4
    j    1b
2:  call main
3:  j    3b
