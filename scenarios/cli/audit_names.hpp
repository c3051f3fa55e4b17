#pragma once
// Which boxes, models and formats a claim's free text may mean. Nothing is guessed: all that it may mean come back.
#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/cli/catalog.hpp"

namespace tokwatt::cli {

struct Meant {
  std::vector<std::string> ids;  ///< empty: none
  std::string why_none;          ///< a sentence, where there is none
  bool said = true;              ///< false: the claim names nothing, and any may be meant
};

class Names {
 public:
  Names();
  /// "Mac Studio M3 Ultra": all boxes whose id, alias or title has all of these words.
  Meant boxes(const std::string& text) const;
  /// The same, but an id or an alias is one model: "Llama 8B" is llama-8b. "dense 70B": all dense models of that name.
  Meant models(const std::string& text) const;
  /// "Q4": all formats of about 4 bits. Nothing: all there are.
  Meant quants(const std::string& text) const;
  /// Formats in which people run models who do not say which.
  static std::vector<std::string> usual_quants();

 private:
  std::vector<Entry> boxes_, models_;
};

/// A text's words in lower case, without makers' names; "M4 Max" is one word, "512GB" is "512".
std::vector<std::string> words_in(const std::string& text);

/// "a, b and c"
std::string listed(const std::vector<std::string>& names);

/// How many boxes: "2x DGX Spark" are two. Takes the count off the text.
int64_t count_off(std::string& text);

}  // namespace tokwatt::cli
