#include "sim/serving/step_pricer.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::sim {

namespace {

// The draft as if it were served itself. What an engine does between steps it does not do between the passes of one.
CostModel draft_model(const Deployment& deployment, const hardware::Box& box, const hardware::Link& link) {
  Deployment draft = deployment;
  draft.model = deployment.speculation->draft;
  draft.quant = deployment.speculation->quant;
  draft.engine.tuning = deployment.speculation->tuning;
  draft.engine.tuning.host_per_step = 0;
  draft.engine.tuning.host_per_sequence = 0;
  draft.speculation.reset();
  return {draft, box, link};
}

void add(Costs& sum, const StepCost& pass, int128 times) {
  sum.bandwidth += times * pass.bandwidth;
  sum.compute += times * pass.compute;
  sum.dispatch += times * pass.dispatch;
  sum.link += times * pass.link;
  sum.compute_energy += times * pass.compute_energy;
  sum.memory_energy += times * pass.memory_energy;
}

// First step in which a group's form turns from memory to compute (ties: memory). It never turns back: compute
// overtakes only where it grows faster. That holds for rows that are verified together too: none of the R rows sees
// more than is read, so compute above memory means R compute_per_pair > memory.slope, and in a plan of several steps
// either all rows of a member grow or none (one more fills its window with every token).
int64_t steps_until_crossing(const CostModel::GroupForms& forms, const AttentionSums& sums, const AttentionSums& more,
                             int fraction_bits) {
  // compute - memory in step j is excess + gain * j
  const int128 gain = int128{forms.compute_per_pair} * more.pairs - int128{forms.memory.slope} * more.kept_tokens;
  if (gain <= 0) return kNever;
  const int128 excess = int128{forms.compute_per_pair} * sums.pairs - int128{forms.memory.slope} * sums.kept_tokens -
                        (int128{forms.memory.base} << fraction_bits);
  return static_cast<int64_t>(std::min<int128>(kNever, -excess / gain + 1));
}

void add(StepGrowth& growth, const CostModel::GroupForms& forms, Form active, const AttentionSums& sums,
         const AttentionSums& more, int fraction_bits) {
  if (active == Form::compute) {
    growth.compute += forms.compute_per_pair * more.pairs;
  } else {
    growth.bandwidth += forms.memory.slope * more.kept_tokens;
    growth.steps = std::min(growth.steps, steps_until_crossing(forms, sums, more, fraction_bits));
  }
  growth.compute_energy += int128{forms.compute_energy_per_pair} * more.pairs;
  growth.memory_energy += int128{forms.memory_energy_per_token} * more.kept_tokens;
}

Form add(Costs& sum, const CostModel::GroupForms& forms, const AttentionSums& sums, int128 one) {
  const int128 memory = one * forms.memory.base + int128{forms.memory.slope} * sums.kept_tokens;
  const int128 compute = int128{forms.compute_per_pair} * sums.pairs;
  (compute > memory ? sum.compute : sum.bandwidth) += std::max(compute, memory);
  sum.compute_energy += int128{forms.compute_energy_per_pair} * sums.pairs;
  sum.memory_energy += one * forms.memory_energy_base + int128{forms.memory_energy_per_token} * sums.kept_tokens;
  return compute > memory ? Form::compute : Form::memory;
}

hardware::Box part_of(hardware::Box box, const OperatingPoint& point) {
  const double share = static_cast<double>(point.share) / kWholeDevice;
  for (double& peak : box.compute.peak) peak *= share;
  box.compute.vector *= share;
  box.memory.bandwidth *= share * static_cast<double>(point.bandwidth) / kWholeDevice;
  return box;
}

constexpr int128 kLongestStep = int128{1} << 62;  // [units of a picosecond]: 70 s

}  // namespace

// Time of arithmetic and of memory is what the share decides; the host and the links are not divided.
StepPricer::Models::Models(const Deployment& deployment, const hardware::Box& part, const hardware::Link& joined_by)
    : model(deployment, part, joined_by) {
  if (deployment.speculation) draft = draft_model(deployment, part, joined_by);
}

StepPricer::StepPricer(const Deployment& deployment, const hardware::Box& box, std::vector<hardware::Link> links)
    : deployment_(deployment),
      box_(box),
      links_(std::move(links)),
      pace_(pace_of(deployment)),
      whole_(deployment, box, links_.front()) {
  const auto& model = whole_.model;
  const auto& draft = whole_.draft;
  for (std::size_t g = 0; g < model.groups(); ++g) groups_.push_back({model.reach(g), pace_.rows(), true});
  if (!draft) return;
  for (std::size_t g = 0; g < draft->groups(); ++g) groups_.push_back({draft->reach(g), pace_.drafted, false});
  if (groups_.size() > kMaxAttentionGroups) {
    throw DoesNotFit(fmt::format("{}: {} and {}, which drafts for it, have {} different kinds of attention; at most {}",
                                 deployment.name, deployment.model.id, deployment.speculation->draft.id, groups_.size(),
                                 kMaxAttentionGroups));
  }
}

