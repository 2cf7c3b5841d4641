# make install PREFIX=...: tool, library, header, pkg-config file (install-lib is in host/lib/lib.mk), udev rule. DESTDIR is respected.
# Below /usr and /usr/local udev looks into lib/udev/rules.d itself; with another PREFIX the rule is copied by hand, as its first lines say.

install: install-lib build/bin/quell ## install tool, library, header, pkg-config file and udev rule below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/udev/rules.d
	install -m 755 build/bin/quell $(DESTDIR)$(PREFIX)/bin/
	@# The simulated board where it is built; looked for now, since `make build install` builds it after the rules are read.
	[ ! -e build/bin/quell-simboard ] || install -m 755 build/bin/quell-simboard $(DESTDIR)$(PREFIX)/bin/
	install -m 644 host/udev/$(UDEV_RULE) $(DESTDIR)$(PREFIX)/lib/udev/rules.d/
	@[ -n "$(DESTDIR)" ] || udevadm control --reload 2>/dev/null || true

.PHONY: install
