# What the ONNX and image readers need: protobuf-c's reader for ONNX files, made from Debian's onnx.proto (libonnx-dev). Included by lib.mk.

ONNX_PROTO  ?= /usr/include/onnx/onnx.proto
LIB_GEN_SRC += build/gen/onnx.pb-c.c
LIB_DEPS    += build/gen/onnx.pb-c.h
LIB_LIBS    += -lcjson -lprotobuf-c -ljpeg -lpng16 -lz -lm

build/gen/onnx.pb-c.c: $(ONNX_PROTO)
	@mkdir -p $(@D)
	protoc-c -I$(dir $(ONNX_PROTO)) --c_out=$(@D) $(notdir $(ONNX_PROTO))
build/gen/onnx.pb-c.h: build/gen/onnx.pb-c.c ;
