"""Models of real shapes with random weights, as GGUF files. Speed does not depend on what the weights say."""

from __future__ import annotations

import dataclasses
import pathlib

import gguf
import numpy as np

SEED = 1


@dataclasses.dataclass(frozen=True)
class Shape:
    """A model's dimensions under the names of GGUF metadata."""

    architecture: str
    layers: int
    hidden: int
    ffn: int  # of an expert, where there are experts
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    experts: int = 0
    experts_per_token: int = 0
    window: int = 0
    head_norms: bool = False  # of queries and keys
    post_norms: bool = False  # behind attention and feed-forward


# The first three as in this program's sheets of these names. The last has the dimensions of IBM's Granite 3.1 1B-A400M.
SHAPES = {
    "qwen3-0.6b": Shape("qwen3", 28, 1024, 3072, 16, 8, 128, 151936, head_norms=True),
    "llama-3.2-1b": Shape("llama", 16, 2048, 8192, 32, 8, 64, 128256),
    "gemma-3-1b": Shape("gemma3", 26, 1152, 6912, 4, 1, 256, 262144, window=512, head_norms=True, post_norms=True),
    "granite-3.1-1b-a400m": Shape("granitemoe", 24, 1024, 512, 16, 8, 64, 49155, experts=32, experts_per_token=8),
}


def tensors(s: Shape):
    """Name and shape of each tensor, as llama.cpp loads them: rows of inputs, so [out, in]."""
    queries, keys = s.heads * s.head_dim, s.kv_heads * s.head_dim
    yield "token_embd.weight", (s.vocab, s.hidden)
    yield "output_norm.weight", (s.hidden,)
    for i in range(s.layers):
        named = {
            "attn_norm": (s.hidden,),
            "attn_q": (queries, s.hidden),
            "attn_k": (keys, s.hidden),
            "attn_v": (keys, s.hidden),
            "attn_output": (s.hidden, queries),
            "ffn_norm": (s.hidden,),
        }
        if s.head_norms:
            named |= {"attn_q_norm": (s.head_dim,), "attn_k_norm": (s.head_dim,)}
        if s.post_norms:
            named |= {"post_attention_norm": (s.hidden,), "post_ffw_norm": (s.hidden,)}
        if s.experts:
            named |= {
                "ffn_gate_inp": (s.experts, s.hidden),
                "ffn_gate_exps": (s.experts, s.ffn, s.hidden),
                "ffn_up_exps": (s.experts, s.ffn, s.hidden),
                "ffn_down_exps": (s.experts, s.hidden, s.ffn),
            }
        else:
            named |= {"ffn_gate": (s.ffn, s.hidden), "ffn_up": (s.ffn, s.hidden), "ffn_down": (s.hidden, s.ffn)}
        for name, shape in named.items():
            yield f"blk.{i}.{name}.weight", shape


def add_metadata(writer: gguf.GGUFWriter, name: str, s: Shape) -> None:
    writer.add_name(f"{name}, random weights")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_vocab_size(s.vocab)
    writer.add_tokenizer_model("no_vocab")
    writer.add_context_length(8192)
    writer.add_embedding_length(s.hidden)
    writer.add_block_count(s.layers)
    writer.add_feed_forward_length(s.ffn)
    writer.add_head_count(s.heads)
    writer.add_head_count_kv(s.kv_heads)
    writer.add_key_length(s.head_dim)
    writer.add_value_length(s.head_dim)
    writer.add_rope_dimension_count(s.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    if s.window:
        writer.add_sliding_window(s.window)
    if s.experts:
        writer.add_expert_count(s.experts)
        writer.add_expert_used_count(s.experts_per_token)
        writer.add_logit_scale(1.0)


def write(name: str, path: pathlib.Path) -> None:
    """Writes a model in F16, as conversion from Hugging Face does: norms and the router stay in F32."""
    shape = SHAPES[name]
    pool = np.random.default_rng(SEED).normal(0, 0.02, 1 << 24).astype(np.float16)  # each tensor a piece of it
    at = 0
    writer = gguf.GGUFWriter(path, shape.architecture)
    add_metadata(writer, name, shape)
    for tensor, dimensions in tensors(shape):
        if len(dimensions) == 1:
            writer.add_tensor(tensor, np.ones(dimensions, np.float32))
            continue
        size = int(np.prod(dimensions))
        values = np.take(pool, np.arange(at, at + size), mode="wrap").reshape(dimensions)
        writer.add_tensor(tensor, values.astype(np.float32) if "ffn_gate_inp" in tensor else values)
        at = (at + size) % pool.size
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def header(path: pathlib.Path) -> bytes:
    """What comes before the weights: all that tokwatt reads of a GGUF file."""
    return path.open("rb").read(gguf.GGUFReader(path).data_offset)
