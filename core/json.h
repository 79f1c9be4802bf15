// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

struct JsonMember;

// A JSON value that knows where it was written. Members keep their order.
struct JsonValue {
  enum class Kind : uint8_t { kNull, kBool, kInteger, kReal, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;  // of integers too
  std::string string;
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;

  // Index into the sources of the document; negative: written by no one (a default).
  int source = -1;
  int line = 0, column = 0;  // from 1; 0 in overrides

  // Out of line: clang 14 wants JsonMember complete in defaulted ones.
  JsonValue();
  JsonValue(const JsonValue&);
  JsonValue(JsonValue&&) noexcept;
  JsonValue& operator=(const JsonValue&);
  JsonValue& operator=(JsonValue&&) noexcept;
  ~JsonValue();

  static JsonValue of(bool value);
  static JsonValue of(int64_t value);
  static JsonValue of(double value);
  static JsonValue of(std::string value);
  static JsonValue of(const char* value) { return of(std::string(value)); }
  static JsonValue array();
  static JsonValue object();

  const JsonValue* find(std::string_view key) const;
  JsonValue* find(std::string_view key);
  // Appends; the key must not be there.
  JsonValue& add(std::string key, JsonValue value);
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

// sources[0] is the file; overrides follow in the order in which they were applied.
struct JsonDocument {
  JsonValue root;
  std::vector<std::string> sources;

  // "config.json:12:7" or "override train.batch=0".
  std::string place(const JsonValue& value) const;
  // What a JSON pointer names, or the nearest thing around it that is there.
  const JsonValue& nearest(std::string_view pointer) const;
};

inline constexpr int kMaxJsonDepth = 64;
inline constexpr size_t kMaxJsonBytes = size_t{16} << 20;

// Strict JSON (RFC 8259) in UTF-8. Refuses what others let pass: duplicate keys, numbers that
// int64 or double cannot hold, nesting deeper than kMaxJsonDepth, more than kMaxJsonBytes.
// Throws ConfigError "NAME:LINE:COLUMN: [POINTER: ]reason".
JsonDocument parse_json(std::string_view text, const std::string& name);
// As parse_json; a file that cannot be read is a ConfigError too.
JsonDocument read_json_file(const std::string& path);

// Applies "a.b.0.c=VALUE": keys and list indices to a value that is JSON, or else a bare string.
// Objects on the way are made when missing. Throws ConfigError naming the override.
void apply_override(JsonDocument& document, const std::string& text);

// Indented by two; whatever fits in 100 columns stays on one line. Numbers read back as they were.
std::string write_json(const JsonValue& value);
std::string write_json_line(const JsonValue& value);

// "/a~1b": one more step of a JSON pointer (RFC 6901), control characters escaped as in JSON.
std::string pointer_step(const std::string& pointer, std::string_view key);
std::string pointer_step(const std::string& pointer, size_t index);

}  // namespace gantry
