# Training: `make experiment PROFILE=fast` runs, goes on with, and tabulates the experiment of docs/experiment.md.

PROFILE ?= fast

experiment: setup-train build/lib/libquell.so build/bin/quell build/bin/quell-simboard-large ## run the experiment of docs/experiment.md (PROFILE=smoke, fast or full; goes on where it was stopped)
	$(PYTHON) -m train.experiment --profile $(PROFILE)
	$(PYTHON) -m train.tables --profile $(PROFILE)
	$(if $(filter full,$(PROFILE)),$(PYTHON) -m tools.results --experiment)

.PHONY: experiment
