// SPDX-License-Identifier: Apache-2.0
#include "tests/train/damaged_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include "core/png.h"
#include "tests/train/byte_files.h"

namespace gantry::testing {

Bytes gzip(const Bytes& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes png(int64_t side) {
  Image image(side, side, 1);
  image.pixels = noise(image.pixels.size());
  return encode_png(image);
}

void put(Bytes& bytes, size_t at, uint32_t big_endian) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<uint8_t>(big_endian >> (24 - 8 * i));
}

Bytes png_claiming(uint32_t side) {
  Bytes bytes = png();
  put(bytes, 16, side);
  put(bytes, 20, side);
  put(bytes, 29, static_cast<uint32_t>(crc32(0, bytes.data() + 12, 17)));
  return bytes;
}

Bytes cut(Bytes bytes, size_t size) {
  bytes.resize(size);
  return bytes;
}

void write_archive(const std::filesystem::path& path, const Members& members, bool zip) {
  archive* writer = archive_write_new();
  if (zip) {
    archive_write_set_format_zip(writer);
  } else {
    archive_write_set_format_ustar(writer);
    archive_write_add_filter_gzip(writer);
  }
  archive_write_open_filename(writer, path.c_str());
  for (const auto& [name, bytes] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

Bytes npy(const std::string& header, size_t values) {
  std::string text("\x93NUMPY\1\0", 8);
  text += static_cast<char>(header.size());
  text += static_cast<char>(header.size() >> 8);
  text += header;
  text.resize(text.size() + values);
  return Bytes(text.begin(), text.end());
}

}  // namespace gantry::testing
