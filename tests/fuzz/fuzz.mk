# Fuzz targets of all readers of files: libFuzzer (clang) with address and undefined-behaviour sanitizers. Included after lib.mk and cli.mk.
# `make fuzz-NAME` runs one for FUZZ_SECONDS over a corpus that is made at build time; what it finds lies in build/fuzz/found.

FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 5
FUZZ_FLAGS    = $(filter-out -O3,$(LIB_CFLAGS)) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_OBJECTS := $(LIB_OBJECTS:build/lib/obj/%=build/fuzz/obj/%)

build/fuzz/obj/%.o: host/lib/%.c | build/gen/stamp $(LIB_DEPS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

build/fuzz/obj/%.o: build/gen/%.c | build/gen/stamp
	@mkdir -p $(@D)
	clang -std=c11 -O1 -fsanitize=fuzzer-no-link,address -Ibuild/gen -c $< -o $@

build/fuzz/obj/tests/%.o: tests/fuzz/%.c | build/gen/stamp $(LIB_DEPS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -Itests/fuzz -MMD -MP -c $< -o $@

build/fuzz/libquell.a: $(FUZZ_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(addprefix build/fuzz/,$(FUZZERS)): build/fuzz/%: build/fuzz/obj/tests/fuzz_%.o build/fuzz/obj/tests/fuzz.o build/fuzz/libquell.a
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDFLAGS) $(LIB_LDLIBS)

build/fuzz/corpus/stamp: tests/fuzz/corpus.py tests/host/test_input.py build/bin/quell
	$(PYTHON) -m tests.fuzz.corpus build/fuzz/corpus
	@touch $@

# New inputs go into a folder of their own, emptied first: every run begins with the same corpus and seed.
$(addprefix fuzz-,$(FUZZERS)): fuzz-%: build/fuzz/% build/fuzz/corpus/stamp
	@rm -rf build/fuzz/new/$*; mkdir -p build/fuzz/found build/fuzz/new/$*
	ASAN_OPTIONS=allocator_may_return_null=1 build/fuzz/$* -seed=1 -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2560 -max_len=20000 -verbosity=0 -artifact_prefix=build/fuzz/found/$*- build/fuzz/new/$* build/fuzz/corpus/$*
	@echo "ok fuzz-$*"

fuzz: $(addprefix fuzz-,$(FUZZERS)) ## fuzz all readers of files, FUZZ_SECONDS=5 each

tests-build: $(addprefix build/fuzz/,$(FUZZERS)) build/fuzz/corpus/stamp

-include $(wildcard build/fuzz/obj/*.d build/fuzz/obj/*/*.d)

.PHONY: fuzz $(addprefix fuzz-,$(FUZZERS))
