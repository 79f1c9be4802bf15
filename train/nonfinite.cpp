// SPDX-License-Identifier: Apache-2.0
#include "train/nonfinite.h"

#include <cmath>

#include "train/host_copy.h"

namespace gantry {
namespace {

class NonfiniteWatcher : public ReplayWatcher {
 public:
  NonfiniteWatcher(Device& device, Stream& stream) : device_(device), stream_(stream) {}

  void after(size_t, const Call& call, std::span<const TensorView> args) override {
    for (size_t i = 0; i < args.size() && !found_; ++i) {
      if (call.writes(i)) look(call, i, args[i]);
    }
  }

  std::optional<std::string> found() const { return found_; }

 private:
  void look(const Call& call, size_t index, const TensorView& view) {
    const bool real = view.dtype == DType::kF32 || view.dtype == DType::kF64 ||
                      view.dtype == DType::kBF16 || view.dtype == DType::kF16;
    if (!real) return;
    const std::vector<double> values = read_reals(device_, stream_, view);
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      if (bad++ == 0) first = i;
    }
    if (bad == 0) return;
    found_ = concat(call.name, ": output ", index, " (", to_string(view.shape), "): ", bad, " of ",
                    values.size(), " values are not finite, the first at ", first);
  }

  Device& device_;
  Stream& stream_;
  std::optional<std::string> found_;
};

}  // namespace

std::optional<std::string> first_nonfinite(const Replay& replay, Device& device, Stream& stream) {
  NonfiniteWatcher watcher(device, stream);
  replay.run(stream, watcher);
  return watcher.found();
}

}  // namespace gantry
