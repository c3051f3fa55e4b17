"""tokwatt.load, bench, fit, audit, show, systems, models: what the program says, as Python has it."""

import json
import pathlib
import pickle

import numpy as np
import pandas as pd
import pytest
import tokwatt as tw

CLAIMS = pathlib.Path(__file__).parents[1] / "data" / "claims" / "caught.csv"


def test_bench_is_llama_bench_as_a_table():
    table = tw.bench(system="spark", model="gpt-oss-120b", quant="mxfp4", engine="llama.cpp", prompt=[512, 2048], generate=32)
    assert table[["n_prompt", "n_gen"]].to_numpy().tolist() == [[512, 0], [2048, 0], [0, 32]]
    assert (table["avg_ts_low"] < table["avg_ts"]).all() and (table["avg_ts"] < table["avg_ts_high"]).all()
    _, out, _ = tw._core.command("bench", "--system=spark --model=gpt-oss-120b --quant=mxfp4 --engine=llama.cpp -p 512,2048 -n 32 -o json".split())
    assert table["avg_ts"].tolist() == [row["avg_ts"] for row in json.loads(out)]


def test_numbers_may_come_from_numpy_and_pandas():
    options = {"system": "spark", "model": "llama-3.1-8b", "quant": "q4_k_m", "engine": "llama.cpp", "generate": 0}
    wanted = tw.bench(**options, prompt=[128, 256])["avg_ts"].tolist()
    assert tw.bench(**options, prompt=np.array([128, 256]))["avg_ts"].tolist() == wanted
    assert tw.bench(**options, prompt=pd.Series([128, 256]))["avg_ts"].tolist() == wanted


def test_bench_takes_changes_and_batches():
    options = {"system": "spark", "model": "llama-3.1-8b", "quant": "q4_k_m", "engine": "llama.cpp", "prompt": 0}
    half = tw.bench(**options, set={"memory.bandwidth": "136.5 GB/s"})
    assert half["avg_ts"].item() == pytest.approx(tw.bench(**options)["avg_ts"].item() / 2, rel=0.1)
    batched = tw.bench(**options | {"prompt": 128}, sequences=[1, 8])
    assert batched["pl"].tolist() == [1, 8]


def test_what_cannot_be_is_an_exception_with_the_reason():
    with pytest.raises(tw.InputError) as caught:
        tw.bench(system="sparc", model="gpt-oss-12b", quant="mxfp4", engine="vllm")
    assert len(caught.value.errors) == 2 and 'did you mean "spark"?' in caught.value.errors[0].message
    with pytest.raises(tw.Infeasible, match="would fit"):
        tw.fit(system="spark", model="llama-3.1-405b", quant="bf16")
    with pytest.raises(ValueError, match="expected --system, --model or both"):
        tw.fit()
    with pytest.raises(TypeError):
        tw.bench("spark")


def test_fit_lists_what_fits():
    models = tw.fit(system="spark", users=4, context=32768)
    assert models["fits"].all() and (models["longest_context"] >= 32768).all()
    assert "gpt-oss-120b" in models["model"].tolist()
    boxes = tw.fit(model="llama-3.1-70b", quant="q4_k_m")
    assert set(boxes["system"]) & {"dgx-spark", "h200-sxm-141"} == {"dgx-spark", "h200-sxm-141"}


def test_tables_without_rows_have_their_columns():
    nothing, something = tw.fit(system="rtx-4090", model="gpt-oss-120b"), tw.fit(system="rtx-4090", model="gpt-oss-20b")
    assert len(nothing) == 0 and nothing.dtypes.equals(something.dtypes)
    assert list(nothing[nothing["fits"]].columns) == list(something.columns)
    claims = pd.read_csv(CLAIMS)
    none, some = tw.audit(claims.iloc[:0]), tw.audit(claims)
    assert len(none) == 0 and none.dtypes.equals(some.dtypes) and none.index.name == some.index.name == "id"


def test_audit_takes_a_file_or_a_table():
    verdicts = tw.audit(CLAIMS)
    assert (verdicts["verdict"] == "impossible").all()
    again = tw.audit(pd.read_csv(CLAIMS))
    assert again["verdict"].tolist() == verdicts["verdict"].tolist()
    with pytest.raises(tw.InputError, match="missing.csv"):
        tw.audit("missing.csv")
    rows = {"id": ["a", "b"], "system": "spark", "model": "llama-3.1-8b", "quant": "q8_0", "metric": "pp_tok_s", "unit": "tok/s"}
    blank = pd.DataFrame(rows | {"value_low": 1500, "value_high": 1500, "prompt_len": [2048, np.nan]})  # a blank makes floats of a column
    assert tw.audit(blank)["verdict"].tolist() == ["possible", "possible"]


def test_a_sheet_shows_itself_and_its_numbers_are_si():
    sheet = tw.show("spark")
    assert (sheet.kind, sheet.id) == ("box", "dgx-spark") and "gb10" in sheet.aliases
    assert sheet["memory.bandwidth"] == 273e9
    assert sheet.numbers.loc["memory.bandwidth", "unit"] == "B/s"
    assert "273 GB/s" in sheet._repr_html_() and sheet.sources
    with pytest.raises(KeyError):
        sheet["memory.bandwith"]


def test_the_catalogues_have_what_people_compare():
    boxes, models = tw.systems(), tw.models()
    assert boxes.loc["dgx-spark", ["memory", "bandwidth", "price"]].tolist() == [128e9, 273e9, 4699]
    assert "mac-studio-m4-ultra-192" not in boxes.index and "mac-studio-m4-ultra-192" in tw.systems(hypothetical=True).index
    assert models.loc["llama-3.1-8b", "parameters"] == pytest.approx(8.03e9, rel=1e-3)
    assert (models["active_parameters"] <= models["parameters"]).all()
    assert models.loc["gpt-oss-120b", "native_quant"] == "mxfp4"


def test_a_scenario_is_checked_when_it_is_loaded(scenario, short, tmp_path):
    loaded = tw.load(scenario, set=short)
    assert loaded.streams == ["people"] and "gpt-oss-120b" in loaded.deployments["assistant"]
    assert any(name.startswith("dgx-spark: ") for name in loaded.assumed)
    assert "gpt-oss-120b" in loaded._repr_html_() and "10 min" in loaded._repr_html_()
    with pytest.raises(tw.InputError, match='did you mean "dgx-spark"'):
        loaded.changed({"systems.desk.sheet": "dgx-sparc"})
    with pytest.raises(tw.InputError):
        tw.load(tmp_path / "missing.yaml")


def test_a_loaded_scenario_runs_as_its_file_does(results, scenario, short):
    loaded = tw.load(scenario, set=short)
    assert loaded.run().summary == results.summary
    assert tw.run(pickle.loads(pickle.dumps(loaded))).summary == results.summary
    hot = loaded.run(set={"environment.ambient": "40 degC"})
    assert hot.summary["temperature_c"]["max"] > results.summary["temperature_c"]["max"]
    assert loaded.changed({"environment.ambient": "40 degC"}).run().summary == hot.summary


def test_a_mapping_can_be_loaded(scenario, short):
    yaml = pytest.importorskip("yaml")
    mapping = yaml.safe_load(scenario.read_text())
    assert tw.load(mapping, set=short).run().summary == tw.run(scenario, set=short).summary


def test_tables_become_arrow(results):
    pa = pytest.importorskip("pyarrow")
    table = pa.table(results.requests)
    assert table.num_rows == len(results.requests)
    assert table.column("arrival").to_pylist() == results.requests["arrival"].tolist()
