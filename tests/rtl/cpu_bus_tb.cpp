// SPDX-License-Identifier: Apache-2.0
// A processor that reads and writes every region at random, with memories behind the bus that make it wait at random.
#include "Vcpu_bus.h"
#include "tb.h"
#include <deque>
#include <map>

using Bench = Tb<Vcpu_bus>;

static void run(Bench &tb)
{
    auto &d = tb.dut;
    std::map<uint32_t, uint32_t> model; // by address, of RAM, message buffer, registers
    std::map<uint32_t, uint64_t> act;   // by word
    uint32_t low_lane = 0;
    d.mem_valid_i = d.act_rsp_valid_i = 0;
    tb.reset();
    for (int access = 0; access < 12000; access++) {
        unsigned region = tb.between(0, 8);
        bool write = region > 3 || (tb.random() & 1);
        uint32_t address = region << 28 | (region == 2 ? tb.random() % 16 * 4 : region <= 3 ? tb.random() % 64 * 4 : (tb.random() & 0x7FFFFC)), data = tb.random();
        bool alone = region == 3 && write && tb.coin(); // a word with upper lane 0
        if (alone)
            address = (address & ~7u) | 1 << 19;
        d.mem_valid_i = 1, d.mem_addr_i = address, d.mem_wdata_i = data;
        d.mem_wstrb_i = !write ? 0 : region <= 1 ? tb.between(1, 15) : 15;
        uint32_t &word = model[address], want = word;
        uint64_t &pair = act[address >> 3 & 0xFFFF];
        if (region == 3)
            want = pair >> (address & 4 ? 32 : 0);
        int seen = 0, cycles = 0, since = -1, answer_in = -1;
        while (true) {
            d.msg_ready_i = tb.coin(), d.act_req_ready_i = tb.coin(), d.act_wr_ready_i = tb.coin();
            // fixed latencies: registers one cycle after the address, RAM and message buffer two; activation memory when it likes
            d.reg_rdata_i = since == 1 && region == 2 ? want : tb.random();
            d.ram_rdata_i = since == 2 && region == 0 ? want : tb.random();
            d.msg_rdata_i = since == 2 && region == 1 ? want : tb.random();
            d.act_rsp_valid_i = answer_in == 0;
            d.act_rsp_data_i = d.act_rsp_valid_i ? pair : tb.random();
            tb.settle();
            TB_CHECK(tb, d.ram_en_o + d.msg_valid_o + d.reg_wr_o + d.act_req_valid_o + d.act_wr_valid_o <= 1, "two at once");
            bool accepted = d.ram_en_o || (d.msg_valid_o && d.msg_ready_i) || d.reg_wr_o || (d.act_req_valid_o && d.act_req_ready_i) || (d.act_wr_valid_o && d.act_wr_ready_i);
            if (d.act_req_valid_o && d.act_req_ready_i)
                answer_in = tb.stalls ? tb.between(2, 9) : 3;
            else if (answer_in >= 0)
                answer_in--;
            if (accepted) {
                const bool from[9] = {(bool)d.ram_en_o, (bool)d.msg_valid_o, (bool)d.reg_wr_o, d.act_req_valid_o || d.act_wr_valid_o};
                TB_CHECK(tb, from[region] && (region != 2 || write), "wrong region for %08x", address);
                if (region == 3)
                    TB_CHECK(tb, d.act_addr_o == (address >> 3 & 0xFFFF), "activation address");
                if (d.act_wr_valid_o)
                    TB_CHECK(tb, d.act_wr_data_o == (alone ? data : (uint64_t)data << 32 | low_lane), "activation word");
                if (d.act_wr_valid_o)
                    pair = d.act_wr_data_o;
                seen++;
            }
            if (accepted || (since < 0 && region == 2))
                since = 0;
            if (d.mem_ready_o)
                break;
            tb.tick();
            if (since >= 0)
                since++;
            if (d.wr_en_o) {
                const unsigned shift[5] = {8, 6, 7, 7, 8}, offset = address & 0x0FFFFFFF;
                TB_CHECK(tb, region >= 4 && d.wr_en_o == 1 << (region - 4), "write enable %x in region %u", d.wr_en_o, region);
                TB_CHECK(tb, d.wr_index_o == (uint16_t)(offset >> shift[region - 4]), "index");
                TB_CHECK(tb, d.wr_lane_o == (offset & ((1u << shift[region - 4]) - 1)) / 4 && d.wr_data_o == data, "lane");
                seen++;
            }
            TB_CHECK(tb, ++cycles < 60, "never ready");
        }
        if (!write)
            TB_CHECK(tb, d.mem_rdata_o == want, "%08x: read %08x, not %08x", address, d.mem_rdata_o, want);
        if (write && region <= 2)
            word = data; // strobes are the memory's business
        if (write && region == 3 && !(address & 4) && !alone)
            low_lane = data;
        bool silent = (region == 2 && !write) || (region == 3 && write && !(address & 4) && !alone);
        TB_CHECK(tb, seen == !silent, "%08x was done %d times", address, seen);
        tb.tick();
        if (tb.coin(0.5) && tb.stalls) {
            d.mem_valid_i = 0;
            tb.tick();
        }
    }
}

int main(int argc, char **argv) { return tb_main<Vcpu_bus>(argc, argv, "cpu_bus", run); }