const StepPricer::Models& StepPricer::models_on_part(const OperatingPoint& point) const {
  for (const Models& models : parts_) {
    if (models.share == point.share && models.bandwidth == point.bandwidth && models.link == point.link) return models;
  }
  const auto& joined_by = links_[static_cast<std::size_t>(point.link)];
  Models& models = parts_.emplace_back(deployment_, part_of(box_, point), joined_by);
  models.share = point.share;
  models.bandwidth = point.bandwidth;
  models.link = point.link;
  return models;
}

CostModel::GroupForms StepPricer::group_forms(const Models& models, int level, std::size_t group,
                                              const StepBatch& batch) const {
  const int64_t rows = batch.decoding * groups_[group].rows + batch.chunk_tokens;
  const std::size_t of_model = models.model.groups();
  return group < of_model ? models.model.group_forms(level, group, rows)
                          : models.draft->group_forms(level, group - of_model, rows);
}

void StepPricer::set_price(const OperatingPoint& point, const StepBatch& batch, StepPrice& price,
                           const AttentionByGroup* more, StepGrowth* growth) const {
  const Models& models = models_at(point);
  if (models.draft) return set_price_with_draft(models, point.level, batch, price, more, growth);
  const int64_t tokens = batch.decoding + batch.chunk_tokens;
  auto rows = models.model.rows_of_step(point.level, tokens, batch.decoding + batch.chunks);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const auto forms = models.model.group_forms(point.level, g, tokens);
    price.forms[g] = CostModel::add_attention(rows, forms, batch.attention[g]);
    if (growth != nullptr) add(*growth, forms, price.forms[g], batch.attention[g], (*more)[g], 0);
  }
  price.duration = rows.duration();
  price.bandwidth = rows.bandwidth;
  price.compute = rows.compute;
  price.dispatch = rows.dispatch;
  price.link = rows.link;
  price.compute_energy = rows.compute_energy;
  price.memory_energy = rows.memory_energy;
}

// The draft reads the prompts' chunks in a pass of its own, which needs no output, and makes a pass for each token that
// it drafts; then the model takes all rows in one pass, with an output for each row that decodes.
void StepPricer::set_price_with_draft(const Models& models, int level, const StepBatch& batch, StepPrice& price,
                                      const AttentionByGroup* more, StepGrowth* growth) const {
  const int64_t verified = batch.decoding * pace_.rows();
  const int128 one = int128{1} << pace_.fraction_bits;
  Costs sum;  // wide, so that nothing overflows before it is known to be too much
  add(sum,
      models.model.pass_cost(level, {verified + batch.chunk_tokens, batch.decoding + batch.chunks,
                                     verified + batch.chunks, verified + batch.chunks}),
      one);
  if (batch.chunks > 0)
    add(sum, models.draft->pass_cost(level, {batch.chunk_tokens, batch.chunks, 0, batch.chunks}), one);
  if (batch.decoding > 0) {
    const int64_t n = batch.decoding;
    add(sum, models.draft->pass_cost(level, {n, n, n, n}), one * pace_.drafted);
  }
  for (std::size_t g = 0; g < groups(); ++g) {
    const auto forms = group_forms(models, level, g, batch);
    price.forms[g] = add(sum, forms, batch.attention[g], one);
    if (growth != nullptr) add(*growth, forms, price.forms[g], batch.attention[g], (*more)[g], pace_.fraction_bits);
  }
  const int128 duration = sum.duration();
  if (duration > kLongestStep) {
    throw DoesNotFit(fmt::format(
        "a step of {} sequences and {} prompt tokens takes {:.0f} s; under speculation steps may take at most 70 s",
        batch.decoding, batch.chunk_tokens,
        static_cast<double>(duration >> pace_.fraction_bits) / kPicosecondsPerSecond));
  }
  price.duration = static_cast<int64_t>(duration);
  price.bandwidth = static_cast<int64_t>(sum.bandwidth);
  price.compute = static_cast<int64_t>(sum.compute);
  price.dispatch = static_cast<int64_t>(sum.dispatch);
  price.link = static_cast<int64_t>(sum.link);
  price.compute_energy = sum.compute_energy;
  price.memory_energy = sum.memory_energy;
}

Costs cost_of_step(const StepPrice& first, const StepGrowth& growth, int64_t j) {
  return {first.bandwidth + int128{growth.bandwidth} * j,
          first.compute + int128{growth.compute} * j,
          first.dispatch,
          first.link,
          first.compute_energy + growth.compute_energy * j,
          first.memory_energy + growth.memory_energy * j};
}

double tokens_per_step(int64_t drafted, double acceptance) {
  return (1 - std::pow(acceptance, static_cast<double>(drafted + 1))) / (1 - acceptance);
}

Pace pace_of(const Deployment& deployment) {
  if (!deployment.speculation) return {};
  const auto& s = *deployment.speculation;
  const double most = static_cast<double>(s.tokens + 1);
  const double expected = std::clamp(tokens_per_step(s.tokens, s.acceptance), 1.0, most);
  return {kFractionBits, s.tokens, std::llround(std::ldexp(expected, kFractionBits))};
}

}  // namespace tokwatt::sim
