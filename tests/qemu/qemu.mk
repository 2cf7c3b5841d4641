# The guest of the QEMU test (docs/qemu.md): a Debian kernel and an initramfs under build/qemu. Where its packages are not to be had the test is skipped, so nothing here fails for that.
QEMU_PACKAGES := $(shell sed 's/\#.*//' tests/qemu/packages.txt)

build/qemu/stamp: tests/qemu/packages.txt tests/qemu/image.py tests/qemu/cpio.py tests/qemu/init | build/setup.stamp
	@mkdir -p build/qemu
	-tools/setup.sh packages $(QEMU_PACKAGES)
	$(PYTHON) -m tests.qemu.image
	@touch $@

qemu-guest: ## make the guest of the QEMU test anew
	@rm -f build/qemu/stamp
	@$(MAKE) build/qemu/stamp

tests-build bench: build/qemu/stamp

.PHONY: qemu-guest
