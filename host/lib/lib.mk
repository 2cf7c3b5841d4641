# libquell: static and shared library, pkg-config file, its tests. Included by the top-level Makefile.
# `make lib` builds, `make test-host` builds and runs every tests/host/test_*.c twice: plain, and under address and undefined-behaviour sanitizers.

VERSION       ?= $(shell cat VERSION)
PREFIX        ?= /usr/local
UDEV_RULE     := 60-quell.rules
-include host/lib/onnx.mk
# Not expanded before it is used: pkg-config knows libusb only once the set-up has installed it.
LIB_CFLAGS     = -std=c11 -D_GNU_SOURCE -O3 -ffp-contract=off -g -fPIC -pthread -Wall -Wextra -Werror -Ihost/lib -Ifw/include -Ibuild/gen -DQUELL_VERSION='"$(VERSION)"' $(CFLAGS)
LIB_CFLAGS    += -DQUELL_UDEV_RULE='"$(UDEV_RULE)"' $(shell pkg-config --cflags libusb-1.0)
LIB_LDLIBS     = $(LIB_LIBS) -lusb-1.0 -pthread
# gcc 14 stores vectors of 64 bytes as aligned in frames that are aligned to 32 where it looks for stack use after return (gcc's bug 110027): not looked for.
LIB_SANITIZE  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer $(if $(shell $(CC) --version | grep -i clang),,--param asan-use-after-return=0)
LIB_GEN_SRC   += build/gen/box_muller_tables.c build/gen/box_muller_pairs.c
LIB_SOURCES   := $(wildcard host/lib/*.c host/lib/passes/*.c)
LIB_OBJECTS   := $(patsubst host/lib/%.c,build/lib/obj/%.o,$(LIB_SOURCES)) $(LIB_GEN_SRC:build/gen/%.c=build/lib/obj/%.o)
LIB_ASAN      := $(LIB_OBJECTS:build/lib/obj/%=build/asan/obj/%)
HOST_TESTS    := $(patsubst tests/host/test_%.c,test_%,$(wildcard tests/host/test_*.c))
# Whatever else lies in tests/host in C is shared by the tests: models made of random numbers, images in memory.
HOST_SUPPORT  := $(filter-out tests/host/test_%.c tests/host/bench_%.c,$(wildcard tests/host/*.c))

lib: build/lib/libquell.a build/lib/libquell.so build/lib/quell.pc

build/lib/obj/%.o: host/lib/%.c | build/gen/stamp $(LIB_DEPS)
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -MMD -MP -c $< -o $@

build/lib/obj/status.o build/asan/obj/status.o: VERSION

build/lib/obj/%.o: build/gen/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -fPIC -Ibuild/gen -c $< -o $@

build/asan/obj/%.o: host/lib/%.c | build/gen/stamp $(LIB_DEPS)
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(LIB_SANITIZE) -MMD -MP -c $< -o $@

build/asan/obj/%.o: build/gen/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) -std=c11 $(LIB_SANITIZE) -Ibuild/gen -c $< -o $@

build/lib/libquell.a: $(LIB_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

build/asan/libquell.a: $(LIB_ASAN)
	rm -f $@
	$(AR) rcs $@ $^

build/lib/libquell.so.$(VERSION): $(LIB_OBJECTS) host/lib/libquell.map
	$(CC) -shared -Wl,-soname,libquell.so.0 -Wl,--version-script=host/lib/libquell.map -Wl,--no-undefined -o $@ $(LIB_OBJECTS) $(LDFLAGS) $(LIB_LDLIBS)

build/lib/libquell.so: build/lib/libquell.so.$(VERSION)
	ln -sf $(<F) build/lib/libquell.so.0
	ln -sf $(<F) $@

build/lib/quell.pc: VERSION host/lib/lib.mk
	@mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: quell' \
	  'Description: Compile quantised networks for the Quell accelerator and run them' 'Version: $(VERSION)' \
	  'Requires.private: libcjson libprotobuf-c libjpeg libpng zlib libusb-1.0' 'Libs: -L$${libdir} -lquell' 'Libs.private: -lm -pthread' 'Cflags: -I$${includedir}' > $@

install-lib: lib
	rm -f build/lib/quell.pc
	$(MAKE) build/lib/quell.pc
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 644 host/lib/quell.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 build/lib/libquell.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 build/lib/libquell.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libquell.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libquell.so.0
	ln -sf libquell.so.0 $(DESTDIR)$(PREFIX)/lib/libquell.so
	install -m 644 build/lib/quell.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/

# ---- Tests ----

build/tests/obj/%.o: tests/host/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) -O1 -Itests/host -MMD -MP -c $< -o $@

build/tests/asan/obj/%.o: tests/host/%.c | build/gen/stamp
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(LIB_SANITIZE) -Itests/host -MMD -MP -c $< -o $@

# The support goes into an archive: a test takes only what it calls.
build/tests/obj/support.a: $(HOST_SUPPORT:tests/host/%.c=build/tests/obj/%.o)
build/tests/asan/obj/support.a: $(HOST_SUPPORT:tests/host/%.c=build/tests/asan/obj/%.o)
build/tests/obj/support.a build/tests/asan/obj/support.a:
	rm -f $@
	$(AR) rcs $@ $^

$(addprefix build/tests/,$(HOST_TESTS)): build/tests/%: build/tests/obj/%.o build/tests/obj/support.a build/lib/libquell.a
	$(CC) -o $@ $^ $(LDFLAGS) -lcmocka $(LIB_LDLIBS)

$(addprefix build/tests/asan/,$(HOST_TESTS)): build/tests/asan/%: build/tests/asan/obj/%.o build/tests/asan/obj/support.a build/asan/libquell.a
	$(CC) $(LIB_SANITIZE) -o $@ $^ $(LDFLAGS) -lcmocka $(LIB_LDLIBS)

build/tests/bench_ref: build/tests/obj/bench_ref.o build/tests/obj/support.a build/lib/libquell.a
	$(CC) -o $@ $^ $(LDFLAGS) $(LIB_LDLIBS)

host-tests: $(addprefix build/tests/,$(HOST_TESTS)) $(addprefix build/tests/asan/,$(HOST_TESTS))

tests-build: host-tests

test-host: host-tests
	@set -e; for t in $(HOST_TESTS); do build/tests/$$t; build/tests/asan/$$t; done

-include $(wildcard build/lib/obj/*.d build/lib/obj/passes/*.d build/asan/obj/*.d build/asan/obj/passes/*.d build/tests/obj/*.d build/tests/asan/obj/*.d)

.PHONY: lib install-lib host-tests tests-build test-host
