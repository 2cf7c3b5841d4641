// SPDX-License-Identifier: Apache-2.0
// The Verilated board top (hw/boards/ulx3s.sv) with its clocks at their real ratio, and a USB host on its wires.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "usb_host.h"

struct BoardOptions {
    std::string firmware;  // 32-bit hexadecimal words, one a line; empty: the built-in one
    std::string trace;     // FST waveform; empty: none
    HostOptions host;
    double oscillator_ppm = 0; // of the board's 25 MHz; +-2500 ppm is what full speed allows a device
    bool sleep = true;     // the chip's clock stands still while the chip waits for a byte (USB goes on); false: it runs always
};

class Board {
  public:
    explicit Board(const BoardOptions &options);
    ~Board();
    UsbHost &host();
    uint64_t now() const;              // ps
    void run_until(uint64_t ps);       // simulate; returns at or just after that time
    void run_for(uint64_t ps) { run_until(now() + ps); }
    bool idle() const;                 // the chip waits for a byte, and no byte is on its way in either direction inside the chip
    uint64_t cycles() const;           // of the chip's system clock
    uint8_t leds() const;              // as on the board (hw/boards/ulx3s.sv)
    double system_hz() const;
    void finish();                     // closes the waveform

  private:
    struct Impl;
    std::unique_ptr<Impl> impl;
};
