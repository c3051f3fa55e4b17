#pragma once
// How replicas on one device divide it (design, rule 5; docs/theory/sharing.md).
#include <vector>

#include "sim/cluster/layout.hpp"
#include "sim/serving/operating_point.hpp"

namespace tokwatt::sim {

/// Replicas that have work divide their device by the weights of their deployments.
class Sharing {
 public:
  Sharing(const Input& input, const Layout& layout);

  /// Whether others run on a device of this replica.
  bool shares(std::size_t replica) const { return !devices_of_[replica].empty(); }
  bool busy(std::size_t replica) const { return busy_[replica]; }
  void set_busy(std::size_t replica, bool busy) { busy_[replica] = busy; }
  /// Of the device that it has least of, in 2^-16; as of the last divide().
  int32_t share(std::size_t replica) const { return share_[replica]; }
  /// Gives each replica that is busy its share. Returns those whose share is another one now.
  const std::vector<std::size_t>& divide();

 private:
  int32_t share_now(std::size_t replica) const;

  const Layout& layout_;
  std::vector<int64_t> weight_;                       // by replica
  std::vector<std::vector<std::size_t>> devices_of_;  // by replica: those that it shares
  std::vector<bool> busy_;
  std::vector<int32_t> share_;
  std::vector<std::size_t> changed_;
};

}  // namespace tokwatt::sim
