#include "scenarios/cli/fit_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "models/graph.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/natural_engine.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

using scenarios::SheetKind;

namespace {

/// Engine that runs a quant on a box; null: none does.
using EngineOf = std::map<std::string, const models::Engine*>;

std::vector<std::string> names(SheetKind kind, const std::string& given) {
  return given.empty() ? scenarios::ids(kind) : std::vector<std::string>{given};
}

std::vector<std::string> engines_on(const hardware::Box& box, const std::string& given) {
  return given.empty() ? natural_engines(box) : std::vector<std::string>{engine_meant(box, given)};
}

bool has_kv(const models::Engine& engine, const std::string& kv) { return kv.empty() || engine.kv.count(kv) > 0; }

EngineOf engines_by_quant(const FitQuestion& question, const std::string& system, Shelf& shelf) {
  EngineOf out;
  const hardware::Box& box = shelf.box(system).value;
  for (const auto& quant : names(SheetKind::quant, question.quant)) {
    const models::Engine*& chosen = out[quant] = nullptr;
    for (const auto& id : engines_on(box, question.engine)) {
      const models::Engine& engine = shelf.engine(id, system).value;
      const bool runs = scenarios::why_not(box, engine, shelf.quant(quant).value).empty();
      if (chosen == nullptr && runs && has_kv(engine, question.kv)) chosen = &engine;
    }
  }
  return out;
}

using Elements = std::array<double, models::kWeightClasses>;

Elements elements_of(const models::Architecture& model) {
  Elements out{};
  for (const auto& tensor : models::tensors(model))
    out[static_cast<std::size_t>(tensor.weight_class)] += tensor.elements;
  return out;
}

double bits(const Elements& elements, const models::WeightFormat& format) {
  double sum = 0;
  for (std::size_t i = 0; i < elements.size(); ++i) sum += elements[i] * format.bits[i];
  return sum;
}

struct Candidate {
  models::Quant quant;
  const models::Engine* engine;
  double bits;
};

struct Candidates {
  std::vector<Candidate> ways;
  std::vector<std::string> no_files;  ///< quants that an engine would run, if the model had files in them
};

/// The ways to run a model on a box; first the format that it is published in (more bits than that add nothing), then
/// the most bits first. `any_quant`: nobody named one, and those that the model has no files in are left out.
Candidates candidates(const std::string& model_name, const EngineOf& engines, bool any_quant, Shelf& shelf) {
  const models::Architecture& model = shelf.model(model_name).value;
  const Elements elements = elements_of(model);
  std::vector<Candidate> out;
  std::vector<std::string> no_files;
  for (const auto& [name, engine] : engines) {
    models::Quant quant = shelf.quant_of(model_name, name);
    if (engine == nullptr || !scenarios::why_not(model, quant).empty()) continue;
    const bool is_gguf = engine->container == models::Container::gguf;
    if (any_quant && is_gguf && !has_files(model, quant)) {
      no_files.push_back(quant.id);
      continue;
    }
    const double size = bits(elements, is_gguf ? quant.gguf : quant.safetensors);
    out.push_back({std::move(quant), engine, size});
  }
  const auto is_odd = [](const Candidate& c) { return is_last_resort(c.engine->id); };
  if (!std::all_of(out.begin(), out.end(), is_odd)) std::erase_if(out, is_odd);
  const auto is_native = [&](const Candidate& c) { return c.quant.id == model.native_quant; };
  std::stable_sort(out.begin(), out.end(), [&](const Candidate& a, const Candidate& b) {
    return is_native(a) != is_native(b) ? is_native(a) : a.bits > b.bits;
  });
  return {std::move(out), std::move(no_files)};
}

bool is_listed(const scenarios::Head& head, const std::string& given, const FitQuestion& question) {
  return !given.empty() || question.hypothetical || !head.hypothetical;
}

/// Notes why not.
bool is_affordable(const hardware::Box& box, const std::optional<double>& budget, FitList& out) {
  if (!budget) return true;
  const double price = box.price.paid();
  if (std::isnan(price)) out.no_price.push_back(box.id);
  if (price > *budget) out.too_dear.push_back(box.id);
  return price <= *budget;
}

/// Tokens of context that each of the users may have.
int64_t longest_context(const sim::Deployment& d, double left, int64_t users) {
  const models::KvBytes kv = sim::kv_bytes(d);
  const auto fits = [&](int64_t tokens) { return static_cast<double>(users) * kv.of(tokens) <= left; };
  if (left < 0 || !fits(1)) return 0;
  int64_t low = 1, high = d.model.max_context;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

void add_decode(Fit& fit) {
  if (!fit.fits()) return;
  const auto& [box, deployment] = fit.subject;
  fit.decode = sim::bench(deployment, box, {0, 1, fit.context - 1, 1}).decode;
}

}  // namespace

void open_all(const FitQuestion& question, Shelf& shelf) {
  const auto open = [&](SheetKind kind, const std::string& name, const char* option) {
    if (!name.empty()) shelf.open(kind, name, option);
  };
  open(SheetKind::box, question.system, "--system");
  open(SheetKind::model, question.model, "--model");
  open(SheetKind::quant, question.quant, "--quant");
  if (!depends_on_box(question.engine)) open(SheetKind::engine, question.engine, "--engine");
  shelf.check();
}

Fit fit_of(const Subject& subject, const FitQuestion& question) {
  const sim::Deployment& d = subject.deployment;
  Fit out;
  out.subject = subject;
  out.plan = sim::memory_plan(d, subject.box.memory);
  out.users = question.users;
  out.context = question.context > 0 ? question.context : std::min(kUsualContext, d.model.max_context);
  out.kv_per_user = sim::kv_bytes(d).of(out.context);
  out.longest_context = longest_context(d, out.plan.left(), question.users);
  const bool has_room = out.takes_context() && out.plan.left() >= out.kv_per_user;
  out.most_users = has_room ? static_cast<int64_t>(out.plan.left() / out.kv_per_user) : 0;
  add_decode(out);
  return out;
}

Subject whole_subject(const FitQuestion& question, Shelf& shelf) {
  SubjectNames names{question.system, question.model, question.quant, question.engine, question.kv};
  if (!names.engine.empty()) return subject_of(names, shelf);
  const auto& box = shelf.box(question.system).value;
  const auto engines = natural_engines(box);
  std::string reasons;
  for (const auto& engine : engines) {
    names.engine = engine;
    try {
      return subject_of(names, shelf);
    } catch (const scenarios::Infeasible& error) {
      reasons += fmt::format("\n  {}", error.what());
    }
  }
  throw scenarios::Infeasible(
      fmt::format("no engine runs {} as {} on {}:{}", question.model, question.quant, box.id, reasons));
}

namespace {

/// Adds one model on one box: in every quant that fits where `every` is set, else in the best.
void add(const hardware::Box& box, const models::Architecture& model, const std::vector<Candidate>& ways, bool every,
         const FitQuestion& question, FitList& out) {
  const std::string& name = question.model.empty() ? model.id : box.id;
  if (ways.empty()) out.not_run.push_back(name);
  if (!ways.empty() && question.context > model.max_context) {
    out.too_short.push_back(fmt::format("{} ({} tokens)", model.id, grouped(model.max_context)));
    return;
  }
  bool any = false;
  for (const auto& way : ways) {
    auto fit = fit_of(assembled(box, model, way.quant, *way.engine, question.kv), question);
    if (fit.bits() < question.min_bits) continue;
    if (!fit.fits()) {
      if (every) out.too_big.push_back(way.quant.id);
      continue;
    }
    out.fits.push_back(std::move(fit));
    any = true;
    if (!every) return;
  }
  if (!any && !every && !ways.empty()) out.too_big.push_back(name);
}

}  // namespace

FitList search(const FitQuestion& question, Shelf& shelf) {
  FitList out;
  const bool lists_quants = !question.model.empty() && !question.system.empty();
  for (const auto& system : names(SheetKind::box, question.system)) {
    const auto& box = shelf.box(system);
    if (!is_listed(box.head, question.system, question) || !is_affordable(box.value, question.budget, out)) continue;
    const EngineOf engines = engines_by_quant(question, system, shelf);
    for (const auto& name : names(SheetKind::model, question.model)) {
      const auto& model = shelf.model(name);
      if (!is_listed(model.head, question.model, question)) continue;
      auto [ways, no_files] = candidates(name, engines, question.quant.empty(), shelf);
      add(box.value, model.value, ways, lists_quants, question, out);
      if (lists_quants) out.no_files = std::move(no_files);
    }
  }
  // Boxes by what they do, models by what they are, quants by what they take.
  std::stable_sort(out.fits.begin(), out.fits.end(), [&](const Fit& a, const Fit& b) {
    if (question.system.empty()) return a.decode.tokens_per_second > b.decode.tokens_per_second;
    if (lists_quants) return a.plan.weights > b.plan.weights;
    return models::parameters(a.subject.deployment.model) > models::parameters(b.subject.deployment.model);
  });
  return out;
}

std::optional<Subject> best_subject(const FitQuestion& question, Shelf& shelf) {
  open_all(question, shelf);
  const auto& box = shelf.box(question.system).value;
  const auto& model = shelf.model(question.model).value;
  const EngineOf engines = engines_by_quant(question, question.system, shelf);
  for (const auto& way : candidates(question.model, engines, question.quant.empty(), shelf).ways) {
    auto fit = fit_of(assembled(box, model, way.quant, *way.engine, question.kv), question);
    if (fit.fits()) return std::move(fit.subject);
  }
  return std::nullopt;
}

}  // namespace tokwatt::cli
