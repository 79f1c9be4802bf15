// SPDX-License-Identifier: Apache-2.0
#include "core/profiler.h"

#include <algorithm>
#include <sstream>

namespace gantry {

void ProfilerWatcher::before(size_t, const Call& call, std::span<const TensorView>) {
  std::vector<std::string> path;
  std::istringstream name(call.name);
  for (std::string part; std::getline(name, part, '.');) path.push_back(part);
  // The last part is the call's own.
  const size_t most = std::min(open_.size(), path.size() - 1);
  size_t shared = 0;
  while (shared < most && open_[shared] == path[shared]) ++shared;
  close_to(shared);
  for (size_t i = shared; i < path.size(); ++i) {
    open_.push_back(path[i]);
    sink_.begin(path[i].c_str());
  }
}

void ProfilerWatcher::after(size_t, const Call&, std::span<const TensorView>) {
  close_to(open_.size() - 1);
}

void ProfilerWatcher::close_to(size_t depth) {
  for (; open_.size() > depth; open_.pop_back()) sink_.end();
}

}  // namespace gantry
