// SPDX-License-Identifier: Apache-2.0
#include "train/data/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/error.h"

namespace gantry {
namespace {

constexpr size_t kBlock = size_t{1} << 16;
// Images and arrays hardly shrink; an archive that grows a hundredfold is no data set.
constexpr int64_t kMostExpansion = 100;
constexpr int64_t kAlwaysAllowed = int64_t{64} << 20;

Bytes first_bytes(const std::filesystem::path& path) {
  Bytes start(512);
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(std::max<std::streamsize>(0, stream.gcount())));
  return start;
}

}  // namespace

void ArchiveReader::Closer::operator()(archive* reader) const { archive_read_free(reader); }

void ArchiveReader::configure() {
  reader_.reset(archive_read_new());
  GANTRY_CHECK(reader_, "libarchive gives no reader");
  archive_read_support_format_zip(reader_.get());
  archive_read_support_format_tar(reader_.get());
  archive_read_support_filter_gzip(reader_.get());
}

ArchiveReader::ArchiveReader(const std::filesystem::path& path) : archive_name_(path.string()) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw DataError(concat(path.string(), ": looked for a zip, tar or tar.gz archive, ",
                           describe_missing(path)));
  }
  size_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
  configure();
  const Bytes start = first_bytes(path);
  if (start.empty() || is_html(start)) {
    throw DataError(concat(path.string(), ": looked for a zip, tar or tar.gz archive, found ",
                           describe_content(start), "; fetch it again"));
  }
  if (archive_read_open_filename(reader_.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
    fail("open");
  }
}

ArchiveReader::ArchiveReader(ByteView bytes, std::string name)
    : archive_name_(std::move(name)), size_(static_cast<int64_t>(bytes.size())) {
  configure();
  if (archive_read_open_memory(reader_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    fail("open");
  }
}

ArchiveReader::~ArchiveReader() = default;

void ArchiveReader::fail(const std::string& doing) {
  const char* reason = archive_error_string(reader_.get());
  throw DataError(concat(name_.empty() ? archive_name_ : place(), ": cannot ", doing,
                         " the archive: ", reason ? reason : "unknown reason",
                         "; it is damaged, encrypted, truncated or no zip, tar or tar.gz"));
}

bool ArchiveReader::next() {
  if (ended_) return false;
  archive_entry* entry = nullptr;
  const int result = archive_read_next_header(reader_.get(), &entry);
  if (result == ARCHIVE_EOF) {
    ended_ = true;
    return false;
  }
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) fail("go on in");
  check_expansion();
  const char* name = archive_entry_pathname(entry);
  if (!name) name = archive_entry_pathname_utf8(entry);
  name_ = name ? name : concat("member ", archive_file_count(reader_.get()));
  std::replace(name_.begin(), name_.end(), '\\', '/');
  const auto type = archive_entry_filetype(entry);
  folder_ = type == AE_IFDIR;
  file_ = type == AE_IFREG;
  return true;
}

void ArchiveReader::check_expansion() {
  const int64_t expanded = std::max<int64_t>(delivered_, archive_filter_bytes(reader_.get(), 0));
  if (expanded > kAlwaysAllowed && expanded / kMostExpansion > size_) {
    throw DataError(concat(archive_name_, ": ", size_, " bytes have become ", expanded,
                           "; refused as a decompression bomb"));
  }
}

Bytes ArchiveReader::contents(uint64_t limit) {
  Bytes bytes;
  for (;;) {
    if (bytes.size() > limit) {
      throw DataError(concat(place(), ": is longer than the ", limit, " bytes that are read"));
    }
    const size_t before = bytes.size();
    bytes.resize(before + kBlock);
    const la_ssize_t got = archive_read_data(reader_.get(), bytes.data() + before, kBlock);
    if (got < 0) fail("read");
    bytes.resize(before + static_cast<size_t>(got));
    delivered_ += got;
    check_expansion();
    if (got == 0) break;
  }
  return bytes;
}

bool looks_like_archive(const std::filesystem::path& path) {
  const Bytes start = first_bytes(path);
  const std::string kind = describe_content(start);
  return kind == "a zip archive" || kind == "a tar archive" || kind == "a gzip file";
}

}  // namespace gantry
