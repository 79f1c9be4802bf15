// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/handshake.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace gantry {
namespace {

constexpr char kMagic[] = "gantry/r";
constexpr size_t kMagicBytes = 8, kAddressBytes = 64;
constexpr size_t kAnswerText = Answer::kBytes - kOpeningBytes - 4;

class Writer {
 public:
  explicit Writer(std::span<uint8_t> bytes) : bytes_(bytes) {}
  void opening(uint32_t version) {
    std::memcpy(bytes_.data(), kMagic, kMagicBytes);
    at_ = kMagicBytes;
    number(version);
  }
  void number(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes_[at_++] = static_cast<uint8_t>(value >> shift);
    }
  }
  // Zeros behind it, one at least.
  void text(const std::string& value, size_t room) {
    std::copy_n(value.data(), std::min(value.size(), room - 1),
                bytes_.begin() + static_cast<long>(at_));
    at_ += room;
  }

 private:
  std::span<uint8_t> bytes_;
  size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes, size_t at = 0) : bytes_(bytes), at_(at) {}
  uint32_t number() {
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) value |= uint32_t{bytes_[at_++]} << shift;
    return value;
  }
  std::string text(size_t room) {
    const auto field = bytes_.subspan(at_, room);
    at_ += room;
    std::string value(field.begin(), std::find(field.begin(), field.end(), 0));
    for (char& c : value) c = c >= ' ' && c <= '~' ? c : '.';
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_;
};

}  // namespace

std::array<uint8_t, Hello::kBytes> encode(const Hello& hello) {
  std::array<uint8_t, Hello::kBytes> bytes{};
  Writer writer(bytes);
  writer.opening(hello.version);
  for (const uint32_t value : {hello.size, hello.rank, hello.port}) writer.number(value);
  writer.text(hello.job, kMostJobCharacters + 1);
  writer.text(hello.host, kMostHostCharacters + 1);
  return bytes;
}

std::array<uint8_t, Answer::kBytes> encode(const Answer& answer) {
  std::array<uint8_t, Answer::kBytes> bytes{};
  Writer writer(bytes);
  writer.opening(answer.version);
  writer.number(answer.welcome ? 1 : 0);
  writer.text(answer.text, kAnswerText);
  return bytes;
}

std::array<uint8_t, RosterEntry::kBytes> encode(const RosterEntry& entry) {
  std::array<uint8_t, RosterEntry::kBytes> bytes{};
  Writer writer(bytes);
  writer.number(entry.port);
  writer.text(entry.address, kAddressBytes);
  writer.text(entry.host, kMostHostCharacters + 1);
  return bytes;
}

bool is_opening(std::span<const uint8_t> bytes, uint32_t& version) {
  if (bytes.size() < kOpeningBytes || std::memcmp(bytes.data(), kMagic, kMagicBytes) != 0) {
    return false;
  }
  version = Reader(bytes, kMagicBytes).number();
  return true;
}

Hello decode_hello(std::span<const uint8_t> bytes) {
  GANTRY_CHECK(bytes.size() == Hello::kBytes, bytes.size());
  Reader reader(bytes, kMagicBytes);
  Hello hello;
  hello.version = reader.number();
  hello.size = reader.number();
  hello.rank = reader.number();
  hello.port = reader.number();
  hello.job = reader.text(kMostJobCharacters + 1);
  hello.host = reader.text(kMostHostCharacters + 1);
  return hello;
}

Answer decode_answer(std::span<const uint8_t> bytes) {
  GANTRY_CHECK(bytes.size() == Answer::kBytes, bytes.size());
  Reader reader(bytes, kMagicBytes);
  Answer answer;
  answer.version = reader.number();
  answer.welcome = reader.number() == 1;
  answer.text = reader.text(kAnswerText);
  return answer;
}

RosterEntry decode_entry(std::span<const uint8_t> bytes) {
  GANTRY_CHECK(bytes.size() == RosterEntry::kBytes, bytes.size());
  Reader reader(bytes);
  RosterEntry entry;
  entry.port = reader.number();
  entry.address = reader.text(kAddressBytes);
  entry.host = reader.text(kMostHostCharacters + 1);
  return entry;
}

std::string printable(std::span<const uint8_t> bytes) {
  constexpr size_t kMost = 32;
  std::string text;
  for (const uint8_t byte : bytes.first(std::min(bytes.size(), kMost))) {
    text += byte >= ' ' && byte <= '~' ? static_cast<char>(byte) : '.';
  }
  return text;
}

}  // namespace gantry
