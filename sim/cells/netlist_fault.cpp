// SPDX-License-Identifier: Apache-2.0
// The fault that LUT4_FAULT.sv shall make: the number in the environment variable NETLIST_FAULT; none: 0.
#include <cstdlib>

extern "C" int netlist_fault()
{
    const char *number = getenv("NETLIST_FAULT");
    return number ? atoi(number) : 0;
}
