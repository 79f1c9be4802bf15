// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/safetensors.h"

namespace gantry {
namespace {

constexpr DType kDTypes[] = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16,
                             DType::kI32, DType::kI64, DType::kU8};

// A value as messages show it: quoted, printable, not longer than a line.
std::string shown(const std::string& text) {
  constexpr size_t kLongest = 80;
  std::string printable;
  for (const char c : text.substr(0, kLongest)) {
    printable += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return concat('"', printable, text.size() > kLongest ? "...\"" : "\"");
}

// Reads the header as it streams by, keeping nothing but the answer, so that no hostile header
// (deep, wide, repeated keys) costs more than its own length.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& file, SafetensorsHeader& header) : file_(file), header_(header) {}

  bool null() override { return scalar("null"); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
  bool number_float(double, const std::string& text) override { return scalar(text); }
  bool number_integer(int64_t value) override { return scalar(std::to_string(value)); }
  bool binary(binary_t&) override { return scalar("bytes"); }

  bool number_unsigned(uint64_t value) override {
    if (place_ == Place::kShape && value <= static_cast<uint64_t>(INT64_MAX)) {
      entry_.shape.push_back(static_cast<int64_t>(value));
    } else if (place_ == Place::kOffsets) {
      offsets_.push_back(value);
    } else {
      scalar(std::to_string(value));
    }
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata[key_] = value;
    } else if (place_ == Place::kEntry && key_ == "dtype") {
      entry_.dtype = dtype(value);
    } else {
      scalar(shown(value));
    }
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop) {
      place_ = tensor_ == "__metadata__" ? Place::kMetadata : Place::kEntry;
      keys_.clear();
      entry_ = {};
      entry_.name = tensor_;
      offsets_.clear();
    } else {
      scalar("an object");
    }
    return true;
  }

  bool key(std::string& name) override {
    if (!(place_ == Place::kTop ? names_ : keys_).insert(name).second) {
      fail(concat(place_ == Place::kTop ? "" : where(), "the key ", shown(name), " stands twice"));
    }
    if (place_ == Place::kTop) tensor_ = name;
    if (place_ == Place::kEntry && name != "dtype" && name != "shape" && name != "data_offsets") {
      fail(concat(where(), "unknown key ", shown(name),
                  "; a tensor has dtype, shape, data_offsets"));
    }
    key_ = name;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kEntry) finish_entry();
    place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ == Place::kEntry && key_ == "shape") {
      place_ = Place::kShape;
    } else if (place_ == Place::kEntry && key_ == "data_offsets") {
      place_ = Place::kOffsets;
    } else {
      scalar("an array");
    }
    return true;
  }

  bool end_array() override {
    place_ = Place::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    // nlohmann's text starts with its own code and the place again: "[...] parse error at ...: ".
    const std::string text = error.what();
    const size_t start = text.find(": ");
    fail(concat("the header is not JSON at byte ", position, ": ",
                start == std::string::npos ? text : text.substr(start + 2)));
  }

 private:
  enum class Place { kOutside, kTop, kMetadata, kEntry, kShape, kOffsets };

  [[noreturn]] void fail(const std::string& what) const {
    throw CheckpointError(concat(file_, ": ", what));
  }

  std::string where() const {
    return tensor_ == "__metadata__" ? "__metadata__: " : concat("tensor ", shown(tensor_), ": ");
  }

  // Every value that is not wanted where it stands.
  bool scalar(const std::string& value) const {
    switch (place_) {
      case Place::kOutside:
        fail(concat("the header must be a JSON object, found ", value));
      case Place::kTop:
        fail(concat(where(), "must be an object, found ", value));
      case Place::kMetadata:
        fail(concat(where(), "the value of ", shown(key_), " must be a text, found ", value));
      case Place::kEntry:
        fail(concat(where(), key_, " is ", value, "; must be ", wanted()));
      case Place::kShape:
        fail(concat(where(), "shape has ", value, "; axes are whole numbers from 0 to 2^63 - 1"));
      case Place::kOffsets:
        fail(concat(where(), "data_offsets has ", value, "; must be two whole numbers, 0 or more"));
    }
    return false;
  }

  const char* wanted() const {
    if (key_ == "dtype") return "a text";
    return key_ == "shape" ? "an array of axes" : "an array of two numbers";
  }

  DType dtype(const std::string& name) const {
    std::string known;
    for (const DType type : kDTypes) {
      if (name == safetensors_dtype(type)) return type;
      known += concat(known.empty() ? "" : ", ", safetensors_dtype(type));
    }
    fail(concat(where(), "dtype is ", shown(name), "; Gantry reads ", known));
  }

  void finish_entry() {
    for (const char* needed : {"dtype", "shape", "data_offsets"}) {
      if (!keys_.contains(needed)) fail(concat(where(), "has no ", needed));
    }
    if (offsets_.size() != 2) {
      fail(concat(where(), "data_offsets has ", offsets_.size(), " numbers; must be two"));
    }
    if (offsets_[0] > offsets_[1]) {
      fail(concat(where(), "data_offsets [", offsets_[0], ", ", offsets_[1], "] are reversed"));
    }
    uint64_t bytes = dtype_bytes(entry_.dtype);
    for (const int64_t axis : entry_.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(axis), &bytes)) {
        fail(concat(where(), "shape ", entry_.signature(),
                    " has more bytes than 64 bits can count"));
      }
    }
    if (offsets_[1] - offsets_[0] != bytes) {
      fail(concat(where(), entry_.signature(), " needs ", bytes, " bytes, but data_offsets [",
                  offsets_[0], ", ", offsets_[1], "] hold ", offsets_[1] - offsets_[0]));
    }
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    header_.entries.push_back(entry_);
  }

  const std::string& file_;
  SafetensorsHeader& header_;
  Place place_ = Place::kOutside;
  std::set<std::string> names_, keys_;  // seen at the top, and in the object inside it
  std::string tensor_, key_;
  SafetensorsHeader::Entry entry_;
  std::vector<uint64_t> offsets_;
};

