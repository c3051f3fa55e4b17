"""Writes the GGUF headers beside this file: real models' dimensions, no weights.

    python -m pip install gguf && python tests/data/gguf/make.py

Tokenizers are shortened and the files end behind the header, so that each takes a few kilobytes; a reader of headers
sees no difference. Dimensions: the models' config.json; names of keys and tensors: what llama.cpp's convert_hf_to_gguf.py
writes (src/llama-arch.cpp).
"""

import pathlib
import struct

import gguf

HERE = pathlib.Path(__file__).parent
T = gguf.GGMLQuantizationType


class Header:
    """A GGUF file up to where the weights would begin."""

    def __init__(self, arch, name, file_type):
        self.arch, self.keys, self.tensors = arch, [], []
        self.text("general.architecture", arch)
        self.text("general.name", name)
        self.number("general.file_type", file_type, full=True)

    def text(self, key, value):
        self.keys.append((key, struct.pack("<I", 8) + _text(value)))

    def number(self, key, value, full=False):
        self.keys.append((key if full else f"{self.arch}.{key}", struct.pack("<II", 4, value)))

    def numbers(self, key, values, type_=4):
        form = {4: "I", 5: "i", 7: "?"}[type_]
        body = struct.pack(f"<IIQ{len(values)}{form}", 9, type_, len(values), *values)
        self.keys.append((f"{self.arch}.{key}", body))

    def tokens(self, count):
        body = struct.pack("<IIQ", 9, 8, count) + b"".join(_text(f"t{i}") for i in range(count))
        self.keys.append(("tokenizer.ggml.tokens", body))
        self.keys.append(("tokenizer.ggml.scores", struct.pack(f"<IIQ{count}f", 9, 6, count, *range(count))))

    def tensor(self, name, shape, type_):
        self.tensors.append((name, shape, type_))

    def write(self, path, tensors=None):
        tensors = self.tensors if tensors is None else tensors
        out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(self.keys))
        out += b"".join(_text(key) + value for key, value in self.keys)
        for name, shape, type_ in tensors:
            out += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, type_, 0)
        (HERE / path).write_bytes(out)


def _text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def llama_8b():
    """Llama 3.1 8B, Q4_K_M as llama-quantize makes it: half of V and down in Q6_K."""
    h = Header("llama", "Llama 3.1 8B Instruct", gguf.LlamaFileType.MOSTLY_Q4_K_M)
    for key, value in {
        "block_count": 32, "context_length": 131072, "embedding_length": 4096, "feed_forward_length": 14336,
        "attention.head_count": 32, "attention.head_count_kv": 8, "vocab_size": 128256, "rope.dimension_count": 128,
    }.items():
        h.number(key, value)
    h.tokens(64)
    h.tensor("token_embd.weight", (4096, 128256), T.Q4_K)
    h.tensor("output.weight", (4096, 128256), T.Q6_K)
    h.tensor("output_norm.weight", (4096,), T.F32)
    h.tensor("rope_freqs.weight", (64,), T.F32)
    for i in range(32):
        more = T.Q6_K if i < 4 or i >= 28 or (i - 4) % 3 == 2 else T.Q4_K
        h.tensor(f"blk.{i}.attn_norm.weight", (4096,), T.F32)
        h.tensor(f"blk.{i}.ffn_norm.weight", (4096,), T.F32)
        h.tensor(f"blk.{i}.attn_q.weight", (4096, 4096), T.Q4_K)
        h.tensor(f"blk.{i}.attn_k.weight", (4096, 1024), T.Q4_K)
        h.tensor(f"blk.{i}.attn_v.weight", (4096, 1024), more)
        h.tensor(f"blk.{i}.attn_output.weight", (4096, 4096), T.Q4_K)
        h.tensor(f"blk.{i}.ffn_gate.weight", (4096, 14336), T.Q4_K)
        h.tensor(f"blk.{i}.ffn_up.weight", (4096, 14336), T.Q4_K)
        h.tensor(f"blk.{i}.ffn_down.weight", (14336, 4096), more)
    h.write("llama-3.1-8b-q4_k_m.gguf")


