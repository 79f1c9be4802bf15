// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/pass_counts.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "train/call_name.h"

namespace gantry {
namespace {

PassCount& count_of(std::vector<PassCount>& counts, const CallName& name) {
  const auto same = [&](const PassCount& count) {
    return count.update == name.update() && count.layer == name.layer;
  };
  const auto found = std::find_if(counts.begin(), counts.end(), same);
  if (found != counts.end()) return *found;
  counts.push_back({name.update(), name.layer});
  return counts.back();
}

using Counts = std::vector<PassCount>;

bool alike(const PassCount& a, const PassCount& b) {
  return a.layer == b.layer && a.forward == b.forward && a.backward_data == b.backward_data &&
         a.backward_weights == b.backward_weights && a.penalty == b.penalty;
}

// The counts of each update.
std::vector<Counts> by_update(const Counts& counts) {
  std::vector<Counts> updates;
  for (const PassCount& count : counts) {
    if (updates.empty() || updates.back().front().update != count.update) updates.push_back({});
    updates.back().push_back(count);
  }
  return updates;
}

void describe_update(const Counts& counts, const std::string& name, std::ostringstream& out) {
  double flops = 0, penalty = 0;
  for (const PassCount& count : counts) {
    out << std::left << std::setw(10) << name << std::setw(28) << count.layer << std::right;
    for (const double passes :
         {count.forward, count.backward_data, count.backward_weights, count.penalty, count.all()}) {
      out << std::setw(10) << passes;
    }
    out << "\n";
    flops += count.flops;
    penalty += count.penalty_flops;
  }
  out << std::left << std::setw(10) << name << flops / 1e9 << " GFLOP";
  if (penalty > 0) out << ", " << flops / (flops - penalty) << " times those without penalties";
  out << "\n";
}

}  // namespace

std::vector<PassCount> count_passes(const Program& program, int64_t batch) {
  std::vector<PassCount> counts;
  for (const Call& call : program.calls()) {
    const std::string& op = call.kernel->op();
    const CallName name = split_call(call.name);
    if (!op.starts_with("conv2d.") && !op.starts_with("dense.")) continue;
    const bool weights = name.pass == "backward_weights";
    // The samples are those of what is written, or of the layer's input.
    const int64_t samples = call.args[weights ? 1 : 0].shape.n;
    const double passes = static_cast<double>(samples) / static_cast<double>(batch);
    PassCount& count = count_of(counts, name);
    double& kind = !name.penalty.empty()          ? count.penalty
                   : weights                      ? count.backward_weights
                   : name.pass == "backward_data" ? count.backward_data
                                                  : count.forward;
    kind += passes;
    count.flops += call.kernel->flops();
    if (!name.penalty.empty()) count.penalty_flops += call.kernel->flops();
  }
  return counts;
}

std::string describe_passes(const Program& program, int64_t batch) {
  std::ostringstream out;
  out << "passes of " << batch << " samples through convolutions and dense layers\n"
      << std::setprecision(3) << std::left << std::setw(10) << "update" << std::setw(28) << "layer"
      << std::right;
  for (const char* kind : {"forward", "data", "weights", "penalty", "all"}) {
    out << std::setw(10) << kind;
  }
  out << "\n";
  const std::vector<Counts> updates = by_update(count_passes(program, batch));
  for (size_t first = 0; first < updates.size();) {
    size_t last = first;
    while (last + 1 < updates.size() &&
           std::equal(updates[first].begin(), updates[first].end(), updates[last + 1].begin(),
                      updates[last + 1].end(), alike)) {
      ++last;
    }
    const std::string from = updates[first][0].update, until = updates[last][0].update;
    describe_update(updates[first], last == first ? from : concat(from, "-", until), out);
    first = last + 1;
  }
  return out.str();
}

}  // namespace gantry
