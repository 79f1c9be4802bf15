// SPDX-License-Identifier: Apache-2.0
#include "train/tensorboard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::ScratchFolder;

// The records of a TFRecord file; both checksums of each must be right, and nothing may be left.
std::vector<std::string> read_records(const std::string& file) {
  std::vector<std::string> records;
  size_t at = 0;
  while (at < file.size()) {
    uint64_t length = 0;
    uint32_t length_crc = 0, data_crc = 0;
    if (file.size() - at < 16) throw std::runtime_error("cut record");
    std::memcpy(&length, &file[at], 8);
    std::memcpy(&length_crc, &file[at + 8], 4);
    if (masked_crc32c(file.substr(at, 8)) != length_crc) throw std::runtime_error("length CRC");
    if (file.size() - at - 16 < length) throw std::runtime_error("cut record");
    const std::string data = file.substr(at + 12, length);
    std::memcpy(&data_crc, &file[at + 12 + length], 4);
    if (masked_crc32c(data) != data_crc) throw std::runtime_error("data CRC");
    records.push_back(data);
    at += 16 + length;
  }
  return records;
}

uint64_t read_varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.at(at++));
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (!(byte & 0x80)) return value;
  }
}

// The fields of a message whose numbers do not repeat: value as raw bytes, varints as 8 of them.
std::map<uint32_t, std::string> read_message(const std::string& bytes) {
  std::map<uint32_t, std::string> fields;
  size_t at = 0;
  while (at < bytes.size()) {
    const uint64_t tag = read_varint(bytes, at);
    std::string value;
    size_t length = 0;
    switch (tag & 7) {
      case 0: {
        const uint64_t number = read_varint(bytes, at);
        value.assign(reinterpret_cast<const char*>(&number), 8);
        break;
      }
      case 1:
        length = 8;
        break;
      case 2:
        length = read_varint(bytes, at);
        break;
      case 5:
        length = 4;
        break;
      default:
        throw std::runtime_error("wire type");
    }
    if (length > bytes.size() - at) throw std::runtime_error("cut field");
    if ((tag & 7) != 0) value = bytes.substr(at, length);
    at += length;
    if (!fields.emplace(static_cast<uint32_t>(tag >> 3), value).second) {
      throw std::runtime_error("field twice");
    }
  }
  return fields;
}

template <typename T>
T as(const std::string& bytes) {
  T value;
  EXPECT_GE(bytes.size(), sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::map<uint32_t, std::string> value_of(const std::map<uint32_t, std::string>& event) {
  return read_message(read_message(event.at(5)).at(1));
}

TEST(TensorBoard, ChecksumKnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(TensorBoard, ScalarsAndImagesDecode) {
  const ScratchFolder folder;
  double now = 1000.5;
  TensorBoardWriter writer(folder / "events", 0, [&] { return now; });
  now = 1001.25;
  writer.scalar("loss/g", 300, 0.75);
  writer.scalar("loss/d", 300, NAN);
  Image image(3, 2, 3, 9);
  writer.image("samples", uint64_t{1} << 40, image);
  const std::vector<std::string> records = read_records(read_file(writer.path()));
  ASSERT_EQ(records.size(), 4u);
  const auto first = read_message(records[0]);
  EXPECT_EQ(as<double>(first.at(1)), 1000.5);
  EXPECT_EQ(first.at(3), "brain.Event:2");

  const auto scalar = read_message(records[1]);
  EXPECT_EQ(as<double>(scalar.at(1)), 1001.25);
  EXPECT_EQ(as<uint64_t>(scalar.at(2)), 300u);
  EXPECT_EQ(value_of(scalar).at(1), "loss/g");
  EXPECT_EQ(as<float>(value_of(scalar).at(2)), 0.75f);
  EXPECT_TRUE(std::isnan(as<float>(value_of(read_message(records[2])).at(2))));

  const auto picture = read_message(records[3]);
  EXPECT_EQ(as<uint64_t>(picture.at(2)), uint64_t{1} << 40);
  EXPECT_EQ(value_of(picture).at(1), "samples");
  const auto shown = read_message(value_of(picture).at(4));
  EXPECT_EQ(as<uint64_t>(shown.at(1)), 2u);
  EXPECT_EQ(as<uint64_t>(shown.at(2)), 3u);
  EXPECT_EQ(as<uint64_t>(shown.at(3)), 3u);
  const std::string& png = shown.at(4);
  EXPECT_EQ(decode_png({reinterpret_cast<const uint8_t*>(png.data()), png.size()}, "png"), image);
}

TEST(TensorBoard, ResumingStartsASessionInAFileOfItsOwn) {
  const ScratchFolder folder;
  const auto clock = [] { return 1000.0; };
  const TensorBoardWriter first(folder.path(), 0, clock);
  const TensorBoardWriter second(folder.path(), 500, clock);
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(read_records(read_file(first.path())).size(), 1u);
  const std::vector<std::string> records = read_records(read_file(second.path()));
  ASSERT_EQ(records.size(), 2u);
  const auto session = read_message(records[1]);
  EXPECT_EQ(as<uint64_t>(session.at(2)), 501u);
  EXPECT_EQ(as<uint64_t>(read_message(session.at(7)).at(1)), 1u);
  const TensorBoardWriter from_scratch(folder.path(), 0, clock);
  EXPECT_EQ(read_records(read_file(from_scratch.path())).size(), 2u);
}

TEST(TensorBoard, UnwritableFolderIsAnIoError) {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "x");
  message_of<IoError>([&] { TensorBoardWriter writer(folder / "file", 0); });
}

}  // namespace
}  // namespace gantry
