"""
One model as ONNX with 8 bits, as transformers.js takes it: onnx_files.py FOLDER FILE, of a folder with config.json and
model.safetensors in bfloat16. Needs Python 3.10 or newer with `pip install numpy onnx onnxruntime`.

The graphs are those that favour the runtime: a decoder with its fused attention, which gives the logits of the last token
alone; an encoder as exporters write it. The weights are quantised as onnxruntime's own tool does for this runtime.
"""

import json
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

MICROSOFT = "com.microsoft"


def read(folder):
    """The configuration, and the tensors in float32 by name."""
    raw = np.memmap(folder / "model.safetensors", mode="r")
    length = struct.unpack("<Q", raw[:8].tobytes())[0]
    header = json.loads(raw[8 : 8 + length].tobytes())

    def tensor(entry):
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        bits = np.frombuffer(raw[begin:end].tobytes(), "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).reshape(entry["shape"])

    config = json.loads((folder / "config.json").read_text())
    return config, {name: tensor(entry) for name, entry in header.items()}


class Graph:
    """Collects nodes; each call adds one and returns the names of its outputs."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def __call__(self, operation, *inputs, names=None, domain="", **attributes):
        self.count += 1
        outputs = names or [f"{operation}_{self.count}"]
        name = f"node_{self.count}"
        self.nodes.append(helper.make_node(operation, list(inputs), outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def constant(self, values, name=None):
        self.count += 1
        name = name or f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def whole(self, *values):
        return self.constant(np.array(values, np.int64))

    def model(self, inputs, outputs):
        graph = helper.make_graph(self.nodes, "graph", inputs, outputs, self.constants)
        operators = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=operators)
        model.ir_version = 8
        return model


def ids(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.INT64, list(shape))


def floats(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def llama(config, tensors):
    """A decoder with its cache as inputs and outputs; transformers.js knows axes by their names."""
    graph = Graph()
    width, heads, key_heads = (config[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads"))
    head_width = width // heads
    frequencies = config["rope_theta"] ** (-np.arange(0, head_width, 2) / head_width)
    angles = np.arange(2048)[:, None] * frequencies[None]
    turns = [graph.constant(f(angles).astype(np.float32), f.__name__) for f in (np.cos, np.sin)]
    batch, new, past, all_tokens = "batch_size", "sequence_length", "past_sequence_length", "total_sequence_length"
    inputs = [ids("input_ids", batch, new), ids("attention_mask", batch, all_tokens)]
    outputs = [floats("logits", batch, 1, config["vocab_size"])]
    one = graph.whole(1)
    known = graph("Cast", graph("Sub", graph("ReduceSum", "attention_mask", one, keepdims=0), one), to=TensorProto.INT32)
    columns = graph("Gather", graph("Shape", "attention_mask"), graph.constant(np.array(1, np.int64)))
    length = graph("Cast", columns, to=TensorProto.INT32)

    def linear(x, name):
        return graph("MatMul", x, graph.constant(tensors[name].T, name))

    def norm(x, name):
        weight = graph.constant(tensors[name], name)
        return graph("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=config["rms_norm_eps"], stash_type=1)

    x = graph("Gather", graph.constant(tensors["model.embed_tokens.weight"], "embedding"), "input_ids")
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        y = norm(x, f"{prefix}.input_layernorm.weight")
        for part in ("key", "value"):
            inputs.append(floats(f"past_key_values.{layer}.{part}", batch, key_heads, past, head_width))
            outputs.append(floats(f"present.{layer}.{part}", batch, key_heads, all_tokens, head_width))
        mixed = graph(
            "GroupQueryAttention",
            *(linear(y, f"{prefix}.self_attn.{part}_proj.weight") for part in "qkv"),
            *(f"past_key_values.{layer}.{part}" for part in ("key", "value")),
            *(known, length, *turns),
            names=[f"attention_{layer}", f"present.{layer}.key", f"present.{layer}.value"],
            domain=MICROSOFT,
            num_heads=heads,
            kv_num_heads=key_heads,
            do_rotary=1,
            rotary_interleaved=0,
            scale=head_width**-0.5,
        )
        x = graph("Add", x, linear(mixed, f"{prefix}.self_attn.o_proj.weight"))
        y = norm(x, f"{prefix}.post_attention_layernorm.weight")
        gate = linear(y, f"{prefix}.mlp.gate_proj.weight")
        gated = graph("Mul", graph("Mul", gate, graph("Sigmoid", gate)), linear(y, f"{prefix}.mlp.up_proj.weight"))
        x = graph("Add", x, linear(gated, f"{prefix}.mlp.down_proj.weight"))
    last = graph("Slice", norm(x, "model.norm.weight"), graph.whole(-1), graph.whole(2**31), graph.whole(1))
    graph("MatMul", last, graph.constant(tensors["model.embed_tokens.weight"].T, "head"), names=["logits"])
    return graph.model(inputs, outputs)


def bert(config, tensors):
    """An encoder of tokens, all of type 0."""
    graph = Graph()
    width, heads = config["hidden_size"], config["num_attention_heads"]
    apart, together = graph.whole(0, 0, heads, width // heads), graph.whole(0, 0, width)

    def number(value):
        return graph.constant(np.array(value, np.float32))

    def linear(x, name):
        weight = graph.constant(tensors[f"{name}.weight"].T, f"{name}.weight")
        return graph("Add", graph("MatMul", x, weight), graph.constant(tensors[f"{name}.bias"], f"{name}.bias"))

    def norm(x, name):
        weights = [graph.constant(tensors[f"{name}.{part}"], f"{name}.{part}") for part in ("weight", "bias")]
        return graph("LayerNormalization", x, *weights, axis=-1, epsilon=config["layer_norm_eps"])

    def split(x, axes):
        return graph("Transpose", graph("Reshape", x, apart), perm=axes)

    seen = graph("Cast", graph("Unsqueeze", "attention_mask", graph.whole(1, 2)), to=TensorProto.FLOAT)
    mask = graph("Mul", graph("Sub", number(1), seen), number(-1e9))
    columns = graph("Gather", graph("Shape", "input_ids"), graph.constant(np.array(1, np.int64)))
    count = graph("Unsqueeze", columns, graph.whole(0))
    positions = graph.constant(tensors["embeddings.position_embeddings.weight"])
    x = graph("Gather", graph.constant(tensors["embeddings.word_embeddings.weight"], "words"), "input_ids")
    x = graph("Add", x, graph.constant(tensors["embeddings.token_type_embeddings.weight"][0]))
    x = graph("Add", x, graph("Slice", positions, graph.whole(0), count))
    x = norm(x, "embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}"
        query = split(linear(x, f"{prefix}.attention.self.query"), [0, 2, 1, 3])
        key = split(linear(x, f"{prefix}.attention.self.key"), [0, 2, 3, 1])
        value = split(linear(x, f"{prefix}.attention.self.value"), [0, 2, 1, 3])
        scores = graph("Div", graph("MatMul", query, key), number((width // heads) ** 0.5))
        weights = graph("Softmax", graph("Add", scores, mask), axis=-1)
        mixed = graph("Transpose", graph("MatMul", weights, value), perm=[0, 2, 1, 3])
        mixed = linear(graph("Reshape", mixed, together), f"{prefix}.attention.output.dense")
        x = norm(graph("Add", mixed, x), f"{prefix}.attention.output.LayerNorm")
        y = linear(x, f"{prefix}.intermediate.dense")
        erf = graph("Erf", graph("Div", y, number(2**0.5)))
        y = graph("Mul", graph("Mul", y, graph("Add", erf, number(1))), number(0.5))
        x = norm(graph("Add", linear(y, f"{prefix}.output.dense"), x), f"{prefix}.output.LayerNorm")
    graph("Identity", x, names=["last_hidden_state"])
    inputs = [ids(name, "batch_size", "sequence_length") for name in ("input_ids", "attention_mask")]
    return graph.model(inputs, [floats("last_hidden_state", "batch_size", "sequence_length", width)])


folder, target = (Path(argument) for argument in sys.argv[1:3])
config, tensors = read(folder)
with tempfile.TemporaryDirectory() as scratch:
    plain = Path(scratch) / "model.onnx"
    onnx.save({"llama": llama, "bert": bert}[config["model_type"]](config, tensors), plain)
    extra = {"EnableSubgraph": True, "MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT}
    quantize_dynamic(plain, target, weight_type=QuantType.QInt8, extra_options=extra)
