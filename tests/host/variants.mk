# libquell, quell and the C tests built by another compiler or for another processor, under build/variants/NAME: what students' laptops and boards have.
# Included after lib.mk and cli.mk. tests/run.py runs build/variants/NAME/test_* with the words of RUN_NAME before them.

VARIANTS := clang aarch64 aarch64-clang

ARM      := build/variants/arm64
ARM_LIBS := $(ARM)/usr/lib/aarch64-linux-gnu
ARM_INCLUDE := -isystem $(ARM)/usr/include -isystem $(ARM)/usr/include/aarch64-linux-gnu -isystem $(ARM)/usr/include/libusb-1.0
ARM_LINK := -L$(ARM_LIBS) -Wl,-rpath-link,$(ARM_LIBS):$(ARM)/lib/aarch64-linux-gnu

CC_clang            := clang
INCLUDE_clang        = $(shell pkg-config --cflags libusb-1.0)
CC_aarch64          := aarch64-linux-gnu-gcc
INCLUDE_aarch64     := $(ARM_INCLUDE)
LINK_aarch64        := $(ARM_LINK)
DEPS_aarch64        := $(ARM)/stamp
CC_aarch64-clang    := clang --target=aarch64-linux-gnu
INCLUDE_aarch64-clang := $(ARM_INCLUDE)
LINK_aarch64-clang  := $(ARM_LINK)
DEPS_aarch64-clang  := $(ARM)/stamp

$(ARM)/stamp: tools/sysroot.sh tests/host/arm64.txt | build/setup.stamp
	tools/sysroot.sh arm64 $(ARM) $$(sed 's/#.*//' tests/host/arm64.txt)
	@touch $@

VARIANT_FLAGS = -std=c11 -D_GNU_SOURCE -O3 -ffp-contract=off -g -pthread -Wall -Wextra -Werror -Ihost/lib -Ihost/cli -Itests/host -Ifw/include -Ibuild/gen -DQUELL_VERSION='"$(VERSION)"' -DQUELL_UDEV_RULE='"$(UDEV_RULE)"'

# $(1): the variant
define VARIANT
build/variants/$(1)/lib/%.o: host/lib/%.c $$(DEPS_$(1)) | build/gen/stamp $(LIB_DEPS)
	@mkdir -p $$(@D)
	$$(CC_$(1)) $$(VARIANT_FLAGS) $$(INCLUDE_$(1)) -MMD -MP -c $$< -o $$@
build/variants/$(1)/lib/%.o: build/gen/%.c $$(DEPS_$(1)) | build/gen/stamp
	@mkdir -p $$(@D)
	$$(CC_$(1)) -std=c11 -O2 -Ibuild/gen $$(INCLUDE_$(1)) -c $$< -o $$@
build/variants/$(1)/cli/%.o: host/cli/%.c $$(DEPS_$(1)) | build/gen/stamp
	@mkdir -p $$(@D)
	$$(CC_$(1)) $$(VARIANT_FLAGS) $$(INCLUDE_$(1)) -MMD -MP -c $$< -o $$@
build/variants/$(1)/tests/%.o: tests/host/%.c $$(DEPS_$(1)) | build/gen/stamp
	@mkdir -p $$(@D)
	$$(CC_$(1)) $$(VARIANT_FLAGS) $$(INCLUDE_$(1)) -MMD -MP -c $$< -o $$@
build/variants/$(1)/libquell.a: $(LIB_OBJECTS:build/lib/obj/%=build/variants/$(1)/lib/%)
	rm -f $$@
	$$(AR) rcs $$@ $$^
build/variants/$(1)/support.a: $(HOST_SUPPORT:tests/host/%.c=build/variants/$(1)/tests/%.o)
	rm -f $$@
	$$(AR) rcs $$@ $$^
build/variants/$(1)/quell: $(CLI_OBJECTS:build/cli/%=build/variants/$(1)/cli/%) build/variants/$(1)/libquell.a
	$$(CC_$(1)) -o $$@ $$^ $$(LINK_$(1)) $$(LIB_LDLIBS)
$(addprefix build/variants/$(1)/,$(HOST_TESTS)): build/variants/$(1)/%: build/variants/$(1)/tests/%.o build/variants/$(1)/support.a build/variants/$(1)/libquell.a
	$$(CC_$(1)) -o $$@ $$^ $$(LINK_$(1)) -lcmocka $$(LIB_LDLIBS)
variants: build/variants/$(1)/quell $(addprefix build/variants/$(1)/,$(HOST_TESTS))
endef
$(foreach variant,$(VARIANTS),$(eval $(call VARIANT,$(variant))))

tests-build: variants

-include $(wildcard build/variants/*/*/*.d build/variants/*/lib/passes/*.d)

.PHONY: variants
