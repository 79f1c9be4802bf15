// SPDX-License-Identifier: Apache-2.0
#include "train/host_copy.h"

namespace gantry {

std::vector<double> read_reals(Device& device, Stream& stream, const TensorView& view) {
  std::vector<char> bytes(view.bytes());
  device.copy_to_host(stream, bytes.data(), view.data, bytes.size());
  stream.synchronize();
  const TensorView host{bytes.data(), view.shape, view.dtype};
  const auto count = static_cast<size_t>(view.shape.elements());
  if (view.dtype == DType::kF64) return {host.as<double>(), host.as<double>() + count};
  return {host.as<float>(), host.as<float>() + count};
}

void write_reals(Device& device, Stream& stream, const TensorView& view,
                 std::span<const float> values) {
  GANTRY_CHECK(static_cast<int64_t>(values.size()) == view.shape.elements(), values.size(),
               " values for ", to_string(view.shape));
  if (view.dtype == DType::kF64) {
    const std::vector<double> wide(values.begin(), values.end());
    device.copy_to_device(stream, view.data, wide.data(), view.bytes());
    stream.synchronize();
    return;
  }
  GANTRY_CHECK(view.dtype == DType::kF32, "host values for ", dtype_name(view.dtype));
  device.copy_to_device(stream, view.data, values.data(), view.bytes());
  stream.synchronize();
}

}  // namespace gantry
