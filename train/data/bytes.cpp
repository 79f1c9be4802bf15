// SPDX-License-Identifier: Apache-2.0
#include "train/data/bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace gantry {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

bool starts_with(ByteView bytes, const char* magic, size_t length) {
  return bytes.size() >= length && std::memcmp(bytes.data(), magic, length) == 0;
}

}  // namespace

Bytes read_data_file(const std::filesystem::path& path, uint64_t limit, const std::string& wanted,
                     const std::string& limited_by) {
  const std::string place = concat(path.string(), ": looked for ", wanted, ", ");
  const Descriptor file(path);
  struct stat status = {};
  if (file.value() < 0 || ::fstat(file.value(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw DataError(place + describe_missing(path));
    throw DataError(concat(place, "cannot open it: ", std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw DataError(place + (S_ISDIR(status.st_mode) ? "found a folder" : "found no regular file"));
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size == 0) throw DataError(place + "found an empty file; fetch or copy it again");
  if (size > limit) {
    throw DataError(concat(
        place, "found ", size, " bytes; at most ", limit, " are read",
        limited_by.empty() ? "" : concat(", which ", limited_by, " sets: raise it if need be")));
  }
  Bytes bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.value(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError(concat(place, "cannot read it: ", std::strerror(errno)));
    if (got == 0) throw DataError(place + "it became shorter while it was read");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

bool is_gzip(ByteView bytes) { return starts_with(bytes, "\x1f\x8b", 2); }

bool is_html(ByteView bytes) {
  std::string start(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 512));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return start.find("<html") != std::string::npos || start.find("<!doctype") != std::string::npos;
}

std::string describe_content(ByteView bytes) {
  if (bytes.empty()) return "an empty file";
  if (is_html(bytes)) return "an HTML page (a failed download?)";
  if (is_gzip(bytes)) return "a gzip file";
  if (starts_with(bytes, "PK", 2)) return "a zip archive";
  if (starts_with(bytes, "\x89PNG", 4)) return "a PNG image";
  if (starts_with(bytes, "\xff\xd8\xff", 3)) return "a JPEG image";
  if (starts_with(bytes, "GIF8", 4)) return "a GIF image";
  if (starts_with(bytes, "BM", 2)) return "a BMP image";
  if (starts_with(bytes, "RIFF", 4)) return "a RIFF file (WebP?)";
  if (starts_with(bytes, "\x93NUMPY", 6)) return "a npy array";
  if (starts_with(bytes, "7z\xbc\xaf", 4)) return "a 7-Zip archive";
  if (bytes.size() > 262 && std::memcmp(bytes.data() + 257, "ustar", 5) == 0)
    return "a tar archive";
  const ByteView start = bytes.first(std::min<size_t>(bytes.size(), 64));
  const bool text = std::all_of(start.begin(), start.end(), [](uint8_t c) {
    return c == '\n' || c == '\r' || c == '\t' || (c >= 32 && c < 127);
  });
  return text ? "text" : "bytes of an unknown kind";
}

std::string describe_folder(const std::filesystem::path& folder) {
  constexpr size_t kShown = 8;
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (names.empty()) return error ? "nothing readable" : "nothing";
  std::sort(names.begin(), names.end());
  std::string text;
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += concat(" and ", names.size() - kShown, " more");
  return text;
}

std::string describe_missing(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, ignored)) {
    return concat("found no folder ", folder.string(), "; relative paths start at ",
                  std::filesystem::current_path(ignored).string());
  }
  return concat("but it does not exist; the folder ", folder.string(),
                " holds: ", describe_folder(folder));
}

struct ContentReader::Inflater {
  z_stream stream = {};
  bool ended = false;
  ~Inflater() { inflateEnd(&stream); }
};

ContentReader::ContentReader(ByteView bytes, std::string file)
    : bytes_(bytes), file_(std::move(file)) {
  if (!is_gzip(bytes_)) return;
  inflater_ = std::make_unique<Inflater>();
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  GANTRY_CHECK(inflateInit2(&inflater_->stream, kGzipOnly) == Z_OK, "zlib does not start");
}

ContentReader::~ContentReader() = default;

size_t ContentReader::read(uint8_t* out, size_t count) {
  size_t done = 0;
  while (done < count) {
    const size_t piece = std::min(count - done, kPiece);
    size_t got = 0;
    if (inflater_) {
      got = inflate_some(out + done, piece);
    } else {
      got = std::min(piece, bytes_.size() - position_);
      std::copy_n(bytes_.data() + position_, got, out + done);
      position_ += got;
    }
    if (got == 0) break;
    done += got;
  }
  return done;
}

size_t ContentReader::inflate_some(uint8_t* out, size_t count) {
  z_stream& stream = inflater_->stream;
  if (inflater_->ended) return 0;
  stream.next_out = out;
  stream.avail_out = static_cast<uInt>(count);
  while (stream.avail_out > 0 && !inflater_->ended) {
    const size_t piece = std::min(kPiece, bytes_.size() - position_);
    stream.next_in = const_cast<uint8_t*>(bytes_.data() + position_);
    stream.avail_in = static_cast<uInt>(piece);
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    position_ += piece - stream.avail_in;
    if (result == Z_STREAM_END) {
      inflater_->ended = true;
    } else if (result == Z_BUF_ERROR || (result == Z_OK && piece == 0)) {
      throw DataError(concat(file_, ": the gzip data end too early, after ", bytes_.size(),
                             " bytes; the file is truncated: fetch or copy it again"));
    } else if (result != Z_OK) {
      throw DataError(concat(file_, ": damaged gzip data at byte ", position_, " (",
                             stream.msg ? stream.msg : "zlib error", "); fetch or copy it again"));
    }
  }
  return count - stream.avail_out;
}

Bytes ContentReader::read_exactly(uint64_t count, const std::string& what) {
  Bytes content;
  while (content.size() < count) {
    const size_t before = content.size();
    content.resize(before + static_cast<size_t>(std::min<uint64_t>(kPiece, count - before)));
    const size_t got = read(content.data() + before, content.size() - before);
    if (before + got < content.size()) {
      throw DataError(concat(file_, ": looked for ", what, " of ", count, " bytes, found ",
                             before + got, "; the file is truncated: fetch or copy it again"));
    }
  }
  return content;
}

void ContentReader::expect_end() {
  uint8_t byte = 0;
  if (read(&byte, 1) == 1 || position_ < bytes_.size()) {
    throw DataError(concat(file_,
                           ": there is more in it than its header says; it is damaged or "
                           "of another format"));
  }
}

}  // namespace gantry
