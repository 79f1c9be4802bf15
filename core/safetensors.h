// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gantry {

// What a file says about one tensor. Axes are those of the memory, slowest first: an activation is
// {n, h, w, c}, a filter {o, kh, kw, i}, a vector {length}; {} is a scalar, a zero axis is legal.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;

  int64_t elements() const;
  size_t byte_count() const { return static_cast<size_t>(elements()) * dtype_bytes(dtype); }
  std::string signature() const;  // "F32 [64, 4, 4, 3]"
  bool operator==(const TensorInfo&) const = default;
};

// A tensor on the host: little-endian elements in C order.
struct HostTensor : TensorInfo {
  std::vector<std::byte> bytes;

  HostTensor() = default;
  // Zero-filled.
  HostTensor(std::string name, DType dtype, std::vector<int64_t> shape);

  template <typename T>
  std::span<T> as() {
    GANTRY_CHECK(dtype == DTypeOf<T>::kValue, name, " holds ", dtype_name(dtype));
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T>
  std::span<const T> as() const {
    GANTRY_CHECK(dtype == DTypeOf<T>::kValue, name, " holds ", dtype_name(dtype));
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  bool operator==(const HostTensor&) const = default;
};

// The axes of a Shape in memory order {n, h, w, c}; vectors (n = h = w = 1) give {c}.
std::vector<int64_t> memory_shape(const Shape& shape);

// "F32", "BF16", ...: how the format spells a type.
const char* safetensors_dtype(DType dtype);

struct SafetensorsFile {
  std::vector<HostTensor> tensors;              // in the order of their bytes in the file
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// Where each tensor lies, from a checked header.
struct SafetensorsHeader {
  struct Entry : TensorInfo {
    uint64_t begin = 0, end = 0;  // bytes, from the end of the header
  };
  std::vector<Entry> entries;  // by offset
  std::map<std::string, std::string> metadata;
  uint64_t data_start = 0;  // bytes from the start of the file
};

inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // bytes, as the format says

// How long the JSON of the header is, from the first 8 bytes (all of a shorter file).
uint64_t safetensors_header_length(std::span<const std::byte> head, uint64_t file_bytes,
                                   const std::string& file);

// The header of a file of `file_bytes` bytes that begins with `head` (8 + header length bytes of it
// at least, or all of a shorter file). `file` names it in messages. Strict: throws CheckpointError
// naming file, tensor and value for everything the format forbids: a file of less than 8 bytes,
// a header longer than the file or than 100 MB, not UTF-8, not JSON, not starting with '{', with
// duplicate or unknown keys, with an unknown type, a negative or overflowing shape, offsets that
// are reversed, overlap, leave holes or do not cover the file, or metadata that is not text.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> head, uint64_t file_bytes,
                                           const std::string& file);

// A whole file in memory, and a file on disk. CheckpointError as above; IoError when unreadable.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& file);
SafetensorsFile read_safetensors(const std::filesystem::path& path);
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

// Writes in the order of the official writer (wider types first, then names), header padded to 8
// bytes, so that the same tensors give the same bytes. Names are unique, and none is
// "__metadata__". The two forms: pieces in file order to a sink, or one durable file.
using ByteSink = std::function<void(const void* data, size_t bytes)>;
using TensorPointers = std::vector<const HostTensor*>;
void write_safetensors(const ByteSink& sink, TensorPointers tensors,
                       const std::map<std::string, std::string>& metadata);
void write_safetensors(const std::filesystem::path& path, const std::vector<HostTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace gantry
