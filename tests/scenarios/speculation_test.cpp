// What `speculative:` of a deployment takes, and what it is answered with where it cannot be.
#include <algorithm>

#include "scenarios/scenario.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

using namespace tokwatt;
using namespace tokwatt::scenarios;
using Catch::Contains;

namespace {

std::string speculating(const std::string& model, const std::string& quant, const std::string& engine,
                        const std::string& how, const std::string& more = "") {
  return with("{model: gpt-oss-120b, quant: mxfp4, kv: f16, engine: vllm, runs_on: desk}",
              "{model: " + model + ", quant: " + quant + ", engine: " + engine + ", runs_on: desk, speculative: {" +
                  how + "}" + more + "}");
}

std::string said(const std::string& how) { return errors_of(speculating("llama-3.1-8b", "bf16", "vllm", how)); }

sim::Deployment deployment(const std::string& text) {
  return load_text("desk.yaml", text, "", {}).input.deployments.front();
}

}  // namespace

TEST_CASE("a smaller model drafts, in the deployment's quant or its own", "[scenarios][speculation]") {
  const std::string how = "method: draft, model: llama-3.2-1b, tokens: 4, acceptance: 0.7";
  const auto same = deployment(speculating("llama-3.1-8b", "bf16", "vllm", how));
  REQUIRE(same.speculation);
  CHECK(same.speculation->draft.id == "llama-3.2-1b");
  CHECK(same.speculation->quant.id == "bf16");
  CHECK(same.speculation->tokens == 4);
  CHECK(same.speculation->acceptance == 0.7);
  CHECK_FALSE(same.speculation->is_head);
  CHECK(deployment(speculating("llama-3.1-8b", "bf16", "vllm", how + ", quant: fp8")).speculation->quant.id == "fp8");
}

TEST_CASE("a head is one layer of the model, and listed as assumed", "[scenarios][speculation]") {
  for (const std::string method : {"mtp", "eagle"}) {
    const auto loaded = load_text(
        "desk.yaml", speculating("gpt-oss-120b", "mxfp4", "vllm", "method: " + method + ", tokens: 2, acceptance: 0.6"),
        "", {});
    const auto& d = loaded.input.deployments.front();
    REQUIRE(d.speculation);
    CHECK(d.speculation->is_head);
    CHECK(d.speculation->draft.layers.size() == 1);
    CHECK(d.speculation->draft.layers[0].experts);
    CHECK(d.speculation->draft.vocab == d.model.vocab);
    CHECK(std::count(
              loaded.assumed.begin(), loaded.assumed.end(),
              "scenario: deployments.assistant.speculative: a head of one layer like the last of gpt-oss-120b") == 1);
  }
}

TEST_CASE("mistakes about speculation are named at their places", "[scenarios][speculation][errors]") {
  CHECK_THAT(said("method: ngram, tokens: 4, acceptance: 0.7"),
             Contains("speculative.method is \"ngram\"; expected draft, mtp or eagle"));
  CHECK_THAT(said("method: mtp, tokens: 4"), Contains("speculative.acceptance is missing"));
  CHECK_THAT(said("method: mtp, tokens: 4, acceptance: 1"), Contains("acceptance is 1; expected a number below 1"));
  CHECK_THAT(said("method: mtp, tokens: 4, acceptance: 1.5"), Contains("expected a number from 0 to 1"));
  CHECK_THAT(said("method: mtp, tokens: 4, acceptance: {uniform: [0.5, 0.7]}"),
             Contains("acceptance that differs between requests is not built yet; expected one number"));
  CHECK_THAT(said("method: mtp, tokens: 0, acceptance: 0.5"), Contains("expected a whole number from 1 to 64"));
  CHECK_THAT(said("method: draft, tokens: 4, acceptance: 0.5"), Contains("speculative.model is missing"));
  CHECK_THAT(said("method: draft, model: llama-3.2-1c, tokens: 4, acceptance: 0.5"),
             Contains("speculative.model is \"llama-3.2-1c\"; no model has this name; did you mean \"llama-3.2-1b\"?"));
  CHECK_THAT(said("method: eagle, model: llama-3.2-1b, tokens: 4, acceptance: 0.5"),
             Contains("speculative.model stands beside method eagle, whose head is part of the model"));
  CHECK_THAT(said("method: mtp, tokens: 40, acceptance: 0.5"),
             Contains("running sequences need 41 tokens each in a step"));
}

TEST_CASE("what cannot speculate is refused with the reason", "[scenarios][speculation][errors]") {
  const std::string draft = "method: draft, tokens: 4, acceptance: 0.7, model: ";
  const auto refused = [&](const char* model, const char* quant, const char* engine, const std::string& how) {
    return errors_of(speculating(model, quant, engine, how));
  };
  CHECK(refused("llama-3.1-8b", "q8_0", "ollama", draft + "llama-3.2-1b") ==
        "infeasible: deployments.assistant.speculative: ollama has no speculative decoding");
  CHECK(refused("llama-3.1-8b", "q8_0", "llama.cpp-cuda", "method: mtp, tokens: 2, acceptance: 0.7") ==
        "infeasible: deployments.assistant.speculative: llama.cpp-cuda has no mtp; it has draft");
  CHECK_THAT(refused("llama-3.1-8b", "bf16", "vllm", draft + "qwen3-0.6b"), Contains("it cannot draft for it"));
  CHECK_THAT(refused("gpt-oss-120b", "mxfp4", "vllm", draft + "qwen3-0.6b"),
             Contains("mxfp4 stores experts only; qwen3-0.6b has none; speculative.quant may name another format"));
  CHECK_THAT(refused("qwen3-next-80b-a3b", "q4_k_m", "llama.cpp-cuda", draft + "qwen3-0.6b"),
             Contains("recurrent layers, and llama.cpp-cuda cannot take rejected tokens back"));
}

TEST_CASE("an engine runs as many sequences as it does when it speculates", "[scenarios][speculation]") {
  const std::string how = "method: mtp, tokens: 4, acceptance: 0.7";
  CHECK(deployment(speculating("llama-3.1-8b", "bf16", "sglang", how)).engine.limits.max_num_seqs == 48);
  CHECK(deployment(speculating("llama-3.1-8b", "bf16", "sglang", how, ", limits: {max_num_seqs: 64}"))
            .engine.limits.max_num_seqs == 64);
}