def gpt_oss_20b():
    """gpt-oss 20B as published: experts in MXFP4, the rest Q8_0; in two files."""
    h = Header("gpt-oss", "gpt-oss 20b", gguf.LlamaFileType.MOSTLY_MXFP4_MOE)
    for key, value in {
        "block_count": 24, "context_length": 131072, "embedding_length": 2880, "feed_forward_length": 2880,
        "attention.head_count": 64, "attention.head_count_kv": 8, "attention.key_length": 64,
        "attention.value_length": 64, "attention.sliding_window": 128, "expert_count": 32, "expert_used_count": 4,
        "expert_feed_forward_length": 2880,
    }.items():
        h.number(key, value)
    h.tokens(64)
    h.tensor("token_embd.weight", (2880, 201088), T.Q8_0)
    h.tensor("output.weight", (2880, 201088), T.Q8_0)
    h.tensor("output_norm.weight", (2880,), T.F32)
    for i in range(24):
        b = f"blk.{i}."
        h.tensor(b + "attn_norm.weight", (2880,), T.F32)
        h.tensor(b + "post_attention_norm.weight", (2880,), T.F32)
        h.tensor(b + "attn_sinks.weight", (64,), T.F32)
        for name, out in (("attn_q", 4096), ("attn_k", 512), ("attn_v", 512)):
            h.tensor(b + name + ".weight", (2880, out), T.Q8_0)
            h.tensor(b + name + ".bias", (out,), T.F32)
        h.tensor(b + "attn_output.weight", (4096, 2880), T.Q8_0)
        h.tensor(b + "attn_output.bias", (2880,), T.F32)
        h.tensor(b + "ffn_gate_inp.weight", (2880, 32), T.F32)
        h.tensor(b + "ffn_gate_inp.bias", (32,), T.F32)
        for name in ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"):
            h.tensor(b + name + ".weight", (2880, 2880, 32), T.MXFP4)
            h.tensor(b + name + ".bias", (2880, 32), T.F32)
    half = len(h.tensors) // 2
    h.write("gpt-oss-20b-mxfp4-00001-of-00002.gguf", h.tensors[:half])
    rest = Header("gpt-oss", "gpt-oss 20b", gguf.LlamaFileType.MOSTLY_MXFP4_MOE)
    rest.write("gpt-oss-20b-mxfp4-00002-of-00002.gguf", h.tensors[half:])


def gemma_3_1b():
    """Gemma 3 1B, BF16: tied embeddings, five layers with a window to one without."""
    h = Header("gemma3", "Gemma 3 1b It", gguf.LlamaFileType.MOSTLY_BF16)
    for key, value in {
        "block_count": 26, "context_length": 32768, "embedding_length": 1152, "feed_forward_length": 6912,
        "attention.head_count": 4, "attention.head_count_kv": 1, "attention.key_length": 256,
        "attention.value_length": 256, "attention.sliding_window": 512,
    }.items():
        h.number(key, value)
    h.tokens(64)
    h.tensor("token_embd.weight", (1152, 262144), T.BF16)
    h.tensor("output_norm.weight", (1152,), T.F32)
    for i in range(26):
        b = f"blk.{i}."
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            h.tensor(b + name + ".weight", (1152,), T.F32)
        for name, shape in {
            "attn_q": (1152, 1024), "attn_k": (1152, 256), "attn_v": (1152, 256), "attn_output": (1024, 1152),
            "ffn_gate": (1152, 6912), "ffn_up": (1152, 6912), "ffn_down": (6912, 1152),
        }.items():
            h.tensor(b + name + ".weight", shape, T.BF16)
    h.write("gemma-3-1b-bf16.gguf")


