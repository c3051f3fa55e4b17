// The dataset of a ServeGen client: {"0": {"input_tokens": "{224: 0.0003, ...}", "output_tokens": "{...}"}, "21600":
// ...}, where the inner texts are Python's.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "scenarios/traces/json_text.hpp"
#include "scenarios/traces/servegen.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kLargestFile = std::size_t{256} << 20U;  // [B] inflated; the published ones have 60 MB at most
constexpr double kSumTolerance = 1e-3;

std::string read_whole(const std::string& path, Mistakes& mistakes) {
  ByteStream bytes(path);
  std::string text;
  std::vector<char> chunk(std::size_t{1} << 20U);
  while (const std::size_t got = bytes.read(chunk)) {
    text.append(chunk.data(), got);
    if (text.size() <= kLargestFile) continue;
    mistakes.add(1, "", 0, 1,
                 fmt::format("more than {} bytes; expected the lengths of a servegen client", kLargestFile));
    return {};
  }
  return text;
}

struct Weight {
  int32_t length = 0;
  double weight = 0;
};

// {224: 0.0003, 225: 1e-05}; empty is fine.
class Histogram {
 public:
  explicit Histogram(std::string_view text) : text_(text), rest_(text) {}

  /// What is wrong at piece(), or nothing.
  std::string read() {
    if (!take('{')) return "expected a histogram such as {224: 0.5, 225: 0.5}";
    for (bool more = !take('}'); more;) {
      if (std::string wrong = read_entry(); !wrong.empty()) return wrong;
      if (take('}')) break;
      if (!take(',')) return "expected a comma or }";
    }
    if (!rest_.empty()) return "expected nothing behind the histogram";
    return check();
  }
  std::string_view piece() const { return rest_.empty() ? text_ : rest_.substr(0, 1); }

  sim::Distribution distribution() const {
    sim::Empirical d;
    double sum = 0;
    for (const Weight& w : weights_) {
      if (w.weight <= 0) continue;
      d.value.push_back(w.length);
      d.cumulative_weight.push_back(sum += w.weight);
    }
    return {std::move(d), {}, {}};
  }
  bool empty() const { return weights_.empty(); }

 private:
  bool take(char c) {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string read_entry() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    Weight entry;
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (!parse_tokens(rest_.substr(0, digits), entry.length))
      return "expected a length, a whole number up to 2,147,483,647";
    if (entry.length == 0) return "a length of 0 tokens; expected at least 1";
    rest_.remove_prefix(digits);
    if (!take(':')) return "expected a colon";
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), entry.weight);
    if (error != std::errc() || !(entry.weight >= 0 && entry.weight <= 1)) return "expected a probability from 0 to 1";
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    weights_.push_back(entry);
    return {};
  }

  std::string check() {
    std::sort(weights_.begin(), weights_.end(), [](const Weight& a, const Weight& b) { return a.length < b.length; });
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i].weight;
      if (i > 0 && weights_[i].length == weights_[i - 1].length)
        return fmt::format("the length {} comes twice; expected each length once", weights_[i].length);
    }
    if (!weights_.empty() && std::abs(sum - 1) > kSumTolerance)
      return fmt::format("the probabilities add up to {:.6g}; expected 1", sum);
    return {};
  }

  std::string_view text_, rest_;
  std::vector<Weight> weights_;
};

bool read_histogram(JsonText& json, std::string_view key, sim::Distribution& into) {
  const std::string_view text = json.string(key);
  if (!json.good()) return false;
  Histogram histogram(text);
  if (const std::string wrong = histogram.read(); !wrong.empty()) {
    json.wrong(histogram.piece(), fmt::format("{}: {}", key, wrong));
    return false;
  }
  into = histogram.distribution();
  return !histogram.empty();
}

void read_window(JsonText& json, std::string_view start, std::vector<LengthWindow>& windows) {
  if (!json.good())
    return static_cast<void>(json.value());  // one mistake: a second one costs another look for its line
  LengthWindow window;
  if (!parse_instant(start, TimeUnit::s, window.start))
    json.wrong(start, fmt::format("a window starts at {}", explain_instant(start, TimeUnit::s)));
  bool has_prompt = false, has_output = false;
  int found = 0;
  json.object([&](std::string_view key) {
    found += key == "input_tokens" || key == "output_tokens" ? 1 : 0;
    if (key == "input_tokens") {
      has_prompt = read_histogram(json, key, window.prompt);
    } else if (key == "output_tokens") {
      has_output = read_histogram(json, key, window.output);
    } else {
      json.value();
    }
  });
  if (json.good() && found < 2) json.wrong(start, "a window without input_tokens or output_tokens; expected both");
  window.empty = !has_prompt || !has_output;
  windows.push_back(std::move(window));
}

}  // namespace

std::vector<LengthWindow> read_servegen_lengths(const std::string& path, Mistakes& mistakes) {
  std::vector<LengthWindow> windows;
  const int64_t before = mistakes.count();
  const std::string text = read_whole(path, mistakes);
  if (mistakes.count() > before) return windows;
  JsonText json(text, 1, mistakes);
  json.object([&](std::string_view start) { read_window(json, start, windows); });
  json.finish({});
  if (json.good() && windows.empty()) mistakes.add(1, "", 0, 1, "no windows; expected lengths of a servegen client");
  std::stable_sort(windows.begin(), windows.end(),
                   [](const LengthWindow& a, const LengthWindow& b) { return a.start < b.start; });
  return windows;
}

}  // namespace tokwatt::scenarios
