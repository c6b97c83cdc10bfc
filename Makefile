# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.

CARGO  ?= cargo
SHELL  := /bin/bash
.SHELLFLAGS := -o pipefail -c
OUT    ?= target/demo
ENGINE ?= tract
PREFIX ?= /usr

.PHONY: help
help: ## List what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: setup
setup: ## Install the Debian packages that building and testing need
	@missing=; \
	command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v ffmpeg >/dev/null || missing="$$missing ffmpeg"; \
	for tool in jq socat python3 node:nodejs nc:netcat-openbsd; do \
	  command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; \
	done; \
	command -v pkg-config >/dev/null || missing="$$missing pkg-config"; \
	[ -e /usr/include/alsa/asoundlib.h ] || missing="$$missing libasound2-dev"; \
	[ -n "$$LIBCLANG_PATH" ] || compgen -G "/usr/lib/llvm-*/lib/libclang.so" >/dev/null || missing="$$missing libclang-dev"; \
	. cross/need.sh; need $$missing
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }

.PHONY: demo
demo: export LD_LIBRARY_PATH := $(CURDIR)/target/$(ENGINE)/$(shell uname -m):$(LD_LIBRARY_PATH)
demo: setup ## Replay the shipped clip: events on the terminal, a film with the heat map (ENGINE=tract|tflite|onnxruntime)
	@[ $(ENGINE) = tract ] || cross/$(ENGINE).sh
	@$(CARGO) build --release --locked
	@mkdir -p $(OUT)
	@target/release/tyto replay tests/clips/farm.mp4 --fast --engine $(ENGINE) --overlay $(OUT)/farm.mp4
	@target/release/tyto locate tests/clips/cow.jpg tests/clips/cow.wav --engine $(ENGINE) --overlay $(OUT)/cow.png >$(OUT)/cow.json
	@echo
	@echo "film:    $(OUT)/farm.mp4"
	@echo "picture: $(OUT)/cow.png"

.PHONY: test
test: setup ## Run every test
	$(CARGO) test --locked

.PHONY: paper-pair
PYTHON ?= python3
paper-pair: setup ## Prove the paper's pair against PyTorch, with random weights (fetches PyTorch: 3 GB)
	@$(CARGO) build --release --locked
	@[ -x target/paper/bin/python ] || $(PYTHON) -m venv target/paper
	@target/paper/bin/pip install --quiet -r models/recipe/requirements.txt -r models/recipe/requirements-paper.txt
	@target/paper/bin/python models/recipe/paper_proof.py --tyto target/release/tyto

.PHONY: bench
bench: ## Measure each part of a look on the shipped clip (COMPARE=FILE: against a run before)
	@$(CARGO) build --release --locked
	@target/release/tyto bench tests/clips/farm.mp4 $(if $(COMPARE),--compare $(COMPARE))

.PHONY: peers
peers: setup ## Measure beside ONNX Runtime, LiteRT and a Python pipeline (fetches them: 200 MB)
	@$(CARGO) build --release --locked
	@[ -x target/peers/bin/python ] || $(PYTHON) -m venv target/peers
	@target/peers/bin/pip install --quiet -r tests/peers/requirements.txt
	@target/peers/bin/python tests/peers/measure.py $(PEERS)

.PHONY: lint
lint: setup ## Format, clippy and documentation, all without a warning
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

