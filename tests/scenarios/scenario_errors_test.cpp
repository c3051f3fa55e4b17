// What is said about wrong scenarios: text, place and caret.
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt::scenarios;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

TEST_CASE("a right scenario is loaded without a word", "[scenarios][errors]") { CHECK(errors_of(kGood).empty()); }

TEST_CASE("a wrong dimension names both, under a caret", "[scenarios][errors]") {
  CHECK(errors_of(with("{sheet: dgx-spark}", "\n    sheet: dgx-spark\n    memory:\n      bandwidth: 273 GB")) ==
        "desk.yaml:8:18: error: systems.desk.memory.bandwidth is \"273 GB\", a size; expected a rate such as \"273 "
        "GB/s\"\n"
        "    8 |       bandwidth: 273 GB\n"
        "      |                  ^~~~~~\n");
}

TEST_CASE("a misspelt key is met with the nearest valid one", "[scenarios][errors]") {
  CHECK(errors_of(kGood + "enviroment: {ambient: 24 degC}\n") ==
        "desk.yaml:10:1: error: unknown key \"enviroment\"; did you mean \"environment\"?\n"
        "    10 | enviroment: {ambient: 24 degC}\n"
        "       | ^~~~~~~~~~\n");
}

TEST_CASE("all mistakes are reported at once, in order of place", "[scenarios][errors]") {
  const std::string text = with("1 h", "1 kW") + "record: {every: 0 s, requests: yes}\nseed: 2\n";
  const std::string said = errors_of(text);
  const auto a = said.find("desk.yaml:3:11: error: duration is \"1 kW\", a power; expected a duration such as \"8 h\"");
  const auto b = said.find("desk.yaml:10:17: error: record.every is \"0 s\"");
  const auto c = said.find("desk.yaml:10:32: error: record.requests is \"yes\"; expected true or false");
  const auto d = said.find("desk.yaml:11:1: error: seed is given twice; first in line 2");
  CHECK(a < b);
  CHECK(b < c);
  CHECK(c < d);
  CHECK(d != std::string::npos);
}

