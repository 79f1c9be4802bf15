// SPDX-License-Identifier: Apache-2.0
#include "core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/atomic_file.h"

namespace gantry {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian, and so is every machine that Gantry knows");

// The rank that the official writer sorts types by; wide types first keeps all data aligned.
int dtype_rank(DType dtype) {
  switch (dtype) {
    case DType::kI64:
      return 0;
    case DType::kF64:
      return 1;
    case DType::kF32:
      return 2;
    case DType::kI32:
      return 3;
    case DType::kBF16:
      return 4;
    case DType::kF16:
      return 5;
    case DType::kU8:
      return 6;
  }
  return 7;
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

std::string render_header(const TensorPointers& tensors,
                          const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    const char* comma = "";
    for (const auto& [key, value] : metadata) {
      text += concat(std::exchange(comma, ","), quoted(key), ":", quoted(value));
    }
    text += "}";
  }
  uint64_t offset = 0;
  for (const HostTensor* tensor : tensors) {
    if (text.size() > 1) text += ",";
    text += concat(quoted(tensor->name), ":{\"dtype\":\"", safetensors_dtype(tensor->dtype),
                   "\",\"shape\":[");
    const char* comma = "";
    for (const int64_t axis : tensor->shape) text += concat(std::exchange(comma, ","), axis);
    text += concat("],\"data_offsets\":[", offset, ",", offset + tensor->bytes.size(), "]}");
    offset += tensor->bytes.size();
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void require_writable(const TensorPointers& sorted) {
  for (size_t i = 0; i < sorted.size(); ++i) {
    const HostTensor& tensor = *sorted[i];
    GANTRY_CHECK(tensor.name != "__metadata__", "a tensor cannot have this name");
    GANTRY_CHECK(tensor.bytes.size() == tensor.byte_count(), tensor.name, " is ",
                 tensor.signature(), " but has ", tensor.bytes.size(), " bytes");
  }
  std::vector<std::string> names;
  for (const HostTensor* tensor : sorted) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  GANTRY_CHECK(twice == names.end(), "two tensors are named ", *twice);
}

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path)
      : name_(path.string()), stream_(path, std::ios::binary) {
    if (!stream_) throw_io_error("open", path, errno);
    if (std::filesystem::is_directory(path)) throw_io_error("read", path, EISDIR);
    stream_.seekg(0, std::ios::end);
    const std::streamoff end = stream_.tellg();
    stream_.seekg(0);
    if (end < 0 || !stream_) throw_io_error("read", path, EIO);
    bytes_ = static_cast<uint64_t>(end);
  }

  uint64_t bytes() const { return bytes_; }
  const std::string& name() const { return name_; }

  void read(std::byte* out, uint64_t count) {
    stream_.read(reinterpret_cast<char*>(out), static_cast<std::streamsize>(count));
    if (static_cast<uint64_t>(stream_.gcount()) != count) {
      throw CheckpointError(concat(name_,
                                   ": could not be read to its end; it changed meanwhile, "
                                   "or the disk is faulty"));
    }
  }

 private:
  std::string name_;
  std::ifstream stream_;
  uint64_t bytes_ = 0;
};

SafetensorsHeader read_header(InputFile& file) {
  std::vector<std::byte> head(std::min<uint64_t>(8, file.bytes()));
  file.read(head.data(), head.size());
  const uint64_t length = safetensors_header_length(head, file.bytes(), file.name());
  head.resize(8 + length);
  file.read(head.data() + 8, length);
  return parse_safetensors_header(head, file.bytes(), file.name());
}

}  // namespace

int64_t TensorInfo::elements() const {
  int64_t count = 1;
  for (const int64_t axis : shape) count *= axis;
  return count;
}

std::string TensorInfo::signature() const {
  std::string text = concat(safetensors_dtype(dtype), " [");
  const char* comma = "";
  for (const int64_t axis : shape) text += concat(std::exchange(comma, ", "), axis);
  return text + "]";
}

HostTensor::HostTensor(std::string tensor_name, DType type, std::vector<int64_t> axes)
    : TensorInfo{std::move(tensor_name), type, std::move(axes)}, bytes(byte_count()) {}

std::vector<int64_t> memory_shape(const Shape& shape) {
  if (shape.n == 1 && shape.h == 1 && shape.w == 1) return {shape.c};
  return {shape.n, shape.h, shape.w, shape.c};
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, const std::string& file) {
  SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), file);
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (SafetensorsHeader::Entry& entry : header.entries) {
    const auto data = bytes.subspan(header.data_start + entry.begin, entry.end - entry.begin);
    HostTensor& tensor = result.tensors.emplace_back();
    static_cast<TensorInfo&>(tensor) = std::move(entry);
    tensor.bytes.assign(data.begin(), data.end());
  }
  return result;
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  InputFile file(path);
  SafetensorsHeader header = read_header(file);
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (SafetensorsHeader::Entry& entry : header.entries) {
    HostTensor& tensor = result.tensors.emplace_back();
    tensor.bytes.resize(entry.end - entry.begin);
    static_cast<TensorInfo&>(tensor) = std::move(entry);
    file.read(tensor.bytes.data(), tensor.bytes.size());
  }
  return result;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  InputFile file(path);
  return read_header(file);
}

void write_safetensors(const ByteSink& sink, TensorPointers tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const HostTensor* a, const HostTensor* b) {
    return std::make_tuple(dtype_rank(a->dtype), std::cref(a->name)) <
           std::make_tuple(dtype_rank(b->dtype), std::cref(b->name));
  });
  require_writable(tensors);
  const std::string header = render_header(tensors, metadata);
  const uint64_t length = header.size();
  sink(&length, sizeof length);
  sink(header.data(), header.size());
  for (const HostTensor* tensor : tensors) sink(tensor->bytes.data(), tensor->bytes.size());
}

void write_safetensors(const std::filesystem::path& path, const std::vector<HostTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  TensorPointers pointers;
  for (const HostTensor& tensor : tensors) pointers.push_back(&tensor);
  AtomicFile file(path);
  write_safetensors([&](const void* data, size_t bytes) { file.write(data, bytes); }, pointers,
                    metadata);
  file.commit();
}

}  // namespace gantry