.PHONY: lint-unit
lint-unit: ## Check that the systemd units stay closed: exposure at most 1.0
	@command -v systemd-analyze >/dev/null || { . cross/need.sh; need systemd; }
	@for unit in systemd/*.service; do \
	  systemd-analyze security --offline=yes --threshold=10 $$unit | tail -n 1 || exit 1; \
	done

.PHONY: install
install: ## Install the program, its packs, boards and units (DESTDIR, PREFIX=/usr, TFLITE=LIBRARY)
	install -Dm755 $(or $(PROGRAM),target/release/tyto) $(DESTDIR)$(PREFIX)/bin/tyto
	for f in models/owlet/* board/*.toml; do install -Dm644 $$f $(DESTDIR)$(PREFIX)/share/tyto/$$f; done
	for f in tyto.service tyto.socket tyto-metrics.service; do install -Dm644 systemd/$$f $(DESTDIR)$(PREFIX)/lib/systemd/system/$$f; done
	for f in socket.conf realtime.conf; do install -Dm644 systemd/$$f $(DESTDIR)$(PREFIX)/share/tyto/systemd/$$f; done
	$(if $(TFLITE),install -Dm644 $(TFLITE) $(DESTDIR)$(PREFIX)/lib/tyto/libtensorflowlite_c.so)
	install -Dm644 systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/tyto.conf
	install -Dm644 docs/man/tyto.1 $(DESTDIR)$(PREFIX)/share/man/man1/tyto.1
	install -Dm644 docs/completions/tyto.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tyto
	install -Dm644 docs/completions/_tyto $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_tyto
	install -Dm644 docs/completions/tyto.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/tyto.fish

.PHONY: cross
TARGET ?= aarch64
cross: ## Build for another machine: TARGET=aarch64, aarch64-jetpack5 or armv7
	@cross/build.sh $(TARGET)

.PHONY: test-arm64
test-arm64: ## Run the tests of the cross build on an emulated 64-bit ARM processor
	@cross/test-arm64.sh

.PHONY: deb
deb: ## Make the Debian package: ARCH=arm64 or amd64, BOARD=NAME for its configuration
	@CARGO="$(CARGO)" PROGRAM="$(PROGRAM)" cross/deb.sh $(if $(filter file,$(origin ARCH)),arm64,$(ARCH)) $(BOARD)

.PHONY: deb-test
deb-test: ## Install, upgrade, refuse, cut short and purge the package on the emulated device (ARCH=amd64, arm64)
	@CARGO="$(CARGO)" PROGRAM="$(PROGRAM)" CASES="$(CASES)" DEB="$(DEB)" tests/package/run $(ARCH)

.PHONY: flash unflash
flash: ## Install on a device over ssh: BOARD=rpi5 HOST=user@device [DEB=FILE]
	@board/flash.sh "$(BOARD)" "$(HOST)" $(DEB)
unflash: ## Take Tyto and its configuration off a device again: HOST=user@device
	@board/flash.sh --remove "$(HOST)"

.PHONY: flash-test
flash-test: ## Try flash and unflash on an emulated device with systemd and sshd: DEB=FILE [CASES=…]
	@CASES="$(CASES)" tests/device/flash "$(DEB)"

.PHONY: image image-test
image: ## Make an SD card's image: BOARD=rpi4 [SETUP=FILE with host name, ssh key, Wi-Fi] [DEB=FILE]
	@board/image.sh "$(BOARD)" "$(DEB)" $(SETUP)
image-test: ## Start the image on emulated boards until a played sound is an event: BOARD=rpi4
	@tests/device/image "$(BOARD)" $(MACHINES)

.PHONY: rig
ARCH ?= amd64
rig: ## Try the service on an emulated device with real device nodes and systemd
	@CARGO="$(CARGO)" PROGRAM="$(PROGRAM)" CASES="$(CASES)" tests/rig/run $(ARCH)

.PHONY: rig-cameras
rig-cameras: ## Try the camera code alone on the emulated device's cameras
	@CARGO="$(CARGO)" tests/rig/cameras

.PHONY: soak
HOURS ?= 1
soak: setup ## Run for HOURS: losses by a simulated clock, 24 times as long; then a clip in real time
	TYTO_SOAK_HOURS=$$(awk "BEGIN { print 24 * $(HOURS) }") $(CARGO) test --locked --lib soak -- --nocapture
	$(CARGO) build --release --locked
	@[ -x target/soak/python/bin/python ] || $(PYTHON) -m venv target/soak/python
	@target/soak/python/bin/pip install -q -r tests/soak/requirements.txt
	target/soak/python/bin/python tests/soak/soak.py --hours $(HOURS)

.PHONY: fuzz
FUZZ_SECONDS ?= 60
# Quick to build; `FUZZ_FLAGS=` fuzzes optimised code under the address sanitiser instead.
FUZZ_FLAGS ?= --dev -s none
fuzz: setup ## Fuzz every reader of foreign bytes for FUZZ_SECONDS each
	@command -v c++ >/dev/null || { . cross/need.sh; need g++; }
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz
	@for target in $$(cd tests/fuzz/targets && ls | sed 's/\.rs$$//'); do \
	  RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $(FUZZ_FLAGS) --fuzz-dir tests/fuzz $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done