TEST_CASE("each wrong value is answered with what was expected", "[scenarios][errors]") {
  struct Row {
    std::string text;
    const char* said;
  };
  const Row rows[] = {
      {with("duration: 1 h\n", ""), "duration is missing; expected a duration such as \"8 h\", or until: drained"},
      {with("duration: 1 h", "duration: 1 h\nuntil: drained"), "until stands beside duration"},
      {with("duration: 1 h", "until: dry"), "until is \"dry\"; expected drained"},
      {with("duration: 1 h", "until: drained"), "until: drained never comes"},
      {with("1 h", "107 d"), "duration is \"107 d\"; expected a duration of more than 0 s and at most 106 days"},
      {with("1 h", "0 s"), "duration is \"0 s\""},
      {with("1 h", "[1, 2]"), "duration is a list; expected a duration"},
      {with("1 h", ""), "duration is empty; expected a duration"},
      {with("seed: 1", "seed: -1"), "seed is \"-1\"; expected a whole number from 0"},
      {with("seed: 1", "seed: \"1\""), "seed is the text \"1\"; expected a whole number"},
      {with("seed: 1", "start: yesterday"),
       "start is \"yesterday\"; expected a date and time such as \"2026-11-23 09:00\""},
      {with("seed: 1", "start: \"2026-02-30 09:00\""), "start is \"2026-02-30 09:00\""},
      {with("dgx-spark", "dgx-sprak"),
       "systems.desk.sheet is \"dgx-sprak\"; no box has this name; did you mean \"dgx-spark\"?"},
      {with("dgx-spark", "cray"),
       "no box has this name; expected one of those that tokwatt list systems says, or a path"},
      {with("vllm", "llama.cpp"), "did you mean \"llama.cpp-cpu\", \"llama.cpp-cuda\", \"llama.cpp-rocm\", "},
      {"base: desk.yaml\naxes: {users: {values: [1]}}\n", "axes make it a study, which tokwatt study runs"},
      {with("sheet: dgx-spark", ""), "systems.desk.sheet is missing; expected a text"},
      {with("dgx-spark", "./no.yaml"), "cannot read \"./no.yaml\": No such file or directory"},
      {with("dgx-spark}", "dgx-spark, clock: {min: 3 GHz}}"), "clock.max is below clock.min"},
      {with("dgx-spark}", "dgx-spark, thermal: {stages: []}}"), "thermal.stages is empty"},
      {with("dgx-spark}", "dgx-spark, compute: {bf16: {value: 1 TFLOP/s, sparsity: sparse}}}"),
       "expected the dense figure"},
      {with("dgx-spark}", "dgx-spark, memory: {bandwidth: {value: 1 GB/s, confidence: sure}}}"),
       "confidence is \"sure\"; expected vendor"},
      {with("dgx-spark}", "dgx-spark, engines: {vllm: {tells_late: {value: maybe}}}}"),
       "engines.vllm.tells_late is \"maybe\"; expected true or false"},
      {with("dgx-spark}", "dgx-spark, engines: {vllm: {tells_late: {source: me}}}}"),
       "engines.vllm.tells_late.value is missing"},
      {with("dgx-spark}", "dgx-spark, name: mine}"), "unknown key \"name\""},
      {with("dgx-spark}", "dgx-spark, measured_as: dgx-sprak}"),
       "measured_as is \"dgx-sprak\"; no box has this id; did you mean \"dgx-spark\"?"},
      {with("dgx-spark}", "dgx-spark, power: 3 W}"), "systems.desk.power is \"3 W\"; expected a mapping"},
      {with("gpt-oss-120b", "gpt-oss-120"), "no model has this name; did you mean \"gpt-oss-120b\"?"},
      {with("kv: f16", "kv: f17"), "deployments.assistant.kv is \"f17\"; expected bf16, f16"},
      {with("runs_on: desk", "runs_on: disk"),
       "deployments.assistant.runs_on is \"disk\"; no system has this name; did you mean \"desk\"?"},
      {with("runs_on: desk", "runs_on: desk, limits: {max_num_batched_tokens: 8, max_num_seqs: 16}"),
       "below max_num_seqs"},
      {with("runs_on: desk", "runs_on: desk, limits: {max_model_len: 999999999}"), "takes at most 131072 tokens"},
      {with("runs_on: desk", "runs_on: desk, limits: {memory_utilization: 1.5}"),
       "expected a number of more than 0 and at most 1"},
      {with("to: assistant", "to: asistant"),
       "workload.0.to is \"asistant\"; no deployment has this name; did you mean \"assistant\"?"},
      {with("users: 12", "users: 12.5"), "workload.0.users is \"12.5\", which is not whole; expected a whole number"},
      {with("users: 12, ", ""),
       "workload.0 has 0 sources; expected exactly one of trace, arrivals, users and sessions"},
      {with("users: 12", "users: 12, arrivals: {process: poisson, rate: 1/s}"), "workload.0 has 2 sources"},
      {with("users: 12", "trace: x.csv"), "workload.0 has think, which goes only with users"},
      {with("users: 12", "users: 12, lengths: x.json"), "workload.0 has lengths, which goes only with trace"},
      {with("users: 12", "trace: x.csv, users: 12"), "workload.0 has 2 sources"},
      {with("users: 12, think: {exponential: 30 s}", "arrivals: {process: poisson}"),
       "workload.0.arrivals needs exactly one of rate and stages"},
      {with("users: 12, think: {exponential: 30 s}", "arrivals: {process: poison, rate: 1/s}"),
       "expected poisson, constant, gamma or weibull; did you mean \"poisson\"?"},
      {with("users: 12, think: {exponential: 30 s}", "arrivals: {process: constant, rate: 1/s, cv: 2}"),
       "has cv, which goes only with gamma and weibull"},
      {with("think: {exponential: 30 s}, ", ""), "workload.0 has no think; users needs it"},
      {with("30 s", "30"), "workload.0.think.exponential is \"30\", a bare number; expected a duration"},
      {with("p99: 2000", "p99: 20"), "workload.0.output has a p99 below its median"},
      {with("median: 250, ", ""), "workload.0.output.lognormal.median is missing"},
      {with("prompt: 800", "prompt: 0"), "workload.0.prompt is at most 0; expected at least 1"},
      {with("prompt: 800", "prompt: {constant: 0.4}"), "workload.0.prompt is at most 0.4; expected at least 1"},
      {with("prompt: 800", "prompt: {exponential: 5, max: 0}"), "workload.0.prompt is at most 0"},
      {with("prompt: 800", "prompt: {}"), "workload.0.prompt has no shape"},
      {with("prompt: 800", "prompt: {constant: 1, exponential: 3}"), "workload.0.prompt has 2 shapes"},
      {with("prompt: 800", "prompt: {uniform: [1]}"), "has 1 numbers in uniform; expected [low, high]"},
      {with("prompt: 800", "prompt: {empirical: [[1, 2, 3]]}"), "expected a list of [value, weight]"},
      {with("prompt: 800", "prompt: {constant: 5, min: 9, max: 3}"), "has a min above its max"},
      {with("prompt: 800", "prompt: 800 B"), "workload.0.prompt is \"800 B\", a size; expected a number"},
      {kGood + "workload: 3\n", "workload is given twice"},
      {kGood + "environment: {ambient: 300 K}\n", "a temperature difference; expected a temperature"},
      {kGood + "environment: {ambient: 300 degC}\n", "expected a temperature from -60 to 100 degC"},
      {kGood + "record: {every: 1 us}\n", "record.every makes 3600000000 samples; expected at most 20000000"},
      {kGood + "prices: {electricity: 0.15 USD}\n",
       "an amount of money; expected a price of energy such as \"0.15 USD/kWh\""},
      {kGood + "models: {llama-3.1-8b: {layers: 3}}\n", "models.\"llama-3.1-8b\": no deployment uses it"},
      {kGood + "models: {gpt-oss-120b: {layer: 3}}\n", "unknown key \"layer\"; did you mean \"layers\"?"},
      {kGood + "engines: {vllm: {tuning: {memory_efficiency: 2}}}\n",
       "memory_efficiency is \"2\"; expected a number from 0.0001 to 0.9999"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK_THAT(errors_of(row.text), Contains(row.said));
  }
}

TEST_CASE("sessions say how they begin, how long they are, and when they never end", "[scenarios][errors]") {
  const auto said = [](const std::string& sessions, const std::string& set = "title=x") {
    return errors_of(with("users: 12, think: {exponential: 30 s}", "sessions: {" + sessions + "}"), {set});
  };
  const std::string shape = ", turns: 4, think: 30 s";
  CHECK(said("users: 12" + shape).empty());
  CHECK(said("rate: 2/min" + shape).empty());
  CHECK(said("stages: [{rate: 2/min, for: 1 h}]" + shape).empty());
  CHECK_THAT(said("turns: 4, think: 30 s"),
             Contains("workload.0.sessions needs exactly one of rate, stages and users"));
  CHECK_THAT(said("users: 12, rate: 2/min" + shape), Contains("needs exactly one of rate, stages and users"));
  CHECK_THAT(said("users: 12"),
             Contains("workload.0.sessions.turns is missing") && Contains("workload.0.sessions.think is missing"));
  CHECK_THAT(said("users: 12, turns: 0, think: 30 s"), Contains("workload.0.sessions.turns is at most 0"));
  CHECK_THAT(said("stages: [{rate: 0/s, for: 1 h}]" + shape), Contains("has no stage with a rate above 0/s"));
  CHECK_THAT(said("rate: 1e6/s" + shape), Contains("begins 3.6e+09 sessions; expected at most 10000000"));
  CHECK_THAT(errors_of(with("prompt: 800", "sessions: {users: 1, turns: 2, think: 0 s}, prompt: 800")),
             Contains("workload.0 has 2 sources"));
  const auto drained = [&](const std::string& sessions) {
    std::string text = with("users: 12, think: {exponential: 30 s}", "sessions: {" + sessions + "}");
    return errors_of(text.replace(text.find("duration: 1 h"), 13, "until: drained"));
  };
  CHECK_THAT(drained("users: 12" + shape),
             Contains("until: drained never comes, since workload.0 has users who begin"));
  CHECK_THAT(drained("rate: 1/h" + shape), Contains("workload.0.sessions never ends"));
  CHECK(drained("stages: [{rate: 2/min, for: 1 h}]" + shape).empty());
}

TEST_CASE("a wrong value is not also said to be missing", "[scenarios][errors]") {
  const std::string said = errors_of(with("users: 12", "users: 0"));
  CHECK_THAT(
      said,
      StartsWith("desk.yaml:9:42: error: workload.0.users is \"0\"; expected a whole number from 1 to 1000000\n"));
  CHECK(said.find("error", 30) == std::string::npos);
}

TEST_CASE("a wrong price is not also said to be missing where it changes", "[scenarios][errors]") {
  const std::string change = "timeline: [{at: 1 min, set: {prices.electricity: 0.3 USD/kWh}}]\n";
  const std::string said = errors_of(kGood + "prices: {electricity: 0.3 EUR/kWh}\n" + change);
  CHECK_THAT(said, Contains("prices.electricity is \"0.3 EUR/kWh\""));
  CHECK_THAT(said, !Contains("no value to start from"));
  CHECK_THAT(errors_of(kGood + change), Contains("prices.electricity has no value to start from"));
}

TEST_CASE("a file that is no sheet is said to be none", "[scenarios][errors]") {
  const std::string path = TOKWATT_SOURCE_DIR "/LICENSE";
  for (const char* more : {"", ", power: {limit: 60 W}"}) {
    const std::string said = errors_of(with("{sheet: dgx-spark}", "{sheet: " + path + more + "}"));
    CHECK_THAT(said, Contains("error: "));
    CHECK_THAT(said, !Contains("id is missing"));
  }
  const std::string list = TOKWATT_SOURCE_DIR "/tests/data/traces/two_sorted_runs.csv";
  const std::string said = errors_of(with("{sheet: dgx-spark}", "{sheet: " + list + ", power: {limit: 60 W}}"));
  CHECK_THAT(said, Contains(" is no box sheet; expected a file that is a mapping"));
  CHECK_THAT(said, !Contains("missing"));
}

TEST_CASE("a quant of experts is no quant of a model without", "[scenarios][errors]") {
  CHECK(errors_of(with("gpt-oss-120b", "llama-3.1-8b")) ==
        "infeasible: deployments.assistant: mxfp4 stores experts only; llama-3.1-8b has none");
  CHECK(errors_of(with("gpt-oss-120b", "qwen3-30b-a3b")).empty());
}

TEST_CASE("each key of the design that is not built yet is refused by name", "[scenarios][errors]") {
  const auto refused = [](const std::string& text, const std::string& path) {
    CAPTURE(text);
    CHECK_THAT(errors_of(text), Contains("error: " + path + " is not built yet"));
  };
  for (const std::string key : {"pipeline_parallel", "layers", "prefill", "decode", "kv_transfer", "fallback"}) {
    refused(with("runs_on: desk", "runs_on: desk, " + key + ": 1"), "deployments.assistant." + key);
  }
}

TEST_CASE("two paged engines at their defaults do not fit one box", "[scenarios][errors]") {
  CHECK_THAT(
      errors_of(with("runs_on: desk}",
                     "runs_on: desk}\n  other: {model: llama-3.1-8b, quant: bf16, engine: vllm, runs_on: desk}")),
      Contains("infeasible: desk: 115.2 GB for assistant + 115.2 GB for other, but 122.0 GB can be used"));
}

TEST_CASE("a wrong limit is shown where it is written", "[scenarios][errors]") {
  const std::string said =
      errors_of(with("runs_on: desk", "runs_on: desk, limits: {max_num_seqs: 4, max_model_len: 200000}"));
  CHECK_THAT(said, StartsWith("desk.yaml:7:129: error: deployments.assistant.limits.max_model_len is 200000; "
                              "gpt-oss-120b takes at most 131072 tokens\n") &&
                       EndsWith("^~~~~~\n"));
}

TEST_CASE("a wrong duration is one mistake, also of what never ends", "[scenarios][errors]") {
  for (const char* wrong : {"0 s", "200 days", "soon"}) {
    for (const char* open :
         {"arrivals: {process: poisson, rate: 1/s}", "sessions: {rate: 2/s, turns: 3, think: 1 s}"}) {
      std::string text = with("users: 12, think: {exponential: 30 s}", open);
      text.replace(text.find("1 h"), 3, wrong);
      const std::string said = errors_of(text);
      CAPTURE(said);
      CHECK_THAT(said, StartsWith("desk.yaml:3:11: error: duration is \""));
      CHECK(said.find("error:") == said.rfind("error:"));
    }
  }
}

TEST_CASE("several devices of a sheet are a count, not a name", "[scenarios][errors]") {
  CHECK_THAT(
      errors_of(with("dgx-spark", "2x3090")),
      Contains("systems.desk.sheet is \"2x3090\"; no box has this name; a name stands for one device, and fit and "
               "bench look at one (of a scenario's system, count: 2); did you mean \"3090\"?"));
  CHECK_THAT(errors_of(with("dgx-spark", "4 x dgx-sprak")), Contains("count: 4); did you mean \"dgx-spark\"?"));
  CHECK_THAT(errors_of(with("dgx-spark", "4xyz")), !Contains("count"));
}

TEST_CASE("replicas are as many as there are devices", "[scenarios][errors]") {
  const auto said = [](const std::string& runs_on, const std::string& systems = "") {
    std::string text = with("runs_on: desk", runs_on);
    if (!systems.empty()) text = text.replace(text.find("desk: {sheet: dgx-spark}"), 24, systems);
    return errors_of(text);
  };
  const std::string two = "desk: {sheet: dgx-spark, count: 2}";
  CHECK(said("runs_on: desk, replicas: 2, routing: round-robin", two).empty());
  CHECK(said("runs_on: [desk, shelf], replicas: 2", "{desk: {sheet: dgx-spark}, shelf: {sheet: spark}}").empty());
  CHECK_THAT(said("runs_on: desk", two),
             Contains("deployments.assistant.runs_on has 2 devices, but tensor_parallel 1 x replicas 1 = 1; expected "
                      "tensor_parallel: 2, replicas: 2 or systems.desk.count: 1\n"));
  CHECK_THAT(said("runs_on: desk, replicas: 3"),
             Contains("has 1 device, but tensor_parallel 1 x replicas 3 = 3; expected replicas: 1 or "
                      "systems.desk.count: 3\n"));
  CHECK_THAT(said("runs_on: desk, tensor_parallel: 2"),
             Contains("expected tensor_parallel: 1 or systems.desk.count: 2"));
  CHECK_THAT(said("runs_on: [desk, shelf]", "{desk: {sheet: dgx-spark}, shelf: {sheet: spark}}"),
             Contains("expected tensor_parallel: 2, replicas: 2 or systems with 1 device in runs_on\n"));
  CHECK_THAT(said("runs_on: [desk, desk], replicas: 2"), Contains("deployments.assistant.runs_on names desk twice"));
  CHECK_THAT(said("runs_on: []"), Contains("is empty; expected a text or a list of texts"));
  CHECK_THAT(said("runs_on: [desk, mac], replicas: 2", "{desk: {sheet: dgx-spark}, mac: {sheet: m3-ultra}}"),
             Contains("desk is a dgx-spark and mac is a mac-studio-m3-ultra"));
  CHECK_THAT(said("runs_on: [desk, shelf], replicas: 2",
                  "{desk: {sheet: spark}, shelf: {sheet: spark, engines: {vllm: {limits: {max_num_seqs: 4}}}}}"),
             Contains("systems.shelf.engines: deployments.assistant runs on several boxes by equal replicas"));
  CHECK_THAT(said("runs_on: desk, routing: roundrobin"), Contains("did you mean \"round-robin\"?"));
}

TEST_CASE("devices that share a model are equal and joined", "[scenarios][errors]") {
  const auto said = [](const std::string& deployment, const std::string& systems, const std::string& links = "") {
    std::string text = with("engine: vllm, runs_on: desk", deployment);
    return errors_of(text.replace(text.find("desk: {sheet: dgx-spark}"), 24, systems) + links);
  };
  const std::string pair = "{a: {sheet: spark}, b: {sheet: spark}}",
                    cable = "links: [{between: [a, b], type: cx7-200g}]\n";
  const std::string tp = "engine: vllm, runs_on: [a, b], tensor_parallel: 2";
  CHECK(said(tp, pair, cable).empty());
  CHECK(said("engine: vllm, runs_on: desk, tensor_parallel: 2", "desk: {sheet: spark, count: 2, link: cx7}").empty());
  CHECK_THAT(said("engine: vllm, runs_on: desk, tensor_parallel: 2", "desk: {sheet: spark, count: 2}"),
             Contains("deployments.assistant.tensor_parallel needs systems.desk.link, such as nvlink4"));
  CHECK_THAT(said(tp, pair), Contains("needs a link between a and b: links: [{between: [a, b], type: cx7-200g}]"));
  CHECK_THAT(said(tp, "{a: {sheet: spark}, b: {sheet: spark, memory: {bandwidth: 100 GB/s}}}", cable),
             Contains("a and b differ in compute, memory, clock or energy"));
  CHECK_THAT(said(tp, "{a: {sheet: spark}, b: {sheet: spark, power: {per_byte: 200 pJ/B}}}", cable),
             Contains("a and b differ in compute, memory, clock or energy"));
  CHECK(said(tp, "{a: {sheet: spark}, b: {sheet: spark, power: {limit: 60 W}}}", cable).empty());
  CHECK_THAT(said(tp, pair, "links: [{between: [a, b], type: cx8}]\n"),
             Contains("links.0.type is \"cx8\"; no link has"));
  CHECK_THAT(said(tp, pair, "links: [{between: [a, c], type: cx7}]\n"), Contains("links.0.between is \"c\""));
  CHECK_THAT(said(tp, pair, "links: [{between: [a], type: cx7}]\n"), Contains("has 1 systems; expected two"));
  CHECK_THAT(said(tp, pair, "links: [{between: [a, a], type: cx7}]\n"), Contains("is systems.a.link"));
  CHECK_THAT(said(tp, pair, "links: [{between: [a, b], type: cx7}, {between: [b, a], type: tb5}]\n"),
             Contains("links.1 joins b and a once more"));
  CHECK(
      said("engine: llama.cpp-cuda, runs_on: desk, tensor_parallel: 2", "desk: {sheet: spark, count: 2, link: cx7}") ==
      "infeasible: deployments.assistant.tensor_parallel: llama.cpp-cuda does not split a model's layers over devices");
  CHECK(said("engine: vllm, runs_on: desk, tensor_parallel: 3", "desk: {sheet: spark, count: 3, link: cx7}") ==
        "infeasible: deployments.assistant.tensor_parallel: 64 heads of gpt-oss-120b cannot be shared by 3 devices");
}

TEST_CASE("priority counts where a deployment schedules by it", "[scenarios][errors]") {
  const std::string first = with("users: 12", "users: 12, priority: -1");
  CHECK_THAT(errors_of(first),
             Contains("workload.0 has priority, which counts only with deployments.assistant.scheduling: priority"));
  CHECK(errors_of(first, {"deployments.assistant.scheduling=priority"}).empty());
  // Also beside a mistake elsewhere: all are said at once.
  CHECK_THAT(errors_of(first, {"deployments.assistant.routing=sticky"}), Contains("workload.0 has priority"));
  CHECK(errors_of(kGood, {"deployments.assistant.scheduling=shortest-first"}).empty());
  CHECK_THAT(errors_of(kGood, {"deployments.assistant.scheduling=sjf"}),
             Contains("expected fcfs, priority or shortest-first"));
  CHECK(errors_of(with("engine: vllm", "engine: llama.cpp-cuda"), {"deployments.assistant.scheduling=priority"}) ==
        "infeasible: deployments.assistant.scheduling: llama.cpp-cuda serves first come, first served");
}

TEST_CASE("a cold start needs to know how fast the disk is", "[scenarios][errors]") {
  const auto said = [](const std::string& key) {
    return errors_of(with("runs_on: desk", "runs_on: desk, cold_start: " + key));
  };
  CHECK(said("storage").empty());
  CHECK(said("page-cache").empty());
  CHECK_THAT(said("disk"), Contains("deployments.assistant.cold_start is \"disk\"; expected storage or page-cache"));
  const auto in = load_text("desk.yaml", with("runs_on: desk", "runs_on: desk, cold_start: storage"), "", {}).input;
  CHECK(in.deployments[0].load_time > 40 + 60e9 / 5e9);  // vLLM starts, 60 GB are read
  CHECK(in.deployments[0].load_time < 40 + 70e9 / 5e9);
}

TEST_CASE("after a shutdown, as in a cold start, one model is read after the other", "[scenarios]") {
  const std::string two =
      with("workload:",
           "  other: {model: qwen3-coder-30b-a3b, quant: q8_0, engine: llama.cpp-cuda, runs_on: desk}\n"
           "workload:");
  const auto text = [&] {
    std::string t = two;
    const std::string one = "engine: vllm, runs_on: desk";
    return t.replace(t.find(one), one.size(), "engine: llama.cpp-cuda, runs_on: desk, cold_start: storage");
  }();
  const auto in = load_text("desk.yaml", text, "", {"deployments.other.cold_start=storage"}).input;
  REQUIRE(in.deployments.size() == 2);
  for (const auto& d : in.deployments) CHECK(d.reload_time == Approx(d.load_time));
  CHECK(in.deployments[1].reload_time > in.deployments[0].reload_time);
}

TEST_CASE("blocks outside the device need a place, a way there and a prefix cache", "[scenarios][errors][offload]") {
  const auto said = [](const std::string& tiers, const std::string& beside = "") {
    return errors_of(with("runs_on: desk", "runs_on: desk, kv_offload: {" + tiers + "}" + beside));
  };
  CHECK_THAT(said(""), Contains("kv_offload is empty; expected host: 64 GB"));
  CHECK_THAT(said("host: 64 GB"), Contains("has no host_link") && Contains("expected disk, or link: pcie5-x16"));
  CHECK(said("host: 64 GB, link: pcie5-x16").empty());
  CHECK(said("disk: 1 TB").empty());
  CHECK(said("disk: 1 TB, link: pcie5-x16").empty());
  CHECK_THAT(said("host: 64 GB, link: pcie9"), Contains("kv_offload.link") && Contains("did you mean"));
  CHECK_THAT(said("disk: 1 TB", ", prefix_cache: false"), Contains("expected prefix_cache: true"));
  CHECK_THAT(said("hots: 64 GB"), Contains("did you mean \"host\""));
  CHECK(errors_of(with("engine: vllm", "engine: llama.cpp-cuda, kv_offload: {disk: 1 TB}")) ==
        "infeasible: deployments.assistant.kv_offload: llama.cpp-cuda keeps its KV cache in slots, not in blocks");
  const auto input =
      load_text("desk.yaml", with("sheet: dgx-spark", "sheet: rtx-5090"), "",
                {"deployments.assistant.kv_offload.host=64 GB", "deployments.assistant.model=gpt-oss-20b"})
          .input;
  CHECK(input.deployments[0].kv_offload->host == 64e9);
  CHECK(input.deployments[0].kv_offload->link.bandwidth == 64e9);  // of the card's sheet
  const auto on_disk =
      load_text("desk.yaml", with("sheet: dgx-spark", "sheet: rtx-5090, storage: {read: 7 GB/s}"), "",
                {"deployments.assistant.kv_offload.disk=1 TB", "deployments.assistant.model=gpt-oss-20b"})
          .input;
  CHECK(on_disk.deployments[0].kv_offload->link.bandwidth == 64e9);
}

TEST_CASE("slots put prompts away where there are slots", "[scenarios][errors]") {
  const auto with_engine = [](const std::string& engine) { return with("engine: vllm", "engine: " + engine); };
  CHECK(errors_of(with_engine("vllm, cache_ram: 8 GB")) ==
        "infeasible: deployments.assistant.cache_ram: vllm keeps its KV cache in blocks, not in slots; kv_offload is "
        "what "
        "keeps those");
  CHECK_THAT(errors_of(with_engine("llama.cpp-cuda, cache_ram: 8 GB, prefix_cache: false")),
             Contains("cache_ram finds what slots held by its text; expected prefix_cache: true beside it"));
  CHECK_THAT(errors_of(with_engine("llama.cpp-cuda, cache_ram: 8")), Contains("a bare number; expected a size"));
  const auto cache_ram = [&](const std::vector<std::string>& sets) {
    return load_text("desk.yaml", with_engine("llama.cpp-cuda"), "", sets).input.deployments[0].cache_ram;
  };
  CHECK(cache_ram({}) == 8192.0 * 1024 * 1024);  // its own default
  CHECK(cache_ram({"deployments.assistant.cache_ram=0 B"}) == 0);
  CHECK(cache_ram({"deployments.assistant.prefix_cache=false"}) == 0);
}

TEST_CASE("arrivals beside a trace are checked, and set its pace alone", "[scenarios][errors][traces]") {
  const std::string users =
      "users: 12, think: {exponential: 30 s}, prompt: 800, output: {lognormal: {median: 250, p99: 2000}}";
  const std::string trace = "trace: " TOKWATT_SOURCE_DIR "/tests/data/traces/vidur_arxiv_head60.csv, ";
  const auto said = [&](const std::string& source) { return errors_of(with(users, trace + source)); };
  CHECK(said("arrivals: {process: poisson, rate: 1/s}").empty());
  CHECK_THAT(said("arrivals: {process: poisson}"),
             Contains("workload.0.arrivals needs exactly one of rate and stages"));
  CHECK_THAT(said("speed: 2, start: 1 s, arrivals: {process: poisson, rate: 1/s}"),
             Contains("has speed, which goes only with a trace that has times of its own") && Contains("has start"));
  CHECK_THAT(said("lengths: x.json, arrivals: {process: poisson, rate: 1/s}"),
             Contains("lengths goes only with a trace of format servegen"));
  CHECK_THAT(said("limit: 5"), Contains("has lengths only; expected arrivals: beside trace:"));
  CHECK_THAT(said("prompt: 5, arrivals: {process: poisson, rate: 1/s}"), Contains("has prompt, which goes only with"));
}

TEST_CASE("what a box says of engines is checked, also of those that no deployment uses", "[scenarios][errors]") {
  const auto said = [](const std::string& set) { return errors_of(kGood, {"systems.desk.engines." + set}); };
  CHECK_THAT(said("vlm.tuning.rows_half=1"),
             Contains("systems.desk.engines.vlm: no engine has this id; did you mean \"vllm\"?"));
  CHECK_THAT(said("llama.cpp-metal.tuning.rows_half=1"),
             Contains("systems.desk.engines.llama: no engine has this id; an id with a dot stands in quotes in a path: "
                      "engines.\"llama.cpp-metal\""));
  CHECK_THAT(said("x.tuning.rows_half=1"), Contains("no engine has this id; expected exo, llama.cpp-cpu, "));
  for (const std::string engine : {"vllm", "\"llama.cpp-metal\""}) {
    CAPTURE(engine);
    CHECK(said(engine + ".tuning.rows_half=1").empty());
    CHECK_THAT(said(engine + ".tunning.rows_half=1"), Contains("unknown key \"tunning\"; did you mean \"tuning\"?"));
    CHECK_THAT(said(engine + ".tuning.foo=0.1"), Contains("unknown key \"foo\""));
    CHECK_THAT(said(engine + ".tuning.kernel_dispatch=5 W"), Contains("is \"5 W\", a power; expected a duration"));
  }
}

TEST_CASE("what cannot run is infeasible, with the reason", "[scenarios][errors]") {
  CHECK(errors_of(with("engine: vllm", "engine: llama.cpp-metal")) ==
        "infeasible: deployments.assistant: llama.cpp-metal runs on metal; dgx-spark offers cuda or vulkan");
  CHECK(errors_of(with("quant: mxfp4", "quant: q4_k_m")) ==
        "infeasible: deployments.assistant: vllm does not run q4_k_m; it runs autoround-int4, awq-int4, bf16, f16, "
        "fp8, gptq-int4, "
        "int8-w8a8, mxfp4, nvfp4 or w4a16-int4");
  CHECK(errors_of(with("kv: f16", "kv: q8_0")) ==
        "infeasible: deployments.assistant: vllm has no KV cache in q8_0; it has bf16, f16 or fp8");
  CHECK_THAT(
      errors_of(with("engine: vllm, runs_on: desk", "engine: llama.cpp-cuda, runs_on: desk, limits: {kv_blocks: 10}")),
      Contains("infeasible: deployments.assistant.limits.kv_blocks: llama.cpp-cuda has no such limit"));
  const auto limited = [](const std::string& limit) {
    return errors_of(with("runs_on: desk", "runs_on: desk, limits: {" + limit + "}"));
  };
  CHECK(limited("micro_batch: 256") ==
        "infeasible: deployments.assistant.limits.micro_batch: vllm has no such limit, all tokens of a step go through "
        "at once");
  CHECK(limited("prompt_concurrency: 4") ==
        "infeasible: deployments.assistant.limits.prompt_concurrency: vllm has no such limit, prompts share the tokens "
        "of a step");
  CHECK(errors_of(with("engine: vllm", "engine: sglang, limits: {reserve_full_isl: true}")) ==
        "infeasible: deployments.assistant.limits.reserve_full_isl: sglang has no such limit, it admits requests by a "
        "rule of its own");
  CHECK(limited("kv_unified: true") ==
        "infeasible: deployments.assistant.limits.kv_unified: vllm has no such limit, any sequence may take any block");
  CHECK(errors_of(with("kv: f16, engine: vllm", "engine: ollama, limits: {kv_unified: true}")) ==
        "infeasible: deployments.assistant.limits.kv_unified: ollama has no such limit, each of its slots has a part "
        "of the context");
  CHECK(errors_of(with("{sheet: dgx-spark}", "{sheet: dgx-spark, compute: {bf16: 0 FLOP/s}}")) ==
        "infeasible: deployments.assistant: vllm computes mxfp4 in bf16; dgx-spark has no bf16 units");
}

TEST_CASE("what clients do must go together", "[scenarios][errors]") {
  CHECK_THAT(errors_of(with("users: 12", "users: 12, retries: 2")),
             Contains("workload.0 has retries, which go only with timeout, or where slots may share"));
  CHECK_THAT(errors_of(with("users: 12", "users: 12, max_in_flight: 2")),
             Contains("workload.0 has max_in_flight, which goes only with arrivals and traces of requests"));
  CHECK(
      errors_of(with("users: 12", "users: 12, timeout: 30 s, retries: 2, patience: {exponential: 60 s}, thinking: 100"))
          .empty());
}
