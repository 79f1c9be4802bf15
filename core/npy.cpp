// SPDX-License-Identifier: Apache-2.0
#include "core/npy.h"

#include <string>

#include "core/error.h"

namespace gantry {

NpyWriter::NpyWriter(const std::filesystem::path& path, const std::vector<int64_t>& shape)
    : file_(path) {
  constexpr size_t kPreamble = 10;   // magic, version, header length
  constexpr size_t kAlignment = 64;  // of the data, as NumPy writes it
  std::string axes;
  for (const int64_t axis : shape) {
    missing_ *= axis;
    axes += std::to_string(axis) + ",";
  }
  std::string header = concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", axes, "), }");
  const size_t unpadded = kPreamble + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(header.size() & 0xff);
  preamble += static_cast<char>(header.size() >> 8);
  file_.write(preamble);
  file_.write(header);
}

void NpyWriter::write(std::span<const float> values) {
  file_.write(values.data(), values.size_bytes());
  missing_ -= static_cast<int64_t>(values.size());
}

void NpyWriter::commit() {
  GANTRY_CHECK(missing_ == 0, file_.path().string(), ": ", missing_, " values are missing");
  file_.commit();
}

}  // namespace gantry