def qwen35_35b():
    """Qwen3.5 35B-A3B, Q8_0: three gated delta nets to one gated attention, one block of multi-token prediction."""
    h = Header("qwen35moe", "Qwen3.5 35B A3B", gguf.LlamaFileType.MOSTLY_Q8_0)
    for key, value in {
        "block_count": 41, "context_length": 262144, "embedding_length": 2048, "attention.head_count": 16,
        "attention.head_count_kv": 2, "attention.key_length": 256, "attention.value_length": 256,
        "expert_count": 256, "expert_used_count": 8, "expert_feed_forward_length": 512,
        "expert_shared_feed_forward_length": 512, "ssm.conv_kernel": 4, "ssm.state_size": 128, "ssm.group_count": 16,
        "ssm.time_step_rank": 32, "ssm.inner_size": 4096, "full_attention_interval": 4, "nextn_predict_layers": 1,
    }.items():
        h.number(key, value)
    h.tokens(64)
    h.tensor("token_embd.weight", (2048, 248320), T.Q8_0)
    h.tensor("output.weight", (2048, 248320), T.Q8_0)
    h.tensor("output_norm.weight", (2048,), T.F32)
    for i in range(41):
        b = f"blk.{i}."
        h.tensor(b + "attn_norm.weight", (2048,), T.F32)
        h.tensor(b + "post_attention_norm.weight", (2048,), T.F32)
        if i % 4 == 3 or i == 40:
            h.tensor(b + "attn_q.weight", (2048, 8192), T.Q8_0)
            h.tensor(b + "attn_k.weight", (2048, 512), T.Q8_0)
            h.tensor(b + "attn_v.weight", (2048, 512), T.Q8_0)
            h.tensor(b + "attn_output.weight", (4096, 2048), T.Q8_0)
        else:
            h.tensor(b + "attn_qkv.weight", (2048, 8192), T.Q8_0)
            h.tensor(b + "attn_gate.weight", (2048, 4096), T.Q8_0)
            h.tensor(b + "ssm_conv1d.weight", (4, 8192), T.F32)
            h.tensor(b + "ssm_dt.bias", (32,), T.F32)
            h.tensor(b + "ssm_a", (32,), T.F32)
            h.tensor(b + "ssm_beta.weight", (2048, 32), T.Q8_0)
            h.tensor(b + "ssm_alpha.weight", (2048, 32), T.Q8_0)
            h.tensor(b + "ssm_norm.weight", (128,), T.F32)
            h.tensor(b + "ssm_out.weight", (4096, 2048), T.Q8_0)
        h.tensor(b + "ffn_gate_inp.weight", (2048, 256), T.F32)
        h.tensor(b + "ffn_gate_inp_shexp.weight", (2048,), T.F32)
        for name, ffn in (("ffn_gate_exps", 0), ("ffn_up_exps", 0), ("ffn_down_exps", 1)):
            h.tensor(b + name + ".weight", (512, 2048, 256) if ffn else (2048, 512, 256), T.Q8_0)
        h.tensor(b + "ffn_gate_shexp.weight", (2048, 512), T.Q8_0)
        h.tensor(b + "ffn_up_shexp.weight", (2048, 512), T.Q8_0)
        h.tensor(b + "ffn_down_shexp.weight", (512, 2048), T.Q8_0)
    h.write("qwen3.5-35b-a3b-q8_0.gguf")


def deepseek_v3():
    """DeepSeek V3, Q4_K: latent attention in the newer form (keys split), three dense layers, one MTP block."""
    h = Header("deepseek2", "DeepSeek V3", gguf.LlamaFileType.MOSTLY_Q4_K_S)
    for key, value in {
        "block_count": 62, "context_length": 163840, "embedding_length": 7168, "feed_forward_length": 18432,
        "attention.head_count": 128, "attention.head_count_kv": 1, "attention.q_lora_rank": 1536,
        "attention.kv_lora_rank": 512, "attention.key_length": 576, "attention.value_length": 512,
        "attention.key_length_mla": 192, "attention.value_length_mla": 128, "rope.dimension_count": 64,
        "expert_count": 256, "expert_used_count": 8, "expert_feed_forward_length": 2048, "expert_shared_count": 1,
        "leading_dense_block_count": 3, "nextn_predict_layers": 1,
    }.items():
        h.number(key, value)
    h.tensor("token_embd.weight", (7168, 129280), T.Q4_K)
    h.tensor("output.weight", (7168, 129280), T.Q6_K)
    for i in range(62):
        b = f"blk.{i}."
        for name, shape in {
            "attn_q_a": (7168, 1536), "attn_q_b": (1536, 24576), "attn_kv_a_mqa": (7168, 576),
            "attn_output": (16384, 7168),
        }.items():
            h.tensor(b + name + ".weight", shape, T.Q4_K)
        h.tensor(b + "attn_k_b.weight", (128, 512, 128), T.Q8_0)
        h.tensor(b + "attn_v_b.weight", (512, 128, 128), T.Q4_K)
        if i < 3:
            h.tensor(b + "ffn_gate.weight", (7168, 18432), T.Q4_K)
            h.tensor(b + "ffn_up.weight", (7168, 18432), T.Q4_K)
            h.tensor(b + "ffn_down.weight", (18432, 7168), T.Q4_K)
            continue
        h.tensor(b + "ffn_gate_inp.weight", (7168, 256), T.F32)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            shape = (2048, 7168) if name == "ffn_down" else (7168, 2048)
            h.tensor(b + name + "_exps.weight", (*shape, 256), T.Q4_K)
            h.tensor(b + name + "_shexp.weight", shape, T.Q4_K)
    h.write("deepseek-v3-q4_k_s.gguf")


if __name__ == "__main__":
    llama_8b()
    gpt_oss_20b()
    gemma_3_1b()
    qwen35_35b()
    deepseek_v3()
