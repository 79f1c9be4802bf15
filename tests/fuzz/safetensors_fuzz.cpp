// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "core/safetensors.h"

namespace {

// The seeds need no length prefix of their own: half of the inputs are taken as header and data
// after a correct one, so that the fuzzer gets past the first check at once.
std::vector<std::byte> with_length(const uint8_t* data, size_t size) {
  const size_t header = size < 2 ? 0 : std::min<size_t>(size - 2, data[0] | data[1] << 8);
  std::vector<std::byte> file(8);
  for (int i = 0; i < 8; ++i) file[i] = std::byte(header >> (8 * i));
  for (size_t i = 2; i < size; ++i) file.push_back(std::byte(data[i]));
  return file;
}

void check(std::span<const std::byte> file) {
  try {
    const gantry::SafetensorsFile first = gantry::parse_safetensors(file, "fuzz");
    // What was accepted must survive being written and read again.
    std::vector<std::byte> written;
    gantry::TensorPointers tensors;
    for (const auto& tensor : first.tensors) tensors.push_back(&tensor);
    gantry::write_safetensors(
        [&](const void* data, size_t bytes) {
          const auto* start = static_cast<const std::byte*>(data);
          written.insert(written.end(), start, start + bytes);
        },
        tensors, first.metadata);
    const gantry::SafetensorsFile second = gantry::parse_safetensors(written, "fuzz");
    if (second.tensors.size() != first.tensors.size() || second.metadata != first.metadata) abort();
  } catch (const gantry::CheckpointError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] % 2 == 0) {
    check({reinterpret_cast<const std::byte*>(data + 1), size - 1});
  } else if (size > 0) {
    check(with_length(data + 1, size - 1));
  }
  return 0;
}
