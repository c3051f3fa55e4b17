#include "sim/serving/news.hpp"

#include <algorithm>

namespace tokwatt::sim {

void News::tell(const Item& item, Picoseconds now) {
  Request& r = pool_[item.id];
  if (r.given_up()) return;
  switch (item.kind) {
    case Kind::first_token:
      r.first_token = now;
      return observer_.first_token(replica_, now - r.sent);
    case Kind::first_answer:
      r.first_answer = now;
      return;
    case Kind::finish:
      r.finished = now;
      r.outcome = Outcome::completed;
      finished_.push_back(item.id);
  }
}

const std::vector<RequestId>& News::tell(Picoseconds now) {
  finished_.clear();
  if (held_.empty()) return finished_;
  for (const Item& item : held_) tell(item, now);
  held_.clear();
  return finished_;
}

void News::append_finished(std::vector<RequestId>& out) const {
  for (const Item& item : held_) {
    if (item.kind == Kind::finish) out.push_back(item.id);
  }
}

bool News::drop(RequestId id) {
  const auto is_its = [&](const Item& item) { return item.id == id; };
  const bool finished = std::any_of(held_.begin(), held_.end(),
                                    [&](const Item& item) { return is_its(item) && item.kind == Kind::finish; });
  std::erase_if(held_, is_its);
  return finished;
}

}  // namespace tokwatt::sim
