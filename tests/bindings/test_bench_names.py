"""What the names in result files mean, and whose rows count."""

import json

import llama_bench as lb
import pytest
from bench_texts import BATCHED, OBJECT, SERVE
from tokwatt import calibrate, file_names
from tokwatt.errors import InputError


@pytest.mark.parametrize(
    ("name", "file", "parameters", "model", "quant"),
    [
        ("llama 8B Q4_K - Medium", "/m/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 8.03e9, "llama-3.1-8b", "q4_k_m"),
        ("gpt-oss 120B MXFP4 MoE", "", 116.83e9, "gpt-oss-120b", "mxfp4"),
        ("gpt-oss 20B MXFP4 MoE", "/m/gpt-oss-20b-mxfp4-00001-of-00002.gguf", 20.91e9, "gpt-oss-20b", "mxfp4"),
        ("qwen3moe 30B.A3B Q4_K - Medium", "Qwen3-30B-A3B-UD-Q4_K_XL.gguf", 30.53e9, "qwen3-30b-a3b", "q4_k_xl"),
        ("qwen3moe 30B.A3B Q8_0", "", 30.53e9, None, "q8_0"),
        ("gemma3 12B BF16", "", 11.77e9, "gemma-3-12b", "bf16"),
        ("llama 8B IQ4_XS - 4.25 bpw", "", 8.03e9, None, "iq4_xs"),
        ("openai/gpt-oss-120b", "", 0, "gpt-oss-120b", ""),
        ("Qwen/Qwen3-8B-FP8", "", 0, "qwen3-8b", "fp8"),
    ],
)
def test_models_and_quants_by_the_names_in_files(name, file, parameters, model, quant):
    found = file_names.Models().named(name, file, parameters)
    assert not found.why
    assert found.model == model or (model is None and found.model)
    assert file_names.quant_in(file_names.stem(file), name) == quant


def test_a_model_that_is_not_known_is_an_error_that_says_what_to_do(tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    path.write_text(
        json.dumps(OBJECT | {"model_type": "foo 7B Q4_0", "model_filename": "foo.gguf", "model_n_params": 7.6e9}) + "\n"
    )
    out = ["-o", str(tmp_path / "box.yaml")]
    assert calibrate.main([str(path), "--system", "spark", *out]) == 3
    said = capsys.readouterr().err
    assert (
        'runs.jsonl:1: error: no model here is "foo 7B Q4_0" (7.60 B parameters); expected --model ID or --model "foo 7B Q4_0=ID"'
        in said
    )
    assert "did you mean" in said
    assert calibrate.main([str(path), "--system", "spark", "--model", "foo 7B Q4_0=llama-3.1-8b", *out]) == 0
    capsys.readouterr()
    assert (
        calibrate.main(
            [str(path), "--system", "spark", "--model", "fo 7B Q4_0=llama-3.1-8b", "--model", "llama-3.1-8b", *out]
        )
        == 3
    )
    assert 'no row has this name; did you mean "foo 7B Q4_0"?' in capsys.readouterr().err
    assert calibrate.main([str(path), "--system", "spark", "--model", "llama-3.1-8", *out]) == 3
    assert 'did you mean "llama-3.1-8b"?' in capsys.readouterr().err
    assert calibrate.main([str(path), "--system", "spark", "--model", "=x", *out]) == 2


def test_rows_of_part_of_a_model_on_the_device_are_not_used(tmp_path):
    path = tmp_path / "runs.jsonl"
    changes = [
        {},
        {"n_gpu_layers": 10},
        {"n_cpu_moe": 4},
        {"tensor_split": "1.00/1.00"},
        {"type_k": "q8_0"},
        {"n_gpu_layers": -1},
        {"tensor_buft_overrides": "exps=CPU"},
        {"no_kv_offload": True},
        {"gpu_info": "NVIDIA GB10, NVIDIA GB10"},
        {"gpu_info": "NVIDIA GB10, NVIDIA GB10", "split_mode": "none"},
        {"devices": "CUDA0/RPC0"},
        {"backends": "CUDA,RPC"},
    ]
    path.write_text("".join(json.dumps(OBJECT | c | {"avg_ts": 1500.0}) + "\n" for c in changes))
    found = calibrate.calibrate([path], system="spark")
    whys = {line: why for _, line, why in found.unused}
    assert set(whys) == {2, 3, 4, 5, 7, 8, 9, 11, 12}
    assert "gpu_info" in whys[9] and "RPC" not in whys[9]
    assert whys[2].startswith("10 of 32 layers on the device") and "n_cpu_moe" in whys[3]


def test_files_that_do_not_name_their_engine_need_one(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text(BATCHED)
    with pytest.raises(
        InputError, match="a row of llama-batched-bench does not say which engine ran; expected --engine"
    ):
        calibrate.calibrate([path], system="spark")
    with pytest.raises(InputError, match="the file does not name its model; expected --model"):
        calibrate.calibrate([path], system="spark", engine="llama.cpp")
    found = calibrate.calibrate([path], system="spark", engine="llama.cpp", models=["llama-3.1-8b"], quants=["q4_k_m"])
    assert found.engines[0].engine == "llama.cpp-cuda" and len(found.engines[0].readings) == 2


def test_vllm_tells_a_lone_client_of_the_first_token_a_step_late(tmp_path):
    serve = tmp_path / "serve.json"
    serve.write_text(json.dumps(SERVE | {"max_concurrency": 1, "median_itl_ms": 25.0, "median_ttft_ms": 700.0}))
    found = calibrate.calibrate([serve], system="spark")
    prompts = [r for r in found.engines[0].readings if r.test["prompt"] > 0]
    assert [r.rate for r in prompts] == [pytest.approx(r.test["prompt"] / 0.675, rel=1e-3) for r in prompts]
    assert len(prompts) == 1


def test_several_files_and_engines_make_one_sheet(tmp_path):
    llama, serve = tmp_path / "llama.jsonl", tmp_path / "serve.json"
    rows = lb.rows_of(lb.LLAMA)
    lb.write(llama, (lb.LLAMA_FILE, rows, lb.rates(rows)))
    serve.write_text(json.dumps(SERVE | {"max_concurrency": 1, "median_itl_ms": 25.0, "median_ttft_ms": 700.0}))
    found = calibrate.calibrate([llama, serve], system="spark")
    assert [f.engine for f in found.engines] == ["llama.cpp-cuda", "vllm"]
    sheet = found.sheet(str(tmp_path / "box.yaml"))
    assert '  file1: "llama.jsonl, llama-bench' in sheet and '  file2: "serve.json, vllm bench serve' in sheet
    assert "      source: [file2]" in sheet
