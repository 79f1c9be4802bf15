// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace gantry {

// What ranks say to each other when they meet: messages of fixed sizes, numbers little-endian, so
// that nothing that comes in decides how much memory is taken. Each begins with the same 8
// characters and the version, in every version.
inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr size_t kOpeningBytes = 12;
inline constexpr size_t kMostJobCharacters = 127, kMostHostCharacters = 63;

// From who connects.
struct Hello {
  static constexpr size_t kBytes = 216;
  uint32_t version = kProtocolVersion;
  uint32_t size = 0, rank = 0;
  uint32_t port = 0;  // where this rank listens for those above it
  std::string job = {}, host = {};
};

// From rank 0 to who said hello. Refused: `text` says why.
struct Answer {
  static constexpr size_t kBytes = 528;
  uint32_t version = kProtocolVersion;
  bool welcome = false;
  std::string text = {};
};

// Where a rank listens: rank 0 tells all of all.
struct RosterEntry {
  static constexpr size_t kBytes = 132;
  std::string address = {}, host = {};
  uint32_t port = 0;
};

std::array<uint8_t, Hello::kBytes> encode(const Hello& hello);
std::array<uint8_t, Answer::kBytes> encode(const Answer& answer);
std::array<uint8_t, RosterEntry::kBytes> encode(const RosterEntry& entry);

// Whether these are the first bytes of something that gantry, of any version, says; the version.
bool is_opening(std::span<const uint8_t> bytes, uint32_t& version);
// `bytes` are of the right size and have the right opening. Texts are cut to printable characters.
Hello decode_hello(std::span<const uint8_t> bytes);
Answer decode_answer(std::span<const uint8_t> bytes);
RosterEntry decode_entry(std::span<const uint8_t> bytes);

// What came instead, for a message: at most 32 characters, those that cannot be printed as '.'.
std::string printable(std::span<const uint8_t> bytes);

}  // namespace gantry
