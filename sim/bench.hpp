#pragma once
// What llama-bench and llama-batched-bench would measure, from the cost model alone: no queue, no heat, the highest
// clock within the power limit.
#include <memory>

#include "sim/input.hpp"
#include "sim/serving/kv_capacity.hpp"

namespace tokwatt::sim {

/// One test: prefill of `prompt` tokens, or decoding of `generate` tokens, behind `depth` tokens already cached, for
/// `sequences` sequences at once. llama-bench's pp and tg have one of prompt and generate zero, and one sequence.
struct BenchTest {
  int64_t prompt = 0, generate = 0, depth = 0, sequences = 1;
};

enum class Bound { bandwidth, compute, dispatch };

struct BenchRate {
  double seconds = 0;
  double tokens_per_second = 0;  ///< summed over the sequences; 0 when the test has no such part
  double low = 0, high = 0;      ///< 90 % interval; high is never above the roofline at vendor peaks
  Bound bound = Bound::bandwidth;
};

struct BenchResult {
  BenchRate prefill, decode;  ///< decode starts at depth + prompt
};

/// The test's context is longer than the model takes.
class ContextTooLong : public DoesNotFit {
 public:
  using DoesNotFit::DoesNotFit;
};

/// Throws ContextTooLong, and DoesNotFit when the sequences' contexts do not fit beside the weights.
BenchResult bench(const Deployment& deployment, const hardware::Box& box, const BenchTest& test);

/// One test priced with many tunings: what calibration needs. Not for several threads at once.
class BenchProblem {
 public:
  /// A test of one part (llama-bench's pp or tg); with both a prompt and tokens to generate, the decode behind the
  /// prompt. Throws as bench() does.
  BenchProblem(const Deployment& deployment, const hardware::Box& box, const BenchTest& test);

  double rate(const models::Tuning& tuning) const;  ///< [tokens/s], of a long decode from a sample of its steps
  double bound() const;                             ///< by the roofline at vendor peaks [tokens/s]
  int64_t tokens() const;                           ///< of the part that is priced
  double bound_memory() const;   ///< of the time that the bound takes, in operators that memory limits [s]
  double bound_compute() const;  ///< in operators that arithmetic limits [s]

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace tokwatt::sim