void require_full_cover(SafetensorsHeader& header, uint64_t data_bytes, const std::string& file) {
  std::sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t covered = 0;
  for (const auto& entry : header.entries) {
    if (entry.begin != covered) {
      throw CheckpointError(concat(
          file, ": tensor ", shown(entry.name), ": begins at byte ", entry.begin, " of the data, ",
          entry.begin < covered ? "inside the tensor before, which ends at "
                                : "leaving a hole after the tensor before, which ends at ",
          covered));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    throw CheckpointError(concat(
        file, ": its tensors take ", covered, " bytes, but ", data_bytes, " follow the header",
        covered > data_bytes ? ": the file is cut short" : ": something was added to the file"));
  }
}

}  // namespace

const char* safetensors_dtype(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF64:
      return "F64";
    case DType::kBF16:
      return "BF16";
    case DType::kF16:
      return "F16";
    case DType::kI32:
      return "I32";
    case DType::kI64:
      return "I64";
    case DType::kU8:
      return "U8";
  }
  return "?";
}

uint64_t safetensors_header_length(std::span<const std::byte> head, uint64_t file_bytes,
                                   const std::string& file) {
  if (file_bytes < 8) {
    throw CheckpointError(
        concat(file, ": has ", file_bytes,
               " bytes; a safetensors file begins with 8 bytes of header length"));
  }
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | std::to_integer<uint64_t>(head[i]);
  if (length > kMaxSafetensorsHeader) {
    throw CheckpointError(concat(file, ": its header claims ", length, " bytes; the format allows ",
                                 kMaxSafetensorsHeader, ". Is it a safetensors file?"));
  }
  if (length > file_bytes - 8) {
    throw CheckpointError(concat(file, ": its header claims ", length, " bytes, but only ",
                                 file_bytes - 8, " follow: the file is cut short"));
  }
  return length;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> head, uint64_t file_bytes,
                                           const std::string& file) {
  const uint64_t length = safetensors_header_length(head, file_bytes, file);
  GANTRY_CHECK(head.size() >= 8 + length, "given ", head.size(), " bytes of ", file);
  const char* text = reinterpret_cast<const char*>(head.data()) + 8;
  if (length == 0 || text[0] != '{') {
    throw CheckpointError(concat(file, ": the header must begin with '{', found ",
                                 length == 0 ? "nothing" : shown(std::string(text, 1))));
  }
  // The parser takes a NUL for the end of its input and would not see what stands behind it.
  if (const void* nul = std::memchr(text, 0, length)) {
    throw CheckpointError(concat(file, ": the header is not JSON at byte ",
                                 static_cast<const char*>(nul) - text + 1, ": a zero byte"));
  }
  SafetensorsHeader header;
  header.data_start = 8 + length;
  HeaderReader reader(file, header);
  nlohmann::json::sax_parse(text, text + length, &reader);
  require_full_cover(header, file_bytes - header.data_start, file);
  return header;
}

}  // namespace gantry
