// SPDX-License-Identifier: Apache-2.0
#include "train/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

constexpr std::array<uint32_t, 256> crc32c_table() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Protocol buffer fields: a varint tag (number << 3 | wire type), then the value.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string field_varint(uint32_t number, uint64_t value) {
  return varint(number << 3) + varint(value);
}

std::string field_double(uint32_t number, double value) {
  return varint(number << 3 | 1) + raw(value);
}

std::string field_float(uint32_t number, float value) {
  return varint(number << 3 | 5) + raw(value);
}

std::string field_bytes(uint32_t number, std::string_view value) {
  return varint(number << 3 | 2) + varint(value.size()) + std::string(value);
}

// tensorflow/core/util/event.proto and framework/summary.proto.
namespace event_field {
constexpr uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace value_field {
constexpr uint32_t kTag = 1, kSimpleValue = 2, kImage = 4;
}
namespace image_field {
constexpr uint32_t kHeight = 1, kWidth = 2, kColorspace = 3, kEncoded = 4;
}
constexpr uint32_t kSummaryValue = 1, kSessionStatus = 1, kSessionStart = 1;

std::string summary(std::string_view tag, std::string_view value) {
  const std::string tagged = field_bytes(value_field::kTag, tag) + std::string(value);
  return field_bytes(event_field::kSummary, field_bytes(kSummaryValue, tagged));
}

// A file name that sorts by time and that no other process takes.
std::filesystem::path event_file(const std::filesystem::path& folder, double seconds, int number) {
  char time[32];
  std::snprintf(time, sizeof time, "%010lld", static_cast<long long>(seconds));
  return folder /
         concat("events.out.tfevents.", time, ".", host_name(), ".", ::getpid(), ".", number);
}

}  // namespace

double TensorBoardWriter::wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, uint64_t step,
                                     const Clock& clock)
    : clock_(clock) {
  make_folders(folder);
  const bool resumed = step > 0 || !std::filesystem::is_empty(folder);
  const double now = clock_();
  for (int number = 0; descriptor_ < 0; ++number) {
    path_ = event_file(folder, now, number);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) throw_io_error("create", path_, errno);
  }
  event(0, field_bytes(event_field::kFileVersion, "brain.Event:2"));
  if (resumed) {
    // What TensorBoard forgets begins with the step of this event.
    event(step == 0 ? 0 : step + 1,
          field_bytes(event_field::kSessionLog, field_varint(kSessionStatus, kSessionStart)));
  }
}

TensorBoardWriter::~TensorBoardWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TensorBoardWriter::scalar(std::string_view tag, uint64_t step, double value) {
  event(step, summary(tag, field_float(value_field::kSimpleValue, static_cast<float>(value))));
}

void TensorBoardWriter::image(std::string_view tag, uint64_t step, const Image& image) {
  const std::vector<uint8_t> png = encode_png(image);
  const std::string_view encoded(reinterpret_cast<const char*>(png.data()), png.size());
  const std::string message =
      field_varint(image_field::kHeight, static_cast<uint64_t>(image.height)) +
      field_varint(image_field::kWidth, static_cast<uint64_t>(image.width)) +
      field_varint(image_field::kColorspace, static_cast<uint64_t>(image.channels)) +
      field_bytes(image_field::kEncoded, encoded);
  event(step, summary(tag, field_bytes(value_field::kImage, message)));
}

void TensorBoardWriter::event(uint64_t step, std::string_view field) {
  const std::string payload = field_double(event_field::kWallTime, clock_()) +
                              field_varint(event_field::kStep, step) + std::string(field);
  const std::string length = raw(static_cast<uint64_t>(payload.size()));
  append(descriptor_, length + raw(masked_crc32c(length)) + payload + raw(masked_crc32c(payload)),
         path_);
}

uint32_t crc32c(std::string_view data) {
  static constexpr std::array<uint32_t, 256> kTable = crc32c_table();
  uint32_t value = 0xFFFFFFFFu;
  for (const char c : data) value = value >> 8 ^ kTable[(value ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~value;
}

uint32_t masked_crc32c(std::string_view data) { return std::rotr(crc32c(data), 15) + 0xA282EAD8u; }

}  // namespace gantry
