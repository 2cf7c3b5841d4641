# make install PREFIX=...: tool, library, header, pkg-config file (install-lib is in host/lib/lib.mk). DESTDIR is respected.

install: install-lib build/bin/quell $(wildcard build/bin/quell-simboard build/bin/quell-simboard-trace) ## install tool, library, header and pkg-config file below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(filter build/bin/%,$^) $(DESTDIR)$(PREFIX)/bin/

.PHONY: install
