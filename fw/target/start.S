/* SPDX-License-Identifier: Apache-2.0 */
/* Reset: the processor starts at address 0 with the stack pointer already set. .data is where it was loaded; .bss is cleared. */
    .section .start, "ax"
    .globl _start
_start:
    li   a0, 0x200001B8  /* mem_ctrl_addr, mem_ctrl_data (external.c has checked): the memory's controller gives up the pins, before it would refresh */
    li   a1, 0x800       /* DFII_CONTROL */
    sw   a1, 0(a0)
    sw   zero, 4(a0)
    la   a0, __bss_start
    la   a1, __bss_end
1:  bgeu a0, a1, 2f
    sw   zero, 0(a0)
    addi a0, a0, 4
    j    1b
2:  call main
3:  j    3b
