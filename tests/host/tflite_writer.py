# SPDX-License-Identifier: Apache-2.0
"""Small TensorFlow Lite files, written slot by slot (the numbers are those of TensorFlow's schema, version 3): TensorFlow itself is not needed."""
import flatbuffers
import numpy as np

ADD, AVERAGE_POOL, CONV, DEPTHWISE, FULLY_CONNECTED, MAX_POOL, RESHAPE, SOFTMAX, PAD, MEAN, QUANTIZE, LSTM = 0, 1, 3, 4, 9, 17, 22, 25, 34, 40, 114, 16
CONCATENATION, LOGISTIC, MUL, TANH, PRELU, LEAKY_RELU, ELU, HARD_SWISH = 2, 14, 18, 28, 54, 98, 111, 117
TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "int16": 7, "int8": 9}
SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


class Writer:
    def __init__(self):
        self.tensors, self.operators, self.buffers = [], [], [b""]

    def tensor(self, name, shape, dtype, data=None, scale=None, zero=None, axis=0):
        """-> its number. scale: one number, or one along the axis."""
        if data is not None:
            self.buffers.append(np.ascontiguousarray(data, dtype).tobytes())
        self.tensors.append((name, shape, dtype, len(self.buffers) - 1 if data is not None else 0, scale, zero, axis))
        return len(self.tensors) - 1

    def operator(self, code, inputs, outputs, *options):
        """options: (slot, kind, value) with kind Int32, Int8, Bool, Float32."""
        self.operators.append((code, inputs, outputs, options))

    def bytes(self, inputs, outputs):
        b = flatbuffers.Builder(1024)

        def vector(values, kind, size):
            b.StartVector(size, len(values), size)
            for v in reversed(values):
                getattr(b, f"Prepend{kind}")(v)
            return b.EndVector()

        def table(*fields):
            """fields: (slot, kind, value); kind Offset is one made before."""
            b.StartObject(max([f[0] for f in fields], default=-1) + 1)
            for slot, kind, value in fields:
                if kind == "Offset":
                    b.PrependUOffsetTRelativeSlot(slot, value, 0)
                else:
                    getattr(b, f"Prepend{kind}Slot")(slot, value, None)
            return b.EndObject()

        offsets = lambda values: vector(values, "UOffsetTRelative", 4)
        codes = sorted({o[0] for o in self.operators})
        buffers = offsets([table((0, "Offset", b.CreateByteVector(d))) if d else table() for d in self.buffers])
        tensors = []
        for name, shape, dtype, buffer, scale, zero, axis in self.tensors:
            fields = [(0, "Offset", vector([int(d) for d in shape], "Int32", 4)), (1, "Int8", TYPES[dtype]), (2, "Uint32", buffer), (3, "Offset", b.CreateString(name))]
            if scale is not None:
                scales = np.atleast_1d(scale)
                q = table((2, "Offset", vector([float(s) for s in scales], "Float32", 4)), (3, "Offset", vector([int(z) for z in np.broadcast_to(zero, scales.shape)], "Int64", 8)), (6, "Int32", axis))
                fields.append((4, "Offset", q))
            tensors.append(table(*fields))
        operators = []
        for code, ins, outs, options in self.operators:
            fields = [(0, "Uint32", codes.index(code)), (1, "Offset", vector(ins, "Int32", 4)), (2, "Offset", vector(outs, "Int32", 4))]
            operators.append(table(*fields, *([(4, "Offset", table(*options))] if options else [])))
        sub = table((0, "Offset", offsets(tensors)), (1, "Offset", vector(inputs, "Int32", 4)), (2, "Offset", vector(outputs, "Int32", 4)), (3, "Offset", offsets(operators)))
        kinds = offsets([table((0, "Int8", min(c, 127)), (3, "Int32", c)) for c in codes])
        model = table((0, "Uint32", 3), (1, "Offset", kinds), (2, "Offset", offsets([sub])), (4, "Offset", buffers))
        b.Finish(model, file_identifier=b"TFL3")
        return bytes(b.Output())
