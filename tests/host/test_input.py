# SPDX-License-Identifier: Apache-2.0
"""What a pixel means, tensors, labels and pictures: `quell` against onnxruntime and Pillow, and a sentence where neither can be."""
import ctypes
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))
from libquell import Error, library  # noqa: E402
from test_cli import BAD_IMAGES, BAD_MODEL, FILE, MODEL, USAGE, quell, write_idx  # noqa: E402

SIDE, CLASSES = 8, 10
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def net(path, scale=1 / 255, zero=0, code=np.uint8, channels=3, front=(), layout="nchw", typed=False, metadata=None, classes=CLASSES, seed=5):
    """One convolution of random weights over the whole image. front: (operator, constant) before the first Q."""
    rng = np.random.default_rng(seed)
    shape = [1, channels, SIDE, SIDE] if layout == "nchw" else [1, SIDE, SIDE, channels]
    weights = rng.integers(-127, 128, (classes, channels, SIDE, SIDE)).astype(np.int8)
    reach = np.abs(weights.astype(float)).sum() / classes * 40 * scale * 1e-3
    constants = {"s": np.float32(scale), "z": code(zero), "w": weights, "ws": np.float32(1e-3), "ys": np.float32(reach / 127), "yz": np.int8(0)}
    nodes, x = [], "x"

    def add(op, inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [f"t{len(nodes)}"], name=f"n{len(nodes)}", **attributes))
        return nodes[-1].output[0]

    if layout == "nhwc":
        x = add("Transpose", [x], perm=[0, 3, 1, 2])
    for i, (op, value) in enumerate(front):
        constants[f"k{i}"] = np.float32(value).reshape(1, -1, 1, 1)
        x = add(op, [x, f"k{i}"])
    q = x if typed else add("QuantizeLinear", [x, "s", "z"])
    y = add("Conv", [add("DequantizeLinear", [q, "s", "z"]), add("DequantizeLinear", ["w", "ws"])], kernel_shape=[SIDE, SIDE])
    y = add("Flatten", [add("DequantizeLinear", [add("QuantizeLinear", [y, "ys", "yz"]), "ys", "yz"])])
    kind = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}[code] if typed else TensorProto.FLOAT
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("x", kind, shape)], [helper.make_tensor_value_info(y, TensorProto.FLOAT, [1, classes])],
                              [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def ort_codes(path, x):
    """Codes of the logits, image after image, without graph optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    scale = next(numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer if t.name == "ys")
    return np.concatenate([np.rint(session.run(None, {"x": i[None]})[0] / scale) for i in x]).astype(int)


def pixels(count=12, channels=3, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, channels)).astype(np.uint8)


def logits(tmp_path, model, images, *words):
    quell("run", "--model", model, "--images", images, "--logits", tmp_path / "l.npy", *words)
    return np.load(tmp_path / "l.npy").astype(int)


def check(tmp_path, model, values, *words, channels=3):
    """quell on the pixels == onnxruntime on their values, in 100 % of the codes but for one step of the later rounding."""
    x = pixels(channels=channels)
    got, want = logits(tmp_path, model, write_idx(tmp_path / "i", x), *words), ort_codes(model, values(x))
    assert np.abs(got - want).max() <= 1 and (got == want).mean() > 0.95 and want.std() > 5
    return got


def nchw(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("scale, zero, code, value", [
    (1 / 255, 0, np.uint8, lambda x: x / np.float32(255)), (1 / 255, -128, np.int8, lambda x: x / np.float32(255)), (1.0, 0, np.uint8, np.float32), (1.0, -128, np.int8, np.float32),
    (2 / 255, -1, np.int8, lambda x: x / np.float32(127.5) - 1), (2 / 255, 127, np.uint8, lambda x: x / np.float32(127.5) - 1), (1.0, 0, np.int8, lambda x: x.astype(np.float32) - 128),
    (1 / 127, 0, np.int8, lambda x: x / np.float32(255)), (255 / 127, 0, np.int8, np.float32),
])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_found_from_the_first_q(tmp_path, scale, zero, code, value, layout):
    model = net(tmp_path / "m.onnx", scale, zero, code, layout=layout)
    check(tmp_path, model, lambda x: value(x) if layout == "nhwc" else nchw(value(x)))
    assert "found from the first QuantizeLinear" in quell("info", "--model", model).stdout


@pytest.mark.parametrize("front, value", [
    ([("Div", [255]), ("Sub", MEAN), ("Div", STD)], np.float32), ([("Sub", MEAN), ("Div", STD)], lambda x: x / np.float32(255)),
    ([("Sub", [123.675, 116.28, 103.53]), ("Mul", 1 / np.float32([58.395, 57.12, 57.375]))], np.float32),
])
def test_found_from_operators(tmp_path, front, value):
    model = net(tmp_path / "m.onnx", 0.018658448, 114, front=front)
    check(tmp_path, model, lambda x: nchw(value(x)))
    assert "found from the first operators" in quell("info", "--model", model).stdout


def normalised(x):
    return nchw((x / np.float32(255) - MEAN) / STD)


def test_normalised_outside(tmp_path):
    """A network for ImageNet's mean and deviation: pixels are refused until it is said so; the compiled file too; tensors are not."""
    model = net(tmp_path / "m.onnx", 0.018658448, 114)
    images = write_idx(tmp_path / "i", pixels())
    assert "not known" in quell("info", "--model", model).stdout
    message = quell("run", "--model", model, "--images", images, expect=BAD_IMAGES).stderr
    assert "-2.127 to 2.631" in message and "--input-range imagenet" in message
    flags = ["--input-scale", 1 / 255, "--input-mean", "0.485,0.456,0.406", "--input-std", "0.229,0.224,0.225"]
    got = check(tmp_path, model, normalised, *flags)
    assert np.array_equal(got, check(tmp_path, model, normalised, "--input-range", "imagenet"))
    quell("compile", "--model", model, "--output", tmp_path / "m.quell")
    quell("run", "--model", tmp_path / "m.quell", "--images", images, expect=BAD_IMAGES)
    assert np.array_equal(got, logits(tmp_path, tmp_path / "m.quell", images, "--input-range", "imagenet"))
    quell("compile", "--model", model, "--output", tmp_path / "m.quell", "--input-range", "imagenet")
    assert np.array_equal(got, logits(tmp_path, tmp_path / "m.quell", images))
    np.save(tmp_path / "x.npy", normalised(pixels()))
    assert np.array_equal(got, logits(tmp_path, model, tmp_path / "x.npy"))


def test_metadata(tmp_path):
    model = net(tmp_path / "m.onnx", 0.018658448, 114, metadata={"quell.input.range": "imagenet", "quell.input.order": "bgr"})
    check(tmp_path, model, lambda x: normalised(x)[:, ::-1].copy())
    report = quell("info", "--model", model, "--json", "-")
    assert json.loads(report.stdout)["input"] | {"words": ""} == {"source": "metadata", "words": "", "layout": "nchw", "order": "bgr", "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "doubt": ""}
    assert "BGR" in report.stderr and "metadata" in report.stderr
    check(tmp_path, model, normalised, "--channel-order", "rgb")
    wrong = net(tmp_path / "m.onnx", 0.018658448, 114, metadata={"quell.input.range": "0..1"})
    assert "metadata" in quell("run", "--model", wrong, "--images", write_idx(tmp_path / "i", pixels()), expect=BAD_IMAGES).stderr
    assert "quell.input.mean" in quell("info", "--model", net(tmp_path / "m.onnx", metadata={"quell.input.mean": "grey"}), expect=BAD_MODEL).stderr


def test_what_is_said(tmp_path):
    model, images = net(tmp_path / "m.onnx"), write_idx(tmp_path / "i", pixels())
    check(tmp_path, model, lambda x: nchw(x / np.float32(255))[:, ::-1].copy(), "--channel-order", "bgr")
    assert "note: pixels as said" in quell("run", "--model", model, "--images", images, "--input-range", "0..255").stderr
    for words, text in ([["--input-range", "0..1", "--input-mean", "0"], "exclude"], [["--input-range", "1..2"], "1..2"], [["--input-mean", "1,2"], "2 numbers"], [["--channel-order", "RGB"], "rgb"], [["--input-scale", "x"], "'x'"]):
        assert text in quell("run", "--model", model, "--images", images, *words, expect=USAGE).stderr
    symmetric = net(tmp_path / "s.onnx", 1 / 127, 0, np.int8)
    assert "--input-range -1..1" in quell("run", "--model", symmetric, "--images", images).stderr
    check(tmp_path, symmetric, lambda x: nchw(x / np.float32(127.5) - 1), "--input-range", "-1..1")


@pytest.mark.parametrize("code, offset", [(np.uint8, 0), (np.int8, 128)])
def test_codes_as_input(tmp_path, code, offset):
    model = net(tmp_path / "m.onnx", 1 / 255, -offset, code, layout="nhwc", typed=True)
    got = check(tmp_path, model, lambda x: (x.astype(int) - offset).astype(code))
    np.save(tmp_path / "x.npy", (pixels().astype(int) - offset).astype(code))
    assert np.array_equal(got, logits(tmp_path, model, tmp_path / "x.npy"))
    np.save(tmp_path / "x.npy", pixels().astype(np.float32))
    assert "float32" in quell("run", "--model", model, "--images", tmp_path / "x.npy", expect=BAD_IMAGES).stderr


# ---- tensors ----


def test_tensors(tmp_path):
    x = np.random.default_rng(2).normal(0.4, 0.6, (20, 3, SIDE, SIDE)).astype(np.float32)
    x[0, 0, 0] = [0, 1e30, -np.inf, np.inf, 0.5 / 255, 1.5 / 255, 2.5 / 255, -1e-30]
    for front in ([], [("Sub", MEAN), ("Div", STD)]):
        model = net(tmp_path / "m.onnx", *((0.018658448, 114) if front else (1 / 255, 0)), front=front)
        np.save(tmp_path / "x.npy", x)
        got, want = logits(tmp_path, model, tmp_path / "x.npy"), ort_codes(model, x)
        assert np.abs(got - want).max() <= 1 and (got == want).mean() > 0.95
        np.save(tmp_path / "y.npy", np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
        assert np.array_equal(got, logits(tmp_path, model, tmp_path / "y.npy", "--input-layout", "nhwc"))
        assert "--input-layout nhwc" in quell("run", "--model", model, "--images", tmp_path / "y.npy", expect=BAD_IMAGES).stderr
    codes = np.clip(np.rint((x - MEAN[:, None, None]) / STD[:, None, None] / np.float32(0.018658448)) + 114, 0, 255).astype(np.uint8)
    np.save(tmp_path / "c.npy", codes)
    assert np.array_equal(got, logits(tmp_path, model, tmp_path / "c.npy"))
    for version in ((2, 0), (3, 0)):
        with open(tmp_path / "v.npy", "wb") as f:
            np.lib.format.write_array(f, x, version=version)
        assert np.array_equal(got, logits(tmp_path, model, tmp_path / "v.npy"))


@pytest.mark.parametrize("array, text", [
    (np.zeros((2, 3, 8, 8)), "<f8"), (np.zeros((2, 3, 8, 8), ">f4"), ">f4"), (np.zeros((2, 3, 8), np.float32), "3 dimensions"), (np.zeros((2, 3, 8, 9), np.float32), "2 x 3 x 8 x 9"),
    (np.zeros((2, 3, 8, 8), np.float32, order="F"), "Fortran"), (np.zeros((2, 3, 8, 8), np.int8), "holds int8"), (np.full((2, 3, 8, 8), np.nan, np.float32), "NaN"), (np.zeros((0, 3, 8, 8), np.float32), "no image"),
    (np.array([{}]), "pickled"),
])
def test_bad_tensors(tmp_path, array, text):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    assert text in quell("run", "--model", net(tmp_path / "m.onnx"), "--images", tmp_path / "x.npy", expect=BAD_IMAGES).stderr


# ---- pictures ----


def save_all(folder, model_channels):
    """The forms in which people have pictures; all of SIDE x SIDE."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    colour = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8))
    smooth = Image.fromarray(np.kron(rng.integers(0, 256, (2, 2, 3)), np.ones((4, 4, 1))).astype(np.uint8))
    grey, alpha = colour.convert("L"), Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 4)).astype(np.uint8))
    grey.save(folder / "00_grey_first.png")
    for name, image in (("rgb", colour), ("grey", grey), ("rgba", alpha), ("la", alpha.convert("LA")), ("one", grey.convert("1")), ("palette", colour.quantize(17)), ("palette4", colour.quantize(4))):
        image.save(folder / f"{name}.png")
    transparent = colour.quantize(9)
    transparent.save(folder / "transparent.png", transparency=3)
    for subsampling in (0, 1, 2):
        for progressive in (False, True):
            for quality in (30, 75, 95):
                name = f"s{subsampling}{'p' if progressive else 'b'}{quality}.jpg"
                (smooth if quality == 95 else colour).save(folder / name, quality=quality, subsampling=subsampling, progressive=progressive)
    grey.save(folder / "grey.jpeg", quality=60)
    Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 4)).astype(np.uint8), "CMYK").save(folder / "cmyk.jpg", quality=80)
    return folder


@pytest.mark.parametrize("channels, mode", [(3, "RGB"), (1, "L")])
def test_pictures_as_pillow(tmp_path, channels, mode):
    model, folder = net(tmp_path / "m.onnx", channels=channels), save_all(tmp_path / "set", channels)
    x = np.stack([np.asarray(Image.open(p).convert(mode)).reshape(SIDE, SIDE, channels) for p in sorted(folder.iterdir())])
    assert np.array_equal(logits(tmp_path, model, folder), logits(tmp_path, model, write_idx(tmp_path / "i", x)))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (16, 16), (17, 33), (101, 99)])
def test_jpeg_of_odd_sizes(tmp_path, size):
    """Through the library, without a network: a size of their own."""
    lib, error, rng = library(), Error(), np.random.default_rng(5)
    lib.quell_images_pixels.restype = ctypes.POINTER(ctypes.c_uint8)
    noise = rng.integers(0, 256, (*size, 3))
    smooth = np.kron(rng.integers(0, 256, (size[0] // 8 + 1, size[1] // 8 + 1, 3)), np.ones((8, 8, 1)))[:size[0], :size[1]]
    for i, x in enumerate((noise, smooth)):
        for subsampling in range(3):
            for progressive in (False, True):
                Image.fromarray(x.astype(np.uint8)).save(tmp_path / f"{i}{subsampling}{progressive}.jpg", quality=[50, 90][i], subsampling=subsampling, progressive=progressive)
    for path in sorted(tmp_path.glob("*.jpg")):
        images = ctypes.c_void_p()
        assert lib.quell_images_open(bytes(path), None, 0, 0, ctypes.byref(images), ctypes.byref(error)) == 0, error.text
        got = np.ctypeslib.as_array(lib.quell_images_pixels(images, 0), (*size, 3)).copy()
        lib.quell_images_free(images)
        assert np.array_equal(got, np.asarray(Image.open(path).convert("RGB")))


def png16(path, colour, channels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = np.random.default_rng(4).integers(0, 65536, (SIDE, SIDE * channels)).astype(">u2")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 16, colour, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r.tobytes() for r in rows))) + chunk(b"IEND", b""))
    return path


def test_png_of_16_bits(tmp_path):
    model = net(tmp_path / "m.onnx")
    for colour, channels in ((2, 3), (4, 2), (6, 4)):
        path = png16(tmp_path / "x.png", colour, channels)
        x = np.asarray(Image.open(path).convert("RGB"))[None]
        assert np.array_equal(logits(tmp_path, model, path), logits(tmp_path, model, write_idx(tmp_path / "i", x)))
    message = quell("run", "--model", model, "--images", png16(tmp_path / "x.png", 0, 1), expect=BAD_IMAGES).stderr
    assert "x.png" in message and "16 bits" in message


def test_sizes_that_differ(tmp_path):
    folder = save_all(tmp_path / "set", 3)
    Image.new("RGB", (SIDE, SIDE + 1)).save(folder / "00_first.png")
    message = quell("run", "--model", net(tmp_path / "m.onnx"), "--images", folder, expect=BAD_IMAGES).stderr
    assert "00_first.png" in message and "9 x 8" in message and "8 x 8" in message


# ---- what follows the logits ----


@pytest.mark.parametrize("op, words", [("Softmax", "Softmax, left to the host"), ("LogSoftmax", "LogSoftmax, left to the host"), ("Sigmoid", "Sigmoid, left to the host"), ("ArgMax", "ArgMax, done on the host"), ("", "")])
def test_the_end(tmp_path, op, words):
    model = onnx.load(net(tmp_path / "m.onnx"))
    if op:
        model.graph.node.append(helper.make_node(op, [model.graph.output[0].name], ["end"], **({} if op == "Sigmoid" else {"axis": 1})))
        kind, shape = (TensorProto.INT64, [1, 1]) if op == "ArgMax" else (TensorProto.FLOAT, [1, CLASSES])
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("end", kind, shape))
        onnx.save(model, tmp_path / "m.onnx")
    quell("compile", "--model", tmp_path / "m.onnx", "--output", tmp_path / "m.quell")
    for file in ("m.onnx", "m.quell"):
        report = quell("info", "--model", tmp_path / file, "--json", "-")
        assert json.loads(report.stdout)["end"] == op and words in report.stderr and ("at the end" in report.stderr) == bool(op)


# ---- resize and crop ----


def pooled(path, h, w, channels, metadata=None):
    """A network for images of any size: 1 x 1, then the mean."""
    rng = np.random.default_rng(2)
    constants = {"s": np.float32(1 / 255), "z": np.uint8(0), "w": rng.integers(-127, 128, (CLASSES, channels, 1, 1)).astype(np.int8), "ws": np.float32(1e-2), "ys": np.float32(channels / 127), "yz": np.int8(0)}
    steps = [("QuantizeLinear", ["x", "s", "z"], "q"), ("DequantizeLinear", ["q", "s", "z"], "d"), ("DequantizeLinear", ["w", "ws"], "dw"), ("Conv", ["d", "dw"], "c"), ("QuantizeLinear", ["c", "ys", "yz"], "cq"),
             ("DequantizeLinear", ["cq", "ys", "yz"], "cd"), ("GlobalAveragePool", ["cd"], "g"), ("QuantizeLinear", ["g", "ys", "yz"], "gq"), ("DequantizeLinear", ["gq", "ys", "yz"], "gd"), ("Flatten", ["gd"], "y")]
    graph = helper.make_graph([helper.make_node(op, i, [o], name=o) for op, i, o in steps], "pooled", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, h, w])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CLASSES])], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def resized(image, short_side, h, w):
    """Pillow's pixels, of the size and the place that torchvision's Resize and CenterCrop take."""
    width, height = image.size
    least = min(image.size)
    image = image.resize((short_side * width // least, short_side * height // least), Image.BILINEAR)
    left, top = round((image.width - w) / 2), round((image.height - h) / 2)
    return np.asarray(image.crop((left, top, left + w, top + h))).reshape(h, w, -1)


def library_pixels(model, folder, short_side, h, w, channels):
    lib, error, said, loaded, images = library(), Error(), ctypes.create_string_buffer(512), ctypes.c_void_p(), ctypes.c_void_p()
    lib.quell_images_pixels.restype = ctypes.POINTER(ctypes.c_uint8)
    limits = lib.quell_endless_limits()
    assert lib.quell_input_say(said, b"resize", str(short_side).encode(), ctypes.byref(error)) == 0, error.text
    assert lib.quell_model_load_for(bytes(model), ctypes.byref(limits), said, ctypes.byref(loaded), ctypes.byref(error)) == 0, error.text
    assert lib.quell_images_open_for(loaded, bytes(folder), None, 0, 0, ctypes.byref(images), ctypes.byref(error)) == 0, error.text
    count = len(list(folder.iterdir()))
    got = [np.ctypeslib.as_array(lib.quell_images_pixels(images, ctypes.c_uint32(i)), (h, w, channels)).copy() for i in range(count)]
    lib.quell_images_free(images)
    lib.quell_model_free(loaded)
    return got


@pytest.mark.parametrize("channels, mode", [(3, "RGB"), (1, "L"), (4, "RGBA")])
@pytest.mark.parametrize("h, w", [(8, 8), (5, 13), (31, 17), (64, 64)])
def test_resized_as_pillow(tmp_path, h, w, channels, mode):
    """To the byte: larger, smaller, the same; long and thin; odd and even margins; what is transparent."""
    rng = np.random.default_rng([h, w, channels])
    model, folder = pooled(tmp_path / "m.onnx", h, w, channels), tmp_path / "set"
    folder.mkdir()
    sizes = [(1, 1), (h, w), (w, h), (1, 2), (2, 1), (3, 700), (900, 5), *rng.integers(1, 160, (30, 2)).tolist()]
    for i, (rows, columns) in enumerate(sizes):
        x = rng.integers(0, 256, (rows, columns, 4)) if i % 3 else np.sort(rng.integers(0, 2, (rows, columns, 4)) * 255, axis=1)
        Image.fromarray(x.astype(np.uint8)).save(folder / f"{i:02}.png")
    for short_side in (max(h, w), max(h, w) + 1, max(h, w) + 2, max(h, w) + 3, 77, 256):
        got = library_pixels(model, folder, short_side, h, w, channels)
        for path, pixels_ in zip(sorted(folder.iterdir()), got):
            image = Image.open(path)
            assert np.array_equal(pixels_, resized(image.convert(mode), short_side, h, w)), (path.name, image.size, short_side)


def test_resize_is_said(tmp_path):
    """By option or metadata, kept in a compiled file, printed; never done unasked."""
    folder = tmp_path / "set"
    folder.mkdir()
    rng = np.random.default_rng(8)
    for i, size in enumerate([(20, 11), (9, 30), (SIDE, SIDE)]):
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(folder / f"{i}.png")
    x = np.stack([resized(Image.open(p), 12, SIDE, SIDE) for p in sorted(folder.iterdir())])
    model = net(tmp_path / "m.onnx")
    want = logits(tmp_path, model, write_idx(tmp_path / "i", x))
    message = quell("run", "--model", model, "--images", folder, expect=BAD_IMAGES).stderr
    assert "0.png is 20 x 11" in message and "wants 8 x 8" in message and "--input-resize 8" in message
    assert "resized" not in quell("info", "--model", model).stdout
    assert np.array_equal(want, logits(tmp_path, model, folder, "--input-resize", 12))
    said = net(tmp_path / "said.onnx", metadata={"quell.input.resize": "12"})
    report = quell("info", "--model", said, "--json", "-")
    assert json.loads(report.stdout)["input"]["resize"] == 12 and "short side resized to 12, the middle of 8 x 8" in report.stderr
    assert np.array_equal(want, logits(tmp_path, said, folder)) and not np.array_equal(want, logits(tmp_path, said, folder, "--input-resize", 13))
    quell("run", "--model", said, "--images", folder, "--input-resize", "off", expect=BAD_IMAGES)
    quell("compile", "--model", model, "--output", tmp_path / "m.quell", "--input-resize", 12)
    assert np.array_equal(want, logits(tmp_path, tmp_path / "m.quell", folder))
    assert "only PNG and JPEG" in quell("run", "--model", said, "--images", tmp_path / "i").stderr
    assert np.array_equal(want, logits(tmp_path, said, tmp_path / "i"))


def test_resize_that_cannot_be(tmp_path):
    (tmp_path / "set").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "set/wide.png")
    model = net(tmp_path / "m.onnx")
    for word in ("0", "-3", "4097", "8x8", "on", ""):
        assert "--input-resize" in quell("run", "--model", model, "--images", tmp_path / "set", "--input-resize", word, expect=USAGE).stderr
    assert "too small" in quell("run", "--model", model, "--images", tmp_path / "set", "--input-resize", 7, expect=BAD_IMAGES).stderr
    assert "quell.input.resize" in quell("info", "--model", net(tmp_path / "bad.onnx", metadata={"quell.input.resize": "big"}), expect=BAD_MODEL).stderr
    tall = pooled(tmp_path / "tall.onnx", 20, 8, 3)
    message = quell("run", "--model", tall, "--images", tmp_path / "set", "--input-resize", 19, expect=BAD_IMAGES).stderr
    assert "wide.png would be 19 x 28" in message and "wants 20 x 8" in message


# ---- labels ----


def labelled(tmp_path, model, names, missing=()):
    """Folders of pictures, each picture in the folder of its prediction."""
    x = pixels(60)
    best = logits(tmp_path, model, write_idx(tmp_path / "i", x)).argmax(1)
    for i, b in enumerate(best):
        if b not in missing:
            (tmp_path / "set" / names[b]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(x[i]).save(tmp_path / "set" / names[b] / f"{i}.png")
    return x, best


def accuracy(tmp_path, *words, expect=0):
    result = quell("run", *words, "--json", tmp_path / "r.json", expect=expect)
    return json.loads((tmp_path / "r.json").read_text())["accuracy"], result.stderr


def test_class_folders(tmp_path):
    names = "zebra,yak,T-shirt/top,cat,ape,owl,newt,gnu,fox,emu".split(",")
    model = net(tmp_path / "m.onnx", metadata={"quell.classes": ",".join(names)})
    labelled(tmp_path, model, [n.replace("/", "_") for n in names], missing=(1, 5))
    common = ["--model", model, "--images", tmp_path / "set"]
    assert accuracy(tmp_path, *common)[0] == 1
    (tmp_path / "set/dog").mkdir()
    assert "'dog'" in quell("run", *common, expect=BAD_IMAGES).stderr
    other = net(tmp_path / "m.onnx", metadata={"quell.classes": ",".join("abcdefghij")})
    value, note = accuracy(tmp_path, "--model", other, "--images", tmp_path / "set")
    assert value is None and "unlabelled" in note


def test_numbered_folders(tmp_path):
    model = net(tmp_path / "m.onnx")
    labelled(tmp_path, model, [str(i) for i in range(CLASSES)], missing=(0, 4))
    assert accuracy(tmp_path, "--model", model, "--images", tmp_path / "set")[0] == 1
    for folder in (tmp_path / "set").iterdir():
        folder.rename(folder.parent / f"class{folder.name}")
    assert "numbered from 0 in alphabetical order" in accuracy(tmp_path, "--model", model, "--images", tmp_path / "set")[1]


def test_label_files(tmp_path):
    model = net(tmp_path / "m.onnx", metadata={"quell.classes": ",".join("abcdefghij")})
    x, best = labelled(tmp_path, model, ["all"] * CLASSES)
    labels, common = tmp_path / "l.csv", ["--model", model, "--labels", tmp_path / "l.csv"]
    labels.write_text("filename,label\n" + "".join(f"all/{i}.png,{b}\n" for i, b in enumerate(best)))
    assert accuracy(tmp_path, *common, "--images", tmp_path / "set")[0] == 1
    labels.write_text("".join(f"{i}.png,{'abcdefghij'[b]}\r\n" for i, b in enumerate(best)))
    assert accuracy(tmp_path, *common, "--images", tmp_path / "set")[0] == 1
    assert "one file" in quell("run", *common, "--images", tmp_path / "i", expect=BAD_IMAGES).stderr
    labels.write_text("label\n" + "".join(f"{b}\n" for b in best))
    assert accuracy(tmp_path, *common, "--images", tmp_path / "i")[0] == 1
    assert "file,label" in quell("run", *common, "--images", tmp_path / "set", expect=BAD_IMAGES).stderr
    np.save(tmp_path / "x.npy", nchw(x / np.float32(255)))
    assert accuracy(tmp_path, *common, "--images", tmp_path / "x.npy")[0] == 1
    labels.write_text("0.png,1\n")
    assert "no label for" in quell("run", *common, "--images", tmp_path / "set", expect=BAD_IMAGES).stderr
    labels.write_bytes(struct.pack(">HBBI", 0, 0x0C, 1, 60) + np.where(np.arange(60) < 30, best, 60000).astype(">i4").tobytes())
    value, note = accuracy(tmp_path, *common, "--images", tmp_path / "i")
    assert value == 0.5 and "60000" in note and "10 classes" in note


def test_top(tmp_path):
    model, x = net(tmp_path / "m.onnx"), pixels(50)
    scores = logits(tmp_path, model, write_idx(tmp_path / "i", x))
    third = np.argsort(-scores, axis=1, kind="stable")[:, 2]
    (tmp_path / "l").write_text("".join(f"{v}\n" for v in third))
    for top, share in ((5, 1.0), (3, 1.0), (2, 0.0)):
        result = quell("run", "--model", model, "--images", tmp_path / "i", "--labels", tmp_path / "l", "--top", top, "--json", tmp_path / "r.json")
        report = json.loads((tmp_path / "r.json").read_text())
        assert report["accuracy"] == 0 and report["top_accuracy"] == share and f"top {top}" in result.stdout
    assert "--top" in quell("run", "--model", model, "--images", tmp_path / "i", "--top", 0, expect=USAGE).stderr


# ---- early, and in words ----


@pytest.mark.parametrize("option", ["--logits", "--json", "--dump-activations"])
def test_outputs_are_checked_first(tmp_path, option):
    """Before the device, the model and the images are looked at: none of them is there."""
    (tmp_path / "file").write_text("")
    for where in (tmp_path / "no/x", tmp_path / "file/x", "" if option != "--dump-activations" else tmp_path / "file"):
        assert "cannot" in quell("run", "--model", "none", "--images", "none", option, where, expect=FILE).stderr
    assert "Is a directory" in quell("run", "--model", "none", "--images", "none", "--json", tmp_path, expect=FILE).stderr
    assert "two things" in quell("run", "--model", "none", "--images", "none", "--json", tmp_path / "a", "--logits", tmp_path / "a", expect=USAGE).stderr
    quell("calibrate", "--model", "none", "--images", "none", "--profile", "none", "--output", tmp_path / "no/x", expect=FILE)
    quell("compile", "--model", "none", "--output", tmp_path / "no/x", expect=FILE)


def test_options_that_exclude_each_other(tmp_path):
    model, images = net(tmp_path / "m.onnx"), write_idx(tmp_path / "i", pixels())
    assert "no denoising block" in quell("run", "--model", model, "--images", images, "--denoiser", "mean", expect=USAGE).stderr
    assert "--profile" in quell("run", "--model", model, "--images", images, "--calibration", "x", expect=USAGE).stderr
    note = quell("run", "--model", model, "--images", images, "--chip", 3, "--trace", tmp_path / "x.fst", "--dump-count", 2).stderr
    assert all(f"note: --{word} changes nothing" in note for word in ("chip", "trace", "dump-count"))


def test_json_to_stdout(tmp_path):
    result = quell("run", "--model", net(tmp_path / "m.onnx"), "--images", write_idx(tmp_path / "i", pixels()), "--json", "-")
    assert json.loads(result.stdout)["images"] == 12 and "images        12" in result.stderr


def test_control_characters(tmp_path):
    model = onnx.load(net(tmp_path / "m.onnx", metadata={"quell.classes": "a\x1b[31m,b,c,d,e,f,g,h,i,j"}))
    for node in model.graph.node:
        node.name = "\x1b]0;x\x07" + node.name + "\n"
    onnx.save(model, tmp_path / "m.onnx")
    for words in (["info"], ["compile", "--output", tmp_path / "m.quell", "--report"], ["run", "--images", write_idx(tmp_path / "i", pixels()), "--dump-activations", tmp_path / "d"]):
        result = quell(*words, "--model", tmp_path / "m.onnx")
        assert not set(result.stdout + result.stderr) & set("\x1b\x07")
    assert all(ord(c) >= 32 for p in (tmp_path / "d").iterdir() for c in p.name)
    assert "\\x1b[31m" in quell("info", "--model", tmp_path / "m.onnx").stdout


def test_models_of_this_project():
    assert "0..1" in quell("info", "--model", MODEL).stdout
