// SPDX-License-Identifier: Apache-2.0
#include "train/system_state.h"

#include <cstdio>
#include <cstdlib>

#include "core/build_info.h"

namespace gantry {
namespace {

constexpr const char* kSampleKey = "sample";  // meta: shape of one data sample, NxCxHxW
constexpr const char* kClassesKey = "classes";
constexpr const char* kDeviceKey = "device";  // processor and threads: what the bytes depend on
constexpr const char* kBuildKey = "build";
constexpr const char* kRanksKey = "ranks";

int64_t ranks_of(const Checkpoint& checkpoint) {
  const auto found = checkpoint.meta.find(kRanksKey);
  return found == checkpoint.meta.end() ? 1 : std::atoll(found->second.c_str());
}

std::string build_name() {
  return concat("gantry ", build_version(), " ", build_type(), ", ", build_compiler());
}

}  // namespace

Checkpoint checkpoint_of(System& system, Stream& stream) {
  Device& device = *system.backend.device;
  Checkpoint checkpoint;
  for (const System::StateTensor& tensor : system.state()) {
    HostTensor host(tensor.name, tensor.view.dtype, memory_shape(tensor.view.shape));
    device.copy_to_host(stream, host.bytes.data(), tensor.view.data, host.bytes.size());
    checkpoint.tensors.push_back(std::move(host));
  }
  stream.synchronize();
  checkpoint.step = static_cast<uint64_t>(checkpoint.tensor("step").as<int64_t>()[0]);
  checkpoint.meta[kSampleKey] = to_string(system.sample.shape);
  checkpoint.meta[kClassesKey] = std::to_string(system.sample.classes);
  checkpoint.meta[kDeviceKey] = device.name();
  checkpoint.meta[kBuildKey] = build_name();
  checkpoint.meta[kRanksKey] = std::to_string(system.backend.communicator->size());
  return checkpoint;
}

void restore_system(System& system, Stream& stream, const Checkpoint& checkpoint,
                    const std::string& place) {
  Device& device = *system.backend.device;
  const std::vector<System::StateTensor> state = system.state();
  std::vector<TensorInfo> expected;
  expected.reserve(state.size());
  for (const System::StateTensor& tensor : state) {
    expected.push_back({tensor.name, tensor.view.dtype, memory_shape(tensor.view.shape)});
  }
  require_same_tensors(expected, checkpoint, place);
  const int64_t steps = checkpoint.tensor("step").as<int64_t>()[0];
  if (steps != static_cast<int64_t>(checkpoint.step)) {
    throw CheckpointError(concat(place, ": the manifest says step ", checkpoint.step,
                                 " and the tensor \"step\" says ", steps));
  }
  for (const System::StateTensor& tensor : state) {
    const HostTensor& host = checkpoint.tensor(tensor.name);
    device.copy_to_device(stream, tensor.view.data, host.bytes.data(), host.bytes.size());
  }
  stream.synchronize();
  system.narrow_weights(stream);
}

std::string why_not_exact(const System& system, const Checkpoint& checkpoint) {
  std::string reasons;
  const auto compare = [&](const char* key, const std::string& here) {
    const auto there = checkpoint.meta.find(key);
    if (there == checkpoint.meta.end() || there->second == here) return;
    reasons += concat(reasons.empty() ? "" : "; ", "saved by ", there->second, ", now ", here);
  };
  compare(kDeviceKey, system.backend.device->name());
  compare(kBuildKey, build_name());
  const std::string earlier = earlier_ranks(system, checkpoint);
  if (!earlier.empty()) {
    reasons += concat(reasons.empty() ? "" : "; ", "trained on other numbers of ranks: ", earlier);
  }
  return reasons;
}

std::string why_not_on_these_ranks(const System& system, const Checkpoint& checkpoint) {
  const int64_t saved = ranks_of(checkpoint), now = system.backend.communicator->size();
  if (saved == now || system.config.distributed.virtual_ranks > 0) return "";
  return concat("step ", checkpoint.step, " was trained on ", saved,
                saved == 1 ? " rank" : " ranks", ", and this is ", now,
                ": sums over a batch would be cut otherwise, and statistics of batch_norm be those "
                "of other shards");
}

std::string earlier_ranks(const System& system, const Checkpoint& checkpoint) {
  const auto before = checkpoint.meta.find(kEarlierRanksKey);
  std::string earlier = before == checkpoint.meta.end() ? "" : before->second;
  if (why_not_on_these_ranks(system, checkpoint).empty()) return earlier;
  return concat(earlier, earlier.empty() ? "" : ", ", ranks_of(checkpoint), " to step ",
                checkpoint.step);
}

SampleSpec sample_spec(const Checkpoint& checkpoint, const std::string& place) {
  long n = 0, c = 0, h = 0, w = 0, classes = 0;
  const auto shape = checkpoint.meta.find(kSampleKey);
  if (shape == checkpoint.meta.end() ||
      std::sscanf(shape->second.c_str(), "%ldx%ldx%ldx%ld", &n, &c, &h, &w) != 4 || n != 1 ||
      c < 1 || h < 1 || w < 1) {
    throw CheckpointError(concat(place, ": the manifest does not say the shape of a sample"));
  }
  const auto labels = checkpoint.meta.find(kClassesKey);
  if (labels == checkpoint.meta.end() ||
      std::sscanf(labels->second.c_str(), "%ld", &classes) != 1 || classes < 0) {
    throw CheckpointError(concat(place, ": the manifest does not say how many classes there are"));
  }
  return {{n, c, h, w}, classes};
}

}  // namespace gantry
