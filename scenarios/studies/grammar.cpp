#include "scenarios/studies/grammar.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kPoints{1, static_cast<double>(kMostPoints)};
const Choices kSpacings{{"linear", "logarithmic"}, {}};
const Choices kMethods{{"latin-hypercube", "random"}, {}};

Key of_any_key(Key key) {
  key.of_any_key = true;
  return key;
}

}  // namespace

static void fields(Fields& f, WrittenVariant& v) {
  f.changes(of_any_key(optional("set", "keys of the scenario and their values in this variant; without it the base")),
            v.set);
}

static void fields(Fields& f, WrittenAxis& a) {
  f.here(a.place, &a.keys);
  f.one_or_more(optional("key",
                         "key of the scenario that gets the values, as --set has it (workload.0.users), or a list of "
                         "such keys; calibration.draw is the draw from what is not known of engines and boxes"),
                a.key);
  f.any_values(optional("values", "the values, one by one"), a.values);
  f.any_value(optional("from", "lowest value, in place of values"), a.from);
  f.any_value(optional("to", "highest value, in the unit of from"), a.to);
  f.any_value(optional("step", "between two values; or points"), a.step);
  f.count(optional("points", "how many values from the lowest to the highest; or step", kPoints), a.points);
  f.choice(optional("spacing", "linear (default) or logarithmic"), kSpacings, a.spacing);
  f.named(optional("variants", "in place of key: named sets of keys and values"), a.variants);
}

static void fields(Fields& f, WrittenSample& s) {
  f.here(s.place);
  f.texts(required("axes", "axes that are drawn from, each between its from and to, or among its values"), s.axes);
  f.choice(optional("method", "latin-hypercube (default) or random"), kMethods, s.method);
  f.count(required("points", "how many draws", kPoints), s.points);
  f.count(optional("seed", "of the draws (default 0)", {0, 9.2e18}), s.seed);
}

void fields(Fields& f, WrittenStudy& s) {
  f.here(s.place);
  f.text(optional("title", "what it is about"), s.title);
  f.text(required("base", "scenario that every point starts from: a path, from this file's folder on"), s.base);
  f.changes(of_any_key(optional("set", "keys of the scenario and their values at every point")), s.set);
  f.named(required("axes", "what is varied, by name; each is a dimension of the results"), s.axes);
  f.texts_map(optional("paired", "axes of equal length that go together along one dimension, by its name"), s.paired);
  f.section(optional("sample", "axes that are drawn from together, along the dimension `sample`"), s.sample);
  f.texts(optional("metrics",
                   "numbers of the summary to keep, such as ttft_s.p95; without it all that are of the "
                   "whole scenario"),
          s.metrics);
  f.texts(optional("constraints", "what a feasible point keeps, such as \"ttft_s.p95 < 2 s\""), s.constraints);
}

}  // namespace tokwatt::scenarios
