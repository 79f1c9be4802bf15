// SPDX-License-Identifier: Apache-2.0
#include "core/npy.h"

#include <string>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gantry {

void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape,
               std::span<const float> values) {
  constexpr size_t kPreamble = 10;   // magic, version, header length
  constexpr size_t kAlignment = 64;  // of the data, as NumPy writes it
  int64_t elements = 1;
  std::string axes;
  for (const int64_t axis : shape) {
    elements *= axis;
    axes += std::to_string(axis) + ",";
  }
  GANTRY_CHECK(elements == static_cast<int64_t>(values.size()), values.size(), " values for (",
               axes, ")");
  std::string header = concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", axes, "), }");
  const size_t unpadded = kPreamble + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(header.size() & 0xff);
  preamble += static_cast<char>(header.size() >> 8);
  AtomicFile file(path);
  file.write(preamble);
  file.write(header);
  file.write(values.data(), values.size_bytes());
  file.commit();
}

}  // namespace gantry
