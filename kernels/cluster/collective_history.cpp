// SPDX-License-Identifier: Apache-2.0
#include "kernels/collective_history.h"

#include <algorithm>
#include <string_view>

namespace gantry {

CollectiveHistory::CollectiveHistory() {
  for (Collective& one : kept_) {
    for (std::string* text : {&one.op, &one.what, &one.type}) text->reserve(kMostCharacters);
  }
}

const Collective& CollectiveHistory::begin(const char* op, const std::string& what, int64_t count,
                                           const char* type) {
  ++begun_;
  Collective& one = last();
  one.number = begun_;
  one.op.assign(op);
  one.what.assign(std::string_view(what).substr(0, kMostCharacters));
  one.count = count;
  one.type.assign(type);
  one.begun = now();
  one.ended = -1;
  return one;
}

void CollectiveHistory::end() { last().ended = now(); }

std::vector<Collective> CollectiveHistory::all() const {
  std::vector<Collective> ordered;
  for (int64_t i = std::max<int64_t>(0, begun_ - static_cast<int64_t>(kKept)); i < begun_; ++i) {
    ordered.push_back(kept_[static_cast<size_t>(i) % kKept]);
  }
  return ordered;
}

double CollectiveHistory::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

}  // namespace gantry
