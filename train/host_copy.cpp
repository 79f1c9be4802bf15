// SPDX-License-Identifier: Apache-2.0
#include "train/host_copy.h"

#include "core/half.h"

namespace gantry {
namespace {

template <typename T>
std::vector<double> widened(const T* values, size_t count) {
  std::vector<double> wide(count);
  for (size_t i = 0; i < count; ++i) wide[i] = static_cast<double>(to_float(values[i]));
  return wide;
}

}  // namespace

std::vector<double> read_reals(Device& device, Stream& stream, const TensorView& view) {
  std::vector<char> bytes(view.bytes());
  device.copy_to_host(stream, bytes.data(), view.data, bytes.size());
  stream.synchronize();
  const TensorView host{bytes.data(), view.shape, view.dtype};
  const auto count = static_cast<size_t>(view.shape.elements());
  if (view.dtype == DType::kF64) return {host.as<double>(), host.as<double>() + count};
  if (view.dtype == DType::kBF16) return widened(host.as<BFloat16>(), count);
  if (view.dtype == DType::kF16) return widened(host.as<Float16>(), count);
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
