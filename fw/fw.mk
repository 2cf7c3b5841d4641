# The firmware: one ELF, and its image for $readmemh (32-bit words).
# No compressed instructions: PicoRV32's decoder of them would be the chip's longest path.
FW_ARCH    := rv32i
FW_SOURCES := $(wildcard fw/src/*.c)
FW_OBJECTS := $(patsubst fw/src/%.c,build/fw/%.o,$(FW_SOURCES)) build/fw/start.o
FW_CFLAGS  := -std=c11 -O2 -Wall -Wextra -Werror -march=$(FW_ARCH) -mabi=ilp32 -msmall-data-limit=0 -ffreestanding -ffunction-sections \
              -Ifw/target -Ifw/src -Ifw/include -Ibuild/gen

fw: build/fw/firmware.hex ## the firmware

build/fw/%.o: fw/src/%.c $(wildcard fw/src/*.h fw/include/*.h fw/target/*.h) fw/fw.mk build/gen/stamp
	@mkdir -p $(@D)
	$(CROSS)gcc --specs=picolibc.specs $(FW_CFLAGS) -c $< -o $@

build/fw/start.o: fw/target/start.S fw/fw.mk
	@mkdir -p $(@D)
	$(CROSS)gcc -march=$(FW_ARCH) -mabi=ilp32 -c $< -o $@

build/fw/firmware.elf: $(FW_OBJECTS) fw/target/firmware.ld
	$(CROSS)gcc --specs=picolibc.specs -march=$(FW_ARCH) -mabi=ilp32 -nostartfiles -Tfw/target/firmware.ld -Wl,--gc-sections \
	  -Wl,-Map=build/fw/firmware.map $(FW_OBJECTS) -o $@
	$(CROSS)size $@

build/fw/firmware.hex: build/fw/firmware.elf
	$(CROSS)objcopy -O binary $< build/fw/firmware.bin
	od -An -v -tx4 -w4 build/fw/firmware.bin | tr -d ' ' > $@

.PHONY: fw

# The same sources on the PC, with fake hardware and sanitizers.
FW_TESTS := $(patsubst tests/fw/%.c,build/tests/%,$(wildcard tests/fw/test_*.c))
build/tests/%: tests/fw/%.c tests/fw/fake_board.c $(wildcard tests/fw/*.h fw/src/*.h fw/include/*.h) $(FW_SOURCES) build/gen/stamp
	@mkdir -p $(@D)
	$(CC) -std=c11 -O1 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover -Itests/fw -Ifw/src -Ifw/include -Ibuild/gen \
	  $< tests/fw/fake_board.c $(filter-out fw/src/main.c,$(FW_SOURCES)) -lcmocka -lz -o $@

tests-build: $(FW_TESTS)
